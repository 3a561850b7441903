//! Rule 7: `decide` judges, and whoever has the book can derive it again. Every decision in it follows from the entries
//! before it: verdicts, phases, intents, retries, questions and the ends of runs. (Plans belong to `planning`.)

use super::Ledger;
use model::Event;

/// The newest entry is a decision that does not follow.
pub(crate) fn derived(ledger: &Ledger) -> Option<String> {
    let entry = ledger.entries.last()?;
    if matches!(entry.event, Event::Planned { .. }) {
        return None;
    }
    let (position, what) = ledger.different().last()?;
    (*position == entry.position).then(|| format!("entry {position}: {what}: {:?}", entry.event))
}

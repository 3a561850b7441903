//! Rules 7 and 8: every decision can be derived again from the book; nothing is good for want of evidence.

use super::Ledger;
use decide::replay::Replay;
use decide::{Blobs, Schemas, gate};
use model::{Event, Target, Verdict};
use std::sync::Arc;

/// Derives every decision of the book again.
pub(crate) fn again(ledger: &Ledger, schemas: &Arc<Schemas>, blobs: &dyn Blobs) -> Option<String> {
    let mut replay = Replay::new(schemas.clone(), None);
    for entry in &ledger.entries {
        if let Err(illegal) = replay.take(entry, blobs) {
            return Some(illegal.to_string());
        }
    }
    let (_, report) = replay.finish();
    let (position, what) = report.different.first()?;
    let entry = usize::try_from(*position)
        .ok()
        .and_then(|at| ledger.entries.get(at.checked_sub(1)?));
    Some(format!(
        "entry {position}: {what}: {:?}",
        entry.map(|entry| &entry.event)
    ))
}

/// A verdict was recorded: the evidence beside it must bear it.
pub(crate) fn judged(ledger: &Ledger, event: &Event) -> Option<String> {
    let Event::Judged {
        service,
        evidence,
        verdict,
        ..
    } = event
    else {
        return None;
    };
    let rollout = ledger.world.services.get(service)?.rollout.as_ref()?;
    let target: &Target = &rollout.target;
    let rules = &target.rollout;
    let bad = rules.judge.errors && gate::is_bad(evidence, rules.judge.false_alarm_ppm);
    match verdict {
        Verdict::Good if bad => Some(format!("{service} was judged good on bad evidence")),
        Verdict::Good if evidence.new_finished < rules.requests_min.max(1) => Some(format!(
            "{service} was judged good after {} requests",
            evidence.new_finished
        )),
        Verdict::Bad if !bad => Some(format!("{service} was judged bad without evidence")),
        Verdict::Good | Verdict::Bad | Verdict::NotEnoughEvidence => None,
    }
}

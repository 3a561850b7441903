//! Rule 2 and R1: no effect without its intent before it on durable storage.

use super::Ledger;
use model::{ActionId, Effect, Event};

/// A request is about to be sent.
pub(crate) fn sent(
    ledger: &Ledger,
    action: ActionId,
    attempt: u32,
    effect: &Effect,
) -> Option<String> {
    let intended = ledger.intents.get(&(action, attempt));
    match intended.map(|entry| &entry.event) {
        Some(Event::Intended {
            effect: intended, ..
        }) if is_as_intended(intended, effect) => None,
        Some(_) => Some(format!(
            "{} was sent otherwise than intended",
            effect.subject()
        )),
        None => Some(format!(
            "{} was sent before its intent (attempt {attempt}) was durable",
            effect.subject()
        )),
    }
}

/// Whether a request is what was intended. Looks at the health of an object have what is left of their time, after a
/// crash.
fn is_as_intended(intended: &Effect, sent: &Effect) -> bool {
    let (Effect::Probe(intended), Effect::Probe(sent)) = (intended, sent) else {
        return intended == sent;
    };
    let mut whole = sent.clone();
    whole.manner.deadline_ms = intended.manner.deadline_ms;
    sent.manner.deadline_ms <= intended.manner.deadline_ms && whole == *intended
}

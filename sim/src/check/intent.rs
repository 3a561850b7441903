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
        }) if intended == effect => None,
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

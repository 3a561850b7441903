//! Rule 10: a limit on everything that repeats.

use decide::World;
use decide::limits::{ATTEMPTS_MAX, RETRY_RESERVE, RETRY_SHARE_PERCENT};
use model::{ActionId, Effect};
use std::collections::BTreeMap;

/// How often each attempt was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(BTreeMap<(ActionId, u32), u32>);

impl Sent {
    /// An attempt is sent. Those that were `lost` with an engine are not counted.
    pub(crate) fn again(
        &mut self,
        world: &World,
        action: ActionId,
        attempt: u32,
        effect: &Effect,
        lost: u32,
    ) -> Option<String> {
        let sent = self.0.entry((action, attempt)).or_default();
        *sent += 1;
        if *sent > 1 {
            return Some(format!(
                "attempt {attempt} at {} was sent {sent} times",
                effect.subject()
            ));
        }
        if attempt > ATTEMPTS_MAX + lost {
            return Some(format!(
                "attempt {attempt} at {} ({action})",
                effect.subject()
            ));
        }
        let Effect::Change(change) = effect else {
            return None;
        };
        let health = world.run.as_ref()?.providers.get(&change.provider)?;
        // The budget is looked at when a retry is decided, so those decided together may go over it together.
        let most = RETRY_RESERVE + health.calls * RETRY_SHARE_PERCENT / 100 + 64;
        (health.retries > most)
            .then(|| format!("{} retries among {} calls", health.retries, health.calls))
    }
}

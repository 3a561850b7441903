//! When and how often a failed attempt is repeated: full jitter from the run's seed, a bound on attempts, a budget and
//! a breaker per provider. All of it is a function of the book.

use crate::limits::{
    BREAKER_FAILURES, BREAKER_OPEN_MS, RETRY_AFTER_MS_MAX, RETRY_BASE_MS, RETRY_CAP_MS,
    RETRY_RESERVE, RETRY_SHARE_PERCENT,
};
use model::{ActionId, Digest};
use serde::{Deserialize, Serialize};

/// How one provider has been answering in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Attempts begun.
    pub calls: u64,
    /// Those of them that were repetitions of failed ones.
    pub retries: u64,
    /// Failures since the last success.
    pub failures_in_row: u32,
    /// No attempt before this time, while the breaker is open.
    pub closed_until_ms: i64,
}

impl Health {
    /// Whether another repetition is within the budget.
    pub fn may_retry(&self) -> bool {
        self.retries < RETRY_RESERVE + self.calls * RETRY_SHARE_PERCENT / 100
    }

    pub(crate) fn failed(&mut self, at_ms: i64) {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        if self.failures_in_row >= BREAKER_FAILURES {
            self.closed_until_ms = at_ms.saturating_add(BREAKER_OPEN_MS);
        }
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures_in_row = 0;
        self.closed_until_ms = 0;
    }
}

/// The pause before the next attempt: uniform between one millisecond and an exponentially growing bound ("full
/// jitter"), drawn from the run's seed, or what the outside asked for if that is longer.
pub fn delay_ms(seed: u64, action: ActionId, attempt: u32, retry_after_ms: Option<u64>) -> u64 {
    let doublings = attempt.saturating_sub(1).min(16);
    let bound = RETRY_CAP_MS.min(RETRY_BASE_MS << doublings);
    let parts: [&[u8]; 3] = [
        &seed.to_be_bytes(),
        &action.0.to_be_bytes(),
        &attempt.to_be_bytes(),
    ];
    let digest = Digest::of_parts("steadfast.retry.1", &parts);
    let [a, b, c, d, e, f, g, h, ..] = digest.0;
    let drawn = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % bound + 1;
    drawn.max(retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MS_MAX))
}

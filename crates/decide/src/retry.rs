//! When and how often a failed attempt is repeated: full jitter from the run's seed, a bound on attempts, a budget and
//! a breaker per provider. All of it is a function of the book.

use crate::limits::{
    BREAKER_FAILURES, BREAKER_OPEN_MS, RETRY_AFTER_MS_MAX, RETRY_BASE_MS, RETRY_CAP_MS,
    RETRY_RESERVE, RETRY_SHARE_PERCENT, SUCCESSES_FOR_ONE_MORE, THROTTLED_KEEPS_PERCENT,
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
    /// Most attempts under way at the same time, after attempts were turned away because there were too many; none for
    /// as many as the run may have.
    pub at_once: Option<u32>,
    /// Successes since that number changed.
    pub successes: u32,
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

    /// It turned an attempt away because there were too many at once.
    pub(crate) fn throttled(&mut self, limit: u32) {
        let at_once = self.at_once.unwrap_or(limit).min(limit);
        self.at_once = Some((at_once * THROTTLED_KEEPS_PERCENT / 100).max(1));
        self.successes = 0;
    }

    pub(crate) fn succeeded(&mut self, limit: u32) {
        self.failures_in_row = 0;
        self.closed_until_ms = 0;
        let Some(at_once) = self.at_once else {
            return;
        };
        self.successes += 1;
        if self.successes >= SUCCESSES_FOR_ONE_MORE {
            self.successes = 0;
            self.at_once = Some(at_once + 1).filter(|more| *more < limit);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_turns_attempts_away_gets_fewer_and_then_slowly_more() {
        let mut health = Health::default();
        let mut seen = alloc::vec::Vec::new();
        for _ in 0..8 {
            health.throttled(10);
            seen.push(health.at_once);
        }
        assert_eq!(seen, [7, 4, 2, 1, 1, 1, 1, 1].map(Some));
        for _ in 0..SUCCESSES_FOR_ONE_MORE {
            health.succeeded(10);
        }
        assert_eq!(health.at_once, Some(2));
        for _ in 0..SUCCESSES_FOR_ONE_MORE * 8 {
            health.succeeded(10);
        }
        assert_eq!(health.at_once, None, "as many as the run may have");
    }
}

//! When and how often a failed attempt is repeated: full jitter from the run's seed, a bound on attempts, a budget and
//! a breaker per provider. All of it is a function of the book. The `retry` block of an object says how often and after
//! which pauses, and what passes beside what its provider is known to say of trouble that does
//! (`docs/decisions/0028-retry-blocks.md`).

use crate::limits::{
    BREAKER_FAILURES, BREAKER_OPEN_MS, RETRY_AFTER_MS_MAX, RETRY_BASE_MS, RETRY_CAP_MS,
    RETRY_RESERVE, RETRY_SHARE_PERCENT, SUCCESSES_FOR_ONE_MORE, THROTTLED_KEEPS_PERCENT,
};
use model::{ActionId, Digest, Effect, Outcome, Retry};
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
    /// Most attempts under way at the same time, once that is something of its own; none for as many as the run says.
    pub at_once: Option<u32>,
    /// Successes since that number changed.
    pub successes: u32,
    /// It turned an attempt away because there were too many at once.
    pub turned_away: bool,
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
    pub(crate) fn throttled(&mut self, at_once: u32) {
        self.at_once = Some((at_once * THROTTLED_KEEPS_PERCENT / 100).max(1));
        self.successes = 0;
        self.turned_away = true;
    }

    /// Nobody said how many attempts may be under way at the same time, and it answers well: one more for each success,
    /// which doubles them in the time of one attempt, until it turns one away (TCP's slow start, RFC 5681 section 3.1).
    pub(crate) fn grow(&mut self, at_once: u32, limit: u32) {
        if !self.turned_away {
            self.at_once = Some((at_once + 1).min(limit));
        }
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
            self.at_once = Some((at_once + 1).min(limit));
        }
    }
}

/// The pause before the next attempt: uniform between one millisecond and an exponentially growing bound ("full
/// jitter"), drawn from the run's seed, or what the outside asked for if that is longer.
pub fn delay_ms(
    seed: u64,
    action: ActionId,
    attempt: u32,
    retry: Option<&Retry>,
    retry_after_ms: Option<u64>,
) -> u64 {
    let base_ms = retry.and_then(|retry| retry.base_ms);
    let cap_ms = retry.and_then(|retry| retry.cap_ms);
    let factor = 2_u64.saturating_pow(attempt.saturating_sub(1));
    let grown_ms = base_ms.unwrap_or(RETRY_BASE_MS).saturating_mul(factor);
    let bound = grown_ms.min(cap_ms.unwrap_or(RETRY_CAP_MS)).max(1);
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

/// What an outcome is by what is written for the object: a refusal of which its `retry` block says that it passes is a
/// failed attempt, which another may follow. Nothing else changes: what had an effect is never repeated, and what may
/// have had one is looked for first.
pub fn judged(effect: &Effect, outcome: Outcome) -> Outcome {
    match (effect, outcome) {
        (Effect::Change(change), Outcome::Refused { diagnostics })
            if change
                .retry
                .as_ref()
                .is_some_and(|retry| value::functions::fits(&retry.on, &diagnostics)) =>
        {
            Outcome::Failed {
                diagnostics,
                retry_after_ms: None,
            }
        }
        (_, outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_those_that_are_written() {
        let retry = |base_ms, cap_ms| Retry {
            base_ms,
            cap_ms,
            ..Retry::default()
        };
        let longest = |retry: Option<&Retry>, attempt| {
            let drawn = (0..200).map(|seed| delay_ms(seed, ActionId(7), attempt, retry, None));
            drawn.max().unwrap_or_default()
        };
        // What is drawn comes near to its bound and never above it.
        for (retry, attempt, bound_ms) in [
            (None, 1, RETRY_BASE_MS),
            (None, 3, RETRY_BASE_MS * 4),
            (None, 90, RETRY_CAP_MS),
            (Some(retry(Some(10_000), Some(60_000))), 1, 10_000),
            (Some(retry(Some(10_000), Some(60_000))), 100, 60_000),
            (Some(retry(Some(10_000), None)), 9, RETRY_CAP_MS),
            (Some(retry(None, Some(100))), 1, 100),
        ] {
            let longest = longest(retry.as_ref(), attempt);
            assert!(
                longest <= bound_ms && longest > bound_ms * 9 / 10,
                "{retry:?}: {longest}"
            );
        }
    }

    #[test]
    fn who_turns_attempts_away_gets_fewer_and_then_slowly_more() {
        let mut health = Health::default();
        let mut seen = alloc::vec::Vec::new();
        for _ in 0..8 {
            health.throttled(health.at_once.unwrap_or(10));
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
        assert_eq!(health.at_once, Some(10), "as many as the run may have");
        health.grow(10, 40);
        assert_eq!(
            health.at_once,
            Some(10),
            "who has turned attempts away gets more slowly"
        );
    }

    #[test]
    fn who_answers_well_gets_twice_as_many_in_the_time_of_one_attempt() {
        let mut health = Health::default();
        for _ in 0..10 {
            health.succeeded(40);
            health.grow(health.at_once.unwrap_or(10), 40);
        }
        assert_eq!(health.at_once, Some(20));
        for _ in 0..100 {
            health.grow(health.at_once.unwrap_or(10), 40);
        }
        assert_eq!(health.at_once, Some(40), "and never more than that");
    }
}

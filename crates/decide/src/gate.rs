//! Evidence to verdict: a sequential test with a stated false-alarm rate that may be looked at after every request.
//!
//! Two arms take requests side by side, the old version and the new. When both are equally good, each failed request
//! falls on the new one with a chance given by the request counts alone, so a bettor against that chance cannot grow
//! rich: the score below is a test martingale, and by Ville's inequality it passes `1 / alpha` with a chance of at most
//! `alpha`, whenever one looks (Turner, Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests";
//! Fisher's noncentral hypergeometric distribution as the alternative). Only failures count, so no history is needed
//! and an outage that hits both arms alike proves nothing against the new one.
//!
//! Once all traffic is on the new version there is nothing beside it; then failures are held against a rate that is
//! generous to it, at least [`SOLO_RATE_MIN`] and at least twice what the old version showed.

use alloc::vec::Vec;
use model::Evidence;
use serde::{Deserialize, Serialize};

/// How many times worse the new version may be, as odds: the bettor spreads nine tenths of its stake over these while
/// there is an old version to compare with.
const ODDS_BESIDE: [f64; 4] = [3.0, 10.0, 50.0, 250.0];

/// The same for a version that serves alone, with the last tenth of the stake.
const ODDS_ALONE: [f64; 4] = [2.0, 4.0, 10.0, 40.0];

/// The part of the stake on each of [`ODDS_BESIDE`].
const STAKE_BESIDE: f64 = 0.9 / 4.0;

/// The part of the stake on each of [`ODDS_ALONE`].
const STAKE_ALONE: f64 = 0.1 / 4.0;

/// Failure rate that a version serving alone is always allowed.
pub const SOLO_RATE_MIN: f64 = 0.005;

/// What is known of a rollout's two versions so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Requests and failures of the new version.
    pub new: Arm,
    /// Requests and failures of the old version.
    pub old: Arm,
    beside: [f64; 4],
    alone: [f64; 4],
    alone_rate: Option<f64>,
}

/// Requests and failures of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Answered.
    pub finished: u64,
    /// Answered with a failure.
    pub failed: u64,
}

impl Score {
    /// Adds what both versions answered since the last look.
    pub fn add(&mut self, new: Arm, old: Arm) {
        if old.finished > 0 {
            for (score, odds) in self.beside.iter_mut().zip(ODDS_BESIDE) {
                *score += beside(new, old, odds);
            }
        } else if new.finished > 0 {
            let shown = 2.0 * (self.old.failed as f64 + 1.0) / (self.old.finished as f64 + 2.0);
            let rate = *self
                .alone_rate
                .get_or_insert(shown.clamp(SOLO_RATE_MIN, 0.5));
            for (score, odds) in self.alone.iter_mut().zip(ODDS_ALONE) {
                *score += alone(new, rate, odds);
            }
        }
        self.new = Arm {
            finished: self.new.finished + new.finished,
            failed: self.new.failed + new.failed,
        };
        self.old = Arm {
            finished: self.old.finished + old.finished,
            failed: self.old.failed + old.failed,
        };
    }

    /// Natural logarithm of the evidence against the new version.
    ///
    /// The sum of all stakes with their winnings: a weighted average of martingales is one.
    pub fn log_e(&self) -> f64 {
        let beside = self
            .beside
            .iter()
            .map(|score| score + libm::log(STAKE_BESIDE));
        let alone = self
            .alone
            .iter()
            .map(|score| score + libm::log(STAKE_ALONE));
        let all: Vec<f64> = beside.chain(alone).collect();
        log_sum_exp(&all)
    }

    /// The evidence in the form that is recorded.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            new_finished: self.new.finished,
            new_failed: self.new.failed,
            old_finished: self.old.finished,
            old_failed: self.old.failed,
            log_e_milli: libm::floor(self.log_e() * 1000.0) as i64,
        }
    }
}

/// Whether the evidence is enough to call the new version worse, at a false-alarm rate in parts per million.
pub fn is_bad(evidence: &Evidence, false_alarm_ppm: u32) -> bool {
    let alpha = f64::from(false_alarm_ppm.max(1)) / 1e6;
    evidence.log_e_milli as f64 / 1000.0 >= -libm::log(alpha)
}

/// Whether the new version's failure rate so far is one that an old version like this would be allowed: at most twice
/// its rate, and never held to less than [`SOLO_RATE_MIN`]. While it is not, more requests must be seen.
pub fn is_clean(evidence: &Evidence) -> bool {
    let rate = |failed: u64, finished: u64| failed as f64 / finished.max(1) as f64;
    let allowed = 2.0 * rate(evidence.old_failed, evidence.old_finished);
    rate(evidence.new_failed, evidence.new_finished) <= allowed.max(SOLO_RATE_MIN)
}

/// Logarithm of the likelihood ratio of "the odds of failing are so many times higher" against "equal", given how many
/// of the failures fell on the new arm.
fn beside(new: Arm, old: Arm, odds: f64) -> f64 {
    let failed = new.failed + old.failed;
    if failed == 0 || new.finished == 0 {
        return 0.0;
    }
    let lowest = failed.saturating_sub(old.finished);
    let highest = failed.min(new.finished);
    let terms: Vec<f64> = (lowest..=highest)
        .map(|x| {
            log_choose(new.finished, x)
                + log_choose(old.finished, failed - x)
                + x as f64 * libm::log(odds)
        })
        .collect();
    new.failed as f64 * libm::log(odds) + log_choose(new.finished + old.finished, failed)
        - log_sum_exp(&terms)
}

/// Logarithm of the likelihood ratio of a rate with so many times higher odds against the allowed rate.
fn alone(new: Arm, rate: f64, odds: f64) -> f64 {
    let worse = rate * odds / (1.0 - rate + rate * odds);
    let good = (new.finished - new.failed.min(new.finished)) as f64;
    new.failed as f64 * libm::log(worse / rate) + good * libm::log((1.0 - worse) / (1.0 - rate))
}

fn log_choose(n: u64, k: u64) -> f64 {
    libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0)
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let highest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    highest + libm::log(terms.iter().map(|term| libm::exp(term - highest)).sum())
}

#[cfg(test)]
mod tests {
    //! What the header promises: fair bets, false alarms as rare as stated however often one looks, bad versions found
    //! after few requests, and nothing proved by nothing.

    use super::*;
    use proptest::prelude::*;

    /// Two versions and who serves how much, as requests come.
    struct Traffic {
        random: u64,
        /// Chance that a request goes to the new version.
        share: f64,
        /// Chances that a request fails.
        new: f64,
        old: f64,
    }

    impl Traffic {
        /// SplitMix64 (Steele, Lea, Flood 2014): the same draws each time.
        fn draw(&mut self) -> f64 {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.random;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// What is answered until the next look.
        fn answered(&mut self, requests: u64) -> (Arm, Arm) {
            let (mut new, mut old) = (Arm::default(), Arm::default());
            for _ in 0..requests {
                let is_new = self.draw() < self.share;
                let (arm, rate) = if is_new {
                    (&mut new, self.new)
                } else {
                    (&mut old, self.old)
                };
                arm.finished += 1;
                arm.failed += u64::from(self.draw() < rate);
            }
            (new, old)
        }

        /// Requests that the new version was given before it was called bad; none when it never was within as many as
        /// this.
        fn found_after(mut self, new_max: u64, ppm: u32, look_every: u64) -> Option<u64> {
            let mut score = Score::default();
            while score.new.finished < new_max {
                let (new, old) = self.answered(look_every);
                score.add(new, old);
                if is_bad(&score.evidence(), ppm) {
                    return Some(score.new.finished);
                }
            }
            None
        }
    }

    /// Expectation of `exp(ratio)` under the chances whose logarithms are given.
    fn expectation(outcomes: impl Iterator<Item = (f64, f64)>) -> f64 {
        outcomes
            .map(|(chance, ratio)| libm::exp(chance + ratio))
            .sum()
    }

    proptest! {
        /// Against an equally good version no bet wins on average: the failures fall on it as cards are dealt.
        #[test]
        fn bets_beside_an_old_version_are_fair(
            new in 0..60_u64,
            old in 1..60_u64,
            failed in 0..120_u64,
            odds in prop::sample::select(ODDS_BESIDE.to_vec()),
        ) {
            prop_assume!(failed <= new + old);
            let all = log_choose(new + old, failed);
            let outcomes = (failed.saturating_sub(old)..=failed.min(new)).map(|x| {
                let chance = log_choose(new, x) + log_choose(old, failed - x) - all;
                let of_new = Arm { finished: new, failed: x };
                let of_old = Arm { finished: old, failed: failed - x };
                (chance, beside(of_new, of_old, odds))
            });
            let mean = expectation(outcomes);
            prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
        }

        /// Nor against a version that fails exactly as often as it may when it serves alone.
        #[test]
        fn bets_on_a_version_alone_are_fair(
            finished in 0..80_u64,
            rate in 0.005..0.5_f64,
            odds in prop::sample::select(ODDS_ALONE.to_vec()),
        ) {
            let outcomes = (0..=finished).map(|failed| {
                let good = (finished - failed) as f64;
                let chance = log_choose(finished, failed)
                    + failed as f64 * libm::log(rate)
                    + good * libm::log(1.0 - rate);
                (chance, alone(Arm { finished, failed }, rate, odds))
            });
            let mean = expectation(outcomes);
            prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
        }
    }

    #[test]
    fn false_alarms_are_as_rare_as_stated_however_often_one_looks() {
        let (trials, ppm) = (1_500_u64, 20_000);
        // Failure rate of both versions, share of the new one, requests between two looks.
        let cases = [
            (0.001, 0.05, 20),
            (0.01, 0.5, 7),
            (0.2, 0.1, 1),
            (0.5, 0.5, 40),
        ];
        for (rate, share, look_every) in cases {
            let alarms = (0..trials)
                .filter(|trial| {
                    let traffic = Traffic {
                        random: *trial,
                        share,
                        new: rate,
                        old: rate,
                    };
                    traffic.found_after(150, ppm, look_every).is_some()
                })
                .count();
            // Four standard deviations above the stated rate: 2% of 1,500, and chance.
            assert!(alarms <= 30 + 22, "rate {rate}: {alarms} alarms");
        }
    }

    #[test]
    fn bad_versions_are_found_after_few_requests() {
        // Failure rates of the new and of the old version, and of how many requests to the new one 95% are found.
        let cases = [
            (1.0, 0.0, 8),
            (0.5, 0.001, 20),
            (0.2, 0.001, 55),
            (0.05, 0.0, 215),
            (0.05, 0.001, 270),
            (0.3, 0.05, 90),
        ];
        for (new, old, enough) in cases {
            let mut needed: Vec<u64> = (0..400)
                .map(|random| {
                    let traffic = Traffic {
                        random,
                        share: 0.1,
                        new,
                        old,
                    };
                    traffic.found_after(2_000, 1_000, 10).unwrap_or(u64::MAX)
                })
                .collect();
            needed.sort_unstable();
            let most = needed.get(needed.len() * 95 / 100).copied();
            assert!(most <= Some(enough), "{new} beside {old}: {most:?}");
        }
    }

    #[test]
    fn nothing_proves_nothing() {
        let mut score = Score::default();
        let none = Arm::default();
        let good = Arm {
            finished: 1_000,
            failed: 0,
        };
        for (new, old) in [(none, none), (none, good), (good, none), (good, good)] {
            score.add(new, old);
            assert!(!is_bad(&score.evidence(), u32::MAX / 5_000), "{score:?}");
        }
        // Failures of the old version alone speak for nobody.
        let broken = Arm {
            finished: 1_000,
            failed: 900,
        };
        score.add(none, broken);
        assert!(!is_bad(&score.evidence(), 1_000), "{score:?}");
    }

    #[test]
    fn an_outage_that_hits_both_alike_is_not_the_new_versions() {
        let mut score = Score::default();
        let all = |finished| Arm {
            finished,
            failed: finished,
        };
        for _ in 0..100 {
            score.add(all(10), all(90));
        }
        assert!(!is_bad(&score.evidence(), 1_000), "{score:?}");
        assert!(is_clean(&score.evidence()), "it fails no more than the old");
    }
}

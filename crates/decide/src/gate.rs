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

//! Who gets the next request: pure functions over weights and candidates.
//!
//! Shares of versions are exact, not probable: [`Schedule`] is the smooth weighted round robin that nginx uses, played
//! once when a table is published and then read by a counter. Any run of requests as long as the schedule's period has
//! each version exactly as often as its weight says, and shorter runs are spread evenly. Among the instances of a
//! version the least busy one is taken, in turn where they are equally busy ([`least_busy`]).
//!
//! No clock, no randomness and no lock: the callers own the counters.

use crate::limits::WEIGHT_SUM_MAX;

/// The order in which the arms of a service are served, for one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    turns: Box<[u16]>,
}

/// What [`least_busy`] has to know of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// False for those that must not be chosen: tried already, or not in the wanted state of health.
    pub(crate) eligible: bool,
    /// Requests that it has been given and not answered.
    pub(crate) in_flight: u64,
}

impl Schedule {
    /// Plays the smooth weighted round robin for one period. The sum of the weights must not exceed
    /// [`WEIGHT_SUM_MAX`]; weights of zero never have a turn, and a schedule of zeros only is empty.
    pub(crate) fn new(weights: &[u32]) -> Self {
        let divisor = weights
            .iter()
            .copied()
            .fold(0, greatest_common_divisor)
            .max(1);
        let weights: Vec<i64> = weights
            .iter()
            .map(|weight| i64::from(weight / divisor))
            .collect();
        let period: i64 = weights.iter().sum();
        debug_assert!(
            period <= i64::from(WEIGHT_SUM_MAX),
            "weights are checked when a table is read"
        );
        let mut credit = vec![0_i64; weights.len()];
        let turns = (0..period)
            .map(|_| {
                for (credit, weight) in credit.iter_mut().zip(&weights) {
                    *credit += weight;
                }
                // The first of those with the most credit; an arm of weight zero never has any.
                let mut best = (0_usize, i64::MIN);
                for (arm_idx, &credit) in credit.iter().enumerate() {
                    if credit > best.1 {
                        best = (arm_idx, credit);
                    }
                }
                if let Some(credit) = credit.get_mut(best.0) {
                    *credit -= period;
                }
                u16::try_from(best.0).unwrap_or(u16::MAX)
            })
            .collect();
        Self { turns }
    }

    /// The arm whose turn it is, as an index into the weights; `None` when every weight is zero.
    pub(crate) fn at(&self, turn: u64) -> Option<usize> {
        let period = u64::try_from(self.turns.len()).ok()?;
        let position = turn.checked_rem(period)?;
        self.turns
            .get(usize::try_from(position).ok()?)
            .map(|&arm_idx| usize::from(arm_idx))
    }

    /// Requests until the order repeats.
    #[cfg(test)]
    pub(crate) fn period(&self) -> usize {
        self.turns.len()
    }
}

/// The eligible candidate with the fewest requests in flight, as an index. Equally busy ones take turns: the search
/// begins at `turn`.
pub(crate) fn least_busy(
    n_candidates: usize,
    turn: u64,
    candidate: impl Fn(usize) -> Candidate,
) -> Option<usize> {
    let n = u64::try_from(n_candidates).ok()?;
    let start = usize::try_from(turn.checked_rem(n)?).ok()?;
    let mut best: Option<(usize, u64)> = None;
    for candidate_idx in (start..n_candidates).chain(0..start) {
        let Candidate {
            eligible,
            in_flight,
        } = candidate(candidate_idx);
        if eligible && best.is_none_or(|(_, fewest)| in_flight < fewest) {
            best = Some((candidate_idx, in_flight));
        }
    }
    best.map(|(candidate_idx, _)| candidate_idx)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(schedule: &Schedule, from: u64, n: usize, n_arms: usize) -> Vec<usize> {
        let mut seen = vec![0; n_arms];
        for turn in from..from + n as u64 {
            seen[schedule.at(turn).unwrap()] += 1;
        }
        seen
    }

    #[test]
    fn shares_are_exact_over_a_hundred_requests() {
        let cases: &[(&[u32], &[usize])] = &[
            (&[95, 5], &[95, 5]),
            (&[1, 0], &[100, 0]),
            (&[0, 7], &[0, 100]),
            (&[50, 50], &[50, 50]),
            (&[75, 25, 0], &[75, 25, 0]),
            (&[98, 1, 1], &[98, 1, 1]),
        ];
        for (weights, expected) in cases {
            for from in [0, 1, 37, 99, 1_000_003] {
                assert_eq!(
                    shares(&Schedule::new(weights), from, 100, weights.len()),
                    *expected,
                    "{weights:?} from {from}"
                );
            }
        }
    }

    #[test]
    fn small_shares_are_spread_and_not_bunched() {
        let schedule = Schedule::new(&[95, 5]);
        assert_eq!(schedule.period(), 20);
        for from in 0..40 {
            assert_eq!(shares(&schedule, from, 20, 2), [19, 1]);
        }
    }

    #[test]
    fn without_weight_there_is_no_turn() {
        assert_eq!(Schedule::new(&[]).at(3), None);
        assert_eq!(Schedule::new(&[0, 0]).at(3), None);
    }

    #[test]
    fn the_least_busy_is_taken_and_equals_take_turns() {
        let busy = |in_flight: [u64; 3], eligible: [bool; 3]| {
            move |idx: usize| Candidate {
                eligible: eligible[idx],
                in_flight: in_flight[idx],
            }
        };
        let all = [true; 3];
        assert_eq!(least_busy(3, 0, busy([2, 1, 3], all)), Some(1));
        assert_eq!(
            (0..4)
                .map(|turn| least_busy(3, turn, busy([1; 3], all)).unwrap())
                .collect::<Vec<_>>(),
            [0, 1, 2, 0]
        );
        assert_eq!(
            least_busy(3, 0, busy([0, 1, 2], [false, true, true])),
            Some(1)
        );
        assert_eq!(least_busy(3, 0, busy([0; 3], [false; 3])), None);
        assert_eq!(least_busy(0, 5, busy([0; 3], all)), None);
    }

    proptest! {
        /// Any window of one period has exactly the weights in it, wherever it begins.
        #[test]
        fn any_window_of_a_period_is_exact(weights in prop::collection::vec(0_u32..400, 1..8), from in 0_u64..100_000) {
            let schedule = Schedule::new(&weights);
            let total: u32 = weights.iter().sum();
            if total > 0 {
                let seen = shares(&schedule, from, total as usize, weights.len());
                prop_assert_eq!(seen, weights.iter().map(|&weight| weight as usize).collect::<Vec<_>>());
            }
        }

        /// In any window of any length an arm is never further from its share than the number of arms.
        #[test]
        fn short_windows_stay_near_the_share(
            weights in prop::collection::vec(0_u32..200, 2..6), from in 0_u64..1_000, n in 1_usize..500,
        ) {
            let schedule = Schedule::new(&weights);
            let total: u32 = weights.iter().sum();
            if total > 0 {
                for (seen, &weight) in shares(&schedule, from, n, weights.len()).iter().zip(&weights) {
                    let share = n as f64 * f64::from(weight) / f64::from(total);
                    prop_assert!((*seen as f64 - share).abs() <= weights.len() as f64, "{seen} of {n}, share {share}");
                }
            }
        }
    }
}

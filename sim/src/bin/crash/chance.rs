//! Chance with a seed (SplitMix64, Steele, Lea and Flood 2014), so that a trial draws the same moments again.

/// A stream of numbers.
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of one trial.
    pub(crate) fn of(seed: u64, trial: u64) -> Self {
        let mut of_seed = Self(seed);
        Self(of_seed.number() ^ trial.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, which is not 0. The bias of the remainder is far below what 100 trials could show.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_draws_the_same_again_and_another_draws_others() {
        let draw = |seed, trial| {
            let mut chance = Chance::of(seed, trial);
            [(); 8].map(|()| chance.below(1_000))
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }
}

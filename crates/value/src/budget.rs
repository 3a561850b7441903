//! How much one evaluation may cost: steps, bytes and depth, whatever the expression says.
//!
//! A budget is counted down by the evaluator. A scope that evaluates further expressions to answer (a local that refers
//! to another) gives its budget from [`crate::Scope::budget`], so that all of them draw on the same one.

use crate::limits::{EVALUATION_BYTES_MAX, EVALUATION_DEPTH_MAX, EVALUATION_STEPS_MAX};
use core::cell::Cell;

/// What is left for an evaluation.
#[derive(Debug)]
pub struct Budget {
    steps_max: u64,
    bytes_max: u64,
    depth_max: u32,
    steps: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<u32>,
}

/// Which bound was reached, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Expressions computed.
    Steps(u64),
    /// Bytes built.
    Bytes(u64),
    /// Expressions inside one another.
    Depth(u32),
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(
            EVALUATION_STEPS_MAX,
            EVALUATION_BYTES_MAX,
            EVALUATION_DEPTH_MAX,
        )
    }
}

impl Budget {
    /// A budget of so many steps, bytes and levels.
    pub fn new(steps: u64, bytes: u64, depth: u32) -> Self {
        Self {
            steps_max: steps,
            bytes_max: bytes,
            depth_max: depth,
            steps: Cell::new(steps),
            bytes: Cell::new(bytes),
            depth: Cell::new(depth),
        }
    }

    pub(crate) fn spend_steps(&self, steps: u64) -> Result<(), Exhausted> {
        spend(&self.steps, steps).ok_or(Exhausted::Steps(self.steps_max))
    }

    pub(crate) fn spend_bytes(&self, bytes: u64) -> Result<(), Exhausted> {
        spend(&self.bytes, bytes).ok_or(Exhausted::Bytes(self.bytes_max))
    }

    /// One level down; [`Budget::leave`] goes up again.
    pub(crate) fn enter(&self) -> Result<(), Exhausted> {
        let left = self.depth.get().checked_sub(1);
        let left = left.ok_or(Exhausted::Depth(self.depth_max))?;
        self.depth.set(left);
        Ok(())
    }

    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_add(1));
    }
}

fn spend(left: &Cell<u64>, amount: u64) -> Option<()> {
    left.set(left.get().checked_sub(amount)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Budget, Exhausted};

    #[test]
    fn what_is_spent_is_gone_and_levels_come_back() {
        let budget = Budget::new(3, 10, 1);
        assert_eq!(budget.spend_steps(2), Ok(()));
        assert_eq!(budget.spend_steps(2), Err(Exhausted::Steps(3)));
        assert_eq!(budget.spend_steps(1), Ok(()));
        assert_eq!(budget.spend_bytes(11), Err(Exhausted::Bytes(10)));
        assert_eq!(budget.enter(), Ok(()));
        assert_eq!(budget.enter(), Err(Exhausted::Depth(1)));
        budget.leave();
        assert_eq!(budget.enter(), Ok(()));
    }
}

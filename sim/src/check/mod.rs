//! What must always hold: one module for each rule of the design's section 4, with the rules of the protocol (R1 to R10
//! of the facts) where they belong.
//!
//! Checkers know more than the engine: they read the book by themselves (`Ledger`) and see the outside as it is.

pub(crate) mod converges;
pub(crate) mod durable;
pub(crate) mod epochs;
pub(crate) mod folds;
pub(crate) mod intent;
mod ledger;
pub(crate) mod limits;
pub(crate) mod operators;
pub(crate) mod order;
pub(crate) mod planning;
pub(crate) mod repeat;
pub(crate) mod verdicts;

pub(crate) use ledger::Ledger;

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The checker that saw it.
    pub rule: &'static str,
    /// Virtual time.
    pub at_ms: i64,
    /// What it saw.
    pub what: String,
}

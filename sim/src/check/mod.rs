//! What must always hold, one checker for each rule. They run while things happen, not only at the end.
//!
//! The design has ten rules; this is who keeps each of them:
//!
//! 1. *Replay folds; it never decides*: `folds` compares what an engine believes with what the book says, folded from
//!    its beginning by somebody else.
//! 2. *No effect without its intent before it on durable storage*: `intent`, and `durable` for what durable means.
//! 3. *An intent whose outcome was lost is uncertain, not failed*: `repeat` counts what each action made, and
//!    `converges` compares book and outside when nothing is under way: nothing lost, nothing doubled.
//! 4. *Planning is a dialogue*: `planning`: the plan comes out again from the recorded answers, and is empty when
//!    there is nothing to do.
//! 5. *A plan names its base*: `base`.
//! 6. *Operators are in the book*: `operators`.
//! 7. *Verifiers collect, `decide` judges*: `verdicts`: every decision follows again from the entries before it.
//! 8. *Fail closed*: `evidence`: nothing is good for want of evidence.
//! 9. *Secrets never enter the book*: `secrets` searches what is stored.
//! 10. *A limit on everything*: `limits`, and the play itself, which ends with the rule `liveness` when something
//!     takes longer or happens more often than it ever should.
//!
//! Beside these stand what the protocol of intents and outcomes promises (R1 to R10 in [`crate::Mutant`]): `epochs` for
//! two engines on one book, `order` for dependants, `healing` for what is done to objects that drifted, and the rule
//! `traffic`, kept by the clients of the delivered services: no request is lost on a good version.
//!
//! Checkers know more than the engine: they read the book by themselves (`Ledger`) and see the outside as it is. They
//! say nothing about what a person can only see in the running program (what is printed, how long it takes); the tests
//! of those rooms do.

pub(crate) mod base;
pub(crate) mod converges;
pub(crate) mod durable;
pub(crate) mod epochs;
pub(crate) mod evidence;
pub(crate) mod folds;
pub(crate) mod healing;
pub(crate) mod intent;
mod ledger;
pub(crate) mod limits;
pub(crate) mod operators;
pub(crate) mod order;
pub(crate) mod planning;
pub(crate) mod repeat;
pub(crate) mod secrets;
pub(crate) mod verdicts;

pub(crate) use ledger::Ledger;

/// Every rule, by the name it is reported with.
pub const RULES: [&str; 17] = [
    "base",
    "converges",
    "durable",
    "epochs",
    "evidence",
    "folds",
    "healing",
    "intent",
    "limits",
    "liveness",
    "operators",
    "order",
    "planning",
    "repeat",
    "secrets",
    "traffic",
    "verdicts",
];

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

//! Faults planted in the shell around the engine, each against one rule. The engine itself has no switches.
//!
//! R1 to R10 are the rules of the protocol of intents and outcomes: the intent is durable before anything is sent (1),
//! an append is acknowledged only after the sync (2), an unknown outcome is looked into before it is repeated (3),
//! absence is believed only after the settle window (4), an action has one key for life (5), a refusal settles nothing
//! before it (6), an older epoch is refused (7), who lost the book sends nothing (8), a stop is no completion (9), and
//! dependants wait for durable outcomes (10).

use std::fmt;

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// R1: an effect begins when its intent is handed out, before it is durable.
    SendBeforeDurable,
    /// R2: the book acknowledges before it has synced.
    AcknowledgeBeforeSync,
    /// R2: the disk says that it has synced, and has not.
    SyncIsALie,
    /// R3: an outcome that was lost sight of is taken for a failure, so the effect is repeated blindly.
    UnknownIsFailure,
    /// R4: absence is believed at the first look.
    NoSettleWindow,
    /// R5: each attempt carries an idempotency key of its own.
    NewKeyPerAttempt,
    /// R6: a refusal of the newest attempt is taken to settle those before it.
    RefusalSettlesEarlier,
    /// R7: the book does not compare epochs.
    NoFence,
    /// R8: a controller that lost its lease goes on sending.
    SendsWhenFenced,
    /// R9: a run that was under way when the engine stopped is closed as done.
    StopIsCompletion,
    /// R10: dependants start on a guessed outcome, before the real one is there.
    OutcomeGuessed,
    /// A lost effect is taken for done without looking.
    LostTakenForDone,
    /// Intents that were under way at a crash are forgotten.
    LostIntentsIgnored,
    /// What was judged is forgotten at a restart.
    VerdictDropped,
    /// A snapshot leaves out an object.
    SnapshotForgets,
    /// An answer that a plan was made from is not recorded.
    AnswerForgotten,
    /// A plan names the beginning of the book as its base.
    PlanWithoutBase,
    /// An order of a person is obeyed but not written down.
    OrderNotRecorded,
    /// A plan is approved in the name of somebody who did not.
    ApprovalInvented,
    /// A bad verdict is written down as a good one.
    VerdictFlipped,
    /// "Not enough evidence" is written down as good.
    SilencePasses,
    /// Entries are written as they are, secrets and all.
    SecretsInClear,
    /// Failures repeat without an end.
    RetriesWithoutEnd,
    /// An engine is never woken when something is due.
    NeverWoken,
    /// Old instances are said to be idle while they answer requests.
    DrainIgnored,
    /// A route table is said to be in force before it is.
    PublishedBeforeInForce,
    /// A pass does not know what was healed before.
    FightForgotten,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::SendBeforeDurable,
        Self::AcknowledgeBeforeSync,
        Self::SyncIsALie,
        Self::UnknownIsFailure,
        Self::NoSettleWindow,
        Self::NewKeyPerAttempt,
        Self::RefusalSettlesEarlier,
        Self::NoFence,
        Self::SendsWhenFenced,
        Self::StopIsCompletion,
        Self::OutcomeGuessed,
        Self::LostTakenForDone,
        Self::LostIntentsIgnored,
        Self::VerdictDropped,
        Self::SnapshotForgets,
        Self::AnswerForgotten,
        Self::PlanWithoutBase,
        Self::OrderNotRecorded,
        Self::ApprovalInvented,
        Self::VerdictFlipped,
        Self::SilencePasses,
        Self::SecretsInClear,
        Self::RetriesWithoutEnd,
        Self::NeverWoken,
        Self::DrainIgnored,
        Self::PublishedBeforeInForce,
        Self::FightForgotten,
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mutant| mutant.to_string() == name)
    }
}

/// Its name, as in the source.
impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

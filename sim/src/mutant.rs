//! Faults planted in the shell around the engine, each against one rule. The engine itself has no switches.

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// R1: an effect begins when its intent is handed out, before it is durable.
    SendBeforeDurable,
    /// R2: the book acknowledges before it has synced.
    AcknowledgeBeforeSync,
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
    /// A bad verdict is written down as a good one.
    VerdictFlipped,
    /// Old instances are said to be idle while they answer requests.
    DrainIgnored,
    /// A route table is said to be in force before it is.
    PublishedBeforeInForce,
    /// An order of a person is obeyed but not written down.
    OrderNotRecorded,
    /// Failures repeat without an end.
    RetriesWithoutEnd,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::SendBeforeDurable,
        Self::AcknowledgeBeforeSync,
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
        Self::VerdictFlipped,
        Self::DrainIgnored,
        Self::PublishedBeforeInForce,
        Self::OrderNotRecorded,
        Self::RetriesWithoutEnd,
    ];
}

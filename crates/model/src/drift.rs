//! What a look at all objects finds that nobody planned, and what is decided about it.

use crate::{Address, Digest};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::Value;

/// What becomes of an object that was changed outside (`lifecycle { drift = "..." }`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftPolicy {
    /// It is written down.
    Observe,
    /// A person is told.
    #[default]
    Warn,
    /// It is brought back to what the release in force says.
    Heal,
}

impl DriftPolicy {
    /// All of them, as they are written.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Warn, Self::Heal];

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Warn => "warn",
            Self::Heal => "heal",
        }
    }

    /// The one that is written like this.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// How much healing may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealLimits {
    /// Most objects healed at once; where more have drifted, none is.
    pub objects_max: u32,
    /// Most times that one object is healed within the window; after that it is a fight.
    pub heals_max: u32,
    /// The window, in milliseconds.
    pub window_ms: u64,
}

/// An object that is not as the book has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// Which.
    pub address: Address,
    /// The attributes that differ, as the book has them.
    pub before: Value,
    /// The same attributes as they are; none when the object is gone.
    pub after: Option<Value>,
    /// What healing it would come to; none where that was not asked.
    pub remedy: Option<Remedy>,
}

/// What a plan of the release in force would do to an object that drifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Nothing: the release says nothing of what differs.
    Nothing,
    /// It would be changed in place to what it was.
    Update,
    /// It would be made again.
    Create,
    /// It would be destroyed or replaced.
    Destroy,
    /// It would become something that it has not been.
    Otherwise,
    /// Others that it needs, and that are not healed with it, would have to be changed before.
    Along(Vec<Address>),
    /// No plan could be made: why.
    Unplanned(String),
}

/// What was decided about an object that drifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftDecision {
    /// It is written down, and that is all.
    Note,
    /// A person is told.
    Warn,
    /// It is brought back.
    Heal,
    /// It should be brought back, and is not: a person is told why.
    Hold(HoldReason),
}

impl DriftDecision {
    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Heal => "heal",
            Self::Hold(_) => "hold",
        }
    }
}

/// Why an object is not healed that should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldReason {
    /// What its plan would do is nothing that healing does.
    Remedy(Remedy),
    /// So many drifted at once that the cause is another than each of them: how many.
    Mass(u32),
    /// It was healed again and again, and each time somebody changed it back.
    Fight,
    /// The release in force went back, and nothing is made of it until a person lifts that.
    Quarantined,
}

/// One object that drifted, with its policy and what was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftJudged {
    /// The object, and what differs.
    pub drifted: Drifted,
    /// What its resource block says, or the pass where it says nothing.
    pub policy: DriftPolicy,
    /// What was decided.
    pub decision: DriftDecision,
}

/// What a pass over all objects was asked, and what it saw beside single objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftPass {
    /// When it looked, in milliseconds since 1970.
    pub at_ms: i64,
    /// The release in force, whose policies count.
    pub release: Digest,
    /// What counts for objects whose blocks say nothing.
    pub policy: DriftPolicy,
    /// How much healing may do.
    pub limits: HealLimits,
    /// Objects that healing could bring back, those that are no news included.
    pub n_healable: u32,
}

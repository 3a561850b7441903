//! How an object is found again whose creation was lost.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// By what an object is found when the outcome of its creation was lost, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Recovery {
    /// By a name that is known before it is made, and that no two objects can have.
    Name,
    /// By the objects that it joins or belongs to: there is one such object at most.
    Parent,
    /// By a stamp that its creation leaves on it.
    Stamp,
    /// By nothing: a person is asked.
    Person,
}

/// One way in which a lost creation was looked for, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// By what it was looked for.
    pub by: Recovery,
    /// What was asked.
    pub asked: String,
    /// What was seen.
    pub seen: String,
}

impl Recovery {
    /// One word for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Parent => "parent",
            Self::Stamp => "stamp",
            Self::Person => "person",
        }
    }
}

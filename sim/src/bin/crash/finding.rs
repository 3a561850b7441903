//! What was promised and not kept.

use std::fmt;

/// A promise of the program about being killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// `resume`, or `apply` where nothing was begun, ends well.
    Ends,
    /// Nothing that was to be made is missing.
    Lost,
    /// Nothing is there twice, and nothing is there that nobody asked for.
    Doubled,
    /// Book and world say the same.
    Agree,
    /// Applying again changes nothing.
    Empty,
    /// The book can be read, its chain holds, and its decisions can be derived again.
    Readable,
}

impl Promise {
    /// All of them, in the order of the report.
    pub(crate) const ALL: [Self; 6] = [
        Self::Ends,
        Self::Lost,
        Self::Doubled,
        Self::Agree,
        Self::Empty,
        Self::Readable,
    ];

    /// That it was not kept.
    pub(crate) fn broken(self, what: impl Into<String>) -> Finding {
        Finding {
            promise: self,
            what: what.into(),
        }
    }

    /// The name of its line in the report.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Ends => "resumes that failed",
            Self::Lost => "objects lost",
            Self::Doubled => "objects doubled or left over",
            Self::Agree => "disagreements of book and world",
            Self::Empty => "second applies that were not empty",
            Self::Readable => "books not readable or not replayable",
        }
    }
}

/// One thing that is not as promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was promised.
    pub promise: Promise,
    /// What is.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.what)
    }
}

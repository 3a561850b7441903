//! What can go wrong with the engine itself. What goes wrong with the world is an outcome and stands in the book.

use decide::Illegal;
use journal::JournalError;
use model::{Event, RunId};
use thiserror::Error;

/// The engine cannot go on.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The book refuses or cannot be read.
    #[error("the book cannot be used")]
    Book(#[from] JournalError),
    /// The book says something that cannot have happened.
    #[error("the book of `{environment}` does not make sense")]
    Illegal {
        /// Whose book.
        environment: String,
        /// Where and what.
        #[source]
        source: Illegal,
    },
    /// An entry is not one that this program knows.
    #[error("entry {position} of `{environment}` cannot be read by this program: {what}")]
    Unreadable {
        /// Whose book.
        environment: String,
        /// Which entry.
        position: u64,
        /// Why.
        what: String,
    },
    /// A snapshot is not what the entries before it give.
    #[error("the snapshot at entry {position} of `{environment}` is not what the entries give")]
    Snapshot {
        /// Whose book.
        environment: String,
        /// The last entry that is folded in.
        position: u64,
    },
    /// The book took nothing more in the middle of a run.
    #[error("the book took nothing more; outcomes of {} effects are not in it", unrecorded.len())]
    Lost {
        /// Why.
        #[source]
        source: JournalError,
        /// What came of the effects that were under way.
        unrecorded: Vec<Event>,
    },
    /// The book holds sealed secrets, and there is no key to open them with.
    #[error("the key of this project is missing (SF1204)")]
    KeyMissing,
    /// Another run of the environment is not over.
    #[error("run {0} of this environment is not over")]
    Busy(RunId),
}

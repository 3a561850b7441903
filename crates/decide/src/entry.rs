//! What a fold reads: an entry of the book, the content beside it, and what is wrong when it cannot have happened.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use model::{Digest, Event, Inputs};

/// One entry of the book, as the fold needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the stream, from 1.
    pub position: u64,
    /// Time of the engine's clock when it was written.
    pub at_ms: i64,
    /// What happened.
    pub event: Event,
}

/// Answers with the content that an entry names by digest.
pub trait Blobs {
    /// The content, checked against its digest; none when it is not there.
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>>;

    /// What reads templates and other texts that only show themselves when they are needed; none where nobody can.
    fn texts(&self) -> Option<value::TextReader> {
        None
    }

    /// The form in which an encoding is stored and by which it is named; the same each time. Sensitive values are
    /// sealed in it, where there is a key.
    fn sealed(&self, encoded: Vec<u8>) -> Vec<u8> {
        encoded
    }

    /// Values of ephemeral root variables, which are never written down: those that were given for this command.
    fn lent(&self) -> Inputs {
        Inputs::new()
    }

    /// The encoding as it was before [`Blobs::sealed`].
    ///
    /// # Errors
    /// When it cannot be opened, in words.
    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(stored)
    }
}

/// An entry that cannot have happened after those before it, or names content that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// Its position.
    pub position: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "entry {} cannot follow what stands before it: {}",
            self.position, self.what
        )
    }
}

impl core::error::Error for Illegal {}

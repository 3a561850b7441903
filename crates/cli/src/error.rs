//! How a command ends badly: whose fault, which exit code, what to do. The one place that decides this.

use crate::exit;
use crate::render::diagnostics::{self, Sources};
use engine::{EngineError, diag};
use journal::JournalError;
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error;
use value::Diagnostics;

/// Why a command could not do what was asked.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// What the user wrote, or the world did.
    #[error("there are errors")]
    Diagnostics {
        /// What is wrong.
        diagnostics: Diagnostics,
        /// The texts they point into.
        sources: Sources,
        /// How it ends.
        code: u8,
    },
    /// The request itself makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The book refuses.
    #[error("the book cannot be used")]
    Book(#[from] JournalError),
    /// The engine cannot go on.
    #[error("the run cannot go on")]
    Engine(#[source] EngineError),
    /// A file or process of ours cannot be had.
    #[error("cannot {what} {}", path.display())]
    Path {
        /// To do what.
        what: &'static str,
        /// With which path.
        path: PathBuf,
        /// In the system's words.
        #[source]
        source: std::io::Error,
    },
    /// Nothing new is begun while its outcome might not fit into the book.
    #[error("there is too little room under {}", path.display())]
    NoRoom {
        /// The book.
        path: PathBuf,
    },
    /// Anything else that failed, in words.
    #[error("{0}")]
    Failed(String),
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        match error {
            // Whoever reads the book meets the same trouble whether a run goes on or not.
            EngineError::Book(error) => Self::Book(error),
            other @ (EngineError::Illegal { .. }
            | EngineError::Unreadable { .. }
            | EngineError::Snapshot { .. }
            | EngineError::Lost { .. }
            | EngineError::KeyMissing
            | EngineError::Busy(_)) => Self::Engine(other),
        }
    }
}

impl CommandError {
    /// The definition is wrong.
    pub(crate) fn definition(diagnostics: Diagnostics, sources: Sources) -> Self {
        Self::Diagnostics {
            diagnostics,
            sources,
            code: exit::BAD_INPUT,
        }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Diagnostics { code, .. } => *code,
            Self::Usage(_) => exit::USAGE,
            Self::Book(error)
            | Self::Engine(EngineError::Book(error) | EngineError::Lost { source: error, .. }) => {
                book_code(error)
            }
            Self::Engine(
                EngineError::Illegal { .. }
                | EngineError::Unreadable { .. }
                | EngineError::Snapshot { .. },
            ) => exit::BOOK_DAMAGED,
            Self::Engine(EngineError::Busy(_)) => exit::PARKED,
            Self::Engine(EngineError::KeyMissing) | Self::Failed(_) => exit::FAILED,
            Self::Path { .. } | Self::NoRoom { .. } => exit::IO,
        }
    }

    /// What is wrong, in the form that all trouble has.
    fn diagnostics(&self) -> Cow<'_, Diagnostics> {
        let one = match self {
            Self::Diagnostics { diagnostics, .. } => return Cow::Borrowed(diagnostics),
            Self::Usage(what) => diag::senseless_order(what),
            Self::Book(error) => diag::book_trouble(error),
            Self::Engine(error) => engine_trouble(error),
            Self::Path { what, path, source } => diag::system_refuses(what, path, source),
            Self::NoRoom { path } => diag::low_space(path, None, journal::limits::FREE_FLOOR_BYTES),
            Self::Failed(what) => diag::not_done(what),
        };
        Cow::Owned(one.into())
    }

    /// Says it: what, where, why and what to do.
    pub(crate) fn print(&self, json: bool) {
        let nothing = Sources::default();
        let sources = match self {
            Self::Diagnostics { sources, .. } => sources,
            _ => &nothing,
        };
        let found = self.diagnostics();
        if json {
            for one in found.iter() {
                anstream::println!("{}", crate::json::diagnostic_line(one, sources));
            }
        } else {
            anstream::eprint!("{}", diagnostics::text(&found, sources));
        }
        if let Self::Engine(EngineError::Lost { unrecorded, .. }) = self {
            // The only place where they still stand.
            for event in unrecorded {
                let text = serde_json::to_string(event).unwrap_or_default();
                anstream::eprintln!("  not in the book: {text}");
            }
        }
    }
}

fn engine_trouble(error: &EngineError) -> value::Diagnostic {
    match error {
        EngineError::Book(error) => diag::book_trouble(error),
        EngineError::Illegal {
            environment,
            source,
        } => diag::book_senseless(environment, &source.to_string()),
        EngineError::Unreadable {
            environment,
            position,
            what,
        } => diag::book_senseless(
            environment,
            &format!("entry {position} cannot be read by this program: {what}"),
        ),
        EngineError::Snapshot {
            environment,
            position,
        } => diag::book_senseless(
            environment,
            &format!("the snapshot at entry {position} is not what the entries up to it give"),
        ),
        EngineError::Lost { source, unrecorded } => diag::outcomes_lost(source, unrecorded.len()),
        EngineError::KeyMissing => diag::key_missing(),
        EngineError::Busy(run) => diag::run_in_the_way(*run),
    }
}

fn book_code(error: &JournalError) -> u8 {
    match error {
        JournalError::Held { .. } | JournalError::Fenced { .. } => exit::HELD,
        JournalError::TailLost { .. } | JournalError::Corrupt { .. } => exit::BOOK_DAMAGED,
        JournalError::NoBook { .. } => exit::FAILED,
        _ => exit::IO,
    }
}

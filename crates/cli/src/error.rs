//! How a command ends badly: whose fault, which exit code, what to do. The one place that decides this.

use crate::exit;
use crate::render::diagnostics::{self, Sources};
use engine::EngineError;
use journal::JournalError;
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
    /// The editor.
    #[error("the language server ended before the editor said so")]
    LanguageServer(#[from] language_server::ServerError),
    /// Another run comes first.
    #[error("run {run} is not over, and nothing else is begun before it is")]
    Open {
        /// Which.
        run: model::RunId,
    },
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
    #[error(
        "less than {} MiB are free under {}; nothing more is begun, because its outcome might not fit into the book",
        journal::limits::FREE_FLOOR_BYTES >> 20, path.display()
    )]
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
            EngineError::KeyMissing => Self::Diagnostics {
                diagnostics: engine::key_missing().into(),
                sources: Sources::default(),
                code: exit::FAILED,
            },
            other @ (EngineError::Illegal { .. }
            | EngineError::Unreadable { .. }
            | EngineError::Lost { .. }) => Self::Engine(other),
            EngineError::Busy(run) => Self::Open { run },
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
            Self::Book(error) => book_code(error),
            Self::Engine(EngineError::Book(error) | EngineError::Lost { source: error, .. }) => {
                book_code(error)
            }
            Self::Engine(EngineError::Illegal { .. } | EngineError::Unreadable { .. }) => {
                exit::BOOK_DAMAGED
            }
            Self::Open { .. } | Self::Engine(EngineError::Busy(_)) => exit::PARKED,
            Self::Engine(EngineError::KeyMissing) => exit::FAILED,
            Self::Path { .. } | Self::NoRoom { .. } => exit::IO,
            Self::LanguageServer(_) | Self::Failed(_) => exit::FAILED,
        }
    }

    /// Says it, with its causes and what to do.
    pub(crate) fn print(&self, json: bool) {
        if json {
            self.print_json();
            return;
        }
        if let Self::Diagnostics {
            diagnostics,
            sources,
            ..
        } = self
        {
            anstream::eprint!("{}", diagnostics::text(diagnostics, sources));
            return;
        }
        anstream::eprintln!(
            "{}Error:{} {self}",
            crate::render::style::BAD,
            crate::render::style::RESET
        );
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            anstream::eprintln!("  because: {error}");
            cause = error.source();
        }
        if let Self::Engine(EngineError::Lost { unrecorded, .. }) = self {
            for event in unrecorded {
                let text = serde_json::to_string(event).unwrap_or_default();
                anstream::eprintln!("  not in the book: {text}");
            }
        }
        if let Some(advice) = self.advice() {
            anstream::eprintln!("  {advice}");
        }
    }

    /// The same for programs: one object per diagnostic, or one for the error.
    fn print_json(&self) {
        if let Self::Diagnostics {
            diagnostics,
            sources,
            ..
        } = self
        {
            for one in diagnostics.iter() {
                anstream::println!("{}", crate::json::diagnostic_line(one, sources));
            }
            return;
        }
        let causes = std::iter::successors(std::error::Error::source(self), |error| error.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        anstream::println!(
            "{}",
            serde_json::json!({
                "type": "error", "exit_code": self.exit_code(), "message": self.to_string(), "causes": causes,
                "advice": self.advice(),
            })
        );
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Book(JournalError::TailLost { .. }) => Some(
                "The loss is accepted by: steadfast journal accept-loss. Then look with steadfast plan before anything else.",
            ),
            Self::Open { .. } => {
                Some("Go on with it: steadfast resume. Or close it: steadfast resume -cancel.")
            }
            Self::NoRoom { .. } => Some("Make room, then: steadfast resume."),
            Self::Engine(EngineError::Lost { .. }) => Some(
                "Make room or mend the disk, then: steadfast resume. Lost outcomes are inquired into.",
            ),
            _ => None,
        }
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

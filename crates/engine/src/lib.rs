//! The loop that acts: record, fold, decide, record the intent, perform, record the outcome.
//!
//! [`Core`] is that loop without input and output: it takes an [`Input`] and answers with [`Output`]s, and is what the
//! simulator drives in virtual time. [`Engine`] is the shell around it: one task that holds the pen, a book, and the
//! adapters of the outside. An effect is performed only after its intent is durable, and only `perform` performs.
//!
//! Start with [`Core::handle`], then [`Engine::run`].

mod calls;
mod codec;
mod core;
pub mod diag;
mod drift;
mod error;
mod lease;
pub mod limits;
mod marks;
mod outside;
mod perform;
mod preview;
mod read;
mod seal;
mod shell;
mod snapshot;
mod task;
mod testing;

pub use crate::core::{Configuration, Core, Input, Opening, Output, Pause};
pub use calls::with_calls;
pub use codec::{Codec, StoredBlobs};
pub use drift::drifted;
pub use error::EngineError;
pub use lease::Leases;
pub use marks::{Sensitive, mark_repeats, unmarked_change, unmarked_question};
pub use outside::{Configured, Lent, Outside};
pub use preview::{Preview, preview};
pub use read::{check_key, entries, environments, folded, world};
pub use seal::{KEY_BYTES, OpenError, Secrets};
pub use shell::{Engine, Handle, Observer, PROJECT_STREAM};
pub use snapshot::{checked_world, sealed_snapshot};
pub use task::SystemClock;
pub use testing::{
    TestEvent, TestFindings, TestObserver, TestReport, TestStatus, TestSuite, test_file, test_files,
};

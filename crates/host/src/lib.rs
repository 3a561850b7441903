//! The providers that are built in: `terraform_data` with `terraform_remote_state`, and the resources of machines, this
//! one and others over SSH (`host_file`, `host_directory`, `host_link`, `host_command`, and the things of `thing`).
//!
//! [`Builtin`] keeps data, reads state files, and touches nothing. [`Host`] acts on the file system and starts
//! processes as the user that runs Steadfast; it never raises its rights, never follows a symbolic link at a path it
//! manages, never makes a missing parent directory, and never takes over what it did not make unless that is already
//! exactly as configured.
//!
//! Start with `provider` (which call goes where), then one file per resource type: `file`, `directory`, `link`,
//! `command`, and those in `thing`. `machine` is what they act on.
//! What they share: `form` (objects in and out), `standing` (what is at a path), `write` (how it gets there, whole or
//! not at all), `rights` (modes and owners), `process` (how commands run).

mod arguments;
mod builtin;
mod command;
mod diag;
mod directory;
mod file;
mod form;
mod function;
mod limits;
mod link;
mod machine;
mod probe;
mod process;
mod provider;
mod provision;
mod remote_state;
mod rights;
mod schema;
mod ssh;
mod standing;
mod thing;
mod tls;
mod write;

pub use builtin::Builtin;
pub use diag::CODES;
pub use probe::Looks;
pub use provider::{Host, Options};
pub use provision::Exec;

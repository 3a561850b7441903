//! The local runtime with real processes: shims, workloads, signals and files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests and their helpers"
)]

mod conformance;
mod house;
mod instances;
mod killed;
mod refusals;

//! Providers over gRPC, against a mock that is scripted by data: in this process, and in one of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bed;
mod conformance;
mod faults;
mod more;
mod processes;
mod recover;

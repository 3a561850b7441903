//! The built-in providers on a real file system and with real processes, each test in a directory of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bed;
mod commands;
mod conformance;
mod data;
mod directories;
mod files;
mod links;
mod machines;
mod probes;
mod provisioners;
mod remote;
mod server;
mod things;

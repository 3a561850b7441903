//! The data plane as its neighbours meet it: real clients and real servers on loopback sockets, in one process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say so at once"
)]

mod conformance;
mod control;
mod counting;
mod draining;
mod failing;
mod http;
mod restart;
mod support;
mod traffic;

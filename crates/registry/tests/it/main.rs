//! Modules from everywhere: real repositories, real archives, and a registry on this machine that speaks the protocol.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is wrong"
)]

mod archives;
mod azure;
mod bed;
mod git;
mod kubernetes;
mod locking;
mod oracle;
mod postgres;
// The package that is signed in these tests is one for this platform.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod providers;
mod registries;
mod server;
mod states;
mod tls;

//! What every adapter of a seam must hold, as suites that its tests await.
//!
//! One suite per trait. It takes the adapter and a small fixture for what only the adapter's tests can make (a
//! configuration, a directory, a pause) and panics at the first broken promise, saying which. The suites name no
//! executor, start no thread and never sleep: waiting is the fixture's business and always bounded. They test what the
//! docs of the traits promise and nothing of an adapter's own; its faults and details are its own tests' business.

#![expect(
    clippy::panic,
    reason = "a suite is test code that adapters link: it fails by panicking"
)]

mod artifacts;
mod clock;
mod probes;
mod provider;
mod provisioners;
mod router;
mod runtime;
mod states;

pub use artifacts::{ArtifactsFixture, artifacts};
pub use clock::clock;
pub use probes::{ProbesFixture, probes};
pub use provider::{Inquires, ProviderFixture, provider};
pub use provisioners::{ProvisionersFixture, provisioners};
pub use router::{RouterFixture, router};
pub use runtime::{RuntimeFixture, runtime};
pub use states::{StatesFixture, states};

/// Looks that a suite takes at something that must come about, with the fixture's pause before each further one.
pub const LOOKS_MAX: u32 = 600;

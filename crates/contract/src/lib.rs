//! The seams: how Steadfast meets everything foreign.
//!
//! Each trait is object-safe, small and asynchronous without naming an executor. Each has a fake (`fake`) for unit
//! tests and the simulator, and a conformance suite (`conformance`) that the fake and every adapter run. An adapter
//! knows neither the engine nor its neighbours.
//!
//! What all of them promise: a call ends (adapters have deadlines of their own); a reply that cannot be had is
//! [`Outcome::Unknown`], never a guess; nothing panics on what the outside says.

mod artifacts;
mod clock;
pub mod conformance;
pub mod fake;
mod probes;
mod provider;
mod provisioners;
mod router;
mod runtime;
mod states;

pub use artifacts::Artifacts;
pub use clock::Clock;
pub use model::{Answer, Inquiry, Outcome, Question};
pub use probes::{Probes, Sight};
pub use provider::{Lease, Looked, Opened, Provider};
pub use provisioners::Provisioners;
pub use router::Router;
pub use runtime::{InstanceReport, Runtime};
pub use states::States;

use core::future::Future;
use core::pin::Pin;

/// A reply that will come: a boxed future, so that the traits stay object-safe.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A reading call that could not be answered: what was tried, what happened, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl core::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Unavailable {}

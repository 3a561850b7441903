//! In-memory outsides for unit tests and the simulator.
//!
//! Every fake is deterministic, starts no thread, never sleeps and answers at once: its futures are ready when they are
//! first polled (the one exception is [`FakeClock::sleep_until`](crate::Clock::sleep_until), which waits for the test
//! to move the clock). Clones share one outside, so that a test can restart everything else and find the outside as it
//! was.
//! Faults are scripted with [`Fault`]; what takes longer, or comes in another order, is for the simulator to arrange
//! around the calls that act at once (`land`, `look`).

mod artifacts;
mod clock;
mod diag;
mod probes;
mod provider;
mod provisioners;
mod router;
mod runtime;
mod states;
mod world;

pub use artifacts::FakeArtifacts;
pub use clock::FakeClock;
pub use probes::FakeProbes;
pub use provider::{Class, FakeProvider};
pub use provisioners::FakeProvisioners;
pub use router::{FakeRequest, FakeRouter};
pub use runtime::{FakeRuntime, RuntimeCall};
pub use states::FakeStates;
pub use world::{FakeObject, FakeWorld, Landing, ProviderCall};

use crate::Pending;
use diag::{failed, refused};
use model::Outcome;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What goes wrong with one changing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No effect, `Failed`: another attempt may succeed.
    Fail,
    /// No effect, `Refused`: another attempt would not succeed.
    Refuse,
    /// It takes effect, but the reply is lost: `Unknown`.
    LoseReply,
    /// The request itself is lost: no effect, `Unknown`.
    LoseRequest,
    /// It takes effect by half: `Partial`. Only for resources; elsewhere the same as `Fail`.
    Partial,
}

impl Fault {
    /// Wraps an effect: whether it lands, and what is said of it.
    fn around(self, land: impl FnOnce() -> Outcome) -> Outcome {
        match self {
            Self::Fail | Self::Partial => failed("the outside is out of order, as the test asked"),
            Self::Refuse => refused("the outside refuses, as the test asked"),
            Self::LoseReply => {
                let _ = land();
                Outcome::Unknown {
                    why: "the connection broke after the request was sent".into(),
                }
            }
            Self::LoseRequest => Outcome::Unknown {
                why: "the connection broke while the request was sent".into(),
            },
        }
    }
}

/// A test that panicked while it held the lock has failed already; its state is still good to look at.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ready<'a, T: Send + 'a>(value: T) -> Pending<'a, T> {
    Box::pin(core::future::ready(value))
}

//! The simulator: the real engine in virtual time, with an outside and a disk that fail as the seed says.
//!
//! One seed draws a project, what is asked for, and everything that goes wrong: lost and slow requests, refusals,
//! crashes at every boundary of the book and before every outgoing request, torn tails, two controllers on one book.
//! After everything that happens [`check`] looks whether what must always hold still holds; there is one checker for
//! each rule. [`Mutant`]s are faults planted in the shell around the engine: a simulator that does not catch them
//! proves nothing.
//!
//! Start with [`play`]. Never shipped; no thread, no clock, no file.

mod agenda;
pub mod check;
mod controller;
mod coverage;
mod mutant;
mod operator;
mod outside;
mod passes;
mod rng;
mod scenario;
mod traffic;
mod trial;

pub use coverage::Coverage;
pub use mutant::Mutant;
pub use rng::Rng;
pub use scenario::{Blueprint, ENVIRONMENT, Expected, FAILS, Part, Request, Scenario, Version};
pub use trial::{Crashes, Fingerprint, Settings, Story, play};

use std::task::{Context, Poll, Waker};

/// Plays a seed with a planted fault, in a storm and in calm: the rule that it broke, if any.
pub fn hunt(mutant: Mutant, seed: u64) -> Option<check::Violation> {
    let scenario = Scenario::of(seed);
    [Settings::storm(), Settings::calm()]
        .into_iter()
        .find_map(|way| {
            let mutant = Some(mutant);
            play(&scenario, &Settings { mutant, ..way }).violation
        })
}

/// What a future of a fake gives: those are ready when they are first polled.
fn ready<T>(mut future: contract::Pending<'_, T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

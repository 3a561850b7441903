//! A clock that stands still until the test moves it.

use super::lock;
use crate::{Clock, Pending};
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::sync::{Arc, Mutex};

/// A manual [`Clock`]. Clones show the same time.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now_ms: i64,
    sleepers: Vec<Waker>,
}

impl FakeClock {
    /// A clock that shows this time.
    pub fn new(now_ms: i64) -> Self {
        Self(Arc::new(Mutex::new(State {
            now_ms,
            sleepers: Vec::new(),
        })))
    }

    /// Moves time forward and wakes who waits.
    pub fn advance(&self, by_ms: u64) {
        let sleepers = {
            let mut state = lock(&self.0);
            state.now_ms = state.now_ms.saturating_add_unsigned(by_ms);
            core::mem::take(&mut state.sleepers)
        };
        sleepers.into_iter().for_each(Waker::wake);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new(1_700_000_000_000)
    }
}

impl Clock for FakeClock {
    fn now_ms(&self) -> i64 {
        lock(&self.0).now_ms
    }

    fn sleep_until(&self, at_ms: i64) -> Pending<'_, ()> {
        Box::pin(poll_fn(move |context| {
            let mut state = lock(&self.0);
            if state.now_ms >= at_ms {
                return Poll::Ready(());
            }
            if !state
                .sleepers
                .iter()
                .any(|waker| waker.will_wake(context.waker()))
            {
                state.sleepers.push(context.waker().clone());
            }
            Poll::Pending
        }))
    }
}

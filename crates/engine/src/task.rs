//! The closed list of long-running tasks, and the clock of the machine: the only doors to the executor and to time.

use contract::{Clock, Pending};
use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// What a task is for. Each ends by itself; none holds the pen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Carries out one effect. Dropped at the end of the process, its outcome is lost, which the next engine sees.
    Effect,
    /// Asks, inquires or looks. Dropping it loses nothing.
    Reading,
    /// Keeps an ephemeral resource open. Dropped at the end of the process, what is open runs out by itself.
    Lease,
}

/// Starts a task.
pub(crate) fn spawn<T: Send + 'static>(
    _kind: TaskKind,
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    #[expect(clippy::disallowed_methods, reason = "the one door")]
    tokio::spawn(future)
}

/// The machine's clock: wall time when it was made, moved on by the monotonic clock, so that it never runs backwards.
#[derive(Debug)]
pub struct SystemClock {
    began: Instant,
    began_ms: i64,
    newest_ms: AtomicI64,
}

impl SystemClock {
    /// A clock that begins now.
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one door")]
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let began_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Self {
            began: Instant::now(),
            began_ms,
            newest_ms: AtomicI64::new(began_ms),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now_ms = self.began_ms.saturating_add(passed);
        self.newest_ms
            .fetch_max(now_ms, Ordering::Relaxed)
            .max(now_ms)
    }

    fn sleep_until(&self, at_ms: i64) -> Pending<'_, ()> {
        let wait_ms = at_ms.saturating_sub(self.now_ms());
        Box::pin(tokio::time::sleep(Duration::from_millis(
            wait_ms.max(0).unsigned_abs(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::SystemClock;

    #[tokio::test]
    async fn the_system_clock_keeps_the_promises_of_a_clock() {
        contract::conformance::clock(&SystemClock::new()).await;
    }
}

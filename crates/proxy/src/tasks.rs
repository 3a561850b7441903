//! The closed list of what runs concurrently in this process, and the only place that starts any of it.
//!
//! Each kind says what its end means for a graceful stop. A panic in a task ends that task alone: its counters are
//! settled by guards, its connection is closed, everything else goes on.

use crate::limits::ms;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Everything that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Accepts on the control socket until the process ends.
    ControlListener,
    /// One connection to the control socket.
    ControlConnection,
    /// One exchange that a caller of [`crate::LocalRouter`] may abandon half-way, carried to its end.
    Publication,
    /// Accepts clients of one service, until the service leaves the table.
    Listener,
    /// One connection of a client.
    ClientConnection,
    /// One connection to a backend, while it is used or idle.
    UpstreamConnection,
    /// One upgraded connection: bytes copied both ways.
    Upgrade,
    /// Probes one instance until it leaves the table.
    HealthProbe,
    /// Closes what has been idle for too long.
    Sweep,
}

impl TaskKind {
    /// Whether a graceful stop waits for the task (until its deadline). The others are cut off: nobody waits for an
    /// answer from them.
    fn holds_up_a_stop(self) -> bool {
        match self {
            Self::ClientConnection | Self::Upgrade | Self::Publication => true,
            Self::ControlListener
            | Self::ControlConnection
            | Self::Listener
            | Self::UpstreamConnection
            | Self::HealthProbe
            | Self::Sweep => false,
        }
    }
}

/// Starts tasks and knows how many of those that matter are running.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    running: Arc<watch::Sender<usize>>,
}

/// Takes itself off the number of running tasks, also after a panic.
struct Running(Arc<watch::Sender<usize>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Tasks {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Starts a task.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door through which tasks of the data plane are started"
    )]
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        kind: TaskKind,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let guard = kind.holds_up_a_stop().then(|| {
            self.running.send_modify(|n| *n += 1);
            Running(self.running.clone())
        });
        tokio::spawn(async move {
            let _guard = guard;
            task.await
        })
    }

    /// Runs a call that blocks (a file written and synced) away from the tasks, and waits for it. `None` when it
    /// panicked.
    pub(crate) async fn blocking<T: Send + 'static>(
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        tokio::task::spawn_blocking(call).await.ok()
    }

    /// Waits until none of the tasks that hold up a stop is running, but no longer than so many milliseconds. True
    /// when they have all ended.
    pub(crate) async fn idle_within(&self, limit_ms: u64) -> bool {
        let mut running = self.running.subscribe();
        let ended = running.wait_for(|&n| n == 0);
        tokio::time::timeout(ms(limit_ms).max(Duration::from_millis(1)), ended)
            .await
            .is_ok_and(|ended| ended.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_ends_alone_and_holds_nothing_up() {
        let tasks = Tasks::new();
        let panicked = tasks
            .spawn(TaskKind::ClientConnection, async {
                panic!("planted; this is what the test is about")
            })
            .await;
        assert!(panicked.is_err_and(|error| error.is_panic()));
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let other = tasks.spawn(TaskKind::Upgrade, released);
        assert!(!tasks.idle_within(1).await);
        let _ = release.send(());
        assert!(tasks.idle_within(10_000).await);
        assert!(other.await.is_ok());
    }
}

//! The tasks of this room: one for each connection and each stream of a provider's output. Each ends with what it
//! serves, and nothing waits for it.

use core::future::Future;

/// Starts a task.
#[expect(
    clippy::disallowed_methods,
    reason = "the one door through which tasks of this room are started; each ends with its connection or its pipe"
)]
pub(crate) fn spawn<F>(task: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(task);
}

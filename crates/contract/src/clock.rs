//! Where time comes from.

use crate::Pending;

/// The only source of time outside the simulator.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch. Never runs backwards within a process; used to order nothing that the book
    /// does not order already.
    fn now_ms(&self) -> i64;

    /// Returns when `now_ms` has reached this time.
    fn sleep_until(&self, at_ms: i64) -> Pending<'_, ()>;
}

//! What can be chosen when a book is opened. The defaults are `limits`; tests make them small.

use std::fmt;
use std::sync::Arc;

use crate::limits;

/// Wall time in milliseconds since 1970 UTC, from wherever the program takes its time.
pub type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What can be chosen when a book is opened.
#[derive(Clone)]
pub struct Options {
    /// The clock. It only spaces out the anchor and tells later processes since when a lock is held.
    pub now_ms: NowMs,
    /// Size of the disk reserve; 0 for none.
    pub ballast_bytes: u64,
    /// Free space below which [`crate::Reserve::can_start`] refuses.
    pub free_floor_bytes: u64,
    /// Free space wanted for each open action.
    pub free_per_action_bytes: u64,
    /// Least time between two unasked updates of the anchor; 0 updates it with every commit.
    pub anchor_interval_ms: u64,
    /// Size of the write-ahead log from which on it is copied into the database.
    pub wal_checkpoint_bytes: u64,
    /// Whether a file system that keeps locks or syncs badly is accepted.
    pub allow_network_fs: bool,
    /// Whether a book that has lost acknowledged entries is opened all the same. The caller
    /// records that it did so.
    pub accept_tail_loss: bool,
}

impl Options {
    /// The defaults of `limits`, with this clock.
    #[must_use]
    pub fn new(now_ms: NowMs) -> Self {
        Self {
            now_ms,
            ballast_bytes: limits::BALLAST_BYTES,
            free_floor_bytes: limits::FREE_FLOOR_BYTES,
            free_per_action_bytes: limits::FREE_PER_ACTION_BYTES,
            anchor_interval_ms: limits::ANCHOR_INTERVAL_MS,
            wal_checkpoint_bytes: limits::WAL_CHECKPOINT_BYTES,
            allow_network_fs: false,
            accept_tail_loss: false,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("ballast_bytes", &self.ballast_bytes)
            .finish_non_exhaustive()
    }
}

//! A [`World`] as bytes, so that a book need not be folded from its beginning each time.
//!
//! A snapshot is only a cache: it stands between runs, is used by the very code that made it and by no other, and
//! whatever does not fit is folded again from the entries (decision 0016).

use crate::World;
use crate::limits::SNAPSHOT_ENTRIES_MIN;
use alloc::vec::Vec;
use model::DecodeError;

/// Names the code that folds: a digest of its sources. A snapshot is used only by the code that made it.
pub const FOLD_CODE: &str = env!("STEADFAST_FOLD");

impl World {
    /// Whether a snapshot is worth its cost, when the newest one stands at this position (0: there is none).
    ///
    /// Never while a run is under way: what a run holds is large and soon over. A snapshot costs as much as there are
    /// objects, so there must have been as many entries since: then all snapshots of a book cost no more than its
    /// entries.
    pub fn is_snapshot_due(&self, newest: u64) -> bool {
        let entries = self.position.saturating_sub(newest);
        self.run.is_none() && entries >= SNAPSHOT_ENTRIES_MIN.max(self.resources.len() as u64)
    }

    /// The snapshot of this moment; none while a run is under way. Sensitive values are in it as they are: it is to be
    /// sealed like any other content.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.run.is_none().then(|| model::encode(self))
    }

    /// The world of a snapshot.
    ///
    /// # Errors
    /// When the bytes are not what [`World::snapshot`] makes.
    pub fn of_snapshot(bytes: &[u8]) -> Result<Self, DecodeError> {
        model::decode(bytes)
    }
}

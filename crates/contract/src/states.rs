//! States that other projects keep away from this machine.

use crate::{Pending, Unavailable};
use value::Value;

/// Reads what the backends of Terraform keep.
pub trait States: Send + Sync {
    /// The state, in Terraform's form, that a backend of this kind keeps for a workspace; none where it says that there
    /// is none. `config` is what would be written in its block, an object or null.
    ///
    /// # Errors
    /// When it cannot be had, or a backend of this kind cannot be read: in words without a full stop, and without
    /// anything that opens it.
    fn state<'a>(
        &'a self,
        backend: &'a str,
        config: &'a Value,
        workspace: &'a str,
    ) -> Pending<'a, Result<Option<Vec<u8>>, Unavailable>>;
}

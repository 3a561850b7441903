//! Probes: looks at whether an object is healthy.

use crate::Pending;
use model::Probe;
use value::Diagnostics;

/// What one look saw. It is evidence: how many looks it takes, and what follows, is not for who looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Whether the answer was as it should be.
    pub healthy: bool,
    /// What was answered, or why nothing was: for people, of bounded length.
    pub answer: String,
}

/// Looks at the health of objects.
pub trait Probes: Send + Sync {
    /// Looks once, and no longer than this; changes nothing. No answer in time is an answer that is not as it should
    /// be.
    ///
    /// # Errors
    /// When what is to be looked at cannot be looked at, now or ever.
    fn look<'a>(
        &'a self,
        probe: &'a Probe,
        timeout_ms: u64,
    ) -> Pending<'a, Result<Sight, Diagnostics>>;
}

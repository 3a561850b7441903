//! Exact numbers.

use serde::{Deserialize, Serialize};

/// A number as the language knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Number(i64);

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value)
    }
}

impl Number {
    /// The same number as an integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        Some(self.0)
    }
}

impl core::fmt::Display for Number {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

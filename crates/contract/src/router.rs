//! Traffic: who gets which request.

use crate::{Pending, Unavailable};
use model::{Counts, Outcome, RouteTable};

/// Spreads requests over instances and counts them.
pub trait Router: Send + Sync {
    /// Puts a table in force: by key (its generation). `Published` means that every request decided from now on
    /// follows it. An older generation than the one in force is `Refused`.
    fn publish<'a>(&'a self, table: &'a RouteTable) -> Pending<'a, Outcome>;

    /// The table in force, none before the first.
    fn current(&self) -> Pending<'_, Result<Option<RouteTable>, Unavailable>>;

    /// Requests counted so far, one entry per service.
    fn counts(&self) -> Pending<'_, Result<Vec<Counts>, Unavailable>>;
}

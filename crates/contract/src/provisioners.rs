//! Provisioners: commands that belong to the making and the destruction of an object.

use crate::{Inquiry, Outcome, Pending};
use model::{ActionId, Provision};

/// Runs the provisioners of the language: `local-exec`, `remote-exec` and `file`.
pub trait Provisioners: Send + Sync {
    /// Runs one to its end. `action` is the same for every attempt at it.
    ///
    /// `Provisioned` and `Broken` say that it ran; `Refused` that what is written can run nowhere; `Failed` that
    /// nothing was begun (the machine could not be reached).
    fn run<'a>(&'a self, action: ActionId, provision: &'a Provision) -> Pending<'a, Outcome>;

    /// Finds out what became of one whose outcome was lost. Changes nothing. `Absent` when it was never begun;
    /// `NotYet` while it runs.
    fn inquire<'a>(&'a self, action: ActionId, provision: &'a Provision) -> Pending<'a, Inquiry>;

    /// Lets go of what is kept for inquiries: everything is recorded.
    fn close(&self) -> Pending<'_, ()> {
        Box::pin(core::future::ready(()))
    }
}

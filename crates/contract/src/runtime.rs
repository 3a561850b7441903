//! Workloads: where instances run.

use crate::{Pending, Unavailable};
use model::{InstanceId, InstanceSpec, InstanceState, Outcome};
use std::path::Path;

/// Runs instances of services and keeps them running when the control plane is gone.
pub trait Runtime: Send + Sync {
    /// Starts an instance from an unpacked artifact, or finds the one of this name already started: by key. Ends with
    /// `Placed` as soon as the process runs; being healthy is observed, not waited for.
    ///
    /// `Refused` says that what is to run could run nowhere (its command does not exist), which is held against its
    /// version. What this machine does not give, now (a port, room, a directory), has `Failed`.
    fn place<'a>(&'a self, spec: &'a InstanceSpec, unpacked: &'a Path) -> Pending<'a, Outcome>;

    /// Asks an instance to stop, kills it after the grace time, and forgets it. Stopping what is not there is
    /// `Stopped`.
    fn stop<'a>(&'a self, instance: &'a InstanceId, grace_ms: u64) -> Pending<'a, Outcome>;

    /// Looks at an instance and checks its health once.
    fn observe<'a>(
        &'a self,
        instance: &'a InstanceId,
    ) -> Pending<'a, Result<InstanceReport, Unavailable>>;

    /// All instances it knows, running or not.
    fn list(&self) -> Pending<'_, Result<Vec<InstanceId>, Unavailable>>;
}

/// What a look at an instance showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceReport {
    /// `Starting` until the first passed check, then `Healthy` or `Unhealthy` as the last check says; `Gone` when no
    /// process runs and none will be started again.
    pub state: InstanceState,
    /// Exit status, refused check, last lines of the log: for people.
    pub detail: String,
    /// `address:port`, where it is known.
    pub address: Option<String>,
    /// How often its process was started.
    pub starts: u32,
}

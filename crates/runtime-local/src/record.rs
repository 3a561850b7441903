//! What is written into an instance's directory: its order (`spec.json`), its state (`status.json`), a request to
//! stop (`stop.json`).
//!
//! The order is written by the control plane before the shim starts, and durable. The state is written by the shim
//! alone; it describes processes, so it need not survive the machine. Both carry a format number: what a newer version
//! wrote is refused, not guessed at.

use crate::files::{self, Durable, FileError};
use crate::limits::RECORD_BYTES_MAX;
use model::InstanceSpec;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Format of the files of this version.
const FORMAT: u32 = 1;

/// How a shim looks after its process. Written into the order, so that a shim needs no other configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervision {
    /// Time before a process that ended unasked is started again; it doubles with each failure in a row.
    pub backoff_ms_first: u64,
    /// Longest such time.
    pub backoff_ms_max: u64,
    /// A process that ran so long is held to be stable: the next failure is the first of a row again.
    pub stable_ms: u64,
    /// Restarts in a row before the instance stays down.
    pub restarts_max: u32,
    /// Bytes of output that are kept, in two files of half the size.
    pub log_bytes_max: u64,
    /// A memory cgroup (version 1 or 2) that was delegated to Steadfast. Each instance with a memory limit gets a group
    /// of its own below it. Without one the limit is `RLIMIT_DATA`, which each process of the instance has for itself.
    pub memory_cgroup: Option<PathBuf>,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            backoff_ms_first: 100,
            backoff_ms_max: 10_000,
            stable_ms: 10_000,
            restarts_max: 10,
            log_bytes_max: 16 << 20,
            memory_cgroup: None,
        }
    }
}

/// The order: what the shim runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    format: u32,
    /// As the engine gave it.
    pub(crate) spec: InstanceSpec,
    /// The unpacked artifact, absolute.
    pub(crate) unpacked: PathBuf,
    /// Given to the process in `PORT`.
    pub(crate) port: u16,
    /// Counts how often the instance was placed anew; tells a state of this life from one of an earlier life.
    pub(crate) life: u32,
    /// How it is looked after.
    pub(crate) supervision: Supervision,
}

/// Where the shim is in its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The first process is being started.
    Starting,
    /// The process runs.
    Running,
    /// The process ended unasked and will be started again.
    Waiting,
    /// The process was asked to stop.
    Stopping,
    /// No process runs and none will be started.
    Down,
}

/// A process that stays itself: a recycled number has another start time or another boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// Number of the process and of its group.
    pub(crate) pid: i32,
    /// Session, which is the shim's.
    pub(crate) session: i32,
    /// Clock ticks from boot to start, as in `/proc/<pid>/stat`.
    pub(crate) start_ticks: u64,
    /// The boot these belong to.
    pub(crate) boot: String,
}

/// Why the first process could not be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartFailure {
    /// Number of the operating system's error, 0 when it was another.
    pub(crate) errno: i32,
    /// What failed, with the error.
    pub(crate) what: String,
}

/// The state, as the shim saw it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    format: u32,
    /// Process number of the shim that wrote it.
    pub(crate) shim: i32,
    /// [`Order::life`] of the order it works on.
    pub(crate) life: u32,
    /// [`Order::port`] of that order.
    pub(crate) port: u16,
    pub(crate) stage: Stage,
    /// The process started last, until it is known to be gone with all its group.
    pub(crate) process: Option<ProcessRecord>,
    /// How often the process was started, over all lives.
    pub(crate) starts: u32,
    /// How it ended last, in words.
    pub(crate) last_exit: Option<String>,
    /// Which memory limit is in force, in words.
    pub(crate) memory_limit: String,
    /// The cgroup made for it.
    pub(crate) cgroup: Option<PathBuf>,
    /// Why the first process of this life could not be started.
    pub(crate) start_failure: Option<StartFailure>,
}

/// A request to stop; the signal that follows only wakes the shim.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct StopRequest {
    format: u32,
    pub(crate) grace_ms: u64,
}

/// A file of an instance cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what this program writes.
    #[error("{} is damaged", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// A newer version wrote it.
    #[error("{} has format {found}; this version reads format {FORMAT}", path.display())]
    Newer { path: PathBuf, found: u32 },
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Order {
    pub(crate) fn new(
        spec: InstanceSpec,
        unpacked: PathBuf,
        port: u16,
        life: u32,
        supervision: Supervision,
    ) -> Self {
        Self {
            format: FORMAT,
            spec,
            unpacked,
            port,
            life,
            supervision,
        }
    }

    pub(crate) fn read(instance: &Path) -> Result<Option<Self>, RecordError> {
        read(&instance.join("spec.json"))
    }

    /// Durable when it returns.
    pub(crate) fn write(&self, instance: &Path) -> Result<(), RecordError> {
        write(&instance.join("spec.json"), self, Durable::Yes)
    }
}

impl Status {
    pub(crate) fn new(shim: i32, order: &Order, starts: u32) -> Self {
        Self {
            format: FORMAT,
            shim,
            life: order.life,
            port: order.port,
            stage: Stage::Starting,
            process: None,
            starts,
            last_exit: None,
            memory_limit: "none asked for".to_owned(),
            cgroup: None,
            start_failure: None,
        }
    }

    /// The last state. A damaged file is none: after a power cut there may be anything in it, and no process either.
    pub(crate) fn read(instance: &Path) -> Result<Option<Self>, RecordError> {
        match read(&instance.join("status.json")) {
            Err(RecordError::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    pub(crate) fn write(&self, instance: &Path) -> Result<(), RecordError> {
        write(&instance.join("status.json"), self, Durable::No)
    }
}

impl StopRequest {
    pub(crate) fn new(grace_ms: u64) -> Self {
        Self {
            format: FORMAT,
            grace_ms,
        }
    }

    pub(crate) fn read(instance: &Path) -> Result<Option<Self>, RecordError> {
        read(&instance.join("stop.json"))
    }

    pub(crate) fn write(&self, instance: &Path) -> Result<(), RecordError> {
        write(&instance.join("stop.json"), self, Durable::No)
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, RecordError> {
    let Some(bytes) = files::read_bounded(path, RECORD_BYTES_MAX)? else {
        return Ok(None);
    };
    let damaged = |source| RecordError::Damaged {
        path: path.to_path_buf(),
        source,
    };
    // The number first: a newer format may have any shape beyond it.
    let FormatOnly { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(RecordError::Newer {
            path: path.to_path_buf(),
            found: format,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn write<T: Serialize>(path: &Path, record: &T, durable: Durable) -> Result<(), RecordError> {
    let bytes = serde_json::to_vec_pretty(record).map_err(|source| RecordError::Damaged {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(files::write_atomic(path, &bytes, durable)?)
}

//! Every bound of this room, with its unit in its name.

/// Longest instance name: it becomes a file name, with a suffix, on file systems that allow 255 bytes.
pub(crate) const INSTANCE_NAME_BYTES_MAX: usize = 128;

/// Largest `spec.json` and `status.json` that is read; environments are small, and a larger file is not ours.
pub(crate) const RECORD_BYTES_MAX: u64 = 4 << 20;

/// Instances of one runtime: there are not more ports to give them.
pub(crate) const INSTANCES_MAX: usize = 10_000;

/// First port given to instances. The range ends below 32768, where Linux begins to take ports for outgoing
/// connections: an instance that restarts finds its port free.
pub(crate) const PORT_FIRST: u16 = 20_000;
/// Last port given to instances.
pub(crate) const PORT_LAST: u16 = 32_767;

/// Time the shim has to report that the process runs.
pub(crate) const START_TIMEOUT_MS: u64 = 10_000;
/// Time one call may wait for another to be done with the directory; each is done within [`START_TIMEOUT_MS`].
pub(crate) const CHANGE_TIMEOUT_MS: u64 = 3 * START_TIMEOUT_MS;
/// Time between two looks at a file or a lock that another process changes.
pub(crate) const POLL_MS: u64 = 5;
/// Time a killed process has to vanish before it is reported as stuck.
pub(crate) const KILL_TIMEOUT_MS: u64 = 5_000;
/// Time the shim has beyond the grace time before it is killed itself.
pub(crate) const SHIM_MARGIN_MS: u64 = 2 * KILL_TIMEOUT_MS;
/// Longest grace time that is granted: a day.
pub(crate) const GRACE_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// Grace time when the shim is asked to end by a bare signal, as at the shutdown of the machine.
pub(crate) const GRACE_MS_DEFAULT: u64 = 10_000;
/// After this time another attempt may meet a changed situation.
pub(crate) const RETRY_AFTER_MS: u64 = 1_000;

/// Longest time one health check may take, whatever the instance asks for.
pub(crate) const HEALTH_TIMEOUT_MS_MAX: u64 = 60_000;
/// Longest path of a health check.
pub(crate) const HEALTH_PATH_BYTES_MAX: usize = 2_048;
/// Longest status line of an answer to a health check.
pub(crate) const HEALTH_STATUS_LINE_BYTES_MAX: usize = 1_024;

/// Log lines shown in the report of an instance that is not well.
pub(crate) const DETAIL_LINES_MAX: usize = 10;
/// Longest line shown there.
pub(crate) const LINE_CHARS_MAX: usize = 400;
/// Part of a log that is read to find its last lines.
pub(crate) const TAIL_BYTES_MAX: u64 = 256 << 10;
/// Most lines [`crate::LocalRuntime::logs`] returns.
pub(crate) const LOG_LINES_MAX: usize = 10_000;
/// One read from the workload's output.
pub(crate) const LOG_CHUNK_BYTES: usize = 16 << 10;
/// Chunks taken from the output at once, so that a workload that only writes cannot keep its shim from its duties.
pub(crate) const LOG_CHUNKS_AT_ONCE_MAX: usize = 8;
/// Logs of stopped instances that are kept; the oldest go first.
pub(crate) const LOGS_KEPT_MAX: usize = 100;

/// Largest report of the exec stage: two short lines.
pub(crate) const REPORT_BYTES_MAX: usize = 16 << 10;
/// Last bytes of `shim.log` that are shown when a shim did not start.
pub(crate) const SHIM_LOG_LINES_MAX: usize = 5;

//! Every maximum of the artifact store, with its unit in its name and the reason for its size.
//! Deliberately no behaviour: whoever enforces a limit names it from here.

/// Files, directories and links of one source tree. More is nearly always a forgotten build directory.
pub(crate) const SOURCE_ENTRIES_MAX: usize = 100_000;
/// Bytes of one source tree.
pub(crate) const SOURCE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of a `.steadfastignore` file.
pub(crate) const IGNORE_BYTES_MAX: u64 = 64 * 1024;
/// Lines of a `.steadfastignore` file: each is tried on every entry of the tree.
pub(crate) const IGNORE_LINES_MAX: usize = 1_000;

/// Files and directories of one artifact (the number that extraction tools commonly accept).
pub(crate) const ARTIFACT_ENTRIES_MAX: usize = 100_000;
/// Bytes of the files of one artifact.
pub(crate) const ARTIFACT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of a layer: its files, and a header and padding for each entry.
pub(crate) const LAYER_BYTES_MAX: u64 =
    ARTIFACT_BYTES_MAX + (ARTIFACT_ENTRIES_MAX as u64 + 2) * 1_024;
/// Bytes of a path inside an artifact: what a ustar header can hold (POSIX.1-1988), so that no extension is needed.
pub(crate) const ARTIFACT_PATH_BYTES_MAX: usize = 255;
/// Bytes of an artifact's name: it is part of file names.
pub(crate) const ARTIFACT_NAME_BYTES_MAX: usize = 100;
/// Bytes of a manifest, configuration or index: what a registry accepts at least (OCI distribution 1.1).
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Manifests listed in `index.json`.
pub(crate) const INDEX_ENTRIES_MAX: usize = 100_000;
/// Bytes of `index.json`: about 500 for each of [`INDEX_ENTRIES_MAX`].
pub(crate) const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Longest time a build may take, whatever its definition says.
pub(crate) const BUILD_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Bytes a build may write to its output: a runaway build must not fill the disk.
pub(crate) const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes at the end of the output that are looked at when a build fails.
pub(crate) const LOG_TAIL_BYTES: u64 = 64 * 1024;
/// Lines of it that are shown.
pub(crate) const LOG_TAIL_LINES: usize = 20;
/// Characters of each line that are shown.
pub(crate) const LOG_LINE_CHARS_MAX: usize = 400;
/// Time between two looks at the size of the output.
pub(crate) const WATCH_INTERVAL_MS: u64 = 100;
/// How often a program is started that the system says is still being written. Its writer closed it; but a process that
/// another thread has forked meanwhile holds it open until it executes its own program.
pub(crate) const START_TRIES_MAX: usize = 50;
/// Time between two such tries.
pub(crate) const START_RETRY_MS: u64 = 10;
/// Longest wait for a killed process to be gone; one that is stuck in the kernel is left behind.
pub(crate) const KILL_WAIT_MS_MAX: u64 = 10_000;

/// Longest wait for another process that is writing `index.json`.
pub(crate) const LOCK_WAIT_MS_MAX: u64 = 30_000;
/// Time between two tries to take that lock.
pub(crate) const LOCK_RETRY_MS: u64 = 10;
/// How often a fresh temporary directory is tried for when another process sweeps it away at the same moment.
pub(crate) const SCRATCH_TRIES_MAX: usize = 16;

/// Names offered when an expected file was not built.
pub(crate) const NEAR_NAMES_MAX: usize = 5;
/// Entries looked at to find them.
pub(crate) const NEAR_ENTRIES_MAX: usize = 20_000;

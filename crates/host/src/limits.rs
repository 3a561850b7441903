//! Every limit of this room.

/// Longest path, as the kernel has it (`PATH_MAX`).
pub(crate) const PATH_BYTES_MAX: usize = 4_096;

/// Largest file that is written: its content passes through memory and, unless it is a `source`, through the book.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 20;

/// Largest content that a read puts in the book to show how a file drifted; of a larger one only digest and size.
pub(crate) const DRIFT_SHOWN_BYTES_MAX: u64 = 64 << 10;

/// Piece in which files are digested.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Largest `/etc/passwd` and `/etc/group` that is read.
pub(crate) const ACCOUNTS_BYTES_MAX: u64 = 16 << 20;

/// What is kept of a command's standard output.
pub(crate) const STDOUT_BYTES_MAX: usize = 64 << 10;

/// What is shown of the end of a failed command's output, of each stream.
pub(crate) const TAIL_BYTES_MAX: usize = 4 << 10;

/// Time a command has when nothing is said.
pub(crate) const COMMAND_TIMEOUT_MS_DEFAULT: u64 = 5 * 60 * 1_000;

/// Longest time a command may be given.
pub(crate) const COMMAND_TIMEOUT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Time that output may still arrive after a command has ended: something it left running may hold the pipe open.
pub(crate) const OUTPUT_DRAIN_MS_MAX: u64 = 1_000;

/// Time between two looks at a command that is still running from an earlier attempt.
pub(crate) const STILL_RUNNING_EVERY_MS: u64 = 100;

/// Time after which a command that is still running from an earlier attempt is looked at again.
pub(crate) const STILL_RUNNING_RETRY_MS: u64 = 1_000;

/// Time in which a machine must be reached by a provisioner when nothing is said, as in Terraform.
pub(crate) const CONNECT_TIMEOUT_MS_DEFAULT: u64 = 5 * 60 * 1_000;

/// Longest time one attempt to connect takes.
pub(crate) const CONNECT_ATTEMPT_S_MAX: u64 = 10;

/// Time between two attempts to connect.
pub(crate) const CONNECT_RETRY_MS: u64 = 1_000;

/// Time after which a connection that nobody uses ends by itself.
pub(crate) const CONNECTION_IDLE_S_MAX: u64 = 60;

/// Largest state file of another project that is read; it passes through memory.
pub(crate) const STATE_BYTES_MAX: u64 = 256 << 20;

/// What is kept of the answer to a look at the health of an object.
pub(crate) const LOOK_ANSWER_CHARS_MAX: usize = 1_000;

/// Longest status line of HTTP that is read.
pub(crate) const STATUS_LINE_BYTES_MAX: usize = 4 << 10;

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

/// Time in which a machine must be reached to look at it when nothing is said.
pub(crate) const LOOK_CONNECT_TIMEOUT_MS_DEFAULT: u64 = 30 * 1_000;

/// Time that a short request to a machine has: a look, a file put in its place.
pub(crate) const REQUEST_TIMEOUT_MS: u64 = 2 * 60 * 1_000;

/// Time that the answer to a command may take beyond what the command was given: the way back, and its output.
pub(crate) const ANSWER_GRACE_MS: u64 = 30 * 1_000;

/// Largest answer of a machine.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Piece in which large content is sent to a machine.
pub(crate) const SEND_BYTES: usize = 512 << 10;

/// Shells of one machine that long requests have, beside the one for short ones. All use one connection; the server of
/// OpenSSH lets ten sessions into one (`MaxSessions`).
pub(crate) const LONG_SHELLS_MAX: usize = 3;

/// Time that a connection has to end by itself when it is closed.
pub(crate) const CLOSE_MS_MAX: u64 = 2_000;

/// Time between two looks at whether a command of an earlier attempt still runs on another machine.
pub(crate) const STILL_RUNNING_THERE_EVERY_MS: u64 = 1_000;

/// Time that a request has which installs, unpacks or restarts something.
pub(crate) const LONG_REQUEST_TIMEOUT_MS: u64 = 30 * 60 * 1_000;

/// Largest text file that is changed in part.
pub(crate) const EDIT_BYTES_MAX: u64 = 4 << 20;

/// Longest time one login takes, with all that comes before the first answer.
pub(crate) const LOGIN_ATTEMPT_MS_MAX: u64 = 30 * 1_000;

/// Logins that are under way at the same time: each computes for a while, and together they would all be late. A server
/// of OpenSSH, such as a bastion, drops some from the tenth on (`MaxStartups`). Who waits loses no time of its own.
pub(crate) const LOGINS_MAX: usize = 8;

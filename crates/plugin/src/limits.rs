//! Every limit of this room.

/// Largest message of a call, both ways; what the servers of the usual frameworks set too.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 20;

/// Window of a stream and of the connection: schemas of large providers would crawl through the usual 64 KiB.
pub(crate) const WINDOW_BYTES: u32 = 16 << 20;

/// Time from start to handshake (go-plugin gives as much).
pub(crate) const HANDSHAKE_MS_MAX: u64 = 60_000;

/// Time to connect once the handshake is done.
pub(crate) const CONNECT_MS_MAX: u64 = 10_000;

/// Longest handshake line: a certificate may be in it.
pub(crate) const HANDSHAKE_BYTES_MAX: usize = 64 << 10;

/// Time of a call that looks at nothing outside: schemas, validation.
pub(crate) const LOCAL_CALL_MS_MAX: u64 = 5 * 60 * 1_000;

/// Time of a call that reads or plans; providers have shorter deadlines of their own.
pub(crate) const READING_CALL_MS_MAX: u64 = 60 * 60 * 1_000;

/// Time of a call that changes something: databases are copied for hours.
pub(crate) const CHANGING_CALL_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Time for a provider to leave after it was asked to.
pub(crate) const SHUTDOWN_MS_MAX: u64 = 2_000;

/// Time in which the end of a process is noticed after its connection broke.
pub(crate) const EXIT_NOTICE_MS_MAX: u64 = 2_000;

/// What is kept of the end of a provider's standard error.
pub(crate) const LOG_BYTES_MAX: usize = 64 << 10;

/// What is kept from the line on at which a provider says that it crashes.
pub(crate) const CRASH_BYTES_MAX: usize = 64 << 10;

/// Lines of a log that are shown with an error.
pub(crate) const SHOWN_LINES_MAX: usize = 30;

/// Types and values inside of one another.
pub(crate) const TYPE_DEPTH_MAX: usize = 128;

/// Bytes of what is told of an unknown value (so the protocol).
pub(crate) const REFINEMENT_BYTES_MAX: usize = 1_024;

/// Bytes of the prefix of an unknown text that are told (so the protocol).
pub(crate) const PREFIX_BYTES_MAX: usize = 256;

/// Longest path of a socket, as the kernel has it.
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Largest schema that is kept on disk.
pub(crate) const CACHED_SCHEMA_BYTES_MAX: u64 = 256 << 20;

/// Times that a question is asked which fails for a reason that passes.
pub(crate) const READING_ATTEMPTS_MAX: u32 = 6;

/// Times that an object is looked at whose provider finds trouble with it, when an outcome was lost.
pub(crate) const LOOKS_MAX: u32 = 4;

/// Times that a provider is started and configured which ends meanwhile.
pub(crate) const STARTS_MAX: u32 = 3;

/// Pause before a question is asked again; it doubles with each attempt.
pub(crate) const READING_PAUSE_MS: u64 = 100;

/// Pause after a request that was turned away because there were too many.
pub(crate) const THROTTLED_MS: u64 = 1_000;

/// Time after which a request that was sent takes no effect any more, and what it did can be seen, where nothing else
/// is said.
pub const SETTLE_MS_DEFAULT: u64 = 60_000;

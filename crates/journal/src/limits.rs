//! Every maximum of the book, with its unit in its name and its reason beside it.
//! Deliberately no behaviour: whoever enforces a limit names it from here.

/// Longest body of one record. Larger things are blobs, named by their digest.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest name of an actor or of a lease's holder: a mail address with a host name fits.
pub const ACTOR_BYTES_MAX: usize = 200;
/// Longest name of a stream.
pub const STREAM_NAME_BYTES_MAX: usize = 200;
/// Most streams in one book: every open reads all their heads.
pub const STREAMS_MAX: usize = 10_000;
/// Most blobs one record may name.
pub const BLOBS_PER_RECORD_MAX: usize = 1_000;
/// Largest blob: a plan of half a million objects. It passes through memory whole. An artifact of that size belongs in
/// the artifact store.
pub const BLOB_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Most records in one append: the whole append is one transaction.
pub const RECORDS_PER_APPEND_MAX: usize = 4_096;
/// Largest state kept as a snapshot, of as many objects as the largest plan.
pub const SNAPSHOT_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Snapshots kept for each stream: the newest, and the one before should the newest be bad.
pub const SNAPSHOTS_KEPT: usize = 2;
/// Longest name of the fold code that made a snapshot.
pub const CODE_VERSION_BYTES_MAX: usize = 200;

/// Records that wait for the writer before a producer is held back.
pub const QUEUE_RECORDS_MAX: usize = 4_096;
/// Bytes that wait for the writer before a producer is held back.
pub const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Records the writer puts into one transaction.
pub const GROUP_RECORDS_MAX: usize = 512;
/// Bytes the writer puts into one transaction (one larger append still goes, alone).
pub const GROUP_BYTES_MAX: usize = 256 * 1024;
/// How long the writer waits without work before it tends the book.
pub const IDLE_TEND_MS: u64 = 1_000;

/// Rows read from the storage at a time.
pub const PAGE_ROWS_MAX: usize = 1_000;
/// How often an append is linked again because another holder moved the book's head.
pub const RELINK_TRIES_MAX: usize = 8;
/// How long a statement waits for another connection's lock on the database.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Size of the write-ahead log from which on it is copied into the database.
pub const WAL_CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;

/// Size of the disk reserve that is given up when the disk is full.
pub const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Free space below which nothing new is started.
pub const FREE_FLOOR_BYTES: u64 = 64 * 1024 * 1024;
/// Free space wanted for each open action: an intent's outcome with a full body, twice.
pub const FREE_PER_ACTION_BYTES: u64 = 2 * BODY_BYTES_MAX as u64;
/// Least time between two updates of the anchor that nobody asked for.
pub const ANCHOR_INTERVAL_MS: u64 = 1_000;

//! The tables of a book in SQLite, and the marks that tell a book from any other database.
//! A change here is a new `FORMAT` with a migration and a new golden book.

/// "SFbk": tells a book from the databases of other programs (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x5346_626b;
/// The format that is written (`PRAGMA user_version`).
pub(super) const FORMAT: u32 = 1;

/// `prev` is not kept: it is the hash of the entry before. Every other column of `event`,
/// `stream` and `lease` is bound by a hash or derived from what is (decision 0002).
pub(super) const SCHEMA: &str = "
CREATE TABLE stream(
  id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL,
  commit_no INTEGER NOT NULL, head_seq INTEGER NOT NULL, head_hash BLOB NOT NULL,
  epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease(
  stream BLOB NOT NULL, epoch INTEGER NOT NULL, holder TEXT NOT NULL, taken_ms INTEGER NOT NULL,
  commit_no INTEGER NOT NULL, PRIMARY KEY(stream, epoch)) STRICT, WITHOUT ROWID;
CREATE TABLE event(
  gseq INTEGER PRIMARY KEY, stream BLOB NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, kind INTEGER NOT NULL, kind_version INTEGER NOT NULL,
  run BLOB, action BLOB, attempt INTEGER NOT NULL, cause INTEGER NOT NULL, actor TEXT NOT NULL,
  blobs BLOB NOT NULL, body BLOB NOT NULL, body_sha BLOB NOT NULL, hash BLOB NOT NULL,
  UNIQUE(stream, seq)) STRICT;
CREATE INDEX event_run ON event(run, stream, seq) WHERE run IS NOT NULL;
CREATE TABLE commit_log(
  no INTEGER PRIMARY KEY, first_gseq INTEGER NOT NULL, n_entries INTEGER NOT NULL,
  root BLOB NOT NULL) STRICT;
CREATE TABLE blob(
  id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE, data BLOB NOT NULL) STRICT;
CREATE TABLE snapshot(
  stream BLOB NOT NULL, seq INTEGER NOT NULL, entry_hash BLOB NOT NULL, code_version TEXT NOT NULL,
  digest BLOB NOT NULL, state BLOB NOT NULL, PRIMARY KEY(stream, seq)) STRICT;
";

/// What SQLite itself remembers of the schema, to be compared with a freshly made one.
pub(super) const SCHEMA_ROWS: &str =
    "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";

/// The columns of an entry, in the order [`super::rows::entry`] reads them.
macro_rules! entry_columns {
    () => {
        "gseq, stream, seq, epoch, at_ms, kind, kind_version, run, action, attempt, cause, actor, \
         blobs, body, body_sha, hash"
    };
}

pub(super) const ENTRIES: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM event WHERE stream = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3"
);
pub(super) const RUN_ENTRIES: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM event WHERE run = ?1 AND stream = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4"
);
pub(super) const ALL_ENTRIES: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM event WHERE gseq >= ?1 ORDER BY gseq LIMIT ?2"
);
pub(super) const PUT_ENTRY: &str = concat!(
    "INSERT INTO event(",
    entry_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
);
/// The fence: a row is changed only while the caller's epoch and head are the current ones.
pub(super) const MOVE_HEAD: &str = "UPDATE stream SET head_seq = ?4, head_hash = ?5 \
    WHERE id = ?1 AND epoch = ?2 AND head_seq = ?3";
pub(super) const RAISE_EPOCH: &str =
    "UPDATE stream SET epoch = ?2 WHERE id = ?1 AND epoch = ?2 - 1";
pub(super) const PUT_STREAM: &str = "INSERT INTO stream(id, name, created_ms, commit_no, head_seq, \
    head_hash, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const PUT_LEASE: &str =
    "INSERT INTO lease(stream, epoch, holder, taken_ms, commit_no) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const PUT_COMMIT: &str =
    "INSERT INTO commit_log(no, first_gseq, n_entries, root) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUT_BLOB: &str =
    "INSERT INTO blob(sha, data) VALUES (?1, ?2) ON CONFLICT(sha) DO NOTHING";
pub(super) const PUT_SNAPSHOT: &str = "INSERT OR REPLACE INTO snapshot(stream, seq, entry_hash, \
    code_version, digest, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(super) const DROP_SNAPSHOTS: &str = "DELETE FROM snapshot WHERE stream = ?1 AND seq NOT IN \
    (SELECT seq FROM snapshot WHERE stream = ?1 ORDER BY seq DESC LIMIT ?2)";
pub(super) const LAST_COMMIT_NO: &str = "SELECT coalesce(max(no), 0) FROM commit_log";
pub(super) const LAST_COMMIT: &str =
    "SELECT no, first_gseq, n_entries, root FROM commit_log ORDER BY no DESC LIMIT 1";
pub(super) const COMMITS: &str =
    "SELECT no, first_gseq, n_entries, root FROM commit_log WHERE no >= ?1 ORDER BY no LIMIT ?2";
pub(super) const STREAMS: &str = "SELECT id, name, created_ms, commit_no, head_seq, head_hash, epoch FROM stream ORDER BY id LIMIT ?1";
pub(super) const LEASES: &str =
    "SELECT stream, epoch, holder, taken_ms, commit_no FROM lease ORDER BY stream, epoch";
pub(super) const HAS_BLOB: &str = "SELECT 1 FROM blob WHERE sha = ?1";
pub(super) const BLOB: &str = "SELECT data FROM blob WHERE sha = ?1";
pub(super) const BLOB_NAMES: &str = "SELECT sha FROM blob WHERE sha > ?1 ORDER BY sha LIMIT ?2";
pub(super) const SNAPSHOTS: &str = "SELECT stream, seq, entry_hash, code_version, digest, state \
    FROM snapshot WHERE stream = ?1 ORDER BY seq DESC";

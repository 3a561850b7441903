//! A book in SQLite: write-ahead log, full sync, one writing connection, explicit checkpoints.
//! Deliberately no hashing and no decisions (see `storage`); the settings and why each is as it
//! is are in decision 0002. This is the only room of the workspace that may name `rusqlite`.

mod open;
mod rows;
mod schema;

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, Params, Row, params};

use crate::digest::{Digest, StreamId};
use crate::limits;
use crate::storage::{
    Batch, CommitRow, EntryRow, HeadMove, LeaseRow, Position, SnapshotRow, Storage, StorageError,
    StreamRow, Tend,
};

/// A book's database, opened for writing or only for reading.
#[derive(Debug)]
pub struct SqliteStorage {
    connection: Connection,
    /// Bytes that went into the write-ahead log since the last checkpoint, estimated from above.
    wal_bytes: u64,
    wal_checkpoint_bytes: u64,
}

/// Size of a page of the database.
const PAGE_BYTES: u64 = 4096;
/// Pages a commit rewrites however small it is: heads, commit log, last pages of the indexes.
const PAGES_PER_COMMIT: u64 = 8;

const WRITING: &str = "write to the book";

type Read<T> = Result<T, StorageError>;

impl SqliteStorage {
    /// Runs a query whose rows are decoded by `decode`: the rows before the first damage, and the
    /// damage.
    fn query<T>(
        &self,
        doing: &'static str,
        sql: &str,
        arguments: impl Params,
        decode: fn(&Row<'_>) -> Read<T>,
    ) -> (Vec<T>, Read<()>) {
        let mut found = Vec::new();
        let collect = || {
            let mut statement = self
                .connection
                .prepare_cached(sql)
                .map_err(|error| failed(doing, error))?;
            let mut rows = statement
                .query(arguments)
                .map_err(|error| failed(doing, error))?;
            while let Some(row) = rows.next().map_err(|error| failed(doing, error))? {
                found.push(decode(row)?);
            }
            Ok(())
        };
        let result = collect();
        (found, result)
    }

    /// All rows, or the first damage.
    fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        arguments: impl Params,
        decode: fn(&Row<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let (found, result) = self.query(doing, sql, arguments, decode);
        result.map(|()| found)
    }

    /// Rows up to the first damage, which is the error of the page that would begin with it.
    fn page<T>(
        &self,
        doing: &'static str,
        sql: &str,
        arguments: impl Params,
        decode: fn(&Row<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        match self.query(doing, sql, arguments, decode) {
            (found, Err(StorageError::Damaged { .. })) if !found.is_empty() => Ok(found),
            (found, result) => result.map(|()| found),
        }
    }

    fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        arguments: impl Params,
        decode: fn(&Row<'_>) -> Read<T>,
    ) -> Read<Option<T>> {
        Ok(self.all(doing, sql, arguments, decode)?.into_iter().next())
    }

    fn run(&self, doing: &'static str, sql: &str, arguments: impl Params) -> Read<usize> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .map_err(|error| failed(doing, error))?;
        statement
            .execute(arguments)
            .map_err(|error| failed(doing, error))
    }

    /// Runs `write` in a transaction. Only failures that leave no doubt come back as such.
    fn transaction(&self, write: impl FnOnce(&Self) -> Read<()>) -> Read<()> {
        self.run("begin a transaction of the book", "BEGIN IMMEDIATE", [])?;
        let result =
            write(self).and_then(|()| self.run("commit to the book", "COMMIT", []).map(drop));
        let Err(error) = result else { return Ok(()) };
        if !self.connection.is_autocommit() {
            // Without a rollback the next transaction would carry on with half of this one.
            self.run("roll a transaction of the book back", "ROLLBACK", [])?;
        }
        if matches!(error, StorageError::Busy) {
            // Nobody else writes to the book's tables between BEGIN IMMEDIATE and COMMIT, so a
            // lock met here is not the harmless one of `BEGIN`.
            let doing = "commit to the book";
            return Err(StorageError::Failed {
                doing,
                source: Arc::new(error),
            });
        }
        Err(error)
    }

    fn write(&self, batch: &Batch) -> Read<()> {
        let last = self.one(WRITING, schema::LAST_COMMIT_NO, [], |row| {
            row.get::<_, i64>(0).map_err(|error| failed(WRITING, error))
        })?;
        let commit = &batch.commit;
        if last != Some(int(commit.no)? - 1) {
            return Err(StorageError::Moved);
        }
        for blob in &batch.blobs {
            let name = blob.digest();
            self.run(
                WRITING,
                schema::PUT_BLOB,
                params![name.as_bytes(), blob.data()],
            )?;
        }
        batch
            .streams
            .iter()
            .try_for_each(|row| self.write_stream(row))?;
        batch
            .leases
            .iter()
            .try_for_each(|row| self.write_lease(row))?;
        batch.moves.iter().try_for_each(|to| self.move_head(to))?;
        self.write_entries(batch)?;
        let (no, first_gseq) = (int(commit.no)?, int(commit.first_gseq)?);
        let arguments = params![
            no,
            first_gseq,
            int(commit.n_entries)?,
            commit.root.as_bytes()
        ];
        self.run(WRITING, schema::PUT_COMMIT, arguments).map(drop)
    }

    fn write_stream(&self, row: &StreamRow) -> Read<()> {
        let info = &row.info;
        let arguments = params![
            info.id.as_bytes(),
            info.name,
            info.created_ms,
            int(row.commit_no)?,
            int(info.head_seq)?,
            info.head_hash.as_bytes(),
            int(info.epoch)?,
        ];
        self.run(WRITING, schema::PUT_STREAM, arguments).map(drop)
    }

    fn write_lease(&self, row: &LeaseRow) -> Read<()> {
        let (stream, epoch) = (row.stream.as_bytes(), int(row.epoch)?);
        if self.run(WRITING, schema::RAISE_EPOCH, params![stream, epoch])? != 1 {
            return Err(StorageError::Moved);
        }
        let arguments = params![stream, epoch, row.holder, row.taken_ms, int(row.commit_no)?];
        self.run(WRITING, schema::PUT_LEASE, arguments).map(drop)
    }

    fn move_head(&self, to: &HeadMove) -> Read<()> {
        let arguments = params![
            to.stream.as_bytes(),
            int(to.epoch)?,
            int(to.from_seq)?,
            int(to.to_seq)?,
            to.to_hash.as_bytes(),
        ];
        if self.run(WRITING, schema::MOVE_HEAD, arguments)? != 1 {
            return Err(StorageError::Moved);
        }
        Ok(())
    }

    fn write_entries(&self, batch: &Batch) -> Read<()> {
        let mut statement = self
            .connection
            .prepare_cached(schema::PUT_ENTRY)
            .map_err(|error| failed(WRITING, error))?;
        let mut names = Vec::new();
        for (gseq, row) in (int(batch.commit.first_gseq)?..).zip(&batch.entries) {
            let record = &row.record;
            names.clear();
            record
                .blobs
                .iter()
                .for_each(|blob| names.extend_from_slice(blob.as_bytes()));
            statement
                .execute(params![
                    gseq,
                    row.stream.as_bytes(),
                    int(row.seq)?,
                    int(row.epoch)?,
                    record.at_ms,
                    record.kind,
                    record.kind_version,
                    record.run.as_ref(),
                    record.action.as_ref(),
                    record.attempt,
                    int(record.cause)?,
                    record.actor,
                    names,
                    record.body,
                    row.body_digest.as_bytes(),
                    row.hash.as_bytes(),
                ])
                .map_err(|error| failed(WRITING, error))?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, sql: &str) -> Read<()> {
        // The answer says whether readers kept some of the log from being copied; the next
        // checkpoint takes that part, so it is no error.
        self.one(
            "copy the log into the database of the book",
            sql,
            [],
            |_| Ok(()),
        )?;
        self.wal_bytes = 0;
        Ok(())
    }
}

impl Storage for SqliteStorage {
    fn position(&self) -> Read<Position> {
        let doing = "read the heads of the book";
        let limit = int(limits::STREAMS_MAX as u64 + 1)?;
        let streams = self.all(doing, schema::STREAMS, params![limit], rows::stream)?;
        Ok(Position {
            commit: self.one(doing, schema::LAST_COMMIT, [], rows::commit)?,
            streams,
        })
    }

    fn commit(&mut self, batch: &Batch) -> Read<()> {
        self.transaction(|storage| storage.write(batch))?;
        let pages = batch.size_bytes() as u64 / PAGE_BYTES * 2 + PAGES_PER_COMMIT;
        self.wal_bytes = self.wal_bytes.saturating_add(pages * PAGE_BYTES);
        Ok(())
    }

    fn entries(&self, stream: &StreamId, from_seq: u64, limit: usize) -> Read<Vec<EntryRow>> {
        let arguments = params![stream.as_bytes(), int(from_seq)?, int(limit as u64)?];
        self.page("read entries", schema::ENTRIES, arguments, |row| {
            Ok(rows::entry(row)?.1)
        })
    }

    fn run_entries(
        &self,
        stream: &StreamId,
        run: &[u8; 16],
        from_seq: u64,
        limit: usize,
    ) -> Read<Vec<EntryRow>> {
        let arguments = params![run, stream.as_bytes(), int(from_seq)?, int(limit as u64)?];
        self.page(
            "read the entries of a run",
            schema::RUN_ENTRIES,
            arguments,
            |row| Ok(rows::entry(row)?.1),
        )
    }

    fn all_entries(&self, from_gseq: u64, limit: usize) -> Read<Vec<(u64, EntryRow)>> {
        let arguments = params![int(from_gseq)?, int(limit as u64)?];
        self.page("read entries", schema::ALL_ENTRIES, arguments, rows::entry)
    }

    fn commits(&self, from_no: u64, limit: usize) -> Read<Vec<CommitRow>> {
        let arguments = params![int(from_no)?, int(limit as u64)?];
        self.page(
            "read the commit log",
            schema::COMMITS,
            arguments,
            rows::commit,
        )
    }

    fn leases(&self) -> Read<Vec<LeaseRow>> {
        self.all("read the leases", schema::LEASES, [], rows::lease)
    }

    fn has_blob(&self, digest: &Digest) -> Read<bool> {
        let found = self.one(
            "look for a blob",
            schema::HAS_BLOB,
            params![digest.as_bytes()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn blob(&self, digest: &Digest) -> Read<Option<Vec<u8>>> {
        self.one(
            "read a blob",
            schema::BLOB,
            params![digest.as_bytes()],
            rows::blob_data,
        )
    }

    fn blob_names(&self, after: Option<&Digest>, limit: usize) -> Read<Vec<Digest>> {
        let after: &[u8] = after.map_or(&[], |digest| digest.as_bytes());
        self.page(
            "list blobs",
            schema::BLOB_NAMES,
            params![after, int(limit as u64)?],
            rows::blob_name,
        )
    }

    fn snapshots(&self, stream: &StreamId) -> Read<Vec<SnapshotRow>> {
        self.all(
            "read snapshots",
            schema::SNAPSHOTS,
            params![stream.as_bytes()],
            rows::snapshot,
        )
    }

    fn put_snapshot(&mut self, snapshot: &SnapshotRow, keep: usize) -> Read<()> {
        let seq = int(snapshot.seq)?;
        let keep = int(keep as u64)?;
        let doing = "keep a snapshot";
        self.transaction(|storage| {
            storage.run(
                doing,
                schema::PUT_SNAPSHOT,
                params![
                    snapshot.stream.as_bytes(),
                    seq,
                    snapshot.entry_hash.as_bytes(),
                    snapshot.code_version,
                    snapshot.digest.as_bytes(),
                    snapshot.state,
                ],
            )?;
            storage.run(
                doing,
                schema::DROP_SNAPSHOTS,
                params![snapshot.stream.as_bytes(), keep],
            )?;
            Ok(())
        })?;
        let pages = snapshot.state.len() as u64 / PAGE_BYTES + PAGES_PER_COMMIT;
        self.wal_bytes = self.wal_bytes.saturating_add(pages * PAGE_BYTES);
        Ok(())
    }

    fn pin(&self) -> Read<()> {
        let doing = "begin to read the book";
        self.run(doing, "BEGIN DEFERRED", [])?;
        // A deferred transaction sees nothing yet; its first read fixes what it sees.
        self.one(doing, schema::LAST_COMMIT_NO, [], |_| Ok(()))
            .map(drop)
    }

    fn unpin(&self) -> Read<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.run("end reading the book", "ROLLBACK", []).map(drop)
    }

    fn integrity(&self) -> Read<Vec<String>> {
        let mut complaints = open::schema_complaints(&self.connection)?;
        let lines = self.all(
            "check the database",
            "PRAGMA integrity_check(8)",
            [],
            |row| {
                row.get::<_, String>(0)
                    .map_err(|error| failed("check the database", error))
            },
        )?;
        complaints.extend(lines.into_iter().filter(|line| line != "ok"));
        Ok(complaints)
    }

    fn tend(&mut self, how: Tend) -> Read<()> {
        match how {
            Tend::Busy if self.wal_bytes < self.wal_checkpoint_bytes => Ok(()),
            Tend::Idle if self.wal_bytes == 0 => Ok(()),
            Tend::Busy | Tend::Idle => self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)"),
            Tend::Close => self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)"),
        }
    }
}

/// SQLite counts with `i64`; no book reaches its end.
fn int(value: u64) -> Read<i64> {
    i64::try_from(value).map_err(|error| StorageError::Failed {
        doing: "hold so large a number in the database",
        source: Arc::new(error),
    })
}

/// Sorts an error of SQLite by what it says about the fate of the statement.
fn failed(doing: &'static str, error: rusqlite::Error) -> StorageError {
    let code = if let rusqlite::Error::SqlInputError { error, .. } = &error {
        Some(error.code)
    } else {
        error.sqlite_error_code()
    };
    let is_of_another_type = matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..)
    );
    match code {
        // Only the plain code: it comes before the log's commit record is written. Errors of a
        // sync have codes of their own and stay in doubt.
        Some(ErrorCode::DiskFull) => StorageError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageError::Damaged {
            gseq: None,
            what: format!("SQLite cannot read it ({error})"),
        },
        // Our statements are fixed: where one no longer fits, the schema has changed under it.
        Some(ErrorCode::Unknown) => StorageError::Damaged {
            gseq: None,
            what: format!("its tables are not those of a book ({error})"),
        },
        // Nothing that a book writes is too large to be read; a damaged length is.
        Some(ErrorCode::TooBig) => StorageError::Damaged {
            gseq: None,
            what: format!("a length in it is impossible ({error})"),
        },
        _ if is_of_another_type => StorageError::Damaged {
            gseq: None,
            what: format!("a value in it has another type ({error})"),
        },
        _ => StorageError::Failed {
            doing,
            source: Arc::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::options::Options;
    use crate::record::Record;

    /// A book on a database that may not grow: SQLite then says that the disk is full.
    fn tight_book(path: &std::path::Path, extra_pages: i64) -> Book {
        let storage = SqliteStorage::open(path, true, u64::MAX).unwrap();
        let pages: i64 = storage
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let limit = pages + extra_pages;
        storage
            .connection
            .pragma_update_and_check(None, "max_page_count", limit, |row| row.get::<_, i64>(0))
            .unwrap();
        Book::over(Box::new(storage), &Options::new(Arc::new(|| 0))).unwrap()
    }

    #[test]
    fn a_full_disk_rolls_back_and_the_book_goes_on_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.db");
        let record = |n: usize| Record::new(1, 1, 0, "ada", vec![7; n]);
        let mut book = tight_book(&path, 30);
        let stream = book.create_stream("production", 1).unwrap().id;
        let epoch = book.take_lease(stream, "test", 1).unwrap();
        let mut n_written = 0;
        let error = loop {
            assert!(n_written < 1_000);
            match book.append(stream, epoch, vec![record(10_000), record(1)], vec![]) {
                Ok(_) => n_written += 2,
                Err(error) => break error,
            }
        };
        assert!(n_written > 0);
        assert_eq!(error.code(), "full");
        assert_eq!(book.verify().unwrap().n_entries, n_written);
        // Refused again and not poisoned: no transaction was left open, and nothing is in doubt.
        let error = book
            .append(stream, epoch, vec![record(60_000)], vec![])
            .unwrap_err();
        assert_eq!(error.code(), "full");
        drop(book);
        let mut book = tight_book(&path, 1_000);
        book.append(stream, epoch, vec![record(60_000)], vec![])
            .unwrap();
        assert_eq!(book.verify().unwrap().n_entries, n_written + 1);
    }

    #[test]
    fn a_lock_of_another_program_is_busy_and_not_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.db");
        let storage = SqliteStorage::open(&path, true, u64::MAX).unwrap();
        storage
            .connection
            .busy_timeout(std::time::Duration::ZERO)
            .unwrap();
        let mut book = Book::over(Box::new(storage), &Options::new(Arc::new(|| 0))).unwrap();
        let stranger = Connection::open(&path).unwrap();
        stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(
            book.create_stream("production", 1).unwrap_err().code(),
            "busy"
        );
        stranger.execute_batch("ROLLBACK").unwrap();
        book.create_stream("production", 1).unwrap();
    }

    #[test]
    fn what_stands_still_can_be_read_without_a_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a book %41?#.db");
        let mut book = tight_book(&path, 1_000);
        book.create_stream("production", 1).unwrap();
        book.close().unwrap();
        let connection = open::open_immutable(&path).unwrap();
        let storage = SqliteStorage {
            connection,
            wal_bytes: 0,
            wal_checkpoint_bytes: 0,
        };
        assert_eq!(storage.position().unwrap().streams.len(), 1);
        let refused = storage.connection.execute_batch("DELETE FROM stream");
        assert!(refused.is_err());
    }

    #[test]
    fn settings_are_those_of_the_decision() {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(&dir.path().join("book.db"), true, u64::MAX).unwrap();
        for (pragma, wanted) in [
            ("synchronous", 2),
            ("wal_autocheckpoint", 0),
            ("mmap_size", 0),
            ("cell_size_check", 1),
            ("trusted_schema", 0),
            ("application_id", schema::APPLICATION_ID),
            ("user_version", i64::from(schema::FORMAT)),
            ("page_size", i64::try_from(PAGE_BYTES).unwrap()),
        ] {
            // A build of SQLite without memory maps answers nothing to `mmap_size`.
            let found = storage
                .connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            assert_eq!(found.unwrap_or(0), wanted, "{pragma}");
        }
        let mode: String = storage
            .connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
        let defensive = rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
        assert!(storage.connection.db_config(defensive).unwrap());
    }
}

//! Opening a database as a book, or refusing to without having touched it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema::{self, APPLICATION_ID, FORMAT, SCHEMA};
use super::{SqliteStorage, failed};
use crate::error::{JournalError, Place};
use crate::limits;
use crate::storage::StorageError;

/// What the marks in a database say.
enum Marks {
    Book,
    /// Nothing is in it: a creation that was cut short, or none at all.
    Empty,
}

impl SqliteStorage {
    /// Opens the book's database for writing, and makes it if `create` is set and none is there.
    ///
    /// The caller holds the book's lock: two writing connections would be refused one by one
    /// in [`crate::storage::Storage::commit`], not here.
    ///
    /// # Errors
    /// `NoBook`, `Foreign`, `Newer` (the file is then untouched), `ReadOnly`, `Corrupt`, `Storage`.
    pub fn open(
        path: &Path,
        create: bool,
        wal_checkpoint_bytes: u64,
    ) -> Result<Self, JournalError> {
        if exists(path)? {
            // Looked at without the right to write, so that a foreign file stays as it is.
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection =
                Connection::open_with_flags(path, flags).map_err(|error| at(path, error))?;
            match marks(&connection, path) {
                // A creation that was killed while SQLite switched to its log leaves a rollback journal, which only a
                // writer may take back. The file is then looked at as it stands.
                Err(JournalError::ReadOnly { .. }) if exists(&with_suffix(path, "-journal"))? => {
                    let connection = open_immutable(path).map_err(|error| at(path, error))?;
                    marks(&connection, path)?
                }
                found => found?,
            };
        } else if !create {
            return Err(no_book(path));
        }
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| at(path, error))?;
        if connection
            .is_readonly("main")
            .map_err(|error| at(path, error))?
        {
            // Where a file cannot be written SQLite opens it for reading and says nothing.
            return Err(read_only(
                path,
                io::ErrorKind::PermissionDenied,
                "the file is protected",
            ));
        }
        configure(&connection).map_err(|error| at(path, error))?;
        let mode = write_settings(&connection).map_err(|error| at(path, error))?;
        if mode != "wal" {
            return Err(JournalError::Unsuitable {
                path: path.to_owned(),
                kind: "a file system that cannot share memory between processes",
            });
        }
        if matches!(marks(&connection, path)?, Marks::Empty) {
            if !create {
                return Err(no_book(path));
            }
            make(&connection).map_err(|error| at(path, error))?;
        }
        Ok(Self {
            connection,
            wal_bytes: 1,
            wal_checkpoint_bytes,
        })
    }

    /// Opens the book's database for reading, also while another process writes to it, and also
    /// in a directory that cannot be written.
    ///
    /// # Errors
    /// `NoBook`, `Foreign`, `Newer`, `Corrupt`, `Storage`.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        if !exists(path)? {
            return Err(no_book(path));
        }
        let connection = match try_read_only(path) {
            Err(error) if cannot_share(&error) && !exists(&with_suffix(path, "-wal"))? => {
                // No log and no right to make one: the file is all there is, and it stands still.
                open_immutable(path)
            }
            result => result,
        }
        .map_err(|error| at(path, error))?;
        if matches!(marks(&connection, path)?, Marks::Empty) {
            return Err(no_book(path));
        }
        Ok(Self {
            connection,
            wal_bytes: 0,
            wal_checkpoint_bytes: u64::MAX,
        })
    }
}

fn try_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    read_settings(&connection)?;
    Ok(connection)
}

pub(super) fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    configure(&connection)?;
    read_settings(&connection)?;
    Ok(connection)
}

/// Settings of every connection; each is a promise about damaged or hostile files.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(32);
    connection.busy_timeout(Duration::from_millis(limits::BUSY_TIMEOUT_MS))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)
}

fn read_settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", true)?;
    // The first read shows whether the log can be shared; opening alone does not.
    connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })
        .map(drop)
}

/// Settings of the one connection that writes. Returns the journal mode that SQLite settled on.
fn write_settings(connection: &Connection) -> rusqlite::Result<String> {
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Without effect except on macOS, where a plain fsync does not reach the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(mode)
}

/// Makes the tables and the marks in one transaction: a crash leaves an empty file or a book.
fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {FORMAT}; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
    ))
}

fn marks(connection: &Connection, path: &Path) -> Result<Marks, JournalError> {
    let read = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(|error| at(path, error))
    };
    let (application, format) = (read("application_id")?, read("user_version")?);
    if application == APPLICATION_ID {
        return match u32::try_from(format) {
            Ok(0) | Err(_) => Err(JournalError::Corrupt {
                place: Place::Store,
                what: format!("its format is {format}, which no release has written"),
                last_good: None,
            }),
            Ok(found) if found > FORMAT => Err(JournalError::Newer {
                path: path.to_owned(),
                found,
                supported: FORMAT,
            }),
            Ok(_) => Ok(Marks::Book),
        };
    }
    let n_objects: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| at(path, error))?;
    if application == 0 && format == 0 && n_objects == 0 {
        return Ok(Marks::Empty);
    }
    Err(JournalError::Foreign {
        path: path.to_owned(),
        what: format!(
            "it is a database of another program (application id {application:#x}), \
            or its first page is damaged"
        ),
    })
}

/// Compares the schema with that of a new book; damage to it could hide rows.
pub(super) fn schema_complaints(connection: &Connection) -> Result<Vec<String>, StorageError> {
    let doing = "compare the schema";
    let rows = |connection: &Connection| -> rusqlite::Result<Vec<[String; 4]>> {
        let mut statement = connection.prepare(schema::SCHEMA_ROWS)?;
        let rows = statement.query_map([], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })?;
        rows.collect()
    };
    let fresh = Connection::open_in_memory().map_err(|error| failed(doing, error))?;
    fresh
        .execute_batch(SCHEMA)
        .map_err(|error| failed(doing, error))?;
    let wanted = rows(&fresh).map_err(|error| failed(doing, error))?;
    let found = rows(connection).map_err(|error| failed(doing, error))?;
    if wanted == found {
        return Ok(Vec::new());
    }
    Ok(vec!["its tables are not those of a book".to_owned()])
}

/// An error met while opening, with the file it concerns.
fn at(path: &Path, error: rusqlite::Error) -> JournalError {
    // The index of the log is a file that grows when the book is opened: on a full disk this is what fails first.
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        return JournalError::Full {
            path: path.parent().unwrap_or(path).to_owned(),
        };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => JournalError::Foreign {
            path: path.to_owned(),
            what: "it is no SQLite database, or its first page is damaged".to_owned(),
        },
        Some(ErrorCode::ReadOnly) => {
            read_only(path, io::ErrorKind::ReadOnlyFilesystem, &error.to_string())
        }
        Some(ErrorCode::PermissionDenied) => {
            read_only(path, io::ErrorKind::PermissionDenied, &error.to_string())
        }
        Some(ErrorCode::DiskFull) => JournalError::Full {
            path: path.parent().unwrap_or(path).to_owned(),
        },
        _ => JournalError::from(failed("open the database of the book", error)),
    }
}

fn read_only(path: &Path, kind: io::ErrorKind, why: &str) -> JournalError {
    JournalError::ReadOnly {
        path: path.to_owned(),
        source: Arc::new(io::Error::new(kind, why)),
    }
}

fn cannot_share(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

fn no_book(path: &Path) -> JournalError {
    JournalError::NoBook {
        path: path.parent().unwrap_or(path).to_owned(),
    }
}

/// Whether there is a file with something in it. The file is not opened: closing any handle of
/// it would drop the locks that SQLite holds in this process.
fn exists(path: &Path) -> Result<bool, JournalError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalError::io("look at", path, error)),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    name.into()
}

//! Rows of SQLite into rows of a book. Whatever is not of the type and length a book writes is
//! damage, told with the column it is in; nothing is converted or guessed.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::digest::{Digest, StreamId};
use crate::record::{Record, StreamInfo};
use crate::storage::{CommitRow, EntryRow, LeaseRow, SnapshotRow, StorageError, StreamRow};

/// Reads the columns of one row from left to right.
pub(super) struct Columns<'a, 'stmt> {
    row: &'a Row<'stmt>,
    next: usize,
    gseq: Option<u64>,
}

type Read<T> = Result<T, StorageError>;

impl<'a, 'stmt> Columns<'a, 'stmt> {
    pub(super) const fn of(row: &'a Row<'stmt>) -> Self {
        Self {
            row,
            next: 0,
            gseq: None,
        }
    }

    fn damaged(&self, column: &str, wanted: &str) -> StorageError {
        StorageError::Damaged {
            gseq: self.gseq,
            what: format!("its column `{column}` is not {wanted}"),
        }
    }

    fn value(&mut self, column: &str) -> Read<ValueRef<'a>> {
        let at = self.next;
        self.next += 1;
        self.row
            .get_ref(at)
            .map_err(|_| self.damaged(column, "there"))
    }

    fn int(&mut self, column: &str) -> Read<i64> {
        if let ValueRef::Integer(value) = self.value(column)? {
            return Ok(value);
        }
        Err(self.damaged(column, "a number"))
    }

    /// A number of a narrower type, `u64` included: no book writes a negative one there.
    fn number<T: TryFrom<i64>>(&mut self, column: &str) -> Read<T> {
        let value = self.int(column)?;
        T::try_from(value).map_err(|_| self.damaged(column, "in its range"))
    }

    fn text(&mut self, column: &str) -> Read<String> {
        let value = self.value(column)?;
        match value.as_str() {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.damaged(column, "text")),
        }
    }

    fn bytes(&mut self, column: &str) -> Read<&'a [u8]> {
        if let ValueRef::Blob(bytes) = self.value(column)? {
            return Ok(bytes);
        }
        Err(self.damaged(column, "bytes"))
    }

    fn array<const N: usize>(&mut self, column: &str) -> Read<[u8; N]> {
        let bytes = self.bytes(column)?;
        bytes
            .try_into()
            .map_err(|_| self.damaged(column, "of its length"))
    }

    fn optional_id(&mut self, column: &str) -> Read<Option<[u8; 16]>> {
        let at = self.next;
        if let ValueRef::Null = self.value(column)? {
            return Ok(None);
        }
        self.next = at;
        self.array(column).map(Some)
    }

    fn digest(&mut self, column: &str) -> Read<Digest> {
        self.array(column).map(Digest::from_bytes)
    }

    fn stream(&mut self, column: &str) -> Read<StreamId> {
        self.array(column).map(StreamId::from_bytes)
    }

    fn digests(&mut self, column: &str) -> Read<Vec<Digest>> {
        let bytes = self.bytes(column)?;
        let chunks = bytes.chunks_exact(32);
        if !chunks.remainder().is_empty() {
            return Err(self.damaged(column, "a list of digests"));
        }
        Ok(chunks.filter_map(Digest::from_slice).collect())
    }
}

pub(super) fn entry(row: &Row<'_>) -> Read<(u64, EntryRow)> {
    let mut columns = Columns::of(row);
    let gseq = columns.number("gseq")?;
    columns.gseq = Some(gseq);
    let stream = columns.stream("stream")?;
    let seq = columns.number("seq")?;
    let epoch = columns.number("epoch")?;
    let mut record = Record {
        at_ms: columns.int("at_ms")?,
        kind: columns.number("kind")?,
        kind_version: columns.number("kind_version")?,
        run: columns.optional_id("run")?,
        action: columns.optional_id("action")?,
        attempt: columns.number("attempt")?,
        cause: columns.number("cause")?,
        actor: columns.text("actor")?,
        blobs: columns.digests("blobs")?,
        body: Vec::new(),
    };
    record.body = columns.bytes("body")?.to_vec();
    let body_digest = columns.digest("body_sha")?;
    let hash = columns.digest("hash")?;
    Ok((
        gseq,
        EntryRow {
            stream,
            seq,
            epoch,
            hash,
            body_digest,
            record,
        },
    ))
}

pub(super) fn stream(row: &Row<'_>) -> Read<StreamRow> {
    let mut columns = Columns::of(row);
    let id = columns.stream("id")?;
    let name = columns.text("name")?;
    let created_ms = columns.int("created_ms")?;
    let commit_no = columns.number("commit_no")?;
    let head_seq = columns.number("head_seq")?;
    let head_hash = columns.digest("head_hash")?;
    let epoch = columns.number("epoch")?;
    Ok(StreamRow {
        info: StreamInfo {
            id,
            name,
            created_ms,
            head_seq,
            head_hash,
            epoch,
        },
        commit_no,
    })
}

pub(super) fn lease(row: &Row<'_>) -> Read<LeaseRow> {
    let mut columns = Columns::of(row);
    Ok(LeaseRow {
        stream: columns.stream("stream")?,
        epoch: columns.number("epoch")?,
        holder: columns.text("holder")?,
        taken_ms: columns.int("taken_ms")?,
        commit_no: columns.number("commit_no")?,
    })
}

pub(super) fn commit(row: &Row<'_>) -> Read<CommitRow> {
    let mut columns = Columns::of(row);
    Ok(CommitRow {
        no: columns.number("no")?,
        first_gseq: columns.number("first_gseq")?,
        n_entries: columns.number("n_entries")?,
        root: columns.digest("root")?,
    })
}

pub(super) fn blob_name(row: &Row<'_>) -> Read<Digest> {
    Columns::of(row).digest("sha")
}

pub(super) fn blob_data(row: &Row<'_>) -> Read<Vec<u8>> {
    Columns::of(row).bytes("data").map(<[u8]>::to_vec)
}

pub(super) fn snapshot(row: &Row<'_>) -> Read<SnapshotRow> {
    let mut columns = Columns::of(row);
    Ok(SnapshotRow {
        stream: columns.stream("stream")?,
        seq: columns.number("seq")?,
        entry_hash: columns.digest("entry_hash")?,
        code_version: columns.text("code_version")?,
        digest: columns.digest("digest")?,
        state: columns.bytes("state")?.to_vec(),
    })
}

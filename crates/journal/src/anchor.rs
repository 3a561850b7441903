//! The anchor: a small file outside the store that remembers the newest commit.
//! SQLite takes a damaged end of its log for a crash and drops it in silence; the anchor is what
//! turns that, and an older copy of the database put in its place, into an error.
//! Two slots are written in turn, so that a crash in the middle of one leaves the other.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::error::{JournalError, Place};

const SLOT_BYTES: usize = 512;
const SUM_AT: usize = SLOT_BYTES - 32;
const MAGIC: &[u8; 8] = b"SFANCHR1";
/// How often a reader looks again if it met the writer in the middle of a slot.
const READ_TRIES_MAX: usize = 3;

/// The commit the anchor remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchored {
    /// Number of the commit; 0 for an empty book.
    pub(crate) commit_no: u64,
    /// Its root.
    pub(crate) root: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    generation: u64,
    anchored: Anchored,
}

/// What an anchor file says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    slots: [Option<Slot>; 2],
}

/// The anchor, opened for writing.
#[derive(Debug)]
pub(crate) struct AnchorFile {
    file: File,
    path: PathBuf,
    generation: u64,
    latest: Anchored,
}

/// Reads an anchor; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Reading>, JournalError> {
    match File::open(path) {
        Ok(file) => read_file(&file, path).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io("open the anchor", path, error)),
    }
}

impl Reading {
    /// The newest commit it remembers; an error where neither slot can be read.
    pub(crate) fn latest(&self, path: &Path) -> Result<Anchored, JournalError> {
        let newest = self
            .slots
            .iter()
            .flatten()
            .max_by_key(|slot| slot.generation);
        newest
            .map(|slot| slot.anchored)
            .ok_or_else(|| damaged(path, "neither of its two slots matches its sum"))
    }

    /// As [`Self::latest`], and refuses an anchor that has one bad slot.
    pub(crate) fn sound(&self, path: &Path) -> Result<Anchored, JournalError> {
        match self.slots {
            [Some(a), Some(b)] if a.generation.abs_diff(b.generation) == 1 => self.latest(path),
            [Some(_), Some(_)] => Err(damaged(path, "its two slots do not follow each other")),
            [None, Some(_)] => Err(damaged(path, "its first slot does not match its sum")),
            [Some(_), None] => Err(damaged(path, "its second slot does not match its sum")),
            [None, None] => self.latest(path),
        }
    }
}

impl AnchorFile {
    /// Makes the anchor of an empty book, or takes up the one that is there, and writes both
    /// slots anew so that a slot torn by a crash does not stay.
    pub(crate) fn open(path: &Path, at: Anchored) -> Result<Self, JournalError> {
        let existing = || OpenOptions::new().read(true).write(true).open(path);
        let file = match existing() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(path, at).and_then(|()| existing())
            }
            opened => opened,
        };
        let file = file.map_err(|error| JournalError::io("open the anchor", path, error))?;
        let reading = read_file(&file, path)?;
        let generation = reading
            .slots
            .iter()
            .flatten()
            .map(|slot| slot.generation)
            .max()
            .unwrap_or(0);
        let mut anchor = Self {
            file,
            path: path.to_owned(),
            generation,
            latest: at,
        };
        anchor.write(at)?;
        anchor.write(at)?;
        Ok(anchor)
    }

    /// Whether this commit is the one remembered.
    pub(crate) fn is_at(&self, at: Anchored) -> bool {
        self.latest == at
    }

    /// Remembers this commit, durably.
    pub(crate) fn write(&mut self, at: Anchored) -> Result<(), JournalError> {
        let generation = self.generation + 1;
        let slot = encode(Slot {
            generation,
            anchored: at,
        });
        let offset = if generation.is_multiple_of(2) {
            0
        } else {
            SLOT_BYTES as u64
        };
        self.file
            .write_all_at(&slot, offset)
            .and_then(|()| rustix::fs::fdatasync(&self.file).map_err(Into::into))
            .map_err(|error| JournalError::io("write the anchor", &self.path, error))?;
        (self.generation, self.latest) = (generation, at);
        Ok(())
    }
}

/// Makes an anchor whole or not at all: an empty one would say that its content was lost.
fn make(path: &Path, at: Anchored) -> std::io::Result<()> {
    let new = path.with_extension("anchor.new");
    let [second, first] = [1, 2].map(|generation| {
        encode(Slot {
            generation,
            anchored: at,
        })
    });
    let mut file = File::create(&new)?;
    file.write_all(&[first, second].concat())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn damaged(path: &Path, what: &str) -> JournalError {
    JournalError::Corrupt {
        place: Place::Anchor {
            path: path.to_owned(),
        },
        what: what.to_owned(),
        last_good: None,
    }
}

fn read_file(file: &File, path: &Path) -> Result<Reading, JournalError> {
    let mut reading = Reading { slots: [None; 2] };
    for _ in 0..READ_TRIES_MAX {
        let mut bytes = [0u8; 2 * SLOT_BYTES];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            // A file that is too short has no slot, or only the first.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(JournalError::io("read the anchor", path, error)),
        }
        for (slot, bytes) in reading.slots.iter_mut().zip(bytes.chunks_exact(SLOT_BYTES)) {
            *slot = decode(bytes);
        }
        if reading.sound(path).is_ok() {
            break;
        }
    }
    Ok(reading)
}

fn encode(slot: Slot) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&slot.generation.to_be_bytes());
    bytes.extend_from_slice(&slot.anchored.commit_no.to_be_bytes());
    bytes.extend_from_slice(slot.anchored.root.as_bytes());
    // The sum covers the empty rest as well, so that no byte of the file is without meaning.
    bytes.resize(SUM_AT, 0);
    let sum = Digest::of(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Slot> {
    let (content, sum) = bytes.split_at_checked(SUM_AT)?;
    if Digest::of(content).as_bytes() != sum {
        return None;
    }
    let (magic, rest) = content.split_first_chunk::<8>()?;
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let (commit_no, rest) = rest.split_first_chunk::<8>()?;
    let (root, _) = rest.split_first_chunk::<32>()?;
    (magic == MAGIC).then(|| Slot {
        generation: u64::from_be_bytes(*generation),
        anchored: Anchored {
            commit_no: u64::from_be_bytes(*commit_no),
            root: Digest::from_bytes(*root),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(commit_no: u64) -> Anchored {
        Anchored {
            commit_no,
            root: Digest::of(&commit_no.to_be_bytes()),
        }
    }

    #[test]
    fn the_newest_slot_counts_and_a_torn_one_falls_back_to_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head.anchor");
        let mut anchor = AnchorFile::open(&path, at(3)).unwrap();
        anchor.write(at(4)).unwrap();
        anchor.write(at(5)).unwrap();
        let good = std::fs::read(&path).unwrap();
        assert_eq!(good.len(), 2 * SLOT_BYTES);
        for flipped in 0..good.len() {
            let mut bytes = good.clone();
            bytes[flipped] ^= 0x40;
            std::fs::write(&path, &bytes).unwrap();
            let reading = read(&path).unwrap().unwrap();
            assert!(reading.sound(&path).is_err(), "byte {flipped}");
            let latest = reading.latest(&path).unwrap();
            assert!(latest == at(4) || latest == at(5), "byte {flipped}");
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().sound(&path).unwrap(), at(5));
        assert_eq!(AnchorFile::open(&path, at(6)).unwrap().latest, at(6));
        assert_eq!(read(&path).unwrap().unwrap().sound(&path).unwrap(), at(6));
    }

    #[test]
    fn a_new_one_is_whole_at_once_whatever_an_earlier_attempt_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head.anchor");
        std::fs::write(path.with_extension("anchor.new"), [1; 2_000]).unwrap();
        make(&path, at(0)).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().sound(&path).unwrap(), at(0));
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let anchor = AnchorFile::open(&path, at(1)).unwrap();
        assert_eq!(anchor.generation, 4);
    }

    #[test]
    fn an_empty_or_short_file_is_damaged_and_not_an_empty_book() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head.anchor");
        assert!(read(&path).unwrap().is_none());
        for length in [0, 100, 511] {
            std::fs::write(&path, vec![0u8; length]).unwrap();
            assert_eq!(
                read(&path)
                    .unwrap()
                    .unwrap()
                    .latest(&path)
                    .unwrap_err()
                    .code(),
                "corrupt"
            );
        }
    }
}

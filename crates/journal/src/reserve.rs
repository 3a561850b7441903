//! Room on the disk: a ballast that is given up when the disk is full, so that the outcome of
//! what already runs can still be written, and the question whether something new may start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::JournalError;

/// Says whether there is room to start something. Cheap to copy; asks the file system each time.
#[derive(Debug, Clone)]
pub struct Reserve {
    dir: Option<PathBuf>,
    floor_bytes: u64,
    per_action_bytes: u64,
}

/// The file of zeros that keeps blocks for the worst moment.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: u64,
    is_there: bool,
}

impl Reserve {
    pub(crate) const fn new(dir: Option<PathBuf>, floor_bytes: u64, per_action_bytes: u64) -> Self {
        Self {
            dir,
            floor_bytes,
            per_action_bytes,
        }
    }

    /// Whether one more action may start while `open_actions` are open.
    ///
    /// # Errors
    /// `LowSpace` if fewer bytes are free than the floor, or than the open actions may need;
    /// `Io` if the file system does not answer.
    pub fn can_start(&self, open_actions: u64) -> Result<(), JournalError> {
        let Some(path) = &self.dir else { return Ok(()) };
        let need = self
            .floor_bytes
            .max(self.per_action_bytes.saturating_mul(open_actions));
        let free = free_bytes(path)?;
        if free < need {
            return Err(JournalError::LowSpace {
                path: path.clone(),
                free,
                need,
            });
        }
        Ok(())
    }
}

impl Ballast {
    /// Takes up the ballast that is there, or makes it where there is room for it and more.
    pub(crate) fn open(path: &Path, bytes: u64, floor_bytes: u64) -> Self {
        let mut ballast = Self {
            path: path.to_owned(),
            bytes,
            is_there: false,
        };
        ballast.is_there = fs::metadata(path).is_ok_and(|file| file.len() >= bytes && bytes > 0);
        ballast.restore(floor_bytes);
        ballast
    }

    /// Gives the room up. `false` if there was none to give.
    pub(crate) fn release(&mut self) -> bool {
        if !self.is_there {
            return false;
        }
        self.is_there = false;
        // A truncated file needs no new block, a removed one may (the directory's).
        let emptied = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|file| file.set_len(0));
        emptied.is_ok()
    }

    /// Makes the ballast again once there is room. Its absence is no error: the floor of
    /// [`Reserve`] then stops new work earlier.
    pub(crate) fn restore(&mut self, floor_bytes: u64) {
        if self.is_there || self.bytes == 0 {
            return;
        }
        let dir = self.path.parent().unwrap_or(&self.path);
        let wanted = self.bytes.saturating_add(floor_bytes);
        if free_bytes(dir).is_ok_and(|free| free >= wanted) {
            self.is_there = fill(&self.path, self.bytes).is_ok();
            if !self.is_there {
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}

/// Allocates real blocks: a sparse file would keep none.
fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    #[cfg(target_os = "linux")]
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_ok() {
        return Ok(());
    }
    let chunk = [0u8; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        file.write_all(chunk.get(..n).unwrap_or_default())?;
        left -= n as u64;
    }
    file.sync_all()
}

fn free_bytes(dir: &Path) -> Result<u64, JournalError> {
    let found = rustix::fs::statvfs(dir)
        .map_err(|errno| JournalError::io("ask for the free space under", dir, errno.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The kind of file system under `dir`, if it is one that keeps a book badly.
#[cfg(target_os = "linux")]
pub(crate) fn unsuitable(dir: &Path) -> Option<&'static str> {
    // Magic numbers of statfs(2).
    let kind = rustix::fs::statfs(dir).ok()?.f_type;
    // The type of the field differs between machines.
    match i128::from(kind) & 0xffff_ffff {
        0x6969 => Some("a network file system (NFS)"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("a network file system (SMB)"),
        0x6573_5546 => Some("a file system in user space (FUSE)"),
        0x0102_1997 => Some("a shared file system (9p)"),
        _ => None,
    }
}

/// The kind of file system under `dir`; only Linux can tell in a way we know.
#[cfg(not(target_os = "linux"))]
pub(crate) fn unsuitable(_dir: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_stops_new_actions_and_says_how_much_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let here = Some(dir.path().to_owned());
        Reserve::new(here.clone(), 1, 1).can_start(100).unwrap();
        Reserve::new(None, u64::MAX, 1).can_start(100).unwrap();
        for reserve in [
            Reserve::new(here.clone(), u64::MAX, 0),
            Reserve::new(here, 0, u64::MAX / 4),
        ] {
            let error = reserve.can_start(3).unwrap_err();
            let JournalError::LowSpace { free, need, .. } = error else {
                panic!("{error}");
            };
            assert!(free < need && need > u64::MAX / 2);
        }
    }

    #[test]
    fn the_ballast_holds_blocks_until_it_is_released_and_comes_back() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ballast");
        let mut ballast = Ballast::open(&path, 256 * 1024, 0);
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= 256 * 1024);
        assert!(ballast.release());
        assert!(!ballast.release());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        ballast.restore(u64::MAX);
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        ballast.restore(0);
        assert_eq!(fs::metadata(&path).unwrap().len(), 256 * 1024);
        assert!(Ballast::open(&path, 256 * 1024, u64::MAX).is_there);
    }
}

//! How things get to their path: whole or not at all.
//!
//! A file, directory or link is made under a temporary name beside its path, with its content, owner and mode, made
//! durable, and then renamed; nobody ever sees half of it. The temporary name is a function of the action, so that an
//! attempt that was killed leaves at most one thing behind, and the next attempt clears it away. Hard links, extended
//! attributes and access lists of a file that is written anew are not carried over.

use crate::diag::{self, Trouble};
use crate::rights::Rights;
use crate::standing::{self, Meta, Standing};
use model::ActionId;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Whether something may stand at the path already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nothing may: what appears there meanwhile is not overwritten.
    Nothing,
    /// What stands there is replaced.
    Anything,
}

/// Writes a file.
pub(crate) fn file(
    path: &Path,
    action: ActionId,
    content: &[u8],
    rights: Rights,
    over: Over,
) -> Result<(), Trouble> {
    let temporary = temporary(path, action);
    let written = write_temporary(&temporary, content, rights)
        .map_err(|error| diag::system("write", path, &error))
        .and_then(|()| move_into_place(&temporary, path, over));
    if written.is_err() {
        // It may never have been made; what matters is the first error.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write_temporary(temporary: &Path, content: &[u8], rights: Rights) -> io::Result<()> {
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    file.write_all(content)?;
    if rights.uid.is_some() || rights.gid.is_some() {
        let meta = Meta::from(&file.metadata()?);
        if let (uid, gid) = owner_to_set(rights, &meta)
            && (uid, gid) != (None, None)
        {
            std::os::unix::fs::fchown(&file, uid, gid)?;
        }
    }
    // After the owner: a change of owner takes away the set-user-id bit.
    file.set_permissions(Permissions::from_mode(rights.mode))?;
    file.sync_all()
}

/// Makes a directory.
pub(crate) fn directory(path: &Path, action: ActionId, rights: Rights) -> Result<(), Trouble> {
    let temporary = temporary(path, action);
    let trouble = |error| diag::system("create", path, &error);
    let made = make_temporary(&temporary, rights)
        .map_err(trouble)
        .and_then(|()| move_into_place(&temporary, path, Over::Nothing));
    if made.is_err() {
        // It may never have been made; what matters is the first error.
        let _ = std::fs::remove_dir(&temporary);
    }
    made
}

fn make_temporary(temporary: &Path, rights: Rights) -> io::Result<()> {
    match std::fs::remove_dir(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    DirBuilder::new().mode(0o700).create(temporary)?;
    let meta = Meta::from(&std::fs::symlink_metadata(temporary)?);
    set_rights(temporary, rights, &meta)
}

/// Makes a symbolic link.
pub(crate) fn link(path: &Path, action: ActionId, target: &str, over: Over) -> Result<(), Trouble> {
    let temporary = temporary(path, action);
    let made = link_temporary(&temporary, target)
        .map_err(|error| diag::system("create", path, &error))
        .and_then(|()| move_into_place(&temporary, path, over));
    if made.is_err() {
        // It may never have been made; what matters is the first error.
        let _ = std::fs::remove_file(&temporary);
    }
    made
}

fn link_temporary(temporary: &Path, target: &str) -> io::Result<()> {
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::os::unix::fs::symlink(target, temporary)
}

/// Gives what stands at the path its rights.
pub(crate) fn rights(path: &Path, rights: Rights, meta: &Meta) -> Result<(), Trouble> {
    set_rights(path, rights, meta)
        .and_then(|()| {
            File::open(path)
                .and_then(|file| file.sync_all())
                .or_else(unreadable)
        })
        .map_err(|error| diag::system("set mode and owner of", path, &error))
}

/// A file whose new mode does not let us read it cannot be opened to be synchronised; its directory entry's metadata
/// reaches the disk with the next journal commit of the file system, and a repetition sets it again.
fn unreadable(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    }
}

fn set_rights(path: &Path, rights: Rights, meta: &Meta) -> io::Result<()> {
    let (uid, gid) = owner_to_set(rights, meta);
    if uid.is_some() || gid.is_some() {
        std::os::unix::fs::lchown(path, uid, gid)?;
    }
    std::fs::set_permissions(path, Permissions::from_mode(rights.mode))
}

/// Only what differs is set: giving a file to the one who has it is refused to others than root on some systems.
fn owner_to_set(rights: Rights, meta: &Meta) -> (Option<u32>, Option<u32>) {
    (
        rights.uid.filter(|uid| *uid != meta.uid),
        rights.gid.filter(|gid| *gid != meta.gid),
    )
}

fn move_into_place(temporary: &Path, path: &Path, over: Over) -> Result<(), Trouble> {
    let renamed = match over {
        Over::Anything => std::fs::rename(temporary, path).map_err(Trouble::from_rename(path)),
        Over::Nothing => rename_over_nothing(temporary, path),
    };
    renamed?;
    // The thing stands; if its directory cannot be made durable, nobody knows what a power failure leaves.
    sync_parent(path).map_err(|error| {
        Trouble::Lost(format!(
            "{} was put in place, but its directory could not be made durable: {error}",
            path.display()
        ))
    })
}

fn rename_over_nothing(temporary: &Path, path: &Path) -> Result<(), Trouble> {
    match rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Some file systems cannot do that: look once more, then rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match standing::look(path)? {
            Standing::Nothing => {
                std::fs::rename(temporary, path).map_err(Trouble::from_rename(path))
            }
            other => {
                Err(diag::exists(path, &format!("{} appeared meanwhile", other.what())).into())
            }
        },
        Err(error) => Err(diag::system("create", path, &error.into())),
    }
}

impl Trouble {
    fn from_rename(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| diag::system("replace", path, &error)
    }
}

/// Removes a file durably. Nothing there is fine.
pub(crate) fn remove_file(path: &Path) -> Result<(), Trouble> {
    removed(path, std::fs::remove_file(path))
}

/// Removes an empty directory durably. Nothing there is fine.
pub(crate) fn remove_directory(path: &Path) -> Result<(), Trouble> {
    removed(path, std::fs::remove_dir(path))
}

fn removed(path: &Path, result: io::Result<()>) -> Result<(), Trouble> {
    match result {
        Ok(()) => sync_parent(path).map_err(|error| {
            Trouble::Lost(format!(
                "{} was removed, but its directory could not be made durable: {error}",
                path.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(diag::system("remove", path, &error)),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match File::open(parent(path)).and_then(|directory| directory.sync_all()) {
        // A directory that may be written but not read, and file systems that do not know how.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// The directory of a path.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Where something stands until it is whole.
pub(crate) fn temporary(path: &Path, action: ActionId) -> PathBuf {
    parent(path).join(format!(".steadfast-{action}.tmp"))
}

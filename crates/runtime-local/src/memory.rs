//! The memory limit of an instance: a cgroup where one was delegated to us, else `RLIMIT_DATA`.
//!
//! Only a group that an operator named is used. Making groups wherever they happen to be writable would take processes
//! out of the hands of whoever manages that part of the tree (systemd's single-writer rule). `RLIMIT_AS` is not used:
//! runtimes that reserve address space without touching it would not even start.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::io;
use std::path::{Path, PathBuf};

/// Makes the group of an instance below the delegated one, with its limit set.
pub(crate) fn make_group(parent: &Path, instance: &str, bytes_max: u64) -> io::Result<PathBuf> {
    let group = parent.join(format!("steadfast-{instance}"));
    match std::fs::create_dir(&group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Version 2 has `memory.max`, version 1 `memory.limit_in_bytes`; the kernel made the files with the directory.
    let limited = ["memory.max", "memory.limit_in_bytes"]
        .iter()
        .map(|name| group.join(name))
        .find(|file| file.exists())
        .ok_or_else(|| io::Error::other("the group has no memory controller"))
        .and_then(|file| std::fs::write(file, bytes_max.to_string()));
    match limited {
        Ok(()) => Ok(group),
        Err(error) => {
            remove_group(&group);
            Err(error)
        }
    }
}

/// Removes the group of an instance. One that still has processes stays; they are killed by other means.
pub(crate) fn remove_group(group: &Path) {
    let _ = std::fs::remove_dir(group);
}

/// Puts the calling process, and all it will start, into a group.
pub(crate) fn join_group(group: &Path) -> io::Result<()> {
    std::fs::write(group.join("cgroup.procs"), "0")
}

/// Limits the data of the calling process and of each it will start.
pub(crate) fn limit_data(bytes_max: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(bytes_max),
        maximum: Some(bytes_max),
    };
    Ok(setrlimit(Resource::Data, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_no_cgroup_is_refused_and_left_as_it_was() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(make_group(temporary.path(), "a", 1).is_err());
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
        assert!(make_group(&temporary.path().join("none"), "a", 1).is_err());
    }

    #[test]
    fn sets_the_limit_of_either_version() {
        for name in ["memory.max", "memory.limit_in_bytes"] {
            let temporary = tempfile::tempdir().unwrap();
            // The kernel would make the file; here it is there before.
            let group = temporary.path().join("steadfast-a");
            std::fs::create_dir(&group).unwrap();
            std::fs::write(group.join(name), "").unwrap();
            assert_eq!(make_group(temporary.path(), "a", 4096).unwrap(), group);
            assert_eq!(std::fs::read_to_string(group.join(name)).unwrap(), "4096");
            join_group(&group).unwrap();
            assert_eq!(
                std::fs::read_to_string(group.join("cgroup.procs")).unwrap(),
                "0"
            );
        }
    }
}

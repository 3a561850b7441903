//! The seam to the disk: [`Files`], and paths as the release writes them.

use crate::limits::FILESET_FILES_MAX;
use alloc::string::String;
use alloc::vec::Vec;
use value::functions::{FileSet, HOME, WORKING_DIRECTORY};

/// The project's directory, read by the caller. Paths are relative to the root module, with `/` between their parts and
/// `.` for the root itself; they lead upwards (`../x`) or are absolute only where [`Files::may_leave_root`] allows it.
pub trait Files {
    /// Names of the files (not directories) in a directory; none when there is no such directory.
    fn list(&self, directory: &str) -> Option<Vec<String>>;

    /// Content of a file; none when there is no such file or it cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// What was installed for a call of a module that is no local path; none when nothing was. `call` is the names of
    /// the calls that lead to it from the root, with dots between them.
    fn installed(&self, call: &str) -> Option<Installed> {
        let _ = call;
        None
    }

    /// Length of a file in bytes, so that one that is not read for its length is called that.
    fn length(&self, path: &str) -> Option<u64> {
        let _ = path;
        None
    }

    /// Names of the directories in a directory; none of them leads elsewhere.
    fn directories(&self, _directory: &str) -> Vec<String> {
        Vec::new()
    }

    /// The absolute path of the root module's directory, where there is one.
    fn working_directory(&self) -> Option<String> {
        None
    }

    /// The absolute path of the home of whoever compiles, where there is one.
    fn home(&self) -> Option<String> {
        None
    }

    /// Whether modules and files outside of the root module's directory may be asked for.
    fn may_leave_root(&self) -> bool {
        false
    }
}

/// A module that was fetched earlier, as Terraform's list of them has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Where it came from: an address as [`crate::ModuleSource`] writes it.
    pub source: String,
    /// Its version, where it came from a registry.
    pub version: Option<String>,
    /// Its directory, as [`Files`] has directories.
    pub directory: String,
}

/// What a scope answers when a function asks for a file, or for something else of the machine, by a path with two
/// slashes in a row.
pub fn answer(files: &dyn Files, path: &str) -> Option<Vec<u8>> {
    if path.contains("//") {
        told(files, path).map(String::into_bytes)
    } else {
        read(files, &join(".", path))
    }
}

fn may_read(files: &dyn Files, path: &str) -> bool {
    is_inside(path) || files.may_leave_root()
}

/// The content of a file, where it may be read.
pub(crate) fn read(files: &dyn Files, path: &str) -> Option<Vec<u8>> {
    may_read(files, path).then(|| files.read(path))?
}

/// What is asked of the machine besides the content of files.
pub(crate) fn told(files: &dyn Files, path: &str) -> Option<String> {
    match path {
        WORKING_DIRECTORY => files.working_directory(),
        HOME => files.home(),
        _ => {
            let (directory, pattern) = path.split_once("//")?;
            if !pattern.is_empty() {
                return listed(files, directory, pattern);
            }
            let directory = join(".", directory);
            let is_directory = may_read(files, &directory) && files.list(&directory).is_some();
            is_directory.then(String::new)
        }
    }
}

/// The files that a pattern finds in a directory, one a line; none when there are too many to look at.
fn listed(files: &dyn Files, directory: &str, pattern: &str) -> Option<String> {
    let set = FileSet::new(directory, pattern)?;
    let mut found: Vec<String> = Vec::new();
    let mut seen = 0;
    let mut left = alloc::vec![(set.base(), 0)];
    while let Some((directory, depth)) = left.pop() {
        if !may_read(files, &directory) {
            continue;
        }
        for name in files.list(&directory).unwrap_or_default() {
            seen += 1;
            found.extend(set.member(&join(&directory, &name)));
        }
        if set.depth().is_none_or(|most| depth < most) {
            for name in files.directories(&directory) {
                seen += 1;
                left.push((join(&directory, &name), depth + 1));
            }
        }
        if seen > FILESET_FILES_MAX {
            return None;
        }
    }
    found.sort();
    Some(found.join("\n"))
}

/// A path seen from a directory, both relative to the root module, without `.` and `..` inside. Absolute paths stay
/// what they are.
pub(crate) fn join(directory: &str, path: &str) -> String {
    let absolute = path.starts_with('/');
    let base = if absolute { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => alloc::format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// Whether a path made by `join` stays inside of the root module's directory.
pub fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && path != ".." && !path.starts_with("../")
}

/// Whether a path is relative and stays inside of the directory it is seen from.
pub(crate) fn is_plain_path(path: &str) -> bool {
    !path.is_empty() && is_inside(&join(".", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        for (directory, path, joined) in [
            (".", "./a", "a"),
            ("a/b", "../c", "a/c"),
            ("a", "../..", ".."),
            ("a", "..", "."),
            (".", "../../x", "../../x"),
            ("a", "/etc/../x", "/x"),
            ("a", "//x/./y", "/x/y"),
        ] {
            assert_eq!(join(directory, path), joined, "{directory} {path}");
        }
        assert!(is_inside("a") && is_inside(".") && is_inside("..a"));
        assert!(!is_inside("..") && !is_inside("../a") && !is_inside("/a"));
    }
}

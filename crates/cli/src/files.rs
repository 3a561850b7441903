//! The project's directory as the language sees it.

use definition::limits::SOURCE_BYTES_MAX;
use definition::{Files, Installed};
use registry::Manifest;
use std::path::PathBuf;

/// Reads below one directory.
pub(crate) struct DiskFiles {
    root: PathBuf,
    modules: Manifest,
}

impl DiskFiles {
    pub(crate) fn new(root: PathBuf) -> Self {
        // A list that cannot be read lists nothing; `init` says what is wrong with it.
        let modules =
            Manifest::read(&root.join(crate::project::data_directory())).unwrap_or_default();
        Self { root, modules }
    }
}

impl Files for DiskFiles {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(directory)).ok()? {
            let entry = entry.ok()?;
            // A link to a file is a file; a link to a directory is not followed.
            let is_file = std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
                names.push(name);
            }
        }
        names.sort();
        Some(names)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.root.join(path);
        let size = std::fs::metadata(&path).ok()?.len();
        if size > SOURCE_BYTES_MAX as u64 {
            return None;
        }
        std::fs::read(path).ok()
    }

    fn length(&self, path: &str) -> Option<u64> {
        let metadata = std::fs::metadata(self.root.join(path)).ok()?;
        Some(metadata.len())
    }

    fn installed(&self, call: &str) -> Option<Installed> {
        self.modules.0.get(call).cloned()
    }

    fn directories(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(directory))
            .into_iter()
            .flatten();
        let directories = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> = directories
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn working_directory(&self) -> Option<String> {
        std::path::absolute(&self.root)
            .ok()?
            .to_str()
            .map(str::to_owned)
    }

    fn home(&self) -> Option<String> {
        std::env::home_dir()?.to_str().map(str::to_owned)
    }

    fn may_leave_root(&self) -> bool {
        // Modules beside the root (`../module`) are common; what they are is still named by content in the release.
        true
    }
}

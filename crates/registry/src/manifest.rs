//! Terraform's list of installed modules, `modules.json`, which both programs read and write.

use crate::written;
use definition::Installed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// The installed modules by the names of the calls that lead to them, with dots between; the root is the empty name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, Installed>);

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(rename = "Modules")]
    modules: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Source")]
    source: String,
    #[serde(rename = "Version", default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "Dir")]
    directory: String,
}

impl Manifest {
    /// Where the list is, below a data directory.
    pub(crate) fn path(data: &Path) -> std::path::PathBuf {
        data.join("modules").join("modules.json")
    }

    /// Reads the list in a data directory; an empty one where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no such list.
    pub fn read(data: &Path) -> io::Result<Self> {
        let path = Self::path(data);
        let Some(content) = written::read(&path)? else {
            return Ok(Self::default());
        };
        let document: Document = serde_json::from_slice(&content).map_err(io::Error::other)?;
        let modules = document.modules.into_iter().map(|entry| {
            let version = entry.version.filter(|version| !version.is_empty());
            (
                entry.key,
                Installed {
                    source: entry.source,
                    version,
                    directory: entry.directory,
                },
            )
        });
        Ok(Self(modules.collect()))
    }

    /// Writes the list, whole or not at all, unless it says so already.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let modules = self.0.iter().map(|(key, installed)| Entry {
            key: key.clone(),
            source: installed.source.clone(),
            version: installed.version.clone(),
            directory: installed.directory.clone(),
        });
        let text = serde_json::to_string(&Document {
            modules: modules.collect(),
        })
        .map_err(io::Error::other)?;
        // As Go writes JSON, so that the file is the same whoever writes it.
        let text = text
            .replace('&', "\\u0026")
            .replace('<', "\\u003c")
            .replace('>', "\\u003e");
        replace(&Self::path(data), text.as_bytes())
    }
}

/// Puts content in the place of a file, whole or not at all; nothing is done where it is there already.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|known| known == content) {
        return Ok(());
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new()
        .prefix(".steadfast-")
        .tempfile_in(directory)?;
    file.write_all(content)?;
    // Others of the project read it too.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_byte_for_byte_that_of_terraform() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(data.path()).unwrap(), Manifest::default());
        // As Terraform 1.11.4 wrote it.
        let text = r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"a.b","Source":"registry.terraform.io/x/y/z","Version":"1.2.3","Dir":".terraform/modules/a.b"},{"Key":"gd","Source":"git::file:///srv/repo.git//modules/sub?ref=v1\u0026depth=1","Dir":".terraform/modules/gd/modules/sub"}]}"#;
        fs::create_dir(data.path().join("modules")).unwrap();
        fs::write(Manifest::path(data.path()), text).unwrap();
        let read = Manifest::read(data.path()).unwrap();
        assert_eq!(
            read.0["gd"].source,
            "git::file:///srv/repo.git//modules/sub?ref=v1&depth=1"
        );
        assert_eq!(read.0["a.b"].version.as_deref(), Some("1.2.3"));
        fs::remove_file(Manifest::path(data.path())).unwrap();
        read.write(data.path()).unwrap();
        assert_eq!(
            fs::read_to_string(Manifest::path(data.path())).unwrap(),
            text
        );
        fs::write(Manifest::path(data.path()), "{}").unwrap();
        assert!(Manifest::read(data.path()).is_err());
    }
}

//! The lock file for modules, `.steadfast.lock.hcl`: what every package was when it was first fetched.
//!
//! It stands beside Terraform's `.terraform.lock.hcl`, belongs into version control like it, and is written in the same
//! manner: sorted, one block per package, digests of content rather than of archives (docs/decisions/0015).

use crate::diag;
use crate::manifest::replace;
use crate::written::{self, constant, texts};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use value::Diagnostic;

/// Name of the file, in the directory of the root module.
pub const LOCK_FILE: &str = ".steadfast.lock.hcl";

const HEADER: &str = "# This file is written by `steadfast init` and belongs into version control: it holds what every module was when\n# it was fetched, so that the same configuration never brings in anything else. `steadfast init -upgrade` renews it.\n";

/// A package: its address without a directory inside of it, and its version where a registry gave it one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) address: String,
    pub(crate) version: Option<String>,
}

/// What is known of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locked {
    /// The commit, where it came from Git.
    pub(crate) commit: Option<String>,
    /// Digests of its content; one of them is enough.
    pub(crate) hashes: Vec<String>,
}

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock(pub(crate) BTreeMap<Package, Locked>);

impl Lock {
    /// Reads the file in a directory; an empty lock where there is none.
    pub(crate) fn read(directory: &Path) -> Result<Self, Diagnostic> {
        let path = directory.join(LOCK_FILE);
        let refuse = |why: &str| diag::lock_unreadable(LOCK_FILE, why);
        match written::read(&path) {
            Ok(Some(content)) => Self::parse(&content).map_err(|why| refuse(&why)),
            Ok(None) => Ok(Self::default()),
            Err(error) => Err(refuse(&error.to_string())),
        }
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let (text, body) = written::parsed(content)?;
        let mut lock = Self::default();
        for block in &body.blocks {
            let [label] = block.labels.as_slice() else {
                return Err("a block has not one label".to_owned());
            };
            if &*block.kind.name != "module" {
                return Err(format!(
                    "it has a block \"{}\", and only those of modules are known",
                    block.kind.name
                ));
            }
            let text_of = |name: &str| {
                constant(text, &block.body, name)
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            let hashes = constant(text, &block.body, "hashes")
                .map(|value| texts(&value))
                .unwrap_or_default();
            if hashes.is_empty() {
                return Err(format!("the module \"{}\" has no hashes", label.name));
            }
            let package = Package {
                address: label.name.to_string(),
                version: text_of("version"),
            };
            let locked = Locked {
                commit: text_of("commit"),
                hashes,
            };
            if lock.0.insert(package, locked).is_some() {
                return Err(format!("the module \"{}\" is there twice", label.name));
            }
        }
        Ok(lock)
    }

    /// Writes the file, unless it says so already; an empty lock needs no file.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(LOCK_FILE);
        if self.0.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        replace(&path, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (package, locked) in &self.0 {
            let _ = writeln!(text, "\nmodule {} {{", quoted(&package.address));
            let mut lines = Vec::new();
            lines.extend(package.version.as_ref().map(|version| ("version", version)));
            lines.extend(locked.commit.as_ref().map(|commit| ("commit", commit)));
            let width = lines
                .iter()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or(0)
                .max("hashes".len());
            // A list of several lines stands alone, as `fmt` has it.
            let width = if lines.is_empty() { 0 } else { width };
            for (name, value) in lines {
                let _ = writeln!(text, "  {name:width$} = {}", quoted(value));
            }
            let _ = writeln!(text, "  {:width$} = [", "hashes");
            for hash in &locked.hashes {
                let _ = writeln!(text, "    {},", quoted(hash));
            }
            text.push_str("  ]\n}\n");
        }
        text
    }
}

/// A text in quotes, with nothing in it that the language would look at.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(address: &str, version: Option<&str>) -> Package {
        Package {
            address: address.to_owned(),
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Lock::read(directory.path()).unwrap(), Lock::default());
        let hashes = vec!["h1:abc=".to_owned()];
        let lock = Lock(BTreeMap::from([
            (
                package("git::https://h/a.git?ref=${x}\"", None),
                Locked {
                    commit: Some("12".into()),
                    hashes: hashes.clone(),
                },
            ),
            (
                package("registry.example/a/b/c", Some("1.2.3")),
                Locked {
                    commit: None,
                    hashes: hashes.clone(),
                },
            ),
            (
                package("https://h/a.zip", None),
                Locked {
                    commit: None,
                    hashes,
                },
            ),
        ]));
        lock.write(directory.path()).unwrap();
        assert_eq!(Lock::read(directory.path()).unwrap(), lock);
        Lock::default().write(directory.path()).unwrap();
        assert!(!directory.path().join(LOCK_FILE).exists());
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for (text, why) in [
            ("module {", "unclosed"),
            ("module \"a\" {}", "no hashes"),
            ("module \"a\" \"b\" {}", "one label"),
            ("provider \"a\" {}", "only those of modules"),
            (
                "module \"a\" {\n  hashes = [\"h1:a\"]\n}\nmodule \"a\" {\n  hashes = [\"h1:b\"]\n}",
                "twice",
            ),
        ] {
            let found = Lock::parse(text.as_bytes()).unwrap_err();
            assert!(found.contains(why) || why == "unclosed", "{text}: {found}");
        }
    }
}

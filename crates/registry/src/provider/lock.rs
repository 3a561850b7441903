//! Terraform's lock file for providers, `.terraform.lock.hcl`, which both programs read and write.

use crate::diag::provider as diag;
use crate::manifest::replace;
use crate::written::{self, constant, texts};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use value::Diagnostic;

/// Name of the file, in the directory of the root module.
pub const PROVIDER_LOCK_FILE: &str = ".terraform.lock.hcl";

const HEADER: &str = "# This file is maintained automatically by \"terraform init\".\n# Manual edits may be lost in future updates.\n";

/// What is locked of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockedProvider {
    pub(crate) version: String,
    /// As written, for people.
    pub(crate) constraints: String,
    /// Digests of packages, in order; one of them is enough.
    pub(crate) hashes: Vec<String>,
}

/// The content of the file, by source address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderLock(pub(crate) BTreeMap<String, LockedProvider>);

impl ProviderLock {
    /// Reads the file in a directory; an empty lock where there is none.
    pub(crate) fn read(directory: &Path) -> Result<Self, Diagnostic> {
        let path = directory.join(PROVIDER_LOCK_FILE);
        let refuse = |why: &str| diag::lock_unreadable(why);
        match written::read(&path) {
            Ok(Some(content)) => Self::parse(&content).map_err(|why| refuse(&why)),
            Ok(None) => Ok(Self::default()),
            Err(error) => Err(refuse(&error.to_string())),
        }
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let (text, body) = written::parsed(content)?;
        let mut lock = Self::default();
        for block in body
            .blocks
            .iter()
            .filter(|block| &*block.kind.name == "provider")
        {
            let Some(label) = block.labels.first() else {
                return Err("a block has no label".to_owned());
            };
            let text_of = |name: &str| {
                constant(text, &block.body, name)
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            let hashes = constant(text, &block.body, "hashes");
            let locked = LockedProvider {
                version: text_of("version")
                    .ok_or_else(|| format!("\"{}\" has no version", label.name))?,
                constraints: text_of("constraints").unwrap_or_default(),
                hashes: hashes.map(|value| texts(&value)).unwrap_or_default(),
            };
            if lock.0.insert(label.name.to_string(), locked).is_some() {
                return Err(format!("\"{}\" is there twice", label.name));
            }
        }
        Ok(lock)
    }

    /// Writes the file, unless it says so already.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        replace(&directory.join(PROVIDER_LOCK_FILE), self.text().as_bytes())
    }

    /// As Terraform writes it.
    fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (source, locked) in &self.0 {
            let _ = writeln!(text, "\nprovider \"{source}\" {{");
            if locked.constraints.is_empty() {
                let _ = writeln!(text, "  version = \"{}\"", locked.version);
            } else {
                let _ = writeln!(text, "  version     = \"{}\"", locked.version);
                let _ = writeln!(text, "  constraints = \"{}\"", locked.constraints);
            }
            if !locked.hashes.is_empty() {
                text.push_str("  hashes = [\n");
                for hash in &locked.hashes {
                    let _ = writeln!(text, "    \"{hash}\",");
                }
                text.push_str("  ]\n");
            }
            text.push_str("}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_byte_for_byte_that_of_terraform() {
        // As Terraform 1.11.4 wrote it.
        let text = "# This file is maintained automatically by \"terraform init\".\n# Manual edits may be lost in future updates.\n\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.100.0\"\n  constraints = \">= 5.0.0, ~> 5.90, < 6.0.0\"\n  hashes = [\n    \"h1:edXOJWE4ORX8Fm+dpVpICzMZJat4AX0VRCAy/xkcOc0=\",\n  ]\n}\n";
        let lock = ProviderLock::parse(text.as_bytes()).unwrap();
        assert_eq!(
            lock.0["registry.terraform.io/hashicorp/aws"].version,
            "5.100.0"
        );
        assert_eq!(lock.text(), text);
        assert!(ProviderLock::parse(b"provider \"a\" {\n}\n").is_err());
        assert!(ProviderLock::parse(b"provider {").is_err());
    }
}

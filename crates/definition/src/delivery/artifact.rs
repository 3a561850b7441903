//! `artifact`: how something is built and what is packed.

use super::Delivery;
use crate::compile::is_plain_path;
use crate::syntax::Block;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::Artifact;

/// Longest time that a build may take when nothing is said.
const TIMEOUT_MS_DEFAULT: u64 = 600_000;

/// Environment variables that a build sees when nothing is said: enough to find its tools.
const INHERIT_DEFAULT: [&str; 1] = ["PATH"];

impl Delivery<'_, '_> {
    pub(super) fn artifact(&mut self, block: &Block) -> Option<Artifact> {
        let whose = "An artifact block";
        let inside = &block.body;
        let arguments = ["source", "build", "inherit", "files", "run", "timeout"];
        self.check(inside, whose, &arguments, &[], &[]);
        let source = self.required(block, "source", whose).is_some();
        let files = self.required(block, "files", whose).is_some();
        let run = self.required(block, "run", whose).is_some();
        if !(source && files && run) {
            return None;
        }
        let inherit = self.texts(inside, "inherit");
        let artifact = Artifact {
            build: self.texts(inside, "build").unwrap_or_default(),
            inherit: inherit
                .unwrap_or_else(|| INHERIT_DEFAULT.iter().map(ToString::to_string).collect()),
            timeout_ms: self
                .positive_duration(inside, "timeout")
                .unwrap_or(TIMEOUT_MS_DEFAULT),
            source: self.text(inside, "source")?,
            files: self.text_map(inside, "files")?,
            run: self.texts(inside, "run")?,
            span: block.header,
        };
        if artifact.run.is_empty() {
            self.invalid(
                inside,
                "run",
                "\"run\" names a program and its arguments; it cannot be empty.",
            );
        }
        if artifact.files.is_empty() {
            self.invalid(inside, "files", "Nothing would be packed: name at least one file, as path in the artifact = path in the source.");
        }
        let mut paths: Vec<&String> = alloc::vec![&artifact.source];
        paths.extend(artifact.files.iter().flat_map(|(to, from)| [to, from]));
        let wrong: Option<String> = paths
            .into_iter()
            .find(|path| !is_plain_path(path))
            .map(ToString::to_string);
        if let Some(path) = wrong {
            let detail = alloc::format!(
                "The path \"{path}\" leads out of its directory. Paths of an artifact are relative and never go upwards."
            );
            let argument = if path == artifact.source {
                "source"
            } else {
                "files"
            };
            self.invalid(inside, argument, &detail);
        }
        Some(artifact)
    }
}

//! [`TreePath`]: a path inside an artifact or a source tree that cannot lead out of it.
//!
//! Parsed once, at the border; whoever holds one need not check again. The rules are those of the narrowest system an
//! artifact may be unpacked on, so that an artifact that can be built can be unpacked everywhere. Links are not looked
//! at here: that needs a disk.

use crate::limits::ARTIFACT_PATH_BYTES_MAX;
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A relative path of at least one part, with `/` between the parts, ordered by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TreePath(String);

/// Why a text is not a [`TreePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PathError {
    /// Nothing there.
    #[error("the path is empty")]
    Empty,
    /// Begins at the root.
    #[error("the path is absolute; write it relative")]
    Absolute,
    /// Has `..` in it.
    #[error("the path has `..` in it and could lead out of its directory")]
    Upward,
    /// Has an empty part or `.` in it.
    #[error("the path has an empty part or `.` in it")]
    EmptyPart,
    /// Backslash, colon or a control character: something else on other systems.
    #[error("the path has a backslash, a colon or a control character in it")]
    Character,
    /// More than a header of a layer can hold.
    #[error("the path is too long: at most {ARTIFACT_PATH_BYTES_MAX} bytes")]
    TooLong,
}

impl TreePath {
    /// Reads the form that is stored in a layer.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        if text.len() > ARTIFACT_PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if text
            .chars()
            .any(|c| c == '\\' || c == ':' || c.is_control())
        {
            return Err(PathError::Character);
        }
        for part in text.split('/') {
            match part {
                ".." => return Err(PathError::Upward),
                "" | "." => return Err(PathError::EmptyPart),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads what a person wrote: `./` before it is allowed, and `/` after it.
    pub(crate) fn parse_written(text: &str) -> Result<Self, PathError> {
        let text = text.trim_end_matches('/');
        Self::parse(text.strip_prefix("./").unwrap_or(text)).map_err(|error| {
            // "/" itself has lost its only character above.
            match error {
                PathError::Empty if !text.is_empty() => PathError::EmptyPart,
                other => other,
            }
        })
    }

    /// This path below a directory.
    pub(crate) fn below(&self, directory: &Path) -> PathBuf {
        directory.join(&self.0)
    }

    /// A path one part longer.
    pub(crate) fn join(&self, part: &str) -> Result<Self, PathError> {
        Self::parse(&format!("{}/{part}", self.0))
    }

    /// The directories it lies in, outermost first, without the root.
    pub(crate) fn parents(&self) -> impl Iterator<Item = TreePath> + '_ {
        self.0
            .match_indices('/')
            .filter_map(|(end, _)| self.0.get(..end))
            .map(|parent| TreePath(parent.to_owned()))
    }

    /// The last part.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What systems that ignore case take it for.
    pub(crate) fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, TreePath};

    #[test]
    fn only_paths_that_stay_inside() {
        let long = "a/".repeat(200);
        let cases = [
            ("web", None),
            ("static/css/main.css", None),
            (".hidden", None),
            ("a..b/...", None),
            ("", Some(PathError::Empty)),
            ("/etc/passwd", Some(PathError::Absolute)),
            ("..", Some(PathError::Upward)),
            ("a/../../b", Some(PathError::Upward)),
            ("./web", Some(PathError::EmptyPart)),
            ("a//b", Some(PathError::EmptyPart)),
            ("a/", Some(PathError::EmptyPart)),
            ("..\\evil", Some(PathError::Character)),
            ("C:/evil", Some(PathError::Character)),
            ("a\0b", Some(PathError::Character)),
            (&long, Some(PathError::TooLong)),
        ];
        for (text, expected) in cases {
            assert_eq!(TreePath::parse(text).err(), expected, "{text:?}");
        }
    }

    #[test]
    fn people_may_write_a_little_more() {
        for (text, expected) in [
            ("./web", Some("web")),
            ("static/", Some("static")),
            ("/", None),
            ("./", None),
            ("../x", None),
        ] {
            let read = TreePath::parse_written(text).ok();
            assert_eq!(read.as_ref().map(TreePath::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn parents_are_outermost_first() {
        let path = TreePath::parse("a/b/c").unwrap();
        let parents: Vec<_> = path.parents().map(|p| p.to_string()).collect();
        assert_eq!(parents, ["a", "a/b"]);
    }
}

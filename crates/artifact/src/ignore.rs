//! What of a source tree is not source: version control, build directories, and what `.steadfastignore` lists.
//!
//! The file's lines are globs: `*` and `?` within a name, `**` for any number of directories, `/` at the end for
//! directories only. A line with a slash at its beginning or in its middle is relative to the root of the tree, any
//! other matches at every depth. `#` begins a comment. There is deliberately no way to take something back in: what
//! is source can be read from one list.

use crate::limits::IGNORE_LINES_MAX;
use thiserror::Error;

/// Name of the file, at the root of a source tree.
pub(crate) const FILE_NAME: &str = ".steadfastignore";

/// Directories of version control systems and of Steadfast itself, at any depth.
const NEVER_SOURCE: [&str; 5] = [".git", ".hg", ".svn", ".jj", ".steadfast"];
/// Where Cargo and Maven put what they built, at the root of a tree (deeper, it may be a module's name).
const BUILT: &str = "target";

/// Which entries of a tree are left out.
#[derive(Debug, Default)]
pub(crate) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    parts: Vec<Vec<char>>,
    directories_only: bool,
}

/// A line of `.steadfastignore` that cannot be followed.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum IgnoreError {
    /// It would mean something in other tools, but not here.
    #[error(
        "line {line} of {FILE_NAME}: `!`, `[` and `\\` have no meaning here; name what is left out"
    )]
    Unsupported {
        /// Counted from 1.
        line: usize,
    },
    /// Too many.
    #[error("{FILE_NAME} has more than {IGNORE_LINES_MAX} lines")]
    TooMany,
}

impl Ignore {
    /// Reads the text of a `.steadfastignore`.
    pub(crate) fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut patterns = Vec::new();
        for (line_idx, line) in text.lines().enumerate() {
            if line_idx >= IGNORE_LINES_MAX {
                return Err(IgnoreError::TooMany);
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('!') || line.contains(['[', '\\']) {
                return Err(IgnoreError::Unsupported { line: line_idx + 1 });
            }
            let directories_only = line.ends_with('/');
            let body = line.trim_end_matches('/');
            let anchored = body.contains('/');
            let mut parts: Vec<Vec<char>> = body
                .split('/')
                .filter(|part| !part.is_empty())
                .map(|part| part.chars().collect())
                .collect();
            if parts.is_empty() {
                continue;
            }
            if !anchored {
                parts.insert(0, vec!['*', '*']);
            }
            patterns.push(Pattern {
                parts,
                directories_only,
            });
        }
        Ok(Self { patterns })
    }

    /// Whether the entry with this path, relative to the root with `/` between its parts, is left out. What lies in a
    /// directory that is left out is not asked for.
    pub(crate) fn skips(&self, path: &str, is_directory: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        if is_directory && (NEVER_SOURCE.contains(&name) || path == BUILT) {
            return true;
        }
        if self.patterns.is_empty() {
            return false;
        }
        let parts: Vec<Vec<char>> = path.split('/').map(|part| part.chars().collect()).collect();
        self.patterns.iter().any(|pattern| {
            (is_directory || !pattern.directories_only)
                && wild(
                    &pattern.parts,
                    &parts,
                    |pattern| matches!(pattern.as_slice(), ['*', '*']),
                    |pattern, part| wild(pattern, part, |c| *c == '*', |p, c| *p == '?' || p == c),
                )
        })
    }
}

/// Whether a text matches a pattern in which some elements stand for any number of others. Takes at most pattern times
/// text steps: only the last star is ever tried again.
fn wild<P, T>(
    pattern: &[P],
    text: &[T],
    is_star: impl Fn(&P) -> bool,
    is_match: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(element) = text.get(t) {
        match pattern.get(p) {
            Some(star) if is_star(star) => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            Some(one) if is_match(one, element) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, next)) => {
                    p = after_star;
                    t = next;
                    retry = Some((after_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::{Ignore, IgnoreError};

    #[test]
    fn patterns() {
        // Pattern, path, whether it is a directory, whether it is left out.
        let cases = [
            ("", ".git", true, true),
            ("", "deep/.git", true, true),
            ("", ".gitignore", false, false),
            ("", "target", true, true),
            ("", "target", false, false),
            ("", "src/target", true, false),
            ("*.log", "a.log", false, true),
            ("*.log", "deep/er/a.log", false, true),
            ("*.log", "a.logs", false, false),
            ("/build", "build", true, true),
            ("/build", "deep/build", true, false),
            ("build/", "build", false, false),
            ("build/", "deep/build", true, true),
            ("doc/*.txt", "doc/a.txt", false, true),
            ("doc/*.txt", "doc/b/a.txt", false, false),
            ("doc/**/*.txt", "doc/b/c/a.txt", false, true),
            ("doc/**/*.txt", "doc/a.txt", false, true),
            ("?.rs", "a.rs", false, true),
            ("?.rs", "ab.rs", false, false),
            ("# a.rs", "a.rs", false, false),
            (
                "*a*a*a*a*a*b",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                false,
                false,
            ),
        ];
        for (pattern, path, is_directory, expected) in cases {
            let ignore = Ignore::parse(pattern).unwrap();
            assert_eq!(
                ignore.skips(path, is_directory),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn what_other_tools_know_is_refused_by_line() {
        let error = Ignore::parse("ok\n!not").unwrap_err();
        assert_eq!(error, IgnoreError::Unsupported { line: 2 });
    }
}

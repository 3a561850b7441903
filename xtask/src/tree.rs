//! The repository as the rules see it: paths and texts, and what Git remembers of golden files.
//!
//! A rule is a function of a [`Tree`] and touches no disk, so a test plants a violation by writing a few lines of text.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::Command;

use crate::source::Source;

/// A file of the repository.
#[derive(Debug)]
struct File {
    /// Its text; none if it is not UTF-8.
    text: Option<String>,
    /// For `.rs`.
    source: Option<Source>,
}

/// Something Git saw happen to a golden file after it was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    /// `M`, `D` or another letter of `git log --name-status`.
    pub(crate) status: String,
    /// The file.
    pub(crate) path: String,
}

/// All files of a repository that Git knows or would add.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
    /// Golden files that were changed or removed, now or in the past.
    pub(crate) touched_golden: Vec<Touched>,
}

/// A manifest of a package in the house.
pub(crate) struct Manifest<'a> {
    /// Path of the file.
    pub(crate) path: &'a str,
    /// Name of the folder.
    pub(crate) room: &'a str,
    /// Its text, to find lines in.
    pub(crate) text: &'a str,
    /// Its content; empty where it does not parse (cargo says so better than we could).
    pub(crate) table: toml::Table,
}

/// An entry of a dependency section.
pub(crate) struct Dependency {
    /// The crate, as the manifest names it.
    pub(crate) name: String,
    /// `dependencies`, `dev-dependencies` or `build-dependencies`.
    pub(crate) section: &'static str,
    /// What stands behind the equals sign.
    pub(crate) entry: toml::Value,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(crate) fn load(root: &Path) -> io::Result<Self> {
        let listed = git(
            root,
            &[
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ],
        )?;
        let mut texts = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            // What Git still lists but somebody has just removed is not there; a link is not a text.
            if !full.is_file() {
                continue;
            }
            let text = String::from_utf8(std::fs::read(&full)?).ok();
            texts.push((path.to_owned(), text));
        }
        let mut tree = Self::new(texts);
        tree.touched_golden = touched_golden(root)?;
        Ok(tree)
    }

    fn new(texts: Vec<(String, Option<String>)>) -> Self {
        let mut files: BTreeMap<String, File> = texts
            .into_iter()
            .map(|(path, text)| {
                let is_rust = path.ends_with(".rs");
                let source = text.as_deref().filter(|_| is_rust).map(Source::new);
                (path, File { text, source })
            })
            .collect();
        let test_roots = test_roots(&files);
        for (path, file) in &mut files {
            let by_folder = path
                .split('/')
                .any(|part| matches!(part, "tests" | "benches"));
            let by_module = test_roots.iter().any(|root| {
                path.strip_prefix(root.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
            if let Some(source) = file.source.as_mut().filter(|_| by_folder || by_module) {
                source.set_all_test();
            }
        }
        Self {
            files,
            touched_golden: Vec::new(),
        }
    }

    /// A tree of a few texts, for tests of rules.
    #[cfg(test)]
    pub(crate) fn of(texts: &[(&str, &str)]) -> Self {
        Self::new(
            texts
                .iter()
                .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
                .collect(),
        )
    }

    /// All paths, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// A text by its path.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.text.as_deref()
    }

    /// All texts with their paths.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, file)| Some((path.as_str(), file.text.as_deref()?)))
    }

    /// A Rust file by its path.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.files.get(path)?.source.as_ref()
    }

    /// All Rust files.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files
            .iter()
            .filter_map(|(path, file)| Some((path.as_str(), file.source.as_ref()?)))
    }

    /// The Rust files of the house: those of packages, without examples.
    pub(crate) fn house(&self) -> impl Iterator<Item = (&str, &str, &Source)> {
        self.sources()
            .filter_map(|(path, source)| Some((room(path)?, path, source)))
    }

    /// Whether a file or a folder of this path exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(next, _)| next.starts_with(&folder))
    }

    /// The manifests of all packages in the house, without the root and examples.
    pub(crate) fn manifests(&self) -> Vec<Manifest<'_>> {
        self.texts()
            .filter(|(path, _)| path.ends_with("/Cargo.toml") || *path == "Cargo.toml")
            .filter_map(|(path, text)| {
                Some(Manifest {
                    path,
                    room: room(path)?,
                    text,
                    table: text.parse().unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The root manifest, empty where there is none.
    pub(crate) fn root_manifest(&self) -> toml::Table {
        self.text("Cargo.toml")
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }
}

impl Manifest<'_> {
    /// All dependencies of all sections, those for single targets included.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let mut tables = vec![&self.table];
        if let Some(targets) = self.table.get("target").and_then(toml::Value::as_table) {
            tables.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let mut dependencies = Vec::new();
        for table in tables {
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let entries = table.get(section).and_then(toml::Value::as_table);
                for (name, entry) in entries.into_iter().flatten() {
                    dependencies.push(Dependency {
                        name: name.clone(),
                        section,
                        entry: entry.clone(),
                    });
                }
            }
        }
        dependencies
    }

    /// The line on which a key is set, 1 if it cannot be found.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        line_of_key(self.text, key)
    }
}

/// The line of a TOML text on which a key is set, 1 if it cannot be found.
pub(crate) fn line_of_key(text: &str, key: &str) -> usize {
    text.lines()
        .position(|line| {
            line.trim_start()
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with(['=', '.', ']']))
        })
        .map_or(1, |index| index + 1)
}

/// The package to which a path belongs, by its folder.
pub(crate) fn room(path: &str) -> Option<&str> {
    let (first, rest) = path.split_once('/')?;
    match first {
        "crates" => rest.split_once('/').map(|(room, _)| room),
        "sim" | "xtask" => Some(first),
        _ => None,
    }
}

/// Paths without `.rs` of modules that are declared for tests only.
fn test_roots(files: &BTreeMap<String, File>) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for (path, file) in files {
        for module in file.source.iter().flat_map(|source| &source.test_modules) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let own = match name {
                "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
                _ => path.trim_end_matches(".rs").to_owned(),
            };
            roots.insert(format!("{own}/{module}"));
        }
    }
    roots
}

/// Golden files that were changed or removed, in any commit and in the working tree.
fn touched_golden(root: &Path) -> io::Result<Vec<Touched>> {
    // Before the first commit there is nothing that could have been touched.
    if git(root, &["rev-parse", "--verify", "--quiet", "HEAD"]).is_err() {
        return Ok(Vec::new());
    }
    let what = ["--no-renames", "--diff-filter=a", "--name-status"];
    let place = ["--", ":(glob)**/golden/**"];
    let history = [&["log", "-m", "--format="], &what[..], &place[..]].concat();
    let working = [&["diff", "HEAD"], &what[..], &place[..]].concat();
    let said = git(root, &history)? + &git(root, &working)?;
    let mut touched: Vec<Touched> = said
        .lines()
        .filter_map(|line| {
            let (status, path) = line.split_once('\t')?;
            Some(Touched {
                status: status.to_owned(),
                path: path.to_owned(),
            })
        })
        .collect();
    touched.sort_by(|a, b| (&a.path, &a.status).cmp(&(&b.path, &b.status)));
    touched.dedup();
    Ok(touched)
}

fn git(root: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let command = arguments.join(" ");
        return Err(io::Error::other(format!("git {command}: {}", said.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_test_modules_are_tests() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod proofs;\nmod b;\n"),
            ("crates/a/src/proofs.rs", "fn f() {}\n"),
            ("crates/a/src/proofs/deep.rs", "fn f() {}\n"),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod c;\nfn f() {}\n"),
            ("crates/a/src/b/c.rs", "fn f() {}\n"),
            ("crates/a/src/c.rs", "fn f() {}\n"),
            ("crates/a/tests/it.rs", "fn f() {}\n"),
        ]);
        let shipped: Vec<&str> = tree
            .sources()
            .filter(|(_, source)| !source.functions().is_empty())
            .map(|(path, _)| path)
            .collect();
        assert_eq!(shipped, ["crates/a/src/b.rs", "crates/a/src/c.rs"]);
    }

    #[test]
    fn git_tells_what_happened_to_golden_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let commit = |message: &str| {
            git(root, &["add", "--all"]).unwrap();
            let name = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            let rest = ["-c", "commit.gpgsign=false", "commit", "-q", "-m", message];
            git(root, &[&name[..], &rest[..]].concat()).unwrap();
        };
        git(root, &["init", "-q"]).unwrap();
        let golden = root.join("crates/a/tests/golden");
        std::fs::create_dir_all(&golden).unwrap();
        for name in ["kept", "edited", "removed", "edited-now"] {
            std::fs::write(golden.join(name), "1\n").unwrap();
        }
        assert_eq!(Tree::load(root).unwrap().touched_golden, []);
        commit("add");
        assert_eq!(Tree::load(root).unwrap().touched_golden, []);
        std::fs::write(golden.join("edited"), "2\n").unwrap();
        std::fs::remove_file(golden.join("removed")).unwrap();
        commit("touch");
        std::fs::write(golden.join("edited-now"), "2\n").unwrap();
        std::fs::write(golden.join("added-now"), "1\n").unwrap();

        let tree = Tree::load(root).unwrap();
        let touched: Vec<(&str, &str)> = tree
            .touched_golden
            .iter()
            .map(|touched| {
                let name = touched.path.rsplit('/').next().unwrap();
                (touched.status.as_str(), name)
            })
            .collect();
        assert_eq!(
            touched,
            [("M", "edited"), ("M", "edited-now"), ("D", "removed")]
        );
        assert!(tree.has("crates/a/tests/golden/added-now"));
    }
}

//! The pages a newcomer reads first, held against the tree: what they name must exist.

use super::Finding;
use super::floors;
use crate::source::{is_word, occurrences};
use crate::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
/// Six pages.
const LINES_MAX: usize = 330;
/// The one command that checks everything.
const COMMAND: &str = "cargo xtask check";

pub(super) fn architecture(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Finding::new(
            PAGE,
            1,
            "is missing; flow, floors, entry points, what must never be",
        )];
    };
    let mut findings = Vec::new();
    let count = text.lines().count();
    if count > LINES_MAX {
        let what =
            format!("{count} lines, {LINES_MAX} are six pages; move details next to the code");
        findings.push(Finding::new(PAGE, LINES_MAX + 1, what));
    }
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
            continue;
        }
        if in_fence {
            continue;
        }
        for quoted in line.split('`').skip(1).step_by(2) {
            if let Some(complaint) = dead_reference(tree, quoted) {
                findings.push(Finding::new(PAGE, index + 1, complaint));
            }
        }
    }
    for manifest in tree.manifests() {
        if occurrences(text, manifest.room).next().is_none() {
            let what = format!("does not name the room `{}`", manifest.room);
            findings.push(Finding::new(PAGE, 1, what));
        }
    }
    findings
}

/// What is wrong with something quoted, none if it exists or looks neither like a path nor like an item.
fn dead_reference(tree: &Tree, quoted: &str) -> Option<String> {
    let item = quoted
        .split(['(', '<', '{'])
        .next()
        .unwrap_or_default()
        .trim_end_matches("::");
    if item.contains("::") && item.chars().all(|c| is_word(c) || c == ':' || c == '-') {
        return dead_item(tree, item);
    }
    if looks_like_path(quoted) {
        let ending = format!("/{quoted}");
        let exists = tree.has(quoted) || tree.paths().any(|path| path.ends_with(&ending));
        return (!exists).then(|| format!("there is no `{quoted}`"));
    }
    if looks_like_type(quoted) && !anywhere(tree, quoted) {
        return Some(format!("no room has a `{quoted}`"));
    }
    None
}

fn looks_like_path(quoted: &str) -> bool {
    let plain = |c: char| is_word(c) || matches!(c, '/' | '.' | '-');
    if quoted.starts_with(['/', '-']) || quoted.contains("NNNN") || !quoted.chars().all(plain) {
        return false;
    }
    let in_house = [
        "crates/",
        "docs/",
        "sim/",
        "xtask/",
        "examples/",
        ".ci/",
        ".cargo/",
    ];
    in_house.iter().any(|folder| quoted.starts_with(folder))
        || [".rs", ".md"].iter().any(|ending| quoted.ends_with(ending))
        || quoted == "Cargo.toml"
}

/// `CamelCase` of at least two letters, one of them small.
fn looks_like_type(quoted: &str) -> bool {
    quoted.starts_with(|c: char| c.is_ascii_uppercase())
        && quoted.chars().all(|c| c.is_ascii_alphanumeric())
        && quoted.chars().any(|c| c.is_ascii_lowercase())
}

/// `room::module::Item`: every part must stand in a source of the room, as a word or as a file.
fn dead_item(tree: &Tree, item: &str) -> Option<String> {
    let mut parts = item.split("::");
    let first = parts.next()?.replace('_', "-");
    // What is not ours is not our business.
    floors::floor(&first)?;
    let missing = parts.find(|part| {
        !tree.house().any(|(room, path, source)| {
            room == first
                && (path.ends_with(&format!("/{part}.rs"))
                    || occurrences(&source.code, part).next().is_some())
        })
    })?;
    Some(format!("`{first}` has no `{missing}` (`{item}`)"))
}

fn anywhere(tree: &Tree, name: &str) -> bool {
    tree.house()
        .any(|(_, _, source)| occurrences(&source.code, name).next().is_some())
}

pub(super) fn one_command(tree: &Tree) -> Vec<Finding> {
    ["README.md", ".ci/run"]
        .into_iter()
        .filter_map(|path| {
            let what = match tree.text(path) {
                None => "is missing",
                Some(text) if !text.lines().any(|line| line.trim() == COMMAND) => {
                    "has no line that is exactly `cargo xtask check`, the one command that checks everything"
                }
                Some(_) => return None,
            };
            Some(Finding::new(path, 1, what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn what_does_not_exist_is_found() {
        let page = "\
Rooms: decide, `runtime-local`. See `crates/decide/src/lib.rs`, `crates/gone`, `lib.rs`, `plan.rs`.
`decide::World`, `decide::Gone`, `decide::next(&World, now)`, `runtime_local::Shim`, `serde::Gone`.
`World`, `Planet`, `steadfast.hcl`, `cargo xtask check`, `docs/decisions/NNNN-*.md`, `docs/nothing.md`.
```
`crates/not-looked-at`
```
";
        expect(
            architecture,
            &[
                ("ARCHITECTURE.md", page),
                ("crates/decide/Cargo.toml", ""),
                (
                    "crates/decide/src/lib.rs",
                    "pub struct World;\npub fn next() {}\n// Gone\n",
                ),
                ("crates/runtime-local/src/lib.rs", "struct Shim;\n"),
                ("crates/host/Cargo.toml", ""),
            ],
            &[
                ("ARCHITECTURE.md:1", "does not name the room `host`"),
                ("ARCHITECTURE.md:1", "no `crates/gone`"),
                ("ARCHITECTURE.md:1", "no `plan.rs`"),
                ("ARCHITECTURE.md:2", "`decide` has no `Gone`"),
                ("ARCHITECTURE.md:3", "no room has a `Planet`"),
                ("ARCHITECTURE.md:3", "no `docs/nothing.md`"),
            ],
        );
    }

    #[test]
    fn a_page_too_many_and_a_missing_page_are_found() {
        let long = "line\n".repeat(LINES_MAX + 1);
        expect(
            architecture,
            &[(PAGE, &long)],
            &[("ARCHITECTURE.md:331", "331 lines")],
        );
        expect(architecture, &[], &[("ARCHITECTURE.md:1", "is missing")]);
    }

    #[test]
    fn ci_that_checks_something_else_is_found() {
        expect(
            one_command,
            &[
                ("README.md", "Test it:\n\n    cargo xtask check\n"),
                (".ci/run", "cargo test\necho cargo xtask check\n"),
            ],
            &[(".ci/run:1", "no line that is exactly")],
        );
    }
}

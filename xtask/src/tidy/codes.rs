//! Diagnostic codes: one page each, one test each, made in one place each.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::tree::Tree;

const PAGES: &str = "docs/codes/";
const README: &str = "docs/codes/README.md";

pub(super) fn codes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let defined = defined(tree);
    let rendered = rendered(tree);
    let families = tree.text(README).unwrap_or_default();
    for (code, (path, line)) in &defined {
        let page = format!("{PAGES}{code}.md");
        let mut lacks = Vec::new();
        if !tree.has(&page) {
            lacks.push(format!("a page ({page})"));
        }
        if !rendered.contains(code) {
            lacks.push("a test or a case that shows it".to_owned());
        }
        if !families.contains(&format!("| {} |", family(code))) {
            lacks.push(format!("its family `{}` in {README}", family(code)));
        }
        if !lacks.is_empty() {
            let what = format!("{code} lacks {}", lacks.join(" and "));
            findings.push(Finding::new(path, *line, what));
        }
    }
    findings.extend(shared_families(tree));
    for (path, text) in tree.texts() {
        let Some(name) = path
            .strip_prefix(PAGES)
            .and_then(|name| name.strip_suffix(".md"))
        else {
            continue;
        };
        if path == README {
            continue;
        }
        if !is_code(name) {
            findings.push(Finding::new(
                path,
                1,
                "a page is named after its code, `SFnnnn.md`",
            ));
            continue;
        }
        if !defined.contains_key(name) {
            let what = format!(
                "no room makes {name} any more; remove the page, and never use the code again"
            );
            findings.push(Finding::new(path, 1, what));
        }
        let title = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(&format!("# {name}: ")));
        if title.is_none_or(|title| title.trim().is_empty()) {
            findings.push(Finding::new(
                path,
                1,
                format!("begins with `# {name}: title`"),
            ));
        }
        if text.lines().skip(1).all(|line| line.trim().is_empty()) {
            findings.push(Finding::new(
                path,
                1,
                "an empty page helps nobody: what, why, what to do",
            ));
        }
    }
    findings
}

/// A family belongs to one room: otherwise two people take the same number for two things.
fn shared_families(tree: &Tree) -> Vec<Finding> {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for (room, path, code, line) in literals(tree) {
        let owner = *owners.entry(family(code).to_owned()).or_insert(room);
        if owner != room {
            let what = format!(
                "{code}: the family `{}` belongs to `{owner}`, take one of your own",
                family(code)
            );
            findings.push(Finding::new(path, line, what));
        }
    }
    findings
}

/// Codes that shipped code makes, with the first place of each.
fn defined(tree: &Tree) -> BTreeMap<String, (String, usize)> {
    let mut defined = BTreeMap::new();
    for (_, path, code, line) in literals(tree) {
        defined
            .entry(code.to_owned())
            .or_insert_with(|| (path.to_owned(), line));
    }
    defined
}

/// Literals of shipped code that are a code and nothing else: room, path, code, line.
fn literals(tree: &Tree) -> Vec<(&str, &str, &str, usize)> {
    let mut found = Vec::new();
    for (room, path, source) in tree.house() {
        if !path.starts_with(&format!("crates/{room}/src/")) {
            continue;
        }
        for literal in &source.literals {
            if is_code(&literal.text) && !source.is_test(literal.line) {
                found.push((room, path, literal.text.as_str(), literal.line));
            }
        }
    }
    found
}

/// Codes that stand in a test, in a test case or in a snapshot.
fn rendered(tree: &Tree) -> BTreeSet<String> {
    let mut rendered = BTreeSet::new();
    for (path, text) in tree.texts() {
        let is_case = path
            .split('/')
            .any(|part| matches!(part, "tests" | "snapshots"));
        if is_case && !path.ends_with(".rs") {
            rendered.extend(codes_in(text));
        }
    }
    for (_, _, source) in tree.house() {
        for (index, line) in source.raw.lines().enumerate() {
            if source.is_test(index + 1) {
                rendered.extend(codes_in(line));
            }
        }
    }
    rendered
}

/// `SFnn`: who gives the code and about what.
fn family(code: &str) -> &str {
    &code[..4]
}

fn codes_in(text: &str) -> Vec<String> {
    text.match_indices("SF")
        .filter_map(|(at, _)| text.get(at..at + 6))
        .filter(|code| is_code(code))
        .map(str::to_owned)
        .collect()
}

fn is_code(text: &str) -> bool {
    text.len() == 6
        && text
            .strip_prefix("SF")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn factories(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house() {
        let is_factory = path
            .trim_end_matches(".rs")
            .split('/')
            .any(|part| part == "diag" || part.starts_with("diag_"));
        if is_factory || path == "crates/value/src/diagnostic.rs" {
            continue;
        }
        for needle in ["Diagnostic::error(", "Diagnostic::warning("] {
            for line in source.shipped_lines_with(needle) {
                let what = format!(
                    "`{needle}` in the middle of other code; make it in the `diag` module of this family"
                );
                findings.push(Finding::new(path, line, what).unless_allowed(path));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn codes_pages_and_tests_are_compared_in_all_directions() {
        let source = "fn a() { error(\"SF0001\"); error(\"SF0002\"); }\nfn b() { error(\"SF0003\", \"see SF0009\") }\n\
                      #[test]\nfn t() { check(\"SF0001\"); check(\"SF0003\") }\n";
        expect(
            codes,
            &[
                ("crates/value/src/diag.rs", source),
                ("crates/value/tests/cases/a.txt", "error[SF0002]: no\n"),
                (
                    "crates/value/src/other.rs",
                    "fn c() { error(\"SF0005\"); }\n",
                ),
                ("docs/codes/README.md", "| SF00 | all |\n"),
                ("crates/host/src/diag.rs", "fn c() { error(\"SF0101\"); }\n"),
                ("docs/codes/SF0101.md", "# SF0101: Title\n\nText.\n"),
                ("crates/host/tests/cases/a.txt", "SF0101"),
                ("docs/codes/SF0001.md", "# SF0001: Title\n\nText.\n"),
                ("docs/codes/SF0002.md", "# SF0001: Title\n\nText.\n"),
                ("docs/codes/SF0004.md", "# SF0004: Title\n\nText.\n"),
                ("docs/codes/SF0005.md", "# SF0005: Title\n\n"),
                ("docs/codes/general.md", "# General\n"),
            ],
            &[
                (
                    "crates/host/src/diag.rs:1",
                    "SF0101 lacks its family `SF01`",
                ),
                ("crates/value/src/diag.rs:2", "SF0003 lacks a page"),
                ("crates/value/src/other.rs:1", "SF0005 lacks a test"),
                ("docs/codes/SF0002.md:1", "`# SF0002: title`"),
                ("docs/codes/SF0004.md:1", "no room makes SF0004"),
                ("docs/codes/SF0005.md:1", "empty page"),
                ("docs/codes/general.md:1", "named after its code"),
            ],
        );
    }

    #[test]
    fn a_family_in_two_rooms_is_found() {
        let found = shared_families(&Tree::of(&[
            (
                "crates/host/src/diag.rs",
                "fn a() { error(\"SF0801\"); error(\"SF0701\"); }\n",
            ),
            (
                "crates/proxy/src/diag.rs",
                "fn a() { error(\"SF0805\"); }\n",
            ),
        ]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/proxy/src/diag.rs");
        assert!(found[0].what.contains("belongs to `host`"));
    }

    #[test]
    fn a_diagnostic_made_by_hand_is_found() {
        let text = "fn f() { Diagnostic::error(\"SF0001\", \"\", \"\"); }\n";
        expect(
            factories,
            &[
                ("crates/definition/src/parse.rs", text),
                ("crates/definition/src/diag.rs", text),
                ("crates/definition/src/diag/syntax.rs", text),
            ],
            &[("crates/definition/src/parse.rs:1", "Diagnostic::error(")],
        );
    }
}

//! How texts look: headers, blanks, widths, and nothing that belongs to one machine.

use super::Finding;
use crate::source::Source;
use crate::tree::Tree;

/// Columns of a comment in Rust; code is rustfmt's business.
const COMMENT_COLUMNS_MAX: usize = 120;
/// Fewer letters than this are a label, not prose.
const HEADER_LETTERS_MIN: usize = 15;
/// First folders of paths that exist on one machine only.
const MACHINE_FOLDERS: [&str; 4] = ["home", "root", "work", "Users"];

pub(super) fn headers(tree: &Tree) -> Vec<Finding> {
    tree.sources()
        .filter_map(|(path, source)| {
            let header: String = source
                .raw
                .lines()
                .map_while(|line| line.strip_prefix("//!"))
                .collect();
            let letters = header.chars().filter(|c| c.is_alphabetic()).count();
            let what =
                "begins with `//!` and prose: what it is for, what it deliberately does not do";
            (letters < HEADER_LETTERS_MIN).then(|| Finding::new(path, 1, what))
        })
        .collect()
}

pub(super) fn layout(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let is_ours = [".rs", ".md", ".toml"]
            .iter()
            .any(|ending| path.ends_with(ending));
        // Cases of the language may be about blanks.
        let is_case = path
            .split('/')
            .any(|part| matches!(part, "cases" | "golden" | "snapshots"));
        if !is_ours || is_case {
            continue;
        }
        // What stands within a literal is data.
        let source = tree.source(path);
        let visible = source.map_or(text, |source| source.outline.as_str());
        for (index, line) in visible.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    "blanks at the end of the line",
                ));
            }
            if line.contains('\t') {
                findings.push(Finding::new(path, index + 1, "a tab; indent with spaces"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            let what = "ends with exactly one newline";
            findings.push(Finding::new(path, text.lines().count(), what));
        }
        if let Some(source) = source {
            findings.extend(wide_comments(path, source));
        }
    }
    findings
}

fn wide_comments(path: &str, source: &Source) -> Vec<Finding> {
    let columns: Vec<usize> = source
        .raw
        .lines()
        .map(|line| line.chars().count())
        .collect();
    let mut findings = Vec::new();
    for comment in &source.comments {
        let columns = columns.get(comment.line - 1).copied().unwrap_or(0);
        // A link cannot be broken.
        if columns > COMMENT_COLUMNS_MAX && !comment.text.contains("://") {
            let what = format!("a comment of {columns} columns, {COMMENT_COLUMNS_MAX} are allowed");
            findings.push(Finding::new(path, comment.line, what));
        }
    }
    findings
}

pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            for folder in MACHINE_FOLDERS {
                let needle = format!("/{folder}/");
                let is_absolute = |at: usize| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "_-.~/}>*)".contains(c))
                };
                if line.match_indices(&needle).any(|(at, _)| is_absolute(at)) {
                    let what = format!(
                        "`{needle}` is a path of one machine; use a relative or a temporary one"
                    );
                    findings.push(Finding::new(path, index + 1, what).unless_allowed(path));
                }
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
    fn a_file_without_a_header_is_found() {
        expect(
            headers,
            &[
                (
                    "crates/a/src/lib.rs",
                    "//! What it is for, in a sentence.\n",
                ),
                ("crates/a/src/b.rs", "// Not a header of the module.\n"),
                ("crates/a/src/c.rs", "//! c\n"),
                ("examples/shop/web.rs", "fn main() {}\n"),
            ],
            &[
                ("crates/a/src/b.rs:1", "begins with"),
                ("crates/a/src/c.rs:1", "begins with"),
                ("examples/shop/web.rs:1", "begins with"),
            ],
        );
    }

    #[test]
    fn blanks_tabs_ends_and_wide_comments_are_found() {
        let wide = format!("// {}\n// https://{}\n", "x".repeat(118), "y".repeat(120));
        expect(
            layout,
            &[
                ("a.md", "text \nmore\n\n"),
                ("b.toml", "\ta = 1\n"),
                ("c.md", "no newline"),
                (
                    "crates/a/src/lib.rs",
                    "const A: &str = \"\n\tdata \n\"; // x \n",
                ),
                ("crates/a/src/wide.rs", &wide),
                ("crates/a/tests/cases/tab.md", "\t\n"),
            ],
            &[
                ("a.md:1", "blanks"),
                ("a.md:3", "newline"),
                ("b.toml:1", "tab"),
                ("c.md:1", "newline"),
                ("crates/a/src/lib.rs:3", "blanks"),
                ("crates/a/src/wide.rs:1", "121 columns"),
            ],
        );
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let planted = format!("see /{}/me/x\nand crates/{}/x\n", "home", "work");
        expect(
            machine_paths,
            &[("docs/a.md", &planted)],
            &[("docs/a.md:1", "one machine")],
        );
    }
}

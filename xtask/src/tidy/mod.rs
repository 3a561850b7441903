//! Our own rules about the tree: what no compiler and no linter checks for us.
//!
//! A rule is a name, a sentence and a function from [`Tree`] to findings; each has a test that plants a violation and
//! sees it found. `docs/style.md` says which habit each rule keeps.
//!
//! Where a rule bears exceptions, they stand in `xtask/allow/<rule>.txt`, one `key # reason` a line. The lists may
//! only shrink: an entry that nothing needs any more is a finding itself.

mod allow;
mod architecture;
mod banned;
mod codes;
mod decisions;
mod errors;
mod floors;
mod golden;
mod lockfile;
mod manifests;
mod pure;
mod seams;
mod sizes;
mod text;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::tree::Tree;

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, or the one that should exist.
    pub(crate) path: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// The rule.
    pub(crate) rule: &'static str,
    /// What is wrong, and why it is or what to do.
    pub(crate) what: String,
    /// Under which key the rule's allow-list may except it; none where there are no exceptions.
    pub(crate) key: Option<String>,
}

impl Finding {
    /// A finding without exceptions; its rule is filled in by the runner.
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule: "",
            what: what.into(),
            key: None,
        }
    }

    /// Lets the allow-list except it.
    fn unless_allowed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// A rule about the tree.
struct Rule {
    name: &'static str,
    /// What holds if it passes.
    keeps: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// All rules.
const RULES: &[Rule] = &[
    Rule {
        name: "floors",
        keeps: "a room uses only rooms on lower floors, and every room has a floor",
        check: floors::floors,
    },
    Rule {
        name: "pure",
        keeps: "value, model, definition and decide are no_std and depend on what is pure too",
        check: pure::pure,
    },
    Rule {
        name: "exhaustive",
        keeps: "decide and journal let no `_ =>` arm hide a new variant",
        check: pure::exhaustive,
    },
    Rule {
        name: "plain-data",
        keeps: "model holds no closure, handle or trait object",
        check: pure::plain_data,
    },
    Rule {
        name: "manifests",
        keeps: "flat crates named as their folders, version 0.0.0, workspace lints, no version but at the root",
        check: manifests::manifests,
    },
    Rule {
        name: "names",
        keeps: "nothing is called utils, common, helpers or misc",
        check: manifests::names,
    },
    Rule {
        name: "heavy",
        keeps: "a heavy dependency hangs on the one room that is named for it",
        check: manifests::heavy,
    },
    Rule {
        name: "hired",
        keeps: "every dependency named at the root is used by a room",
        check: manifests::hired,
    },
    Rule {
        name: "duplicates",
        keeps: "Cargo.lock holds one version of each crate",
        check: lockfile::duplicates,
    },
    Rule {
        name: "banned-crates",
        keeps: "no second TLS stack and no abandoned crate, not even behind another",
        check: lockfile::banned,
    },
    Rule {
        name: "large-files",
        keeps: "no file has more than 1000 lines of code without tests",
        check: sizes::large_files,
    },
    Rule {
        name: "long-functions",
        keeps: "no function has more than 70 lines of code",
        check: sizes::long_functions,
    },
    Rule {
        name: "headers",
        keeps: "every Rust file begins with prose: what it is for, what it does not do",
        check: text::headers,
    },
    Rule {
        name: "layout",
        keeps: "no trailing blanks, no tabs, one newline at the end, comments of at most 120 columns",
        check: text::layout,
    },
    Rule {
        name: "machine-paths",
        keeps: "no path of somebody's machine",
        check: text::machine_paths,
    },
    Rule {
        name: "unfinished",
        keeps: "nothing is left for later, ignored, or expected to panic",
        check: banned::unfinished,
    },
    Rule {
        name: "sleeping",
        keeps: "tests wait on conditions, not for time",
        check: banned::sleeping,
    },
    Rule {
        name: "formats",
        keeps: "persisted types are neither flattened nor untagged",
        check: banned::formats,
    },
    Rule {
        name: "unbounded",
        keeps: "every channel has a bound",
        check: banned::unbounded,
    },
    Rule {
        name: "loops",
        keeps: "every bare loop in a room that acts says what bounds it",
        check: banned::loops,
    },
    Rule {
        name: "printing",
        keeps: "only programs print and exit",
        check: banned::printing,
    },
    Rule {
        name: "seams",
        keeps: "traits are at seams only",
        check: seams::seams,
    },
    Rule {
        name: "conformance",
        keeps: "each adapter runs the suite of the trait that it fulfils",
        check: seams::conformance,
    },
    Rule {
        name: "pen",
        keeps: "one task holds the world: no lock around it, one list of inputs",
        check: seams::pen,
    },
    Rule {
        name: "errors",
        keeps: "an error's message does not repeat its source",
        check: errors::errors,
    },
    Rule {
        name: "codes",
        keeps: "each diagnostic code has a page and a test, and each page a code",
        check: codes::codes,
    },
    Rule {
        name: "factories",
        keeps: "diagnostics are made in diag modules only",
        check: codes::factories,
    },
    Rule {
        name: "golden",
        keeps: "golden files are added, never edited or removed",
        check: golden::golden,
    },
    Rule {
        name: "architecture",
        keeps: "ARCHITECTURE.md fits six pages, and all that it names exists",
        check: architecture::architecture,
    },
    Rule {
        name: "one-command",
        keeps: "README.md and .ci/run call the same check",
        check: architecture::one_command,
    },
    Rule {
        name: "decisions",
        keeps: "decision records are numbered densely and keep their losers",
        check: decisions::decisions,
    },
];

/// `cargo xtask tidy`: the named rules, or all.
///
/// # Errors
/// A name that is no rule, or a tree that cannot be read.
pub(crate) fn command(root: &Path, names: &[String]) -> Result<ExitCode, String> {
    if names == ["--list"] {
        for rule in RULES {
            println!("{:<15} {}", rule.name, rule.keeps);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let known = |name: &String| RULES.iter().any(|rule| rule.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        return Err(format!(
            "there is no rule `{unknown}`; the rules are {}",
            all.join(", ")
        ));
    }
    let findings = run(root, names).map_err(|error| format!("cannot read the tree: {error}"))?;
    print(&findings);
    if findings.is_empty() {
        println!("tidy: nothing to complain about");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Findings of the named rules, or of all, by path.
///
/// # Errors
/// The tree cannot be read.
pub(crate) fn run(root: &Path, names: &[String]) -> io::Result<Vec<Finding>> {
    let tree = Tree::load(root)?;
    Ok(findings(&tree, names))
}

fn findings(tree: &Tree, names: &[String]) -> Vec<Finding> {
    let mut all = Vec::new();
    for rule in RULES {
        if names.is_empty() || names.iter().any(|name| name == rule.name) {
            let found = (rule.check)(tree).into_iter().map(|finding| Finding {
                rule: rule.name,
                ..finding
            });
            all.extend(allow::apply(rule.name, found.collect(), tree));
        }
    }
    if names.is_empty() {
        let rules: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        all.extend(allow::strays(&rules, tree));
    }
    all.sort();
    all
}

/// One line per finding, and a count per rule.
pub(crate) fn print(findings: &[Finding]) {
    for finding in findings {
        println!(
            "{}:{}: [{}] {}",
            finding.path, finding.line, finding.rule, finding.what
        );
    }
    let counts: Vec<String> = RULES
        .iter()
        .map(|rule| rule.name)
        .chain(["allow"])
        .filter_map(|name| {
            let count = findings
                .iter()
                .filter(|finding| finding.rule == name)
                .count();
            (count > 0).then(|| format!("{name} {count}"))
        })
        .collect();
    if !counts.is_empty() {
        println!("tidy: {} findings: {}", findings.len(), counts.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = run(&crate::root(), &[]).unwrap();
        let lines: Vec<String> = findings
            .iter()
            .map(|f| format!("{}:{}: [{}] {}", f.path, f.line, f.rule, f.what))
            .collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    }

    #[test]
    fn rules_are_named_once_and_named_in_the_style_guide() {
        let style = std::fs::read_to_string(crate::root().join("docs/style.md")).unwrap();
        for rule in RULES {
            let same = RULES.iter().filter(|other| other.name == rule.name).count();
            assert_eq!(same, 1, "{} is named twice", rule.name);
            let quoted = format!("`{}`", rule.name);
            assert!(style.contains(&quoted), "docs/style.md lacks {quoted}");
        }
    }
}

/// What tests of rules need.
#[cfg(test)]
mod planted {
    use super::Finding;
    use crate::tree::Tree;

    /// Runs a rule over a few planted texts and gives `path:line what`, in order.
    pub(super) fn found(rule: fn(&Tree) -> Vec<Finding>, texts: &[(&str, &str)]) -> Vec<String> {
        let mut findings = rule(&Tree::of(texts));
        findings.sort();
        findings
            .iter()
            .map(|finding| format!("{}:{} {}", finding.path, finding.line, finding.what))
            .collect()
    }

    /// Asserts that a rule finds exactly these: each is `path:line` and a part of the text.
    #[track_caller]
    pub(super) fn expect(
        rule: fn(&Tree) -> Vec<Finding>,
        texts: &[(&str, &str)],
        expected: &[(&str, &str)],
    ) {
        let found = found(rule, texts);
        let matches = found.len() == expected.len()
            && found.iter().zip(expected).all(|(line, (place, part))| {
                line.starts_with(&format!("{place} ")) && line.contains(part)
            });
        assert!(matches, "found {found:#?}\nexpected {expected:#?}");
    }
}

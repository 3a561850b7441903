//! Where rooms meet the outside, and who holds the pen.

use super::Finding;
use super::floors;
use crate::source::{Source, occurrences, word};
use crate::tree::Tree;

/// Rooms whose business is seams; any other public trait is excepted by name, with a reason.
const ROOMS_OF_SEAMS: [&str; 2] = ["contract", "journal"];

/// The traits of `contract` that have a conformance suite of the same name.
const SEAMS: [&str; 9] = [
    "Artifacts",
    "Clock",
    "Probes",
    "Provider",
    "Router",
    "Runtime",
    "States",
    "Vault",
    "Verifier",
];

pub(super) fn seams(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (room, path, source) in tree.house() {
        if ROOMS_OF_SEAMS.contains(&room) {
            continue;
        }
        for at in occurrences(&source.code, "pub trait") {
            let name = word(source.code[at + "pub trait".len()..].trim_start());
            let line = source.line(at);
            if source.is_test(line) {
                continue;
            }
            let what = format!(
                "`pub trait {name}` outside of the seams: write a function or a struct, or explain it in \
                 xtask/allow/seams.txt as `{room}::{name}`"
            );
            let key = format!("{room}::{name}");
            findings.push(Finding::new(path, line, what).unless_allowed(key));
        }
    }
    findings
}

pub(super) fn conformance(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (room, path, source) in tree.house() {
        if floors::floor(room) != Some(4) {
            continue;
        }
        for (name, line) in implemented_seams(source) {
            let suite = format!("conformance::{}", name.to_lowercase());
            let is_run = tree.house().any(|(other, _, source)| {
                other == room
                    && source
                        .lines_with(&suite)
                        .iter()
                        .any(|line| source.is_test(*line))
            });
            if !is_run {
                let what = format!("`{room}` fulfils `{name}`, and no test of it calls `{suite}`");
                let key = format!("{room}::{name}");
                findings.push(Finding::new(path, line, what).unless_allowed(key));
            }
        }
    }
    findings
}

/// Traits of [`SEAMS`] for which there is an `impl ... for`, with its line.
fn implemented_seams(source: &Source) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for at in occurrences(&source.code, "impl") {
        let line = source.line(at);
        let head = source.code[at..].split('{').next().unwrap_or_default();
        let Some((of, _)) = head.split_once(" for ") else {
            continue;
        };
        let name = of.rsplit([' ', ':', '>']).next().unwrap_or_default();
        if let Some(seam) = SEAMS.into_iter().find(|seam| *seam == name)
            && !source.is_test(line)
        {
            found.push((seam, line));
        }
    }
    found
}

pub(super) fn pen(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut inputs = Vec::new();
    for (room, path, source) in tree.house() {
        for needle in [
            "Mutex<World",
            "RwLock<World",
            "Mutex<decide::World",
            "RwLock<decide::World",
        ] {
            for line in source.shipped_lines_with(needle) {
                let what = "a lock around the world: one task holds it, others ask by message";
                findings.push(Finding::new(path, line, what));
            }
        }
        if room == "engine" {
            let lines = source.shipped_lines_with("enum Input");
            inputs.extend(lines.into_iter().map(|line| (path, line)));
        }
    }
    for (path, line) in inputs.into_iter().skip(1) {
        let what = "a second `enum Input` in engine: all that happens passes through one";
        findings.push(Finding::new(path, line, what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn a_public_trait_away_from_the_seams_is_found() {
        expect(
            seams,
            &[
                (
                    "crates/host/src/lib.rs",
                    "pub(crate) trait A {}\npub trait B {}\n",
                ),
                ("crates/contract/src/lib.rs", "pub trait C {}\n"),
            ],
            &[("crates/host/src/lib.rs:2", "`host::B`")],
        );
    }

    #[test]
    fn an_adapter_that_does_not_run_its_suite_is_found() {
        let adapter = "impl contract::Provider for Host {\n}\nimpl Debug for Provider {}\n";
        let proxy = "impl<'a> Router for Proxy<'a> {}\n#[cfg(test)]\nmod tests {\n    fn t() { conformance::router(&p); }\n}\n";
        expect(
            conformance,
            &[
                ("crates/host/src/lib.rs", adapter),
                ("crates/plugin/src/lib.rs", adapter),
                (
                    "crates/plugin/tests/suite.rs",
                    "fn t() { contract::conformance::provider(&p); }\n",
                ),
                ("crates/proxy/src/lib.rs", proxy),
            ],
            &[("crates/host/src/lib.rs:1", "`conformance::provider`")],
        );
    }

    #[test]
    fn a_second_hand_on_the_pen_is_found() {
        expect(
            pen,
            &[
                (
                    "crates/engine/src/a.rs",
                    "enum Input {}\nenum InputKind {}\n",
                ),
                (
                    "crates/engine/src/b.rs",
                    "enum Input {}\ntype W = Arc<Mutex<World>>;\n",
                ),
            ],
            &[
                ("crates/engine/src/b.rs:1", "second"),
                ("crates/engine/src/b.rs:2", "lock around the world"),
            ],
        );
    }
}

//! The rooms that only compute: no clock, no file, no task, and nothing hidden from the compiler.

use super::Finding;
use super::floors;
use crate::source::occurrences;
use crate::tree::Tree;

/// Rooms that are `#![no_std]` and `alloc`.
const PURE_ROOMS: [&str; 4] = ["value", "model", "definition", "decide"];

/// Third-party crates a pure room may use: they compute, and touch neither clock, file, environment nor thread.
const PURE_CRATES: [&str; 18] = [
    "base64",
    "blowfish",
    "encoding_rs",
    "libm",
    "minicbor-serde",
    "num-bigint",
    "num-integer",
    "num-traits",
    "percent-encoding",
    "regex",
    "saphyr-parser",
    "serde",
    "sha2",
    "strsim",
    "thiserror",
    "unicode-ident",
    "unicode-normalization",
    "unicode-segmentation",
];

/// Rooms with state machines, where a catch-all arm would hide a new event.
const EXHAUSTIVE_ROOMS: [&str; 2] = ["decide", "journal"];

/// What data cannot hold.
const NO_DATA: [&str; 6] = [
    "Arc<dyn", "Box<dyn", "Rc<dyn", "dyn Fn", "Mutex<", "RefCell<",
];

pub(super) fn pure(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for room in PURE_ROOMS {
        let path = format!("crates/{room}/src/lib.rs");
        let inner = inner_attributes(tree, &path);
        if inner.is_some_and(|attributes| !attributes.iter().any(|a| a == "no_std")) {
            let what = "a pure room has to be `#![no_std]`, so that a clock or a file in it does not compile";
            findings.push(Finding::new(&path, 1, what));
        }
    }
    let manifests = tree.manifests();
    let rooms = manifests
        .iter()
        .filter(|manifest| PURE_ROOMS.contains(&manifest.room));
    for manifest in rooms {
        for dependency in manifest.dependencies() {
            let name = dependency.name.as_str();
            let is_allowed = dependency.section == "dev-dependencies"
                || PURE_CRATES.contains(&name)
                || floors::floor(name).is_some();
            if !is_allowed {
                let what = format!(
                    "a pure room uses `{name}`, which is not known to be pure; do without, or add it to PURE_CRATES \
                     in xtask/src/tidy/pure.rs after reading what it touches"
                );
                let line = manifest.line_of(name);
                findings.push(Finding::new(manifest.path, line, what));
            }
        }
    }
    findings
}

pub(super) fn exhaustive(tree: &Tree) -> Vec<Finding> {
    const LINT: &str = "clippy::wildcard_enum_match_arm";
    EXHAUSTIVE_ROOMS
        .iter()
        .map(|room| format!("crates/{room}/src/lib.rs"))
        .filter_map(|path| {
            let attributes = inner_attributes(tree, &path)?;
            let on = attributes
                .iter()
                .any(|a| a.contains(LINT) && (a.starts_with("warn(") || a.starts_with("deny(")));
            let what = format!("add `#![warn({LINT})]`: a `_ =>` arm here would hide a new event");
            (!on).then(|| Finding::new(&path, 1, what))
        })
        .collect()
}

pub(super) fn plain_data(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house().filter(|(room, ..)| *room == "model") {
        for needle in NO_DATA {
            for line in source.shipped_lines_with(needle) {
                let what = format!("`{needle}` in model; what is written down is plain data");
                findings.push(Finding::new(path, line, what));
            }
        }
    }
    findings
}

/// The texts of `#![...]` of a file without blanks, none if there is no such file.
fn inner_attributes(tree: &Tree, path: &str) -> Option<Vec<String>> {
    let source = tree.source(path)?;
    Some(
        occurrences(&source.code, "#![")
            .filter_map(|at| {
                let inside = &source.code[at + 3..];
                let end = crate::source::closing(&source.code, at + 2)? - (at + 3);
                Some(inside[..end].split_whitespace().collect())
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn a_pure_room_with_std_or_with_an_impure_crate_is_found() {
        expect(
            pure,
            &[
                ("crates/value/src/lib.rs", "//! x\n#![no_std]\n"),
                (
                    "crates/decide/src/lib.rs",
                    "//! #![no_std]\n// #![no_std]\n",
                ),
                (
                    "crates/decide/Cargo.toml",
                    "[dependencies]\nmodel = {}\nlibm = {}\ngetrandom = {}\n[dev-dependencies]\ntempfile = {}\n",
                ),
            ],
            &[
                ("crates/decide/Cargo.toml:4", "`getrandom`"),
                ("crates/decide/src/lib.rs:1", "no_std"),
            ],
        );
    }

    #[test]
    fn a_state_machine_without_the_lint_is_found() {
        expect(
            exhaustive,
            &[
                (
                    "crates/decide/src/lib.rs",
                    "#![warn(clippy::wildcard_enum_match_arm)]\n",
                ),
                (
                    "crates/journal/src/lib.rs",
                    "#![allow(clippy::wildcard_enum_match_arm)]\n",
                ),
            ],
            &[("crates/journal/src/lib.rs:1", "wildcard_enum_match_arm")],
        );
    }

    #[test]
    fn a_handle_in_model_is_found() {
        expect(
            plain_data,
            &[
                (
                    "crates/model/src/plan.rs",
                    "// Box<dyn X>\nstruct P {\n    f: Box<dyn X>,\n}\n",
                ),
                ("crates/engine/src/lib.rs", "struct P { f: Box<dyn X> }\n"),
            ],
            &[("crates/model/src/plan.rs:3", "Box<dyn")],
        );
    }
}

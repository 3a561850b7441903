//! Whether what terraform finds wrong is found here, at the same places, and nothing else: every file in
//! `tests/blocks` holds snippets with recorded findings (`cargo xtask conformance record blocks`).
//!
//! What counts as the same is said in `tests/support/snippets.rs`.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use support::Project;
use support::snippets::{self, Snippet};

#[test]
fn terraform_and_we_find_the_same_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/blocks");
    let mut different = String::new();
    let mut total = 0;
    let mut wrong = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for snippet in snippets::read(&std::fs::read_to_string(&path).unwrap()) {
            total += 1;
            if let Err(difference) = compare(&snippet) {
                wrong += 1;
                let name = path.file_name().unwrap().display();
                writeln!(different, "{name}: {}\n{difference}", snippet.title).unwrap();
            }
        }
    }
    assert!(total > 0);
    assert!(
        different.is_empty(),
        "{wrong} of {total} differ\n{different}"
    );
}

fn compare(snippet: &Snippet) -> Result<(), String> {
    let files = snippet.files.iter().cloned();
    let files: BTreeMap<String, Vec<u8>> = files
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    let project = Project(files);
    let compiled = if snippet.is_planned() {
        definition::compile(&project, &[], &support::schemas())
    } else {
        definition::validate(&project, &[], &support::schemas())
    };
    let found = support::diagnostics(&compiled);
    let lines: Vec<String> = found.lines().filter_map(finding).collect();
    if snippets::agree(&snippet.findings, &lines) {
        return Ok(());
    }
    Err(format!(
        "  terraform:\n    {}\n  here:\n    {}",
        snippet.findings.join("\n    "),
        found.trim_end().replace('\n', "\n    ")
    ))
}

/// Severity and place of a line that begins a finding.
fn finding(line: &str) -> Option<String> {
    let (severity, rest) = line.split_once(' ')?;
    if !matches!(severity, "error" | "warning") {
        return None;
    }
    let place = rest.split(' ').nth(1)?.trim_end_matches(':');
    Some(format!("{severity} {place}"))
}

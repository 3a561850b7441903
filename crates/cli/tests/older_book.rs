//! A book that an older program wrote (in `older_book`, by the one of 30 November 2026) is read as it was meant: it is
//! whole, every decision in it follows again, and there is nothing to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::Path;
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn steadfast(project: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(words)
        .current_dir(project)
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        said(&output.stdout),
        said(&output.stderr)
    );
    said(&output.stdout)
}

#[test]
fn a_book_of_an_older_program_means_what_it_meant() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("project");
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older_book"),
        &project,
    );
    let state = project.join(".steadfast");
    std::fs::create_dir(&state).unwrap();
    for name in ["book", "key"] {
        std::fs::rename(project.join(name), state.join(name)).unwrap();
    }
    let whole = steadfast(&project, &["journal", "verify"]);
    assert!(whole.contains("The book is whole"), "{whole}");
    let replayed = steadfast(&project, &["replay"]);
    assert!(
        replayed.contains("derived again with the same result"),
        "{replayed}"
    );
    let plan = steadfast(&project, &["plan", "-var", "size=2"]);
    assert!(plan.starts_with("No changes."), "{plan}");
    let outputs = steadfast(&project, &["output"]);
    assert!(outputs.contains("ids = ["), "{outputs}");
    let applied = steadfast(&project, &["apply", "-auto-approve"]);
    assert!(applied.contains("Done in"), "{applied}");
}

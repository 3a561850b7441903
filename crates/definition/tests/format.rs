//! The formatter, over the corpus in `format/`: each `NAME.in` gives its `NAME.out`, which `terraform fmt` has written
//! (`cargo xtask conformance record fmt`). Below that, where we mean something else than Terraform does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says by panicking what is wrong"
)]

use definition::format;
use std::path::{Path, PathBuf};
use value::SourceId;

fn formatted(text: &str) -> String {
    match format(text, SourceId(0)) {
        Ok(text) => text,
        Err(found) => panic!("refused: {found:?}"),
    }
}

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.retain(|path| path.extension().is_some_and(|ending| ending == "in"));
    inputs.sort();
    assert!(inputs.len() >= 300, "{} inputs", inputs.len());
    inputs
}

#[test]
fn the_corpus_is_formatted_as_recorded() {
    for path in inputs() {
        let recorded = std::fs::read_to_string(path.with_extension("out")).unwrap();
        let given = formatted(&std::fs::read_to_string(&path).unwrap());
        assert!(given == recorded, "{}:\n{given}", path.display());
    }
}

#[test]
fn nothing_but_blanks_and_old_forms_changes() {
    let squeezed = |text: &str| -> String {
        let ignored = |one: char| one.is_whitespace() || "\u{feff}\"${}()~".contains(one);
        text.chars().filter(|one| !ignored(*one)).collect()
    };
    for path in inputs() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Types of old and labels are written anew there, which is more than blanks.
        if [
            "drawn_",
            "types_",
            "labels_",
            "style_0_11",
            "block",
            "comment",
        ]
        .iter()
        .any(|one| name.contains(one))
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(squeezed(&formatted(&text)), squeezed(&text), "{name}");
    }
}

#[test]
fn a_text_with_errors_is_refused_with_all_of_them() {
    let found = format("a = [1\nb = )\nc = 1\n", SourceId(0)).unwrap_err();
    assert!(found.has_errors());
    assert_eq!(
        format("a = \"\\q\"\nb = 'x'\n", SourceId(0))
            .unwrap_err()
            .0
            .len(),
        3
    );
}

#[test]
fn what_would_no_longer_be_read_keeps_its_quotes() {
    // Terraform unwraps these into `a = # c` and `a = (b) +`, which end with their line.
    for kept in [
        "a = \"${ # c\n  b}\"\n",
        "a = \"${(b) +\n(c)}\"\n",
        "a = \"${\n  # c\n  b\n}\"\n",
    ] {
        assert_eq!(formatted(kept).matches('"').count(), 2, "{kept}");
    }
    // Where nothing follows the comment, or brackets hold the lines together, nothing is lost.
    assert_eq!(formatted("a = \"${b # c\n}\"\n"), "a = b # c\n\n");
    assert_eq!(formatted("a = \"${b[ # c\n0]}\"\n"), "a = b[ # c\n0]\n");
}

#[test]
fn no_label_is_lost() {
    // Terraform deletes labels with a dollar or percent sign.
    assert_eq!(
        formatted("x  \"a$b\" \"$${c}\" {}\n"),
        "x \"a$b\" \"$${c}\" {}\n"
    );
}

//! `docs/guides/errors.md` stays true: every example in it is compiled, and what is found is what the page says.
//!
//! `UPDATE_EXPECT=1` writes our side anew. The side of Terraform is what its version 1.11.4 said; the places of the
//! same kinds of mistake are compared with it by `tests/blocks.rs`.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use support::Project;

/// What stands before our findings on the page.
const OURS: &str = "Steadfast:\n\n```text\n";

#[test]
fn the_guide_says_what_is_said() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/errors.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut sections = page.split("\n## ");
    let mut written = sections.next().unwrap().to_string();
    let mut n_examples = 0;
    for section in sections {
        let (before, rest) = section.split_once(OURS).unwrap();
        let (_, after) = rest.split_once("```\n").unwrap();
        let (_, example) = before.split_once("```hcl\n").unwrap();
        let (example, _) = example.split_once("```\n").unwrap();
        let files = BTreeMap::from([("main.tf".to_string(), example.as_bytes().to_vec())]);
        let compiled = definition::validate(&Project(files), &[], &support::schemas());
        assert!(compiled.diagnostics.has_errors(), "{example}");
        let found = support::diagnostics(&compiled);
        written += &format!("\n## {before}{OURS}{found}```\n{after}");
        n_examples += 1;
    }
    assert_eq!(n_examples, 10);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &written).unwrap();
        return;
    }
    assert_eq!(page, written);
}

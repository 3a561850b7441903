//! Golden files are the persisted formats as they once were: a program that cannot read them any more lost somebody's
//! book. So they are added and never touched again. Other expected outputs do not belong into a `golden` folder.

use super::Finding;
use crate::tree::Tree;

pub(super) fn golden(tree: &Tree) -> Vec<Finding> {
    tree.touched_golden
        .iter()
        .map(|touched| {
            let verb = match touched.status.as_str() {
                "M" => "edited",
                "D" => "removed",
                "T" => "replaced by another kind of file",
                _ => "touched",
            };
            let what = format!(
                "a golden file was {verb}; put it back and add a new one for the new version of the format"
            );
            Finding::new(&touched.path, 1, what).unless_allowed(&touched.path)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Touched;

    // What Git says and how it is read is tested in `tree`, with a repository.
    #[test]
    fn an_edited_and_a_removed_golden_file_are_found() {
        let mut tree = Tree::of(&[]);
        assert_eq!(golden(&tree), []);
        for status in ["M", "D"] {
            tree.touched_golden.push(Touched {
                status: status.to_owned(),
                path: "crates/model/tests/golden/event-v1.hex".to_owned(),
            });
        }
        let found = golden(&tree);
        assert!(found[0].what.contains("edited") && found[1].what.contains("removed"));
    }
}

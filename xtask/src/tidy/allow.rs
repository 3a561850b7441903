//! Allow-lists that may only shrink: `xtask/allow/<rule>.txt`, one `key # reason` a line.

use super::Finding;
use crate::tree::Tree;

/// The findings that no entry excepts, and a finding for each entry that is not needed or gives no reason.
pub(super) fn apply(rule: &'static str, findings: Vec<Finding>, tree: &Tree) -> Vec<Finding> {
    let path = format!("xtask/allow/{rule}.txt");
    let Some(text) = tree.text(&path) else {
        return findings;
    };
    let mut left = Vec::new();
    let mut entries = entries(text);
    for finding in findings {
        let key = finding.key.as_deref();
        match entries.iter_mut().find(|entry| Some(entry.key) == key) {
            Some(entry) => entry.used = true,
            None => left.push(finding),
        }
    }
    for entry in entries {
        let complaint = if entry.reason.is_empty() {
            format!("`{}` gives no reason; write `key # reason`", entry.key)
        } else if !entry.used {
            format!("nothing needs `{}` any more; remove the line", entry.key)
        } else {
            continue;
        };
        left.push(Finding {
            rule,
            ..Finding::new(&path, entry.line, complaint)
        });
    }
    left
}

/// Allow-lists that belong to no rule.
pub(super) fn strays(rules: &[&str], tree: &Tree) -> Vec<Finding> {
    tree.paths()
        .filter_map(|path| {
            let name = path.strip_prefix("xtask/allow/")?;
            let known = rules.iter().any(|rule| name == format!("{rule}.txt"));
            (!known).then(|| Finding {
                rule: "allow",
                ..Finding::new(path, 1, "there is no rule of this name; remove the file")
            })
        })
        .collect()
}

struct Entry<'a> {
    line: usize,
    key: &'a str,
    reason: &'a str,
    used: bool,
}

fn entries(text: &str) -> Vec<Entry<'_>> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let (key, reason) = line.split_once(" # ").unwrap_or((line, ""));
            Entry {
                line: index + 1,
                key: key.trim(),
                reason: reason.trim(),
                used: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_excepts_its_key_and_must_be_needed_and_explained() {
        let list = "# head\n\na.rs # because\nb.rs # gone\nc.rs\n";
        let tree = Tree::of(&[("xtask/allow/r.txt", list)]);
        let finding = |path: &str| Finding::new(path, 1, "bad").unless_allowed(path);
        let fixed = Finding::new("a.rs", 9, "never allowed");
        let left = apply(
            "r",
            vec![finding("a.rs"), finding("c.rs"), finding("d.rs"), fixed],
            &tree,
        );
        let places: Vec<(&str, usize)> = left.iter().map(|f| (f.path.as_str(), f.line)).collect();
        let list = "xtask/allow/r.txt";
        assert_eq!(places, [("d.rs", 1), ("a.rs", 9), (list, 4), (list, 5)]);
        assert!(left[2].what.contains("nothing needs `b.rs`"));
        assert!(left[3].what.contains("no reason"));
    }

    #[test]
    fn a_list_of_no_rule_is_found() {
        let tree = Tree::of(&[("xtask/allow/r.txt", ""), ("xtask/allow/old.txt", "")]);
        let strays = strays(&["r"], &tree);
        assert_eq!(strays.len(), 1);
        assert_eq!(strays[0].path, "xtask/allow/old.txt");
    }
}

//! Decision records: numbered, short, in one form, with the losers kept.

use super::Finding;
use crate::tree::Tree;

const FOLDER: &str = "docs/decisions/";
/// The template is number 0.
const HEADINGS: [&str; 4] = ["Context", "Choice", "Losers", "What would change our mind"];
const STATES: [&str; 3] = ["proposed", "accepted", "superseded by "];

pub(super) fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 0;
    for (path, text) in tree.texts() {
        let Some(name) = path.strip_prefix(FOLDER) else {
            continue;
        };
        match number(name) {
            None => {
                let what = "a decision is named NNNN-a-few-words.md, in small letters";
                findings.push(Finding::new(path, 1, what));
                continue;
            }
            // A gap is a number that was given out and is not used yet: several people work at the same time.
            Some(number) if number < expected => {
                let what = format!("numbers are unique: {number:04} is taken");
                findings.push(Finding::new(path, 1, what));
            }
            Some(number) => expected = number + 1,
        }
        findings.extend(form(path, name, text));
    }
    findings
}

fn number(name: &str) -> Option<usize> {
    let (digits, rest) = name.strip_suffix(".md")?.split_once('-')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if digits.len() != 4 || rest.is_empty() || !rest.chars().all(plain) {
        return None;
    }
    digits.parse().ok()
}

fn form(path: &str, name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let title = format!("# {}: ", &name[..4]);
    if !text.starts_with(&title) {
        findings.push(Finding::new(path, 1, format!("begins with `{title}title`")));
    }
    let status = text.lines().find_map(|line| line.strip_prefix("Status: "));
    let is_state = |status: &str| STATES.iter().any(|state| status.starts_with(state));
    if !status.is_some_and(is_state) {
        let what = "needs a line `Status: proposed`, `accepted` or `superseded by NNNN`";
        findings.push(Finding::new(path, 1, what));
    }
    for heading in HEADINGS {
        let wanted = format!("## {heading}");
        let mut after = text.lines().skip_while(|line| *line != wanted);
        let found = after.next().is_some();
        let has_text = after
            .take_while(|line| !line.starts_with("## "))
            .any(|line| !line.trim().is_empty());
        if !found || !has_text {
            let what = format!("needs a heading `{wanted}` with something below it");
            findings.push(Finding::new(path, 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    fn record(number: &str) -> String {
        format!(
            "# {number}: Title\n\nStatus: accepted\n\n## Context\n\na\n\n## Choice\n\nb\n\n## Losers\n\nc\n\n\
             ## What would change our mind\n\nd\n"
        )
    }

    #[test]
    fn doubles_and_bad_names_are_found() {
        let (zero, one, three) = (record("0000"), record("0001"), record("0003"));
        expect(
            decisions,
            &[
                ("docs/decisions/0000-template.md", &zero),
                ("docs/decisions/0001-a.md", &one),
                ("docs/decisions/0001-b.md", &one),
                ("docs/decisions/0003-c.md", &three),
                ("docs/decisions/notes.md", "x\n"),
            ],
            &[
                ("docs/decisions/0001-b.md:1", "0001 is taken"),
                ("docs/decisions/notes.md:1", "NNNN"),
            ],
        );
    }

    #[test]
    fn a_record_out_of_form_is_found() {
        let bad = record("0001")
            .replace("Status: accepted", "Status: fine")
            .replace("## Losers\n\nc\n\n", "")
            .replace("\nb\n", "\n");
        expect(
            decisions,
            &[("docs/decisions/0000-a.md", &bad)],
            &[
                ("docs/decisions/0000-a.md:1", "`# 0000: title`"),
                ("docs/decisions/0000-a.md:1", "## Choice"),
                ("docs/decisions/0000-a.md:1", "## Losers"),
                ("docs/decisions/0000-a.md:1", "Status"),
            ],
        );
    }
}

//! What the book says about the newest run, read through `status` and `journal show` as a user would.

use crate::finding::{Finding, Promise};
use crate::program::Program;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How far the newest run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It is not in the book.
    Before,
    /// Submitted, with nothing begun and nobody's consent.
    Planning,
    /// Approved and not closed.
    Applying,
    /// Closed.
    Over,
}

/// The book of one environment, counted.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Runs that were submitted.
    pub runs: usize,
    approved: bool,
    closed: bool,
    /// Entries since the newest run was submitted, itself included.
    pub entries_of_run: usize,
    /// Actions whose newest attempt has no outcome.
    open: BTreeSet<(String, String)>,
    done: BTreeMap<(String, String), u32>,
    /// Actions whose newest attempt was looked for, and had no effect.
    absent: BTreeSet<(String, String)>,
    /// Runs that began nothing more because somebody said so.
    cancelled: BTreeSet<String>,
    subjects: BTreeMap<(String, String), String>,
}

impl Book {
    /// Reads the book; an empty one where there is none yet.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub(crate) fn read(program: &Program) -> Result<Self, Finding> {
        let unreadable = |what: &str| {
            let what = format!("{what}: {}", program.said());
            Promise::Readable.broken(what)
        };
        let status = program.run(&["status"]).map_err(|what| unreadable(&what))?;
        if !matches!(status.code, Some(0 | 3)) {
            return Err(unreadable("status fails"));
        }
        if status.lines.is_empty() {
            return Ok(Self::default());
        }
        let shown = program
            .run(&["journal", "show"])
            .map_err(|what| unreadable(&what))?;
        if shown.code != Some(0) {
            return Err(unreadable("journal show fails"));
        }
        let mut book = Self::default();
        for entry in &shown.lines {
            book.entry(entry);
        }
        Ok(book)
    }

    fn entry(&mut self, entry: &Value) {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let action = (text("run").to_owned(), text("action").to_owned());
        self.entries_of_run += 1;
        match text("type") {
            "submitted" => {
                self.runs += 1;
                (self.approved, self.closed, self.entries_of_run) = (false, false, 1);
            }
            "commanded" => self.approved |= text("command") == "approve",
            "closed" => {
                self.closed = true;
                if text("result") == "cancelled" {
                    self.cancelled.insert(action.0);
                }
            }
            "intended" => {
                let subject = format!("{} of {}", text("verb"), text("subject"));
                self.subjects.insert(action.clone(), subject);
                self.absent.remove(&action);
                self.open.insert(action);
            }
            "finished" => {
                self.open.remove(&action);
                if text("outcome") == "changed" {
                    *self.done.entry(action).or_default() += 1;
                }
            }
            "inquired" if text("inquiry") == "found" => {
                self.open.remove(&action);
                *self.done.entry(action).or_default() += 1;
            }
            "inquired" if text("inquiry") == "absent" => {
                self.open.remove(&action);
                self.absent.insert(action);
            }
            _ => {}
        }
    }

    /// How far the run is that follows so many others.
    pub(crate) fn stage(&self, runs_before: usize) -> Stage {
        match (self.runs > runs_before, self.approved, self.closed) {
            (false, ..) => Stage::Before,
            (true, _, true) => Stage::Over,
            (true, false, false) => Stage::Planning,
            (true, true, false) => Stage::Applying,
        }
    }

    /// Effects without outcome.
    pub(crate) fn n_open(&self) -> usize {
        self.open.len()
    }

    /// In a book whose runs are over: every action took effect once, and no two did the same. In a run that was
    /// cancelled it may also have been found to have had no effect.
    pub(crate) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for (action, subject) in &self.subjects {
            let (run, id) = action;
            match self.done.get(action).copied().unwrap_or_default() {
                0 if self.absent.contains(action) && self.cancelled.contains(run) => {}
                0 => {
                    let what = format!("{subject} (action {id}) was begun and never finished");
                    findings.push(Promise::Lost.broken(what));
                }
                1 => {}
                n => {
                    let what = format!("{subject} (action {id}) took effect {n} times");
                    findings.push(Promise::Doubled.broken(what));
                }
            }
            if !seen.insert((run, subject)) {
                let what = format!("{subject} was done by two actions of run {run}");
                findings.push(Promise::Doubled.broken(what));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn book(entries: &[(&str, &str, &str)]) -> Book {
        let mut book = Book::default();
        for (kind, action, word) in entries {
            let entry = json!({
                "type": kind, "run": "1", "action": action, "subject": format!("file {action}"),
                "verb": "create", "outcome": word, "inquiry": word, "command": word, "result": word,
            });
            book.entry(&entry);
        }
        book
    }

    #[test]
    fn stages_follow_the_entries() {
        let entries = [
            ("opened", "", ""),
            ("submitted", "", ""),
            ("planned", "", ""),
            ("commanded", "", "approve"),
            ("intended", "a", ""),
            ("closed", "", ""),
        ];
        let stage = |n: usize| book(&entries[..n]).stage(0);
        assert_eq!(stage(1), Stage::Before);
        assert_eq!(stage(3), Stage::Planning);
        assert_eq!(stage(5), Stage::Applying);
        assert_eq!(stage(6), Stage::Over);
        assert_eq!(book(&entries).stage(1), Stage::Before);
        assert_eq!(book(&entries).n_open(), 1);
    }

    #[test]
    fn what_took_effect_twice_or_never_is_found() {
        let intended = ("intended", "a", "");
        let once = [intended, intended, ("finished", "a", "changed")];
        assert_eq!(book(&once).check(), []);
        let never = [intended, ("finished", "a", "failed")];
        assert_eq!(book(&never).check()[0].promise, Promise::Lost);
        let twice = [
            intended,
            ("inquired", "a", "found"),
            ("finished", "a", "changed"),
        ];
        assert_eq!(book(&twice).check()[0].promise, Promise::Doubled);
        let absent = [intended, ("inquired", "a", "absent")];
        let ended = |result| book(&[absent.as_slice(), &[("closed", "", result)]].concat());
        assert_eq!(ended("cancelled").check(), []);
        assert_eq!(ended("succeeded").check()[0].promise, Promise::Lost);
    }
}

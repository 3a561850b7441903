//! One trial: a fresh project, a run that is killed up to three times, and everything that must be true afterwards.

use crate::book::{Book, Stage};
use crate::finding::{Finding, Promise};
use crate::program::{Ended, Moment, Program};
use crate::project::{Project, Shown, ids};
use serde_json::Value;
use sim::Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most kills in one trial: of the run, and of its resumptions.
const KILLS_MAX: u64 = 3;
/// Of ten moments, so many are drawn by the clock from the first instants, in which a book is made and opened.
const EARLY_OF_TEN: u64 = 1;
/// Of ten moments, so many are drawn by the clock from the whole run; all others by progress.
const BY_CLOCK_OF_TEN: u64 = 2;
/// Longest time between a line of output and the kill that follows it.
const AFTER_LINE_US_MAX: u64 = 3_000;
/// What a command takes before and after its effects.
const START_MS: u64 = 40;
/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The first apply: everything is created.
    Create,
    /// An apply that changes, replaces, adds and removes.
    Change,
    /// A destroy of everything.
    Destroy,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::Change, Self::Destroy];

    /// Of five trials three create, one changes and one destroys.
    pub(crate) fn of(trial: u64) -> Self {
        match trial % 5 {
            3 => Self::Change,
            4 => Self::Destroy,
            _ => Self::Create,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Create | Self::Change => "apply",
            Self::Destroy => "destroy",
        }
    }
}

/// How a run goes that nobody kills: the ranges from which moments are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    /// How long it takes.
    pub took: Duration,
    /// How many lines it prints.
    pub n_lines: usize,
}

/// One kill that hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    /// What it hit.
    pub stage: Stage,
    /// Effects whose outcome was not in the book.
    pub n_open: usize,
    /// Whether it hit a resumption.
    pub was_resuming: bool,
}

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Report {
    /// Its number.
    pub trial: u64,
    /// What was killed.
    pub kind: Kind,
    /// The kills that hit.
    pub hits: Vec<Hit>,
    /// What was not as promised.
    pub findings: Vec<Finding>,
    /// Where it was.
    pub directory: PathBuf,
}

/// A trial under way.
pub(crate) struct Trial {
    kind: Kind,
    project: Project,
    program: Program,
    /// Runs before the one that is killed.
    runs_before: usize,
    /// Ids before the run that is killed.
    ids_before: BTreeMap<String, String>,
    /// Ids that the book has named since.
    ids_seen: BTreeMap<String, String>,
}

impl Trial {
    /// Makes the project in a fresh directory, with what has to be there before the run to be killed.
    ///
    /// # Errors
    /// When the directory cannot be written, or when that what has to be there does not come to be.
    pub(crate) fn prepare(
        binary: &Path,
        directory: &Path,
        kind: Kind,
        files: usize,
    ) -> Result<Self, Finding> {
        let root = directory.join("project");
        let name = directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        std::fs::create_dir_all(&root).map_err(|error| {
            Promise::Ends.broken(format!("cannot make {}: {error}", root.display()))
        })?;
        let program = Program {
            binary: binary.to_owned(),
            log: directory.join("stderr.log"),
            root,
        };
        let mut trial = Self {
            kind,
            project: Project { name, files },
            program,
            runs_before: 0,
            ids_before: BTreeMap::new(),
            ids_seen: BTreeMap::new(),
        };
        trial.define(1)?;
        if kind != Kind::Create {
            trial.complete(&["apply", "-auto-approve"])?;
            trial.runs_before = 1;
            trial.ids_before = ids(&trial.shown()?);
        }
        if kind == Kind::Change {
            trial.define(2)?;
        }
        Ok(trial)
    }

    fn define(&self, generation: usize) -> Result<(), Finding> {
        let path = self.program.root.join("main.tf");
        std::fs::write(&path, self.project.definition(generation)).map_err(|error| {
            Promise::Ends.broken(format!("cannot write {}: {error}", path.display()))
        })
    }

    /// The run without a kill, and everything that must be true afterwards.
    pub(crate) fn calm(&mut self) -> (Option<Calm>, Vec<Finding>) {
        match self.complete(&[self.kind.verb(), "-auto-approve"]) {
            Ok(ended) => {
                let calm = Calm {
                    took: ended.took,
                    n_lines: ended.n_lines,
                };
                (Some(calm), self.check())
            }
            Err(finding) => (None, vec![finding]),
        }
    }

    /// The run with its kills, the resumption, and everything that must be true afterwards.
    pub(crate) fn storm(&mut self, rng: &mut Rng, calm: Calm) -> (Vec<Hit>, Vec<Finding>) {
        let mut hits = Vec::new();
        let findings = match self.kills(rng, calm, &mut hits) {
            Ok(()) => self.check(),
            Err(finding) => vec![finding],
        };
        (hits, findings)
    }

    fn kills(&mut self, rng: &mut Rng, calm: Calm, hits: &mut Vec<Hit>) -> Result<(), Finding> {
        let mut stage = Stage::Before;
        let mut n_lines_left = calm.n_lines;
        for _ in 0..rng.between(1, KILLS_MAX) {
            let words = self.next_words(stage);
            let moment = draw(rng, calm, n_lines_left);
            let ended = self.program.run_until(&words, moment);
            let ended = ended.map_err(|what| Promise::Ends.broken(what))?;
            if !matches!(ended.code, None | Some(0)) {
                return Err(self.failed(&words, &ended));
            }
            let was_resuming = stage != Stage::Before;
            let book = Book::read(&self.program)?;
            stage = book.stage(self.runs_before);
            if ended.code.is_none() {
                hits.push(Hit {
                    stage,
                    n_open: book.n_open(),
                    was_resuming,
                });
            }
            self.see_ids()?;
            if stage == Stage::Over {
                return Ok(());
            }
            n_lines_left = calm.n_lines.saturating_sub(book.entries_of_run);
        }
        let mut words = self.next_words(stage);
        if stage == Stage::Applying && rng.below(4) == 0 {
            // The same command again takes over what is open, and then does its own work in a run of its own.
            words[0] = self.kind.verb();
            self.runs_before += 1;
        }
        self.complete(&words).map(drop)
    }

    /// Whoever comes after a kill resumes what is open, or begins anew where nothing was begun.
    fn next_words(&self, stage: Stage) -> [&'static str; 2] {
        match stage {
            Stage::Before => [self.kind.verb(), "-auto-approve"],
            Stage::Planning | Stage::Applying | Stage::Over => ["resume", "-auto-approve"],
        }
    }

    fn complete(&self, words: &[&str]) -> Result<Ended, Finding> {
        let ended = self
            .program
            .run(words)
            .map_err(|what| Promise::Ends.broken(what))?;
        if ended.code == Some(0) {
            Ok(ended)
        } else {
            Err(self.failed(words, &ended))
        }
    }

    fn failed(&self, words: &[&str], ended: &Ended) -> Finding {
        let code = ended.code.unwrap_or_default();
        // With --json what went wrong is the last line of the output.
        let last = ended.lines.last().map(Value::to_string);
        let what = format!(
            "{} ended with {code}: {} {}",
            words.join(" "),
            self.program.said(),
            last.unwrap_or_default()
        );
        Promise::Ends.broken(what)
    }

    fn shown(&self) -> Result<Shown, Finding> {
        let ended = self
            .program
            .run(&["show", "-show-sensitive"])
            .map_err(|what| Promise::Readable.broken(what))?;
        let (Some(0), Some(state)) = (ended.code, ended.lines.first()) else {
            let what = format!("show fails: {}", self.program.said());
            return Err(Promise::Readable.broken(what));
        };
        // Terraform's document of a state: without objects it has no values.
        let none = Vec::new();
        let resources = state
            .pointer("/values/root_module/resources")
            .and_then(Value::as_array)
            .unwrap_or(&none);
        let object = |resource: &Value| {
            let address = resource.get("address")?.as_str()?.to_owned();
            Some((address, resource.get("values")?.clone()))
        };
        Ok(resources.iter().filter_map(object).collect())
    }

    /// Notes the ids that the book names after a kill: they must stay.
    fn see_ids(&mut self) -> Result<(), Finding> {
        let seen = ids(&self.shown()?);
        let new = |(address, id): &(String, String)| self.ids_before.get(address) != Some(id);
        self.ids_seen.extend(seen.into_iter().filter(new));
        Ok(())
    }

    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let checks = [Self::check_world, Self::check_book, Self::check_again];
        for check in checks {
            match check(self) {
                Ok(found) => findings.extend(found),
                Err(finding) => findings.push(finding),
            }
        }
        findings
    }

    fn check_world(&self) -> Result<Vec<Finding>, Finding> {
        let shown = self.shown()?;
        let root = &self.program.root;
        let mut findings = match self.kind {
            Kind::Create => self.project.compare(root, &shown, 1),
            Kind::Change => self.project.compare(root, &shown, 2),
            Kind::Destroy => Project::compare_gone(root, &shown),
        };
        if self.kind == Kind::Destroy {
            return Ok(findings);
        }
        let now = ids(&shown);
        for (address, id) in &self.ids_seen {
            if now.get(address) != Some(id) {
                let what = format!(
                    "{address} had the id {id} after a kill, now {:?}",
                    now.get(address)
                );
                findings.push(Promise::Doubled.broken(what));
            }
        }
        for (address, id) in &self.ids_before {
            if (now.get(address) == Some(id)) == self.project.is_replaced(address) {
                let what = format!(
                    "{address} had the id {id} before, now {:?}",
                    now.get(address)
                );
                findings.push(Promise::Agree.broken(what));
            }
        }
        Ok(findings)
    }

    fn check_book(&self) -> Result<Vec<Finding>, Finding> {
        let book = Book::read(&self.program)?;
        let mut findings = book.check();
        if book.runs != self.runs_before + 1 {
            let what = format!(
                "{} runs in the book, not {}",
                book.runs,
                self.runs_before + 1
            );
            findings.push(Promise::Doubled.broken(what));
        }
        for words in [["journal", "verify"].as_slice(), ["replay"].as_slice()] {
            let ended = self
                .program
                .run(words)
                .map_err(|what| Promise::Readable.broken(what))?;
            if ended.code != Some(0) {
                let what = format!(
                    "{}: {:?} {}",
                    words.join(" "),
                    ended.lines,
                    self.program.said()
                );
                findings.push(Promise::Readable.broken(what));
            }
        }
        Ok(findings)
    }

    /// Doing it again does nothing.
    fn check_again(&self) -> Result<Vec<Finding>, Finding> {
        let before = self.shown()?;
        let again = self.complete(&[self.kind.verb(), "-auto-approve"])?;
        let mut findings = Vec::new();
        let begun = again.entries("intended").count();
        let summary = again
            .entries("plan")
            .next()
            .and_then(|plan| plan.get("summary")?.as_object());
        let changes =
            summary.map(|summary| summary.values().filter_map(Value::as_u64).sum::<u64>());
        if begun != 0 || changes != Some(0) {
            let what = format!(
                "a second {} plans {changes:?} changes and begins {begun}",
                self.kind.verb()
            );
            findings.push(Promise::Empty.broken(what));
        }
        if before != self.shown()? {
            findings.push(Promise::Empty.broken("it leaves another state than it found"));
        }
        let mut words = vec!["plan", "-detailed-exitcode"];
        if self.kind == Kind::Destroy {
            words.push("-destroy");
        }
        let plan = self
            .program
            .run(&words)
            .map_err(|what| Promise::Empty.broken(what))?;
        if plan.code != Some(0) {
            let what = format!("{} ends with {:?}", words.join(" "), plan.code);
            findings.push(Promise::Empty.broken(what));
        }
        Ok(findings)
    }
}

/// Draws a moment between the start and the end of what is left.
fn draw(rng: &mut Rng, calm: Calm, n_lines_left: usize) -> Moment {
    let n_lines = n_lines_left.max(1) as u64;
    let by = rng.below(10);
    if by < EARLY_OF_TEN {
        return Moment::Time(Duration::from_micros(rng.below(START_MS * 1_000)));
    }
    if by < EARLY_OF_TEN + BY_CLOCK_OF_TEN {
        let whole_us = u64::try_from(calm.took.as_micros()).unwrap_or(u64::MAX);
        let left_us = whole_us.saturating_mul(n_lines) / calm.n_lines.max(1) as u64;
        return Moment::Time(Duration::from_micros(rng.below(left_us + START_MS * 1_000)));
    }
    let count = usize::try_from(rng.between(1, n_lines)).unwrap_or(usize::MAX);
    Moment::Line(count, Duration::from_micros(rng.below(AFTER_LINE_US_MAX)))
}

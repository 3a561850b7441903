//! `cargo xtask crash faults`: an apply while of a hundred requests so many go wrong, and while one service answers
//! nothing right.

use super::Options;
use super::strike::{self, Struck};
use super::trial::Bed;
use crate::book::Book;
use crate::finding::{Finding, Promise};
use crate::program::Program;
use crate::services::proxy::{Counts, FAULTS, Weather};
use serde_json::Value;
use sim::Rng;
use std::path::Path;

/// Of a thousand requests, so many go wrong.
const FAULTS_PER_MILLE: u64 = 100;
/// The service that is down.
const DOWN: &str = "sqs";
/// What the provider itself tries: once, so that trying again is the program's.
const RETRIES: Option<u32> = Some(1);

struct Trial {
    bed: Bed,
    program: Program,
    settle_s: u64,
}

/// Both trials; whether every promise was kept.
pub(crate) fn run(
    options: &Options,
    binary: &Path,
    place: &Path,
    installed: &Path,
    seed: u64,
) -> Result<bool, String> {
    let make = |name: &str| {
        let directory = place.join(name);
        let bed = Bed::make(options, &directory, installed, Rng::new(seed, 1), RETRIES)?;
        let program = Program {
            binary: binary.to_owned(),
            log: directory.join("stderr.log"),
            root: bed.root.clone(),
        };
        Ok::<_, String>(Trial {
            bed,
            program,
            settle_s: options.settle_s,
        })
    };
    let mut kept = true;
    for (title, name, trial) in [
        (
            "one of ten requests goes wrong",
            "ten",
            storm as fn(&Trial) -> Result<Vec<Finding>, Finding>,
        ),
        ("a service is down, and comes back", "down", down),
    ] {
        let bed = make(name)?;
        println!("{title}");
        let findings = trial(&bed).unwrap_or_else(|finding| vec![finding]);
        bed.tell();
        for finding in &findings {
            println!("  {finding}");
        }
        kept &= findings.is_empty();
        if !options.keep && findings.is_empty() {
            crate::clear(&place.join(name));
        }
    }
    Ok(kept)
}

impl Trial {
    fn run(&self, words: &[&str]) -> Result<Struck, Finding> {
        let ends = |what| Promise::Ends.broken(what);
        let mut command = self.program.command(words).map_err(ends)?;
        command.env("STEADFAST_SETTLE_SECONDS", self.settle_s.to_string());
        strike::run(command, None, &self.bed.proxy).map_err(ends)
    }

    fn tell(&self) {
        let Counts {
            requests, faults, ..
        } = self.bed.proxy.counts();
        println!("  {:<42}{requests:>6}", "requests");
        for fault in FAULTS {
            let count = faults.get(&fault).copied().unwrap_or_default();
            println!("  {:<42}{count:>6}", format!("  {fault:?}"));
        }
        let shown = self.run(&["journal", "show"]);
        let lines = shown.map(|shown| shown.ended.lines).unwrap_or_default();
        let of = |kind: &str, field: &str, word: &str| {
            let is = |line: &&Value| {
                line.get("type").is_some_and(|one| one == kind)
                    && (field.is_empty() || line.get(field).is_some_and(|one| one == word))
            };
            lines.iter().filter(is).count()
        };
        for (name, count) in [
            ("attempts", of("intended", "", "")),
            (
                "outcomes that were lost",
                of("finished", "outcome", "unknown"),
            ),
            ("  found again", of("inquired", "inquiry", "found")),
            ("  found absent", of("inquired", "inquiry", "absent")),
            (
                "attempts without effect",
                of("finished", "outcome", "failed"),
            ),
            ("attempts again", of("retried", "", "")),
            ("questions to a person", of("parked", "", "")),
        ] {
            println!("  {name:<42}{count:>6}");
        }
    }

    /// Applies until it is green, and looks whether everything is there once.
    fn whole(&self) -> Result<Vec<Finding>, Finding> {
        let mut findings = self.bed.compare(false);
        findings.extend(Book::read(&self.program)?.check());
        let again = self.run(&["apply", "-auto-approve"])?;
        let begun = again.ended.entries("intended").count();
        if again.ended.code != Some(0) || begun > 0 {
            let code = again.ended.code;
            let what = format!("a second apply ends with {code:?} and begins {begun}");
            findings.push(Promise::Empty.broken(what));
        }
        Ok(findings)
    }

    fn failed(&self, what: &str, struck: &Struck) -> Finding {
        let last = struck.ended.lines.last().map(Value::to_string);
        let (said, code) = (self.program.said(), struck.ended.code);
        Promise::Ends.broken(format!(
            "{what} ends with {code:?}: {said} {}",
            last.unwrap_or_default()
        ))
    }
}

fn storm(trial: &Trial) -> Result<Vec<Finding>, Finding> {
    trial.bed.proxy.weather(Weather {
        faults_per_mille: FAULTS_PER_MILLE,
        ..Weather::default()
    });
    let apply = trial.run(&["apply", "-auto-approve"])?;
    if apply.ended.code != Some(0) {
        return Err(trial.failed("the apply", &apply));
    }
    trial.bed.proxy.weather(Weather::default());
    trial.whole()
}

fn down(trial: &Trial) -> Result<Vec<Finding>, Finding> {
    trial.bed.proxy.weather(Weather {
        down: Some(DOWN),
        ..Weather::default()
    });
    let apply = trial.run(&["apply", "-auto-approve"])?;
    let mut findings = Vec::new();
    if apply.ended.code == Some(0) {
        findings.push(Promise::Ends.broken("an apply without a service ends with 0"));
    }
    let status = trial.run(&["status"])?;
    let open = status.ended.entries("parked").count();
    println!(
        "  the apply ended with {:?}, {open} questions",
        apply.ended.code
    );
    trial.bed.proxy.weather(Weather::default());
    // Whatever waits for a person could not be looked at, and can be now.
    for _ in 0..trial.bed.project.objects {
        let shown = trial.run(&["journal", "show"])?;
        let Some((run, action)) = waiting(&shown) else {
            break;
        };
        trial.run(&["resolve", &run, &action, "look"])?;
    }
    let next = trial.run(&["apply", "-auto-approve"])?;
    if next.ended.code != Some(0) {
        return Err(trial.failed("the apply after it", &next));
    }
    findings.extend(trial.bed.compare(false));
    Ok(findings)
}

/// The first action that waits for a person.
fn waiting(shown: &Struck) -> Option<(String, String)> {
    let text = |line: &Value, name: &str| Some(line.get(name)?.as_str()?.to_owned());
    let mut waiting = Vec::new();
    for line in &shown.ended.lines {
        let (Some(run), Some(action)) = (text(line, "run"), text(line, "action")) else {
            continue;
        };
        let one = (run, action);
        waiting.retain(|other| *other != one);
        if line.get("type").is_some_and(|kind| kind == "parked") {
            waiting.push(one);
        }
    }
    waiting.into_iter().next()
}

//! `cargo xtask crash aws` and `cargo xtask crash faults`: the real program with the real provider of AWS, against a
//! simulation of its services (moto), with a proxy between them that makes requests late or wrong.
//!
//! The provider is found as Terraform finds it: by its configuration of installations. Start with [`trial`].

mod faults;
mod peer;
mod project;
mod strike;
mod trial;

use crate::steadfast;
use crate::summary::Summary;
use crate::trial::Report;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Of a thousand changing requests, so many land late.
const LATE_PER_MILLE: u64 = 200;
/// Trials at once for each processor: the provider polls its services, and requests land late.
const JOBS_PER_PROCESSOR: usize = 2;
/// Trials whose progress is told at once.
const TOLD_EVERY: usize = 10;
/// Up to so late.
const LATE_MS_MAX: u64 = 3_000;

const HELP: &str = "\
Kills the program and its provider while objects of AWS are made, or lets requests go wrong.

Usage: cargo xtask crash aws [OPTIONS]
       cargo xtask crash faults [OPTIONS]

aws: each trial makes a project of N objects of five services, begins an apply (or a destroy), kills it or its provider
with SIGKILL up to three times, by its output or at a request that is about to be carried out or was carried out and
not answered, while one of five changing requests lands up to three seconds late. Then it is resumed, and looked at:
nothing lost, nothing doubled, the book is whole and can be replayed, and applying again does nothing.
faults: an apply while one of ten requests is answered with 500 or 503, turned away, or reset before or after it was
carried out; and one while a service is down.

Options:
  --trials N     How many (default 200; 0 for none)
  --peer N       As many of Terraform, beside it (default 0)
  --objects N    Objects in a project (default 200)
  --jobs N       Trials at once (default: two for each processor, since most of a trial is waiting)
  --settle N     Seconds in which a request may still land (default 5)
  --seed S       Seed of all moments (default: another one each time; it is printed)
  --trial K      Only trial K of that seed
  --binary PATH  The program, instead of building it
  --keep         Leave the directories of all trials, not only of those that failed

Needs moto_server (pip install 'moto[server]') on the path, and for --peer terraform.
";

/// What was asked for.
pub(crate) struct Options {
    trials: u64,
    peer: u64,
    /// Objects in a project.
    pub objects: usize,
    /// Trials at once.
    jobs: usize,
    /// Seconds in which a request may still land.
    pub settle_s: u64,
    seed: Option<u64>,
    trial: Option<u64>,
    binary: Option<PathBuf>,
    /// Whether directories stay.
    pub keep: bool,
}

impl Options {
    /// Reads the command line; none where help is asked for.
    fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            trials: 200,
            peer: 0,
            objects: 200,
            jobs: JOBS_PER_PROCESSOR * crate::processors(),
            settle_s: 5,
            seed: None,
            trial: None,
            binary: None,
            keep: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--keep" => options.keep = true,
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--trials" => options.trials = crate::number(&value()?)?,
                "--peer" => options.peer = crate::number(&value()?)?,
                "--objects" => options.objects = crate::number(&value()?)?,
                "--jobs" => options.jobs = crate::number::<usize>(&value()?)?.max(1),
                "--settle" => options.settle_s = crate::number(&value()?)?,
                "--seed" => options.seed = Some(crate::number(&value()?)?),
                "--trial" => options.trial = Some(crate::number(&value()?)?),
                _ => return Err(format!("there is no option {word}")),
            }
        }
        if options.objects < 10 {
            return Err("--objects is at least 10".to_owned());
        }
        Ok(Some(options))
    }
}

/// Reads the command line and does it; none where only help was asked for. Says whether every promise was kept.
///
/// # Errors
/// When the command line makes no sense, or the trials cannot be begun.
pub(crate) fn main(
    with_faults: bool,
    words: impl Iterator<Item = String>,
) -> Result<Option<bool>, String> {
    let Some(options) = Options::parse(words)? else {
        print!("{HELP}");
        return Ok(None);
    };
    let binary = match &options.binary {
        Some(path) => steadfast::existing(path)?,
        None => steadfast::build()?,
    };
    let place = tempfile::Builder::new()
        .prefix("steadfast-crash-aws-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?
        .keep();
    let seed = options.seed.unwrap_or_else(crate::seed_of_this_moment);
    let installed = install(&binary, &place)?;
    let kept = if with_faults {
        println!("crash faults: {} objects, seed {seed}", options.objects);
        faults::run(&options, &binary, &place, &installed, seed)?
    } else {
        trial::calm(&options, &binary, &place, &installed)?;
        trials(&options, &binary, &place, &installed, seed)
    };
    crate::clear(&installed);
    if std::fs::remove_dir(&place).is_err() {
        println!("\nDirectories: {}", place.display());
    }
    Ok(Some(kept))
}

/// A directory in which the provider is installed: others refer to it.
fn install(binary: &Path, place: &Path) -> Result<PathBuf, String> {
    let directory = place.join("installed");
    let project = project::Project { objects: 10 };
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::write(directory.join("main.tf"), project.definition(nowhere, None)))
        .map_err(|error| format!("cannot write {}: {error}", directory.display()))?;
    let init = Command::new(binary)
        .arg("init")
        .current_dir(&directory)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    if init.status.success() {
        return Ok(directory);
    }
    Err(format!(
        "the provider cannot be installed: {}",
        String::from_utf8_lossy(&init.stderr).trim()
    ))
}

fn trials(options: &Options, binary: &Path, place: &Path, installed: &Path, seed: u64) -> bool {
    let numbers = |n: u64| -> Vec<u64> {
        match options.trial {
            Some(only) => (only..only.saturating_add(n.min(1))).collect(),
            None => (0..n).collect(),
        }
    };
    println!(
        "crash aws: {} trials of {} objects, {} at once, seed {seed}",
        numbers(options.trials).len(),
        options.objects,
        options.jobs
    );
    let all = |who: &str, n: u64, one: &(dyn Fn(u64) -> Report + Sync)| {
        let began = Instant::now();
        let told = AtomicUsize::new(0);
        let numbers = numbers(n);
        let reports = crate::in_parallel(options.jobs, &numbers, |number| {
            let report = one(*number);
            for finding in &report.findings {
                let (kind, at) = (report.kind, report.directory.display());
                eprintln!("{who} trial {number} ({kind:?}) in {at}\n  {finding}");
            }
            if report.findings.is_empty() && !options.keep {
                crate::clear(&report.directory);
            }
            let done = told.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(TOLD_EVERY) {
                eprintln!("  {done} of {}", numbers.len());
            }
            report
        });
        Summary::of(&reports, began.elapsed())
    };
    let ours = all("steadfast", options.trials, &|number| {
        trial::report(options, binary, place, installed, seed, number)
    });
    print!("{ours}");
    if options.peer > 0 {
        println!("\nterraform");
        let peer = all("terraform", options.peer, &|number| {
            peer::report(options, place, installed, seed, number)
        });
        print!("{peer}");
    }
    let complaint = ours.complaint();
    if let Some(complaint) = &complaint {
        println!("\n{complaint}");
    }
    complaint.is_none()
}

//! `cargo xtask crash`: kills the real program at random moments and looks whether anything was lost or done twice.
//!
//! Real processes, real directories, the real book. What the simulator proves about the engine in virtual time, this
//! shows of the whole program on this machine: SIGKILL during `apply`, `destroy` and `resume`, up to three times in a
//! row. It cannot take the power away: what the kernel has taken from a killed process is not lost, so the book's
//! promise about the disk itself is not what is tested here.
//!
//! Start with [`trial`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod aws;
mod book;
mod finding;
mod program;
mod project;
#[path = "../support/services/mod.rs"]
mod services;
#[path = "../support/program.rs"]
mod steadfast;
mod summary;
mod trial;

use crate::finding::Finding;
use crate::summary::Summary;
use crate::trial::{Calm, Kind, Report, Trial};
use sim::Rng;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const HELP: &str = "\
Kills the program at random moments of an apply and compares world and book.

Usage: cargo xtask crash [OPTIONS]
       cargo xtask crash aws [OPTIONS]      the same with the provider of AWS; see crash aws --help
       cargo xtask crash faults [OPTIONS]   its requests go wrong; see crash faults --help

Each trial makes a project of N files and N terraform_data that refer to each other, begins an apply (or a change of
everything, or a destroy), kills it with SIGKILL up to three times, the resumption too, then resumes it to its end and
looks: nothing lost, nothing doubled, world and book agree, the book is whole and can be replayed, and applying again
does nothing.

Options:
  --trials N     How many (default 100)
  --files N      Files in a project, and terraform_data (default 250)
  --seed S       Seed of all moments (default: another one each time; it is printed)
  --trial K      Only trial K of that seed
  --binary PATH  The program, instead of building it
  --keep         Leave the directories of all trials, not only of those that failed

Exit status: 0 if every promise was kept, 1 if one was not (its directory and seed are printed), 2 if the command line
was wrong. A kill by the clock never hits the same instruction twice: --trial draws the same moments again, not the same
world.
";

/// Exit status for a command line that makes no sense.
const EXIT_USAGE: u8 = 2;
/// Trials whose progress is told at once.
const TOLD_EVERY: usize = 10;

struct Options {
    trials: u64,
    files: usize,
    seed: Option<u64>,
    trial: Option<u64>,
    binary: Option<PathBuf>,
    keep: bool,
}

impl Options {
    /// Reads the command line; none where help is asked for.
    fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            trials: 100,
            files: 250,
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
                "--trials" => options.trials = number(&value()?)?,
                "--files" => options.files = number(&value()?)?,
                "--seed" => options.seed = Some(number(&value()?)?),
                "--trial" => options.trial = Some(number(&value()?)?),
                _ => return Err(format!("there is no option {word}")),
            }
        }
        if options.files < 2 || options.trials == 0 {
            return Err("--files is at least 2 and --trials at least 1".to_owned());
        }
        Ok(Some(options))
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    if matches!(first.as_str(), "aws" | "faults") {
        return match aws::main(first == "faults", std::env::args().skip(2)) {
            Ok(None | Some(true)) => ExitCode::SUCCESS,
            Ok(Some(false)) => ExitCode::FAILURE,
            Err(complaint) => {
                eprintln!("crash {first}: {complaint}");
                ExitCode::FAILURE
            }
        };
    }
    match Options::parse(std::env::args().skip(1)) {
        Err(complaint) => {
            eprintln!("crash: {complaint}; see --help");
            ExitCode::from(EXIT_USAGE)
        }
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => match run(&options) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(complaint) => {
                eprintln!("crash: {complaint}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Everything; whether every promise was kept.
fn run(options: &Options) -> Result<bool, String> {
    let binary = match &options.binary {
        Some(path) => steadfast::existing(path)?,
        None => steadfast::build()?,
    };
    let began = Instant::now();
    let place = tempfile::Builder::new()
        .prefix("steadfast-crash-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    // It is taken away piece by piece, so that what failed can stay.
    let place = place.keep();
    let seed = options.seed.unwrap_or_else(seed_of_this_moment);
    println!(
        "crash: {} trials of {} files and {} terraform_data, seed {seed}",
        options.trial.map_or(options.trials, |_| 1),
        options.files,
        options.files
    );
    let calm = calm_runs(options, &binary, &place)?;
    let numbers: Vec<u64> = match options.trial {
        Some(only) => vec![only],
        None => (0..options.trials).collect(),
    };
    let told = AtomicUsize::new(0);
    let reports = in_parallel(processors(), &numbers, |trial| {
        let report = storm(options, &binary, &place, &calm, seed, *trial);
        for finding in &report.findings {
            let (kind, at) = (report.kind, report.directory.display());
            eprintln!("trial {trial} ({kind:?}) in {at}\n  {finding}");
        }
        let done = told.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TOLD_EVERY) {
            eprintln!("  {done} of {}", numbers.len());
        }
        if report.findings.is_empty() && !options.keep {
            clear(&report.directory);
        }
        report
    });
    // Only an empty directory can be removed like this; one that holds what failed stays.
    let stays = std::fs::remove_dir(&place).is_err();
    let summary = Summary::of(&reports, began.elapsed());
    print!("{summary}");
    if stays {
        println!("\nDirectories: {}", place.display());
    }
    for report in reports.iter().filter(|report| !report.findings.is_empty()) {
        let (files, trial) = (options.files, report.trial);
        println!("Again: cargo xtask crash --seed {seed} --files {files} --trial {trial} --keep");
    }
    let complaint = summary.complaint();
    if let Some(complaint) = &complaint {
        println!("\n{complaint}");
    }
    Ok(complaint.is_none())
}

/// One run of each kind without a kill: the measure of all moments, and a proof that the checks hold of a sound world.
fn calm_runs(
    options: &Options,
    binary: &Path,
    place: &Path,
) -> Result<BTreeMap<Kind, Calm>, String> {
    let runs = in_parallel(processors(), &Kind::ALL, |kind| {
        let directory = place.join(format!("calm-{kind:?}").to_lowercase());
        let calm = Trial::prepare(binary, &directory, *kind, options.files)
            .map(|mut trial| trial.calm())
            .unwrap_or_else(|finding| (None, vec![finding]));
        if calm.1.is_empty() && !options.keep {
            clear(&directory);
        }
        (*kind, directory, calm)
    });
    let mut calm = BTreeMap::new();
    for (kind, directory, (measured, findings)) in runs {
        match measured {
            Some(measured) if findings.is_empty() => {
                calm.insert(kind, measured);
            }
            _ => {
                let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
                return Err(format!(
                    "{kind:?} fails without any kill, in {}:\n  {}",
                    directory.display(),
                    findings.join("\n  ")
                ));
            }
        }
    }
    Ok(calm)
}

fn storm(
    options: &Options,
    binary: &Path,
    place: &Path,
    calm: &BTreeMap<Kind, Calm>,
    seed: u64,
    number: u64,
) -> Report {
    let kind = Kind::of(number);
    let directory = place.join(format!("trial-{number}"));
    let mut rng = Rng::new(seed, number);
    let trial = Trial::prepare(binary, &directory, kind, options.files);
    let (hits, findings) = match (trial, calm.get(&kind)) {
        (Ok(mut trial), Some(calm)) => trial.storm(&mut rng, *calm),
        (Err(finding), _) => (Vec::new(), vec![finding]),
        (Ok(_), None) => (Vec::new(), Vec::new()),
    };
    Report {
        trial: number,
        kind,
        hits,
        findings,
        directory,
    }
}

/// As many threads as there are processors.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work on so many threads; the answers come in the order of the items.
fn in_parallel<I: Sync, O: Send>(
    n_threads: usize,
    items: &[I],
    work: impl Fn(&I) -> O + Sync,
) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..n_threads.min(items.len()) {
            scope.spawn(|| {
                // Ends with the items.
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let answer = work(item);
                    done.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .insert(index, answer);
                }
            });
        }
    });
    let done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.into_values().collect()
}

/// A directory that cannot be removed is only left behind.
fn clear(directory: &Path) {
    if let Err(error) = std::fs::remove_dir_all(directory) {
        eprintln!("cannot remove {}: {error}", directory.display());
    }
}

/// Any number that is another one each time.
fn seed_of_this_moment() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_is_read() {
        let options = parse("--trials 3 --files 8 --seed 5 --keep")
            .unwrap()
            .unwrap();
        assert_eq!((options.trials, options.files), (3, 8));
        assert_eq!((options.seed, options.keep), (Some(5), true));
        assert!(parse("--help").unwrap().is_none());
        for wrong in [
            "--trials",
            "--trials x",
            "--trials 0",
            "--files 1",
            "--tirals 3",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        assert_eq!(
            in_parallel(2, &items, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }
}

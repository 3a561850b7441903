//! `cargo xtask bench`: what the program costs, measured on this machine beside what it replaces.
//!
//! `bench engine` applies, plans and destroys projects of N `terraform_data`, which cost nothing outside, so that what
//! is measured is the engine, its book and its language. Where `terraform` is on the PATH the same projects are given
//! to it in the same run. CPU seconds are quoted because they hold on a busy machine; wall time is for this moment.
//! `bench language` parses and checks trees of N files. `bench host` does the same twenty tasks on N machines as
//! `ansible-playbook`. `bench aws` makes N objects with the provider of AWS against a simulation of its services, which
//! answers as late as it is told to.
//!
//! Reads Linux's `/proc`; on other systems it says so and ends.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod aws;
mod host;
mod language;
mod measure;
#[expect(dead_code, reason = "the program that kills looks closer at them")]
#[path = "../support/services/mod.rs"]
mod services;
mod shape;
#[path = "../support/program.rs"]
mod steadfast;
mod tool;

use crate::measure::Cost;
use crate::shape::Shape;
use crate::tool::{STEPS, Tool};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Measures the program, and terraform or ansible-playbook beside it where they are on the PATH.

Usage: cargo xtask bench engine [OPTIONS]
       cargo xtask bench language [OPTIONS]
       cargo xtask bench host [--n N,N,...] [--ansible PATH] [--binary PATH]
       cargo xtask bench aws [OPTIONS]

engine: each shape has N objects of the type terraform_data: `flat` is one resource with count = N; `pairs` is two resources
with count = N / 2, each instance of the second refers to one of the first; `chains` is N resources of which each ten
depend on each other in a row. For each: a plan before, the apply, a plan that finds nothing to do, an apply that changes
every object, the destroy.

language: validate of a tree of N files, in modules of ten.

host: twenty tasks on each of N machines over SSH (servers that each have a network and a file system of their own; needs root): a first
run, one that finds nothing to do, a check. CPU x is what runs here and on the machines together.

aws: N parameters of SSM; a plan before, the apply, a plan that finds nothing to do, the destroy. Needs moto_server (pip install
'moto[server]'), and a configuration of installations that has the provider (TF_CLI_CONFIG_FILE).

Options:
  --n N,N,...           Objects, or files (default 1000,2000,4000; for aws 1,500), or machines (default 1,20)
  --latency MS          aws: what each request takes longer than on this machine (default 100)
  --shape S,S,...       Shapes (default flat,pairs,chains)
  --terraform-max N     Terraform is measured up to so many (default 1000: its apply grows with N squared);
                        0 leaves it out
  --ansible PATH        The program ansible-playbook, instead of the one on the PATH
  --binary PATH         The program, instead of building it

Exit status: 0 if everything ran, 1 if something failed, 2 if the command line was wrong.
";

/// Exit status for a command line that makes no sense.
const EXIT_USAGE: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bench {
    Engine,
    Host,
    Language,
    Aws,
}

struct Options {
    bench: Bench,
    sizes: Vec<usize>,
    shapes: Vec<Shape>,
    terraform_max: usize,
    latency_ms: u64,
    binary: Option<PathBuf>,
    ansible: Option<PathBuf>,
}

impl Options {
    /// Reads the command line; none where help is asked for.
    fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            bench: Bench::Engine,
            sizes: vec![1_000, 2_000, 4_000],
            shapes: Shape::ALL.to_vec(),
            terraform_max: 1_000,
            latency_ms: 100,
            binary: None,
            ansible: None,
        };
        let mut words = words;
        match words.next().as_deref() {
            Some("engine") => {}
            Some("language") => options.bench = Bench::Language,
            Some("host") => {
                options.bench = Bench::Host;
                options.sizes = vec![1, 20];
            }
            Some("aws") => {
                options.bench = Bench::Aws;
                options.sizes = vec![1, 500];
            }
            Some("--help" | "-h") | None => return Ok(None),
            Some(other) => {
                return Err(format!(
                    "there is no bench {other}; there are: engine, language, host, aws"
                ));
            }
        }
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--n" => options.sizes = list(&value()?, |text| text.parse().ok())?,
                "--shape" => options.shapes = list(&value()?, Shape::of)?,
                "--terraform-max" => {
                    let text = value()?;
                    options.terraform_max = text
                        .parse()
                        .map_err(|_| format!("{text} is not a number"))?;
                }
                "--ansible" => options.ansible = Some(PathBuf::from(value()?)),
                "--latency" => {
                    let text = value()?;
                    options.latency_ms = text
                        .parse()
                        .map_err(|_| format!("{text} is not a number"))?;
                }
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                _ => return Err(format!("there is no option {word}")),
            }
        }
        let least = match options.bench {
            Bench::Host | Bench::Aws => 1,
            Bench::Engine | Bench::Language => 2,
        };
        if options.sizes.iter().any(|size| *size < least) {
            return Err(format!("--n is at least {least}"));
        }
        Ok(Some(options))
    }
}

fn list<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    text.split(',')
        .map(|item| read(item).ok_or(format!("{item} makes no sense here")))
        .collect()
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Err(complaint) => {
            eprintln!("bench: {complaint}; see --help");
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
                eprintln!("bench: {complaint}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Runs a bench; whether everything is as good as it has to be.
fn run(options: &Options) -> Result<bool, String> {
    let binary = match &options.binary {
        Some(path) => steadfast::existing(path)?,
        None => steadfast::build()?,
    };
    if options.bench == Bench::Host {
        let ansible = options.ansible.clone().or_else(host::on_path);
        return host::run(&binary, ansible.as_deref(), &options.sizes);
    }
    let ours = Tool::steadfast(binary);
    let theirs = if options.terraform_max == 0 {
        None
    } else {
        Tool::terraform()
    };
    match &theirs {
        Some(theirs) => println!("steadfast beside {}, in one run", theirs.version()?),
        None => println!("steadfast alone: terraform is not measured"),
    }
    if options.bench == Bench::Language {
        return language::run(
            &ours,
            theirs.as_ref(),
            &options.sizes,
            options.terraform_max,
        );
    }
    if options.bench == Bench::Aws {
        return aws::run(&ours, theirs.as_ref(), &options.sizes, options.latency_ms);
    }
    println!(
        "{:<7}{:>7}  {:<13}{:>8}{:>9}{:>8}{:>10}   {:>8}{:>8}{:>10}{:>9}",
        "shape",
        "N",
        "command",
        "CPU s",
        "us per N",
        "MB",
        "wall s",
        "tf CPU s",
        "tf MB",
        "tf wall s",
        "CPU x"
    );
    for shape in &options.shapes {
        for size in &options.sizes {
            let costs = measured(&ours, *shape, *size)?;
            let beside = match theirs.as_ref().filter(|_| *size <= options.terraform_max) {
                Some(theirs) => Some(measured(theirs, *shape, *size)?),
                None => None,
            };
            for (index, step) in STEPS.iter().enumerate() {
                let Some(cost) = costs.get(index) else {
                    continue;
                };
                let other = beside.as_ref().and_then(|costs| costs.get(index));
                println!("{}", line(*shape, *size, step.name, *cost, other.copied()));
            }
        }
    }
    println!(
        "CPU in steps of 10 ms; memory is the peak resident set, looked at every few milliseconds."
    );
    Ok(true)
}

/// The costs of all steps on one project in a fresh directory.
fn measured(tool: &Tool, shape: Shape, size: usize) -> Result<Vec<Cost>, String> {
    let place = tempfile::Builder::new()
        .prefix("steadfast-bench-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    write(&place.path().join("main.tf"), &shape.definition(size))?;
    tool.prepare(place.path())?;
    STEPS
        .iter()
        .map(|step| tool.measure(step, place.path()))
        .collect()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn line(shape: Shape, size: usize, command: &str, cost: Cost, other: Option<Cost>) -> String {
    let seconds = cost.cpu.as_secs_f64();
    let per_object = seconds * 1e6 / size as f64;
    let mut text = format!(
        "{:<7}{size:>7}  {command:<13}{seconds:>8.2}{per_object:>9.0}{:>8}{:>10.2}",
        shape.name(),
        cost.megabytes(),
        cost.wall.as_secs_f64()
    );
    if let Some(other) = other {
        let theirs = other.cpu.as_secs_f64();
        text.push_str(&format!(
            "   {theirs:>8.2}{:>8}{:>10.2}",
            other.megabytes(),
            other.wall.as_secs_f64()
        ));
        // Below some steps of the clock a ratio says nothing.
        text.push_str(&match cost.is_measurable() {
            true => format!("{:>8.0}x", theirs / seconds),
            false => format!("{:>9}", "-"),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let parse = |line: &str| Options::parse(line.split_whitespace().map(str::to_owned));
        let options = parse("engine --n 10,20 --shape flat --terraform-max 0")
            .unwrap()
            .unwrap();
        assert_eq!((options.sizes, options.terraform_max), (vec![10, 20], 0));
        assert_eq!(options.shapes, [Shape::Flat]);
        assert!(parse("").unwrap().is_none());
        let options = parse("language").unwrap().unwrap();
        assert_eq!(options.bench, Bench::Language);
        let options = parse("host --ansible a/b").unwrap().unwrap();
        assert_eq!(options.sizes, [1, 20]);
        for wrong in [
            "host --n 0",
            "langauge",
            "engine --n",
            "engine --n x",
            "engine --n 1",
            "engine --shape x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! `cargo xtask conformance`: whether a directory of `.tf` files means the same here as to `terraform`.
//!
//! A suite is a body of cases with recorded answers. Running it needs nothing but the repository; recording it anew
//! asks the real `terraform` on the PATH, and is how answers come into the repository in the first place. The suites
//! and where each keeps its cases are in [`suite`]; a new suite is one module and one row there.
//!
//! The same suites run as an ordinary test of this program, so a difference fails `cargo xtask check`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod answer;
mod aws;
mod batch;
mod blocks;
mod cases;
mod console;
mod exact;
mod expressions;
mod format;
mod fuzz;
mod language;
mod oracle;
mod ours;
mod pen;
mod planfile;
mod plans;
#[path = "../../../../crates/definition/tests/support/project.rs"]
mod project;
mod provider;
mod signatures;
mod suite;
mod testing;

use crate::oracle::Terraform;
use crate::suite::{Outcome, SUITES, Suite};
use std::process::ExitCode;

const HELP: &str = "\
Compares this program with recorded answers of terraform, suite by suite.

Usage: cargo xtask conformance language [SUITE...]
       cargo xtask conformance provider
       cargo xtask conformance aws [CASE...] [--apart]
       cargo xtask conformance language --fuzz-plans N [--seed S]
       cargo xtask conformance language --fuzz N [--seed S]
       cargo xtask conformance record SUITE...
       cargo xtask conformance accept SUITE...
       cargo xtask conformance scramble [--count N] [--seed S]
       cargo xtask conformance ask < EXPRESSIONS
       cargo xtask conformance list

language runs all suites of the language, or only the named ones, and prints a table: passed and total of each, how many
differences are known and being worked on, and every difference below it; a suite that is named shows its parts. With
--fuzz, N drawn expressions are answered by the terraform on the PATH and by this program; each difference is printed
with its seed (`--fuzz 1 --seed S` draws it again) and a small form, as a case of suite functions is written. record
asks the terraform on the PATH for all answers of a suite again and writes them where they are kept. accept writes our
words beside recorded complaints that they differ from, for a person to look at before committing. scramble moves the
blanks, line breaks and comments of the files of suite fmt about and compares with the terraform on the PATH; N is how
many such texts (default 2000), S where the drawing begins. --fuzz-plans draws N pairs of configurations from the seeds S to
S + N: what is written first, what somebody makes of it, and what is asked for then (nothing, -replace, -target,
-refresh-only, -destroy, -refresh=false, or taint before). Both programs plan the first, apply it and plan the second;
the plans are compared member by member. One pair of each kind of difference is printed, made smaller, as a case of the
suite plans; the lines at the end count what was refused by both, what differs as it is meant to, and what else differs.
ask prints both
answers to each line of its input, an expression, as a case of suite functions is written. provider runs the
suite of that name alone. aws takes the provider for AWS, of the mirror that STEADFAST_TEST_MIRROR names, through the
life of all or the named cases of sim/conformance/aws, with the terraform on the PATH and with this program, each against
a moto_server of its own, and compares plans and objects; with --apart each case is a project by itself. list says what suites there are, what each compares, and
where its cases are.

Options:
  --differences N  Print at most N differences of each suite (default 20)

Exit status: 0 if nothing differs, 1 if something does or could not be recorded, 2 if the command line was wrong.
";

/// Exit status for a command line that makes no sense.
const EXIT_USAGE: u8 = 2;

/// Differences that are printed of one suite where the command line does not say.
const DIFFERENCES_PRINTED: usize = 20;

/// Texts that are scrambled where the command line does not say.
const TEXTS_SCRAMBLED: u64 = 2_000;

/// What was asked for.
enum Order {
    Help,
    List,
    Run {
        suites: Vec<&'static Suite>,
        differences_max: usize,
    },
    Record(Vec<&'static Suite>),
    Scramble {
        count: u64,
        seed: u64,
    },
    FuzzPlans {
        count: u64,
        seed: u64,
        differences_max: usize,
    },
    Ask,
    Fuzz {
        count: u64,
        seed: u64,
        differences_max: usize,
    },
    Accept(Vec<&'static Suite>),
    Aws(aws::Wanted, usize),
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let order = match parse(&words) {
        Ok(order) => order,
        Err(complaint) => {
            eprintln!("conformance: {complaint}; see --help");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match order {
        Order::Help => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Order::List => {
            for suite in SUITES {
                println!(
                    "{:<16}{}\n{:<16}{}",
                    suite.name, suite.what, "", suite.place
                );
            }
            ExitCode::SUCCESS
        }
        Order::Run {
            suites,
            differences_max,
        } => run(&suites, differences_max),
        Order::Record(suites) => record(&suites),
        Order::Scramble { count, seed } => scramble(count, seed),
        Order::FuzzPlans {
            count,
            seed,
            differences_max,
        } => fuzz_plans(count, seed, differences_max),
        Order::Fuzz {
            count,
            seed,
            differences_max,
        } => compared(|terraform, fixtures| {
            fuzz::command(terraform, fixtures, count, seed, differences_max)
        }),
        Order::Ask => compared(fuzz::answer_lines),
        Order::Accept(suites) => accept(&suites),
        Order::Aws(wanted, differences_max) => ended(aws::command(&wanted, differences_max)),
    }
}

fn ended(same: Result<bool, String>) -> ExitCode {
    match same {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(complaint) => {
            eprintln!("conformance: {complaint}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<Order, String> {
    match words.split_first() {
        Some((command, rest)) if command == "aws" => aws_order(rest),
        _ => suites_order(words),
    }
}

fn suites_order(words: &[String]) -> Result<Order, String> {
    let Some((command, rest)) = words.split_first() else {
        return Ok(Order::Help);
    };
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Order::Help);
    }
    let mut names = Vec::new();
    let mut differences_max = DIFFERENCES_PRINTED;
    let (mut count, mut seed) = (TEXTS_SCRAMBLED, 0);
    let mut fuzz_plans = None;
    let mut expressions = None;
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let mut number = || {
            let text = rest.next().ok_or(format!("{word} needs a number"))?;
            let parsed = text.parse::<u64>();
            parsed.map_err(|_| format!("{text} is not a number"))
        };
        match word.as_str() {
            "--differences" => differences_max = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--count" => count = number()?,
            "--fuzz-plans" => fuzz_plans = Some(number()?),
            "--fuzz" => expressions = Some(number()?),
            "--seed" => seed = number()?,
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            name => names.push(suite::named(name)?),
        }
    }
    match command.as_str() {
        "list" => Ok(Order::List),
        "provider" => Ok(Order::Run {
            suites: vec![suite::named("provider")?],
            differences_max,
        }),
        "language" if fuzz_plans.is_some() => Ok(Order::FuzzPlans {
            count: fuzz_plans.unwrap_or_default(),
            seed,
            differences_max,
        }),
        "ask" => Ok(Order::Ask),
        "language" if expressions.is_some() && !names.is_empty() => {
            Err("--fuzz draws its own expressions; no suite goes with it".to_owned())
        }
        "language" => match expressions {
            Some(count) => Ok(Order::Fuzz {
                count,
                seed,
                differences_max,
            }),
            None => Ok(Order::Run {
                suites: if names.is_empty() {
                    SUITES.iter().collect()
                } else {
                    names
                },
                differences_max,
            }),
        },
        "record" if names.is_empty() => Err("record needs the name of a suite".to_owned()),
        "record" => Ok(Order::Record(names)),
        "scramble" => Ok(Order::Scramble { count, seed }),
        "accept" => Ok(Order::Accept(names)),
        other => Err(format!(
            "there is no command {other}; the commands are language, provider, aws, record, accept, scramble, ask and list"
        )),
    }
}

fn aws_order(words: &[String]) -> Result<Order, String> {
    let mut wanted = aws::Wanted::default();
    let mut differences_max = DIFFERENCES_PRINTED;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Order::Help),
            "--apart" => wanted.apart = true,
            "--differences" => {
                let number = words.next().and_then(|text| text.parse().ok());
                differences_max = number.ok_or("--differences needs a number")?;
            }
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            name => wanted.cases.push(name.to_owned()),
        }
    }
    Ok(Order::Aws(wanted, differences_max))
}

fn run(suites: &[&Suite], differences_max: usize) -> ExitCode {
    println!("{:<16}{:>8}{:>8}{:>8}", "suite", "passed", "total", "known");
    let named = suites.len() < SUITES.len();
    let mut whole = Outcome::default();
    let mut failed = false;
    let mut listed = Vec::new();
    for suite in suites {
        match (suite.run)() {
            Ok(outcome) => {
                println!(
                    "{:<16}{:>8}{:>8}{:>8}",
                    suite.name,
                    outcome.passed,
                    outcome.total(),
                    suite.known
                );
                for (part, passed, total) in outcome.parts.iter().filter(|_| named) {
                    println!("  {part:<20}{passed:>6}{total:>8}");
                }
                whole.passed += outcome.passed;
                if !outcome.differences.is_empty() {
                    listed.push((suite.name, outcome.differences));
                }
            }
            Err(complaint) => {
                failed = true;
                println!("{:<16}{:>8}{:>8}  {complaint}", suite.name, "-", "-");
            }
        }
    }
    let differences: usize = listed
        .iter()
        .map(|(_, differences)| differences.len())
        .sum();
    println!(
        "{:<16}{:>8}{:>8}",
        "all",
        whole.passed,
        whole.passed + differences
    );
    for (name, differences) in listed {
        println!("\n{} of {name} differ:", differences.len());
        for difference in differences.iter().take(differences_max) {
            println!("{difference}");
        }
        if differences.len() > differences_max {
            println!("... and {} more", differences.len() - differences_max);
        }
    }
    if failed || differences > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn record(suites: &[&Suite]) -> ExitCode {
    let Some(terraform) = Terraform::on_path() else {
        eprintln!("conformance: recording asks the real terraform, and there is none on the PATH");
        return ExitCode::FAILURE;
    };
    for suite in suites {
        match (suite.record)(&terraform) {
            Ok(count) => println!(
                "{}: {count} answers of {} recorded",
                suite.name,
                terraform.version()
            ),
            Err(complaint) => {
                eprintln!("conformance: {}: {complaint}", suite.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn scramble(count: u64, seed: u64) -> ExitCode {
    let Some(terraform) = Terraform::on_path() else {
        eprintln!(
            "conformance: scrambled texts are compared with the real terraform, and there is none on the PATH"
        );
        return ExitCode::FAILURE;
    };
    ended(format::command(&terraform, count, seed))
}

fn fuzz_plans(count: u64, seed: u64, differences_max: usize) -> ExitCode {
    let Some(terraform) = Terraform::on_path() else {
        eprintln!(
            "conformance: drawn plans are compared with the real terraform, and there is none on the PATH"
        );
        return ExitCode::FAILURE;
    };
    ended(plans::command(&terraform, count, seed, differences_max))
}

/// Does something with the real program and the fixtures that says whether all answers agree.
fn compared(work: impl FnOnce(&Terraform, &ours::Fixtures) -> Result<bool, String>) -> ExitCode {
    let Some(terraform) = Terraform::on_path() else {
        eprintln!(
            "conformance: expressions are put to the real terraform, and there is none on the PATH"
        );
        return ExitCode::FAILURE;
    };
    ended(language::fixtures().and_then(|fixtures| work(&terraform, &fixtures)))
}

fn accept(suites: &[&Suite]) -> ExitCode {
    for suite in suites {
        let Some(accept) = suite.accept else {
            eprintln!("conformance: nothing can be accepted in {}", suite.name);
            return ExitCode::FAILURE;
        };
        match accept() {
            Ok(count) => println!(
                "{}: {count} of our answers accepted; look at them",
                suite.name
            ),
            Err(complaint) => {
                eprintln!("conformance: {}: {complaint}", suite.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough to notice that the comparison itself is broken, and done in a few seconds.
    const PAIRS_TESTED: u64 = 10;

    #[test]
    fn every_suite_answers_as_recorded() {
        let mut different = String::new();
        for suite in SUITES {
            let outcome = (suite.run)().unwrap();
            assert!(outcome.total() > 0, "{} has no cases", suite.name);
            if outcome.differences.len() != suite.known {
                different += &format!(
                    "{}: {} differ, {} are known\n",
                    suite.name,
                    outcome.differences.len(),
                    suite.known
                );
                for difference in outcome.differences.iter().take(DIFFERENCES_PRINTED) {
                    different += &format!("{difference}\n");
                }
            }
        }
        assert!(different.is_empty(), "{different}");
    }

    /// A few pairs of the many that `--fuzz-plans` compares, where there is a terraform to compare with.
    #[test]
    fn drawn_plans_are_those_of_terraform() {
        if let Some(terraform) = Terraform::on_path() {
            assert_eq!(
                plans::command(&terraform, PAIRS_TESTED, 0, DIFFERENCES_PRINTED),
                Ok(true)
            );
        }
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for text in [
            "languge",
            "language fnuctions",
            "record",
            "language --fast",
            "list --differences x",
        ] {
            assert!(parse(&words(text)).is_err(), "{text}");
        }
    }
}

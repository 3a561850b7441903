//! The simulator's program: plays many seeds, or one with everything it did.
//!
//! Exit status 0 when every rule held, 1 when one did not, 2 for wrong arguments.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the workshop, not of the product"
)]

use sim::{Coverage, Crashes, Scenario, Settings, Story, play};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
Plays the real engine in virtual time against an outside and a disk that fail.

Usage: cargo xtask sim [OPTIONS]

  --seeds N        Play N seeds (1000 when nothing is said)
  --from S         Begin with seed S (0)
  --seed S         Play one seed and print everything that happened when a rule did not hold
  --exhaustive N   For the first N of the seeds, crash at every boundary there is (20)
  --keep-going     Print a line for each seed that fails, and go on
  --trace          With --seed: print everything in any case
  --scale N        Measure planning and applying N resources instead
";

struct Arguments {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    exhaustive: u64,
    trace: bool,
    keep_going: bool,
    scale: Option<u64>,
}

fn arguments() -> Result<Arguments, String> {
    let mut all = Arguments {
        seeds: 1_000,
        from: 0,
        seed: None,
        exhaustive: 20,
        trace: false,
        keep_going: false,
        scale: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words
                .next()
                .ok_or_else(|| format!("{word} needs a number"))?;
            text.parse::<u64>()
                .map_err(|error| format!("{word} {text}: {error}"))
        };
        match word.as_str() {
            "--seeds" => all.seeds = number()?,
            "--from" => all.from = number()?,
            "--seed" => all.seed = Some(number()?),
            "--exhaustive" => all.exhaustive = number()?,
            "--scale" => all.scale = Some(number()?),
            "--trace" => all.trace = true,
            "--keep-going" => all.keep_going = true,
            other => return Err(format!("there is no argument `{other}`")),
        }
    }
    Ok(all)
}

/// The ways in which one seed is played.
fn ways(exhaustive: bool, boundaries: u64) -> Vec<Settings> {
    let settings = |crashes, trouble| Settings {
        crashes,
        trouble,
        mutant: None,
        trace: false,
    };
    let mut ways = vec![settings(Crashes::Random, true)];
    if exhaustive {
        ways.extend((1..=boundaries).map(|at| settings(Crashes::At(at), false)));
    }
    ways
}

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) => run(&arguments),
        Err(what) => {
            eprintln!("{what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    if let Some(n) = arguments.scale {
        println!("{}", sim::scale(n));
        return ExitCode::SUCCESS;
    }
    let (first, last) = match arguments.seed {
        Some(seed) => (seed, seed),
        None => (
            arguments.from,
            arguments.from + arguments.seeds.saturating_sub(1),
        ),
    };
    let began = Instant::now();
    let mut total = Total::default();
    let mut n_failed = 0;
    for seed in first..=last {
        let scenario = Scenario::of(seed);
        let exhaustive =
            seed - first < arguments.exhaustive && arguments.seed.is_none() || arguments.trace;
        let calm = Settings {
            crashes: Crashes::None,
            trouble: false,
            mutant: None,
            trace: false,
        };
        let story = play(&scenario, &calm);
        let boundaries = story.boundaries;
        let mut failed = total.take(&story).then_some(calm);
        if failed.is_none() {
            failed = ways(exhaustive || arguments.seed.is_some(), boundaries)
                .into_iter()
                .find(|settings| total.take(&play(&scenario, settings)));
        }
        if let (Some(settings), true) = (&failed, arguments.keep_going) {
            n_failed += 1;
            println!("{}", line(&scenario, settings, &play(&scenario, settings)));
            continue;
        }
        if let Some(settings) = failed {
            tell(
                &scenario,
                &settings,
                arguments.seed.is_some() || arguments.trace,
            );
            return ExitCode::FAILURE;
        }
    }
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    println!("coverage:\n{}", total.coverage);
    if n_failed > 0 {
        println!("{n_failed} of {} seeds failed", last - first + 1);
        return ExitCode::FAILURE;
    }
    println!(
        "{} seeds, {} plays, {} things that happened, {} entries: every rule held",
        last - first + 1,
        total.plays,
        total.happenings,
        total.entries
    );
    println!(
        "{} crashes survived in {seconds:.1} s: {:.0} crashes survived per second",
        total.crashes,
        total.crashes as f64 / seconds
    );
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Total {
    plays: u64,
    crashes: u64,
    happenings: u64,
    entries: u64,
    coverage: Coverage,
}

impl Total {
    /// Adds a play; says whether it failed.
    fn take(&mut self, story: &Story) -> bool {
        self.plays += 1;
        self.crashes += story.crashes;
        self.happenings += story.happenings;
        self.entries += story.entries;
        self.coverage.add(&story.coverage);
        story.violation.is_some()
    }
}

/// Plays a failing seed again and says what happened.
fn tell(scenario: &Scenario, settings: &Settings, whole: bool) {
    let story = play(
        scenario,
        &Settings {
            trace: true,
            ..settings.clone()
        },
    );
    let skipped = if whole {
        0
    } else {
        story.trace.len().saturating_sub(40)
    };
    if skipped > 0 {
        println!("... {skipped} lines before ...");
    }
    for line in story.trace.iter().skip(skipped) {
        println!("{line}");
    }
    println!("\n{}", line(scenario, settings, &story));
    println!("replay: cargo xtask sim --seed {}", scenario.seed);
}

/// A failing play in one line.
fn line(scenario: &Scenario, settings: &Settings, story: &Story) -> String {
    match &story.violation {
        Some(violation) => format!(
            "seed {} ({:?}, {}): the rule `{}` did not hold at {} ms: {}",
            scenario.seed,
            settings.crashes,
            if settings.trouble {
                "with trouble"
            } else {
                "without trouble"
            },
            violation.rule,
            violation.at_ms,
            violation.what
        ),
        None => format!(
            "seed {}: the failure did not come again: the play is not deterministic",
            scenario.seed
        ),
    }
}

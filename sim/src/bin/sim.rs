//! The simulator's program: plays many seeds, or one with everything it did.
//!
//! Seeds are shared out among threads; each play stays on one of them, so what comes of a seed does not depend on how
//! many there are.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the workshop, not of the product"
)]

use sim::{Coverage, Crashes, Mutant, Scenario, Settings, Story, play};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

const USAGE: &str = "\
Plays the real engine in virtual time against an outside and a disk that fail.

Usage: cargo xtask sim [OPTIONS]

  --seeds N        Play N seeds (1000 when nothing is said)
  --from S         Begin with seed S (0)
  --exhaustive N   For the first N of the seeds, crash at every boundary there is, one at a time (20)
  --keep-going     Print a line for each seed that fails, and go on
  --jobs N         Threads (as many as there are processors)
  --seed S         Play one seed and print everything that happened when a rule did not hold
  --crash-at B     With --seed: only with a crash at boundary B
  --trace          With --seed: print everything that happened in any case
  --going-back     With --seed: only with a person who takes back runs that did not come to their end
  --mutant NAME    Plant a fault; succeeds when a rule does not hold

Each seed is played once in calm and once in a storm: lost and slow requests, people who interfere, a second controller,
crashes wherever the seed says. Every hundredth seed is played twice, and both plays must be the same.

Exit status: 0 when every rule held, 1 when one did not, 2 for wrong arguments.
";

/// Of so many seeds one is played twice.
const TWICE_EVERY: u64 = 100;

/// Seeds after which the progress is told.
const TOLD_EVERY: u64 = 1_000;

struct Arguments {
    seeds: u64,
    from: u64,
    exhaustive: u64,
    keep_going: bool,
    jobs: u64,
    seed: Option<u64>,
    crash_at: Option<u64>,
    trace: bool,
    going_back: bool,
    mutant: Option<Mutant>,
}

fn arguments() -> Result<Option<Arguments>, String> {
    let mut all = Arguments {
        seeds: 1_000,
        from: 0,
        exhaustive: 20,
        keep_going: false,
        jobs: std::thread::available_parallelism().map_or(1, |n: NonZero<usize>| n.get() as u64),
        seed: None,
        crash_at: None,
        trace: false,
        going_back: false,
        mutant: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut text = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|error| format!("{word} {text}: {error}"))
        };
        match word.as_str() {
            "--seeds" => all.seeds = number(text()?)?,
            "--from" => all.from = number(text()?)?,
            "--exhaustive" => all.exhaustive = number(text()?)?,
            "--keep-going" => all.keep_going = true,
            "--jobs" => all.jobs = number(text()?)?.clamp(1, 256),
            "--seed" => all.seed = Some(number(text()?)?),
            "--crash-at" => all.crash_at = Some(number(text()?)?),
            "--trace" => all.trace = true,
            "--going-back" => all.going_back = true,
            "--mutant" => {
                let name = text()?;
                let mutant = Mutant::named(&name);
                all.mutant = Some(mutant.ok_or_else(|| format!("there is no mutant `{name}`"))?);
            }
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("there is no argument `{other}`")),
        }
    }
    Ok(Some(all))
}

fn main() -> ExitCode {
    match arguments() {
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(arguments)) => match (arguments.seed, arguments.mutant) {
            (Some(seed), _) => one(&arguments, seed),
            (None, Some(mutant)) => hunt(&arguments, mutant),
            (None, None) => many(&arguments),
        },
        Err(what) => {
            eprintln!("{what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Plays one seed in all ways, or in the one that was asked for.
fn one(arguments: &Arguments, seed: u64) -> ExitCode {
    let scenario = Scenario::of(seed);
    let ways = match arguments.crash_at {
        Some(boundary) => vec![Settings::crash_at(boundary)],
        None if arguments.going_back => vec![Settings::going_back()],
        None if arguments.exhaustive == 0 => vec![Settings::calm(), Settings::storm()],
        None => vec![Settings::calm(), Settings::storm(), Settings::everywhere()],
    };
    let mut total = Total::default();
    for way in ways {
        let way = Settings {
            mutant: arguments.mutant,
            ..way
        };
        if let Err(failure) = total.play(&scenario, way) {
            tell(&failure, true);
            return ExitCode::FAILURE;
        }
        if arguments.trace && way.crashes != Crashes::Everywhere {
            let unlike = false;
            tell(&Failure { seed, way, unlike }, true);
        }
    }
    println!("coverage:\n{}", total.coverage);
    println!("{total}: every rule held");
    ExitCode::SUCCESS
}

/// Looks for the first seed in which a planted fault is caught.
fn hunt(arguments: &Arguments, mutant: Mutant) -> ExitCode {
    for seed in arguments.from..arguments.from + arguments.seeds {
        if let Some(caught) = sim::hunt(mutant, seed) {
            println!(
                "{mutant} is caught after {} seeds by the rule `{}`: {}",
                seed - arguments.from + 1,
                caught.rule,
                caught.what
            );
            return ExitCode::SUCCESS;
        }
    }
    println!("{mutant} survives {} seeds", arguments.seeds);
    ExitCode::FAILURE
}

/// A play in which a rule did not hold.
struct Failure {
    seed: u64,
    way: Settings,
    /// Every rule held, but not twice in the same way.
    unlike: bool,
}

/// Plays many seeds, shared out among threads.
fn many(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let mut total = Total::default();
        while !over.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= arguments.seeds {
                break;
            }
            if number > 0 && number.is_multiple_of(TOLD_EVERY) {
                eprintln!("{number} of {} seeds", arguments.seeds);
            }
            let seed = arguments.from + number;
            if let Err(failure) = total.seed(seed, number < arguments.exhaustive) {
                if arguments.keep_going {
                    println!("{}", line(&failure));
                } else {
                    over.store(true, Ordering::Relaxed);
                }
                total.failures.push(failure);
            }
        }
        total
    };
    let mut total = Total::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..arguments.jobs).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            match thread.join() {
                Ok(part) => total.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    total.failures.sort_by_key(|failure| failure.seed);
    println!("coverage:\n{}", total.coverage);
    if let Some(first) = total.failures.first() {
        if !arguments.keep_going {
            tell(first, false);
        }
        println!("{} of {} seeds failed", total.failures.len(), total.seeds);
        return ExitCode::FAILURE;
    }
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    println!("{total}: every rule held");
    println!(
        "{} crashes survived in {seconds:.1} s: {:.0} crashes survived per second",
        total.crashes,
        total.crashes as f64 / seconds
    );
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Total {
    seeds: u64,
    plays: u64,
    crashes: u64,
    happenings: u64,
    entries: u64,
    coverage: Coverage,
    failures: Vec<Failure>,
}

impl Total {
    /// Plays a seed in all ways.
    fn seed(&mut self, seed: u64, exhaustive: bool) -> Result<(), Failure> {
        self.seeds += 1;
        let scenario = Scenario::of(seed);
        if exhaustive {
            // The play that branches is the calm one.
            self.play(&scenario, Settings::everywhere())?;
        } else {
            self.play(&scenario, Settings::calm())?;
        }
        let story = self.play(&scenario, Settings::storm())?;
        if seed.is_multiple_of(TWICE_EVERY) {
            let again = self.play(&Scenario::of(seed), Settings::storm())?;
            if again.fingerprint != story.fingerprint {
                let way = Settings::storm();
                let unlike = true;
                return Err(Failure { seed, way, unlike });
            }
        }
        Ok(())
    }

    fn play(&mut self, scenario: &Scenario, way: Settings) -> Result<Story, Failure> {
        let story = play(scenario, &way);
        self.plays += story.plays;
        self.crashes += story.crashes;
        self.happenings += story.happenings;
        self.entries += story.entries;
        self.coverage.add(&story.coverage);
        if story.violation.is_none() {
            return Ok(story);
        }
        let way = match (way.crashes, story.branch) {
            (Crashes::Everywhere, None) => Settings {
                crashes: Crashes::None,
                ..way
            },
            (Crashes::Everywhere, Some(boundary)) => Settings {
                crashes: Crashes::At(boundary),
                ..way
            },
            _ => way,
        };
        let (seed, unlike) = (scenario.seed, false);
        Err(Failure { seed, way, unlike })
    }

    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.plays += other.plays;
        self.crashes += other.crashes;
        self.happenings += other.happenings;
        self.entries += other.entries;
        self.coverage.add(&other.coverage);
        self.failures.extend(other.failures);
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.seeds > 0 {
            write!(f, "{} seeds, ", self.seeds)?;
        }
        write!(
            f,
            "{} plays, {} things that happened, {} entries",
            self.plays, self.happenings, self.entries
        )
    }
}

/// Plays a failing seed again and says what happened.
fn tell(failure: &Failure, whole: bool) {
    let way = Settings {
        trace: true,
        ..failure.way
    };
    let story = play(&Scenario::of(failure.seed), &way);
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
    println!("\n{}", line(failure));
    if story.violation.is_some() {
        let (seed, option) = (failure.seed, option(&failure.way));
        println!("replay: cargo xtask sim --seed {seed}{option}");
        println!("once it is understood, add it to sim/tests/seeds.txt");
    }
}

fn option(way: &Settings) -> String {
    if way.takes_back {
        return " --going-back".to_owned();
    }
    match way.crashes {
        Crashes::At(boundary) => format!(" --crash-at {boundary}"),
        Crashes::None | Crashes::Random | Crashes::Everywhere => " --exhaustive 0".to_owned(),
    }
}

/// A failing play in one line.
fn line(failure: &Failure) -> String {
    let (seed, way) = (failure.seed, failure.way);
    let violation = play(&Scenario::of(seed), &way).violation;
    let how = match way.crashes {
        Crashes::At(boundary) => format!("a crash at boundary {boundary}"),
        Crashes::None => "calm".to_owned(),
        Crashes::Random | Crashes::Everywhere => "storm".to_owned(),
    };
    match &violation {
        Some(violation) => format!(
            "seed {seed} ({how}): the rule `{}` did not hold at {} ms: {}",
            violation.rule, violation.at_ms, violation.what
        ),
        None if failure.unlike => format!("seed {seed} ({how}): two plays of it were not the same"),
        None => format!("seed {seed} ({how}): every rule held"),
    }
}

//! One trial against the services: a fresh project, an apply or a destroy that is struck up to three times while
//! requests land late, its resumption, and everything that must be true afterwards.

use super::project::Project;
use super::strike::{self, Strike, Struck};
use super::{LATE_MS_MAX, LATE_PER_MILLE, Options};
use crate::book::{Book, Stage};
use crate::finding::{Finding, Promise};
use crate::program::Program;
use crate::services::moto::Moto;
use crate::services::proxy::{Proxy, Weather};
use crate::trial::{Hit, Kind, Report};
use serde_json::Value;
use sim::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most strikes in one trial.
const STRIKES_MAX: u64 = 3;
/// Lines that an apply prints beside two for each object.
const LINES_BESIDE: usize = 12;

/// A directory with its services.
pub(crate) struct Bed {
    /// The services.
    pub moto: Moto,
    /// Between them and the provider.
    pub proxy: Proxy,
    /// The project.
    pub project: Project,
    /// Its directory.
    pub root: PathBuf,
}

impl Bed {
    /// Makes one: `installed` is a directory where the provider is installed already.
    ///
    /// # Errors
    /// When a server does not come up, or the directory cannot be written.
    pub(crate) fn make(
        options: &Options,
        directory: &Path,
        installed: &Path,
        rng: Rng,
        retries: Option<u32>,
    ) -> Result<Self, String> {
        let root = directory.join("project");
        std::fs::create_dir_all(&root)
            .map_err(|error| format!("cannot make {}: {error}", root.display()))?;
        let moto = Moto::start(&directory.join("moto.log"))?;
        let proxy = Proxy::start(moto.address, rng)
            .map_err(|error| format!("the proxy cannot listen: {error}"))?;
        let project = Project {
            objects: options.objects,
        };
        let written = std::fs::write(
            root.join("main.tf"),
            project.definition(proxy.address, retries),
        )
        .and_then(|()| {
            let lock = ".terraform.lock.hcl";
            std::fs::copy(installed.join(lock), root.join(lock))?;
            std::os::unix::fs::symlink(installed.join(".terraform"), root.join(".terraform"))
        });
        written.map_err(|error| format!("cannot write {}: {error}", root.display()))?;
        Ok(Self {
            moto,
            proxy,
            project,
            root,
        })
    }

    /// Every object there once, by its name, and nothing beside them; or nothing at all.
    pub(crate) fn compare(&self, gone: bool) -> Vec<Finding> {
        let names = match self.moto.names() {
            Ok(names) => names,
            Err(what) => return vec![Promise::Ends.broken(what)],
        };
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for name in names {
            *found.entry(name).or_default() += 1;
        }
        let mut findings = Vec::new();
        let expected = if gone {
            Vec::new()
        } else {
            self.project.expected()
        };
        for (name, _) in expected {
            match found.remove(&name) {
                None => findings.push(Promise::Lost.broken(format!("{name} is not there"))),
                Some(1) => {}
                Some(n) => {
                    findings.push(Promise::Doubled.broken(format!("{name} is there {n} times")));
                }
            }
        }
        for name in found.into_keys() {
            findings.push(Promise::Doubled.broken(format!("{name} is there and in no definition")));
        }
        findings
    }
}

/// A trial under way.
pub(crate) struct Trial {
    bed: Bed,
    program: Program,
    kind: Kind,
    settle_s: u64,
}

impl Trial {
    /// Makes the project, with what has to be there before the run that is struck.
    ///
    /// # Errors
    /// When that cannot be had.
    pub(crate) fn prepare(
        options: &Options,
        binary: &Path,
        directory: &Path,
        installed: &Path,
        kind: Kind,
        rng: Rng,
    ) -> Result<Self, Finding> {
        let bed = Bed::make(options, directory, installed, rng, None);
        let bed = bed.map_err(|what| Promise::Ends.broken(what))?;
        let program = Program {
            binary: binary.to_owned(),
            log: directory.join("stderr.log"),
            root: bed.root.clone(),
        };
        let trial = Self {
            bed,
            program,
            kind,
            settle_s: options.settle_s,
        };
        if kind == Kind::Destroy {
            trial.complete(&["apply", "-auto-approve"])?;
        }
        Ok(trial)
    }

    fn verb(&self) -> &'static str {
        match self.kind {
            Kind::Create | Kind::Change => "apply",
            Kind::Destroy => "destroy",
        }
    }

    fn command(&self, words: &[&str]) -> Result<Command, Finding> {
        let command = self.program.command(words);
        let mut command = command.map_err(|what| Promise::Ends.broken(what))?;
        command.env("STEADFAST_SETTLE_SECONDS", self.settle_s.to_string());
        Ok(command)
    }

    fn run(&self, words: &[&str], strike: Option<Strike>) -> Result<Struck, Finding> {
        let command = self.command(words)?;
        strike::run(command, strike, &self.bed.proxy).map_err(|what| Promise::Ends.broken(what))
    }

    fn complete(&self, words: &[&str]) -> Result<Struck, Finding> {
        let struck = self.run(words, None)?;
        if struck.ended.code == Some(0) {
            return Ok(struck);
        }
        Err(self.failed(words, &struck))
    }

    fn failed(&self, words: &[&str], struck: &Struck) -> Finding {
        let last = struck.ended.lines.last().map(Value::to_string);
        Promise::Ends.broken(format!(
            "{} ended with {:?}: {} {}",
            words.join(" "),
            struck.ended.code,
            self.program.said(),
            last.unwrap_or_default()
        ))
    }

    /// The run without a strike, and everything that must be true afterwards.
    fn calm(&self) -> Vec<Finding> {
        match self.complete(&[self.verb(), "-auto-approve"]) {
            Ok(_) => self.check(),
            Err(finding) => vec![finding],
        }
    }

    /// The run with its strikes, the resumption, and everything that must be true afterwards.
    pub(crate) fn storm(&self, rng: &mut Rng) -> (Vec<Hit>, Vec<Finding>) {
        let mut hits = Vec::new();
        let findings = match self.strikes(rng, &mut hits) {
            Ok(()) => self.check(),
            Err(finding) => vec![finding],
        };
        (hits, findings)
    }

    fn strikes(&self, rng: &mut Rng, hits: &mut Vec<Hit>) -> Result<(), Finding> {
        self.bed.proxy.weather(Weather {
            late_per_mille: LATE_PER_MILLE,
            late_ms_max: LATE_MS_MAX,
            ..Weather::default()
        });
        let runs_before = usize::from(self.kind == Kind::Destroy);
        let mut stage = Stage::Before;
        let mut left = self.bed.project.objects;
        for _ in 0..rng.between(1, STRIKES_MAX) {
            let strike = Strike::drawn(rng, 2 * left + LINES_BESIDE, left);
            let words = self.next_words(stage);
            let struck = self.run(&words, Some(strike))?;
            if !matches!(struck.ended.code, None | Some(0)) {
                return Err(self.failed(&words, &struck));
            }
            let was_resuming = stage != Stage::Before;
            let book = Book::read(&self.program)?;
            stage = book.stage(runs_before);
            if struck.hit {
                let is_over = struck.ended.code.is_some();
                hits.push(Hit {
                    // Whoever lost its provider has gone on to its end.
                    stage: if is_over { Stage::Applying } else { stage },
                    n_open: if is_over {
                        n_lost(&struck)
                    } else {
                        book.n_open()
                    },
                    was_resuming,
                });
            }
            if stage == Stage::Over {
                return Ok(());
            }
            left = left.saturating_sub(book.entries_of_run / 2);
        }
        self.complete(&self.next_words(stage)).map(drop)
    }

    fn next_words(&self, stage: Stage) -> [&'static str; 2] {
        match stage {
            Stage::Before => [self.verb(), "-auto-approve"],
            Stage::Planning | Stage::Applying | Stage::Over => ["resume", "-auto-approve"],
        }
    }

    fn check(&self) -> Vec<Finding> {
        self.bed.proxy.weather(Weather::default());
        let mut findings = self.bed.compare(self.kind == Kind::Destroy);
        for check in [Self::check_book, Self::check_again] {
            match check(self) {
                Ok(found) => findings.extend(found),
                Err(finding) => findings.push(finding),
            }
        }
        findings
    }

    fn check_book(&self) -> Result<Vec<Finding>, Finding> {
        let book = Book::read(&self.program)?;
        let mut findings = book.check();
        let addresses = self.addresses()?;
        let expected = match self.kind {
            Kind::Destroy => BTreeSet::new(),
            Kind::Create | Kind::Change => {
                let expected = self.bed.project.expected().into_iter();
                expected.map(|(_, address)| address).collect()
            }
        };
        for lost in expected.difference(&addresses) {
            findings.push(Promise::Lost.broken(format!("{lost} is not in the book")));
        }
        for more in addresses.difference(&expected) {
            findings.push(Promise::Doubled.broken(format!("{more} is in the book and not wanted")));
        }
        for words in [["journal", "verify"].as_slice(), ["replay"].as_slice()] {
            let struck = self.run(words, None)?;
            if struck.ended.code != Some(0) {
                let what = format!("{} ends with {:?}", words.join(" "), struck.ended.code);
                findings.push(Promise::Readable.broken(what));
            }
        }
        Ok(findings)
    }

    fn addresses(&self) -> Result<BTreeSet<String>, Finding> {
        let shown = self.run(&["show"], None)?;
        let (Some(0), Some(state)) = (shown.ended.code, shown.ended.lines.first()) else {
            let what = format!("show fails: {}", self.program.said());
            return Err(Promise::Readable.broken(what));
        };
        let resources = state.pointer("/values/root_module/resources");
        let resources = resources.and_then(Value::as_array).into_iter().flatten();
        let address = |one: &Value| Some(one.get("address")?.as_str()?.to_owned());
        Ok(resources.filter_map(address).collect())
    }

    fn check_again(&self) -> Result<Vec<Finding>, Finding> {
        let words = [self.verb(), "-auto-approve"];
        let again = self.run(&words, None)?;
        let begun = again.ended.entries("intended").count();
        if again.ended.code != Some(0) || begun > 0 {
            let what = format!(
                "a second {} ends with {:?} and begins {begun}",
                self.verb(),
                again.ended.code
            );
            return Ok(vec![Promise::Empty.broken(what)]);
        }
        Ok(Vec::new())
    }
}

/// Effects of which a run says that their outcome was lost.
fn n_lost(struck: &Struck) -> usize {
    let finished = struck.ended.entries("finished");
    finished
        .filter(|entry| entry.get("outcome").is_some_and(|word| word == "unknown"))
        .count()
}

/// An apply without a strike: a proof that the checks hold of a sound world.
///
/// # Errors
/// When they do not.
pub(crate) fn calm(
    options: &Options,
    binary: &Path,
    place: &Path,
    installed: &Path,
) -> Result<(), String> {
    let directory = place.join("calm");
    let rng = Rng::new(0, 0);
    let trial = Trial::prepare(options, binary, &directory, installed, Kind::Create, rng);
    let findings = match trial {
        Ok(trial) => trial.calm(),
        Err(finding) => vec![finding],
    };
    if findings.is_empty() {
        crate::clear(&directory);
        return Ok(());
    }
    let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let (at, what) = (directory.display(), findings.join("\n  "));
    Err(format!(
        "an apply fails without any kill, in {at}:\n  {what}"
    ))
}

/// The trial of this number.
pub(crate) fn report(
    options: &Options,
    binary: &Path,
    place: &Path,
    installed: &Path,
    seed: u64,
    number: u64,
) -> Report {
    // Of five trials four create and one destroys.
    let kind = if number % 5 == 4 {
        Kind::Destroy
    } else {
        Kind::Create
    };
    let directory = place.join(format!("trial-{number}"));
    let mut rng = Rng::new(seed, number);
    let weather = Rng::new(seed, number ^ (1 << 32));
    let trial = Trial::prepare(options, binary, &directory, installed, kind, weather);
    let (hits, findings) = match trial {
        Ok(trial) => trial.storm(&mut rng),
        Err(finding) => (Vec::new(), vec![finding]),
    };
    Report {
        trial: number,
        kind,
        hits,
        findings,
        directory,
    }
}

//! What happens in the demo, told as it happens, and what it came to.

use super::control::{Control, Ended, failed};
use super::traffic::{Answers, Seen, Traffic, Watch};
use super::{ENVIRONMENTS, copy};
use crate::args::DemoArgs;
use crate::error::CommandError;
use crate::exit;
use crate::render::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::render::time;
use crate::session::fresh;
use contract::Clock as _;
use engine::SystemClock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The service whose requests are counted.
const SERVICE: &str = "web";

/// The environment that customers use.
const SHOP: &str = "production";

/// A kill falls within so many milliseconds after the rollout's first step.
const KILL_WITHIN_MS: u64 = 1_500;

/// The bad version must be found with fewer of its requests than this.
const BAD_REQUESTS_MAX: u64 = 200;

/// Customers before and after each release, so that the old version has been seen.
const LULL_MS: u64 = 1_500;

/// The demo as it goes.
pub(super) struct Story {
    directory: PathBuf,
    rate: u32,
    kills: u32,
    /// Releases made so far; the first has no old version beside it.
    releases: u32,
    clock: Arc<SystemClock>,
    began_ms: i64,
    /// Label of each version of the service, by the name that the data plane gives it.
    labels: BTreeMap<String, u32>,
    customers: Option<(Watch, std::thread::JoinHandle<std::io::Result<()>>)>,
    killed: u32,
    judged_ms: Option<i64>,
    back_ms: Option<i64>,
    returned: Option<String>,
    refused: bool,
    /// What the last command complained of.
    trouble: String,
    replayed: Option<u64>,
}

impl Story {
    pub(super) fn new(directory: &Path, args: &DemoArgs) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self {
            directory: directory.to_path_buf(),
            rate: args.rate,
            kills: args.kills,
            releases: 0,
            began_ms: clock.now_ms(),
            clock,
            labels: BTreeMap::new(),
            customers: None,
            killed: 0,
            judged_ms: None,
            back_ms: None,
            returned: None,
            refused: false,
            trouble: String::new(),
            replayed: None,
        }
    }

    /// How often the control plane is killed in each of production's rollouts.
    pub(super) fn kills(&self) -> u32 {
        self.kills
    }

    pub(super) fn chapter(&self, title: &str) {
        anstream::println!("\n{BOLD}{title}{RESET}");
    }

    fn say(&self, text: &str) {
        let at = self.clock.now_ms() - self.began_ms;
        anstream::println!(
            "{DIM}{:>5}.{} s{RESET}  {text}",
            at / 1_000,
            at % 1_000 / 100
        );
    }

    /// Puts the files of a release over the project's.
    pub(super) fn lay_over(&self, release: &Path) -> Result<(), CommandError> {
        copy(release, &self.directory, 1)?;
        std::thread::park_timeout(Duration::from_millis(LULL_MS));
        Ok(())
    }

    /// Deploys to an environment, killing the control plane so many times on the way.
    pub(super) fn deploy(
        &mut self,
        environment: &str,
        version: u32,
        kills: u32,
    ) -> Result<(), CommandError> {
        self.releases = version;
        let mut kills = kills;
        let mut words = vec!["deploy", environment];
        loop {
            // Ends: every turn but the last uses up a kill.
            let mut control = Control::start(&self.directory, &words)?;
            let killed = self.follow(&mut control, environment, version, kills > 0)?;
            let ended = control.end()?;
            if killed {
                kills -= 1;
                self.killed += 1;
                self.say(&format!(
                    "{environment}: {BAD}control plane killed (SIGKILL){RESET}; the shop stays open, another one takes over"
                ));
                words = vec!["resume", environment];
                continue;
            }
            return self.ended(environment, version, &ended);
        }
    }

    fn ended(
        &mut self,
        environment: &str,
        version: u32,
        ended: &Ended,
    ) -> Result<(), CommandError> {
        match ended.code {
            Some(0) => {
                self.say(&format!(
                    "{environment}: {GOOD}version {version} serves{RESET}"
                ));
                Ok(())
            }
            Some(code) if code == i32::from(exit::RETURNED) => {
                self.returned = Some(environment.to_owned());
                self.say(&format!("{environment}: {WARN}version {version} was sent back; the old one serves{RESET}"));
                Ok(())
            }
            code => Err(CommandError::Failed(format!(
                "the deploy to {environment} ended with {code:?}: {}\n{}",
                self.trouble, ended.errors
            ))),
        }
    }

    /// Tells what a command does until it ends; kills it at a random moment of the rollout if it is to be killed.
    fn follow(
        &mut self,
        control: &mut Control,
        environment: &str,
        version: u32,
        kill: bool,
    ) -> Result<bool, CommandError> {
        let mut kill_at: Option<Instant> = None;
        let mut killed = false;
        loop {
            // Ends with the command, which has a deadline.
            let (event, over) = control.event(Duration::from_millis(20));
            if let Some(event) = &event {
                self.tell(event, environment, version);
                let rolling = text(event, "type") == "phased" && text(event, "service") == SERVICE;
                if kill && rolling && kill_at.is_none() {
                    kill_at =
                        Some(Instant::now() + Duration::from_millis(fresh()? % KILL_WITHIN_MS));
                }
            }
            if over {
                return Ok(killed);
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) && !killed {
                control.kill();
                killed = true;
            }
        }
    }

    fn tell(&mut self, event: &Value, environment: &str, version: u32) {
        match text(event, "type") {
            "intended" if text(event, "effect") == "build" => {
                self.say(&format!("{}...", text(event, "subject")));
            }
            "intended" if text(event, "effect") == "change" => {
                self.say(&format!(
                    "{environment}: {} {}",
                    text(event, "verb"),
                    text(event, "subject")
                ));
            }
            "targeted" if text(event, "service") == SERVICE => {
                let name = text(event, "version")
                    .trim_start_matches("sha256:")
                    .get(..12)
                    .unwrap_or_default();
                self.labels.entry(name.to_owned()).or_insert(version);
            }
            "diagnostic" => {
                self.trouble = format!("{}: {}", text(event, "summary"), text(event, "detail"));
            }
            "error" => self.trouble = text(event, "message").to_owned(),
            "phased" => self.phase(event, environment),
            "judged" => self.judged(event, environment),
            "finished" if text(event, "outcome") == "published" && self.judged_ms.is_some() => {
                let at_ms = event.get("at_ms").and_then(Value::as_i64);
                self.back_ms = self.back_ms.or(at_ms);
            }
            _ => {}
        }
    }

    fn phase(&self, event: &Value, environment: &str) {
        let service = text(event, "service");
        let phase = event.get("phase");
        let said = match phase {
            Some(Value::String(name)) => match name.as_str() {
                "Baking" => "all requests to the new version; the old one stays warm".to_owned(),
                "Retiring" if self.releases > 1 => {
                    "the old version finishes its requests and stops".to_owned()
                }
                _ => return,
            },
            Some(Value::Object(object)) => {
                if let Some(step) = object.get("Step").and_then(Value::as_u64) {
                    let share = [5, 25, 50, 100].get(usize::try_from(step).unwrap_or(usize::MAX));
                    match share.filter(|_| {
                        environment == SHOP && self.customers.is_some() && service == SERVICE
                    }) {
                        Some(share) => format!("{share}% of the requests to the new version"),
                        None => "the new version takes requests".to_owned(),
                    }
                } else if let Some(returning) = object.get("Returning") {
                    format!("{BAD}going back:{RESET} {}", text(returning, "why"))
                } else {
                    return;
                }
            }
            _ => return,
        };
        self.say(&format!("{environment}: {service}: {said}"));
    }

    fn judged(&mut self, event: &Value, environment: &str) {
        let evidence = event.get("evidence").cloned().unwrap_or_default();
        let number = |name: &str| evidence.get(name).and_then(Value::as_u64).unwrap_or(0);
        let verdict = text(event, "verdict");
        let shown = match verdict {
            "Good" => format!("{GOOD}good{RESET}"),
            "Bad" => format!("{BAD}bad{RESET}"),
            _ => format!("{WARN}not enough evidence{RESET}"),
        };
        self.say(&format!(
            "{environment}: {}: judged {shown}: {} of {} requests failed on the new version, {} of {} on the old",
            text(event, "service"),
            number("new_failed"),
            number("new_finished"),
            number("old_failed"),
            number("old_finished")
        ));
        if verdict == "Bad" {
            self.judged_ms = self
                .judged_ms
                .or(event.get("at_ms").and_then(Value::as_i64));
        }
    }

    /// Lets the customers in.
    pub(super) fn open_the_shop(&mut self) -> Result<(), CommandError> {
        let port = self.port(SHOP)?;
        let clock = self.clock.clone();
        let traffic = Traffic::new(port, self.rate, Arc::new(move || clock.now_ms()));
        let watch = traffic.watch();
        let thread = std::thread::spawn(move || traffic.run());
        self.customers = Some((watch, thread));
        self.say(&format!(
            "{SHOP}: the shop is open on http://127.0.0.1:{port}/, {} requests per second from now on",
            self.rate
        ));
        Ok(())
    }

    /// Sends the customers home.
    pub(super) fn close_the_shop(&mut self) -> Result<(), CommandError> {
        std::thread::park_timeout(Duration::from_millis(LULL_MS));
        if let Some((watch, _)) = &self.customers {
            watch.stop();
        }
        self.replayed = Some(self.replay()?);
        Ok(())
    }

    fn port(&self, environment: &str) -> Result<u16, CommandError> {
        let mut control = Control::start(&self.directory, &["status"])?;
        let mut found = None;
        loop {
            // Ends with the command.
            let (event, over) = control.event(Duration::from_millis(100));
            if let Some(event) = event.filter(|event| text(event, "environment") == environment) {
                found = event
                    .get("services")
                    .and_then(Value::as_array)
                    .and_then(|services| {
                        services.iter().find(|one| text(one, "service") == SERVICE)
                    })
                    .and_then(|service| service.get("port"))
                    .and_then(Value::as_u64)
                    .and_then(|port| u16::try_from(port).ok());
            }
            if over {
                break;
            }
        }
        control.end()?;
        found.ok_or_else(|| CommandError::Failed(format!("{SERVICE} has no port in {environment}")))
    }

    /// Tries to deploy what was sent back.
    pub(super) fn refused(&mut self, environment: &str) -> Result<(), CommandError> {
        let mut control = Control::start(&self.directory, &["deploy", environment])?;
        self.follow(&mut control, environment, 3, false)?;
        let ended = control.end()?;
        self.refused =
            ended.code == Some(i32::from(exit::FAILED)) && self.trouble.contains("quarantine");
        self.say(&format!(
            "{environment}: deploying version 3 again is refused. {}",
            self.trouble
        ));
        Ok(())
    }

    /// Derives every decision again, and says how many there were.
    fn replay(&self) -> Result<u64, CommandError> {
        let mut total = 0;
        for environment in ENVIRONMENTS {
            let mut control = Control::start(&self.directory, &["replay", "--env", environment])?;
            loop {
                // Ends with the command.
                let (event, over) = control.event(Duration::from_millis(100));
                total += event
                    .as_ref()
                    .and_then(|event| event.get("same"))
                    .and_then(Value::as_u64)
                    .unwrap_or(0);
                if over {
                    break;
                }
            }
            let ended = control.end()?;
            if ended.code != Some(0) {
                return Err(CommandError::Failed(format!(
                    "the replay of {environment} came out otherwise:\n{}",
                    ended.errors
                )));
            }
        }
        Ok(total)
    }

    /// Says what it came to, and whether it is what it should be.
    pub(super) fn sum_up(&mut self) -> Result<bool, CommandError> {
        let Some((watch, thread)) = self.customers.take() else {
            return Ok(false);
        };
        if let Ok(result) = thread.join() {
            result.map_err(failed("send requests from", Path::new("this process")))?;
        }
        self.chapter("What it came to");
        let (served_well, bad_version) = watch.with(|seen| self.requests(seen));
        let mut good = served_well && self.returned.as_deref() == Some(SHOP) && self.refused;
        anstream::println!(
            "  the control plane was killed {} times in the middle of a rollout",
            self.killed
        );
        match (bad_version, self.judged_ms, self.back_ms) {
            (Some(answers), Some(judged_ms), Some(back_ms)) => {
                anstream::println!(
                    "  version 3 got {} requests; found bad {} after its first, {} later all traffic was back",
                    answers.sent,
                    time::duration(judged_ms - answers.first_ms),
                    time::duration(back_ms - judged_ms)
                );
            }
            _ => {
                good = false;
                anstream::println!("  {BAD}version 3 was not found bad{RESET}");
            }
        }
        if let Some(same) = self.replayed {
            anstream::println!(
                "  {same} decisions were derived again from the book, all with the same result"
            );
        }
        self.look_closer();
        Ok(good)
    }

    /// Says who got how many requests; whether all is well with them, and what the bad version got.
    fn requests(&self, seen: &mut Seen) -> (bool, Option<Answers>) {
        let mut good = true;
        let mut bad_version = None;
        let total: u64 = seen.by_version.values().map(|answers| answers.sent).sum();
        anstream::println!("  {total} requests in production");
        for (name, answers) in &seen.by_version {
            let label = match self.labels.get(name) {
                Some(version) => format!("version {version}"),
                None => "no version".to_owned(),
            };
            let style = if answers.failed > 0 { BAD } else { GOOD };
            anstream::println!(
                "    {label}: {} answered, {style}{} failed{RESET}",
                answers.sent,
                answers.failed
            );
            if self.labels.get(name) == Some(&3) {
                bad_version = Some(*answers);
                good &= answers.sent < BAD_REQUESTS_MAX;
            } else {
                good &= answers.failed == 0;
            }
        }
        seen.latency_us.sort_unstable();
        let at = |share: usize| {
            let index = seen.latency_us.len() * share / 1_000;
            f64::from(seen.latency_us.get(index).copied().unwrap_or(0)) / 1_000.0
        };
        anstream::println!(
            "    answered in {:.1} ms at the median, {:.1} ms at the 99th percentile",
            at(500),
            at(990)
        );
        for failure in seen
            .failures
            .iter()
            .filter(|failure| failure.starts_with("version \"\""))
        {
            anstream::println!("    {BAD}{failure}{RESET}");
        }
        (good, bad_version)
    }

    fn look_closer(&self) {
        let directory = self.directory.display();
        anstream::println!(
            "  the book is in {directory}/.steadfast/book; while it is there (--keep), look closer with"
        );
        for command in [
            "status",
            "history production",
            "show --env production RUN",
            "replay --env production",
        ] {
            anstream::println!("    steadfast --chdir {directory} {command}");
        }
    }

    /// Stops everything that the demo started.
    pub(super) fn clean_up(&mut self) -> Result<(), CommandError> {
        if let Some((watch, _)) = &self.customers {
            watch.stop();
        }
        for environment in ENVIRONMENTS {
            // What an interrupted run left open is closed first; both do nothing where there is nothing.
            for words in [
                vec!["resume", environment, "--cancel"],
                vec!["stop", environment],
            ] {
                let mut control = Control::start(&self.directory, &words)?;
                while !control.event(Duration::from_millis(100)).1 {}
                control.end()?;
            }
        }
        Ok(())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

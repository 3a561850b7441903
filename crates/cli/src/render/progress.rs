//! What a run does while it does it: one line per thing that begins or ends, for people or for programs.

use super::diagnostics::visible;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use super::time;
use crate::json;
use decide::{Entry, World};
use engine::Observer;
use indicatif::{ProgressBar, ProgressStyle};
use model::{
    ActionId, Effect, Event, InstanceId, Observation, OnFailure, Outcome, Phase, Unhealthy, Verb,
    Verdict,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::time::Duration;

/// Prints progress as it comes.
pub(crate) struct Progress {
    json: bool,
    /// A line at the bottom that says what is under way, on a terminal.
    bar: Option<ProgressBar>,
    began: BTreeMap<ActionId, i64>,
    /// Actions whose lost outcome was looked for.
    looked: BTreeSet<ActionId>,
    /// What was last told of each instance that was looked at.
    seen: BTreeMap<InstanceId, String>,
    /// Only what happens from now on is told, not what is read again from the book.
    quiet: bool,
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        let live = !json && std::io::stderr().is_terminal();
        let bar = live.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            json,
            bar,
            began: BTreeMap::new(),
            looked: BTreeSet::new(),
            seen: BTreeMap::new(),
            quiet: false,
        }
    }

    /// One that says nothing: for programs that only want the result.
    pub(crate) fn silent() -> Self {
        Self {
            json: false,
            bar: None,
            began: BTreeMap::new(),
            looked: BTreeSet::new(),
            seen: BTreeMap::new(),
            quiet: true,
        }
    }

    /// Takes the live line away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| anstream::println!("{text}")),
            None => anstream::println!("{text}"),
        }
    }

    fn status(&self, world: &World) {
        let (Some(bar), Some(run)) = (&self.bar, &world.run) else {
            return;
        };
        let open: Vec<String> = run
            .live
            .iter()
            .filter_map(|id| run.actions.get(id))
            .map(|action| action.effect.subject())
            .take(3)
            .collect();
        let left = run.steps_left;
        let message = match (open.is_empty(), left) {
            (true, 0) => String::from("watching"),
            (true, left) => format!("{left} steps left"),
            (false, 0) => open.join(", "),
            (false, left) => format!("{left} steps left: {}", open.join(", ")),
        };
        bar.set_message(message);
    }

    fn intended(&mut self, entry: &Entry, action: ActionId, attempt: u32, effect: &Effect) {
        self.began.insert(action, entry.at_ms);
        let again = if attempt > 1 {
            format!(" {WARN}(attempt {attempt}){RESET}")
        } else {
            String::new()
        };
        self.line(&format!(
            "{}: {}...{again}",
            visible(&effect.subject()),
            doing(effect)
        ));
    }

    fn finished(&mut self, entry: &Entry, world: &World, action: ActionId, outcome: &Outcome) {
        let effect = world
            .run
            .as_ref()
            .and_then(|run| run.actions.get(&action))
            .map(|action| &action.effect);
        let Some(effect) = effect else { return };
        let took = self
            .began
            .remove(&action)
            .map_or(0, |began| entry.at_ms - began);
        let took = format!("{DIM}after {}{RESET}", time::duration(took));
        let subject = visible(&effect.subject());
        let text = match outcome {
            Outcome::Changed { .. } | Outcome::Stopped => {
                format!("{GOOD}{}{RESET} {took}", done(effect))
            }
            Outcome::Placed { address } => format!("{GOOD}runs{RESET} on {address} {took}"),
            Outcome::Published { .. } => format!("{GOOD}in force{RESET} {took}"),
            Outcome::Built { artifact } => {
                format!("{GOOD}built{RESET} {} {took}", artifact.short())
            }
            Outcome::Partial { .. } => {
                let creates = |change: &model::Change| change.verb == Verb::Create;
                let new = matches!(effect, Effect::Change(change) if creates(change));
                let kept = if new { "; marked as damaged" } else { "" };
                format!("{BAD}failed part of the way{RESET} {took}{kept}")
            }
            Outcome::Provisioned { output } => {
                self.written(&subject, output);
                format!("{GOOD}done{RESET} {took}")
            }
            Outcome::Broken { output, .. } => {
                self.written(&subject, output);
                let text = format!("{BAD}failed{RESET} {took}");
                match effect {
                    Effect::Provision(one) if one.on_failure == OnFailure::Continue => {
                        format!("{text}, which is taken as it is (on_failure = continue)")
                    }
                    _ => text,
                }
            }
            Outcome::Healthy { answer } => {
                format!("{GOOD}healthy{RESET} {took}: {}", visible(answer))
            }
            Outcome::Unhealthy { answer, .. } => unhealthy(effect, &took, answer),
            Outcome::Refused { .. } => format!("{BAD}refused{RESET} {took}"),
            Outcome::Failed { diagnostics, .. } => {
                let why = diagnostics.iter().next().map(|one| visible(&one.summary));
                format!("{WARN}failed{RESET} {took}: {}", why.unwrap_or_default())
            }
            Outcome::Unknown { why } => {
                format!("{WARN}outcome lost{RESET} {took}: {}", visible(why))
            }
        };
        self.line(&format!("{subject}: {text}"));
    }

    /// When another attempt follows, and which.
    fn retried(&self, world: &World, action: ActionId, delay_ms: u64) {
        let pause = time::duration(i64::try_from(delay_ms).unwrap_or(i64::MAX));
        let which = next_try(world, action);
        self.line(&format!("{DIM}  again in {pause}{which}{RESET}"));
    }

    /// What a provisioner wrote, each line behind its name.
    fn written(&self, subject: &str, output: &str) {
        for line in output.lines() {
            self.line(&format!("{subject}: {DIM}{}{RESET}", visible(line)));
        }
    }

    /// What happens to a service and its instances.
    fn of_service(&mut self, event: &Event, world: &World) {
        match event {
            Event::Targeted {
                service, target, ..
            } => {
                self.line(&format!(
                    "{BOLD}{service}{RESET}: version {}",
                    target.version
                ));
            }
            // A first version has no old one that could finish.
            Event::Phased {
                service,
                phase: Phase::Retiring,
                ..
            } if world
                .services
                .get(service)
                .is_some_and(|state| state.live.is_none()) => {}
            Event::Phased { service, phase, .. } => {
                self.line(&format!(
                    "{BOLD}{service}{RESET}: {}",
                    phase_text(phase, service, world)
                ));
            }
            Event::Judged {
                service,
                evidence,
                verdict,
                ..
            } => {
                let verdict = match verdict {
                    Verdict::Good => format!("{GOOD}good{RESET}"),
                    Verdict::Bad => format!("{BAD}bad{RESET}"),
                    Verdict::NotEnoughEvidence => format!("{WARN}not enough evidence{RESET}"),
                };
                self.line(&format!(
                    "{BOLD}{service}{RESET}: judged {verdict}: {} of {} requests failed on the new version, {} of {} \
                     on the old",
                    evidence.new_failed, evidence.new_finished, evidence.old_failed, evidence.old_finished
                ));
            }
            Event::Observed(Observation::Instance {
                instance,
                state,
                detail,
            }) => {
                let why = visible(detail.lines().next().unwrap_or_default());
                let found = format!("{}: {why}", format!("{state:?}").to_lowercase());
                // The book also keeps what an instance printed meanwhile, which is shown with the verdict.
                if self.seen.get(instance) != Some(&found) {
                    self.line(&format!("{DIM}{instance}: {found}{RESET}"));
                    self.seen.insert(instance.clone(), found);
                }
            }
            _ => {}
        }
    }
}

impl Observer for Progress {
    fn entry(&mut self, entry: &Entry, world: &World) {
        if self.quiet {
            return;
        }
        if self.json {
            anstream::println!("{}", json::event(entry, world));
            return;
        }
        match &entry.event {
            Event::Intended {
                action,
                attempt,
                effect,
                ..
            } => self.intended(entry, *action, *attempt, effect),
            Event::Finished {
                action, outcome, ..
            } => self.finished(entry, world, *action, outcome),
            Event::Inquired {
                inquiry, action, ..
            } => {
                // Looking again and again at what is not over yet is told once.
                let first = self.looked.insert(*action);
                let again = matches!(inquiry, model::Inquiry::NotYet) && !first;
                if let Some(subject) = subject(world, *action).filter(|_| !again) {
                    self.line(&format!("{subject}: looked, {}", found(inquiry)));
                }
            }
            Event::Retried {
                action, delay_ms, ..
            } => self.retried(world, *action, *delay_ms),
            Event::Targeted { .. }
            | Event::Phased { .. }
            | Event::Judged { .. }
            | Event::Observed(Observation::Instance { .. }) => self.of_service(&entry.event, world),
            // The question itself follows when everything else is done.
            Event::Parked { action, .. } => {
                if let Some(subject) = subject(world, *action) {
                    self.line(&format!("{subject}: {WARN}waits for you{RESET}"));
                }
            }
            Event::Replanned {
                action,
                answer: answer @ (model::Answer::Data(_) | model::Answer::Open(_)),
                ..
            } => {
                let planned = world.run.as_ref().and_then(|run| run.planned_by(*action));
                if let Some(planned) = planned {
                    let address = visible(&planned.address.to_string());
                    let opens = matches!(answer, model::Answer::Open(_));
                    let done = if opens { "open" } else { "read" };
                    self.line(&format!("{address}: {done}"));
                }
            }
            Event::Observed(Observation::Counts(_))
            | Event::Checked { .. }
            | Event::TakenOver { .. }
            | Event::Opened { .. }
            | Event::Started { .. }
            | Event::Submitted { .. }
            | Event::Answered { .. }
            | Event::Planned { .. }
            | Event::Commanded { .. }
            | Event::Released { .. }
            | Event::Replanned { .. }
            | Event::Called { .. }
            | Event::Drifted { .. }
            | Event::Closed { .. } => {}
        }
        self.status(world);
    }
}

/// Which try comes next, and of how many; nothing where none failed: what was lost with an engine is not counted.
fn next_try(world: &World, action: ActionId) -> String {
    let run = world.run.as_ref();
    match run.and_then(|run| run.actions.get(&action)) {
        Some(action) if action.tries > 0 => {
            format!(", try {} of {}", action.tries + 1, action.attempts_max())
        }
        _ => String::new(),
    }
}

/// What an action is about.
fn subject(world: &World, action: ActionId) -> Option<String> {
    let action = world.run.as_ref()?.actions.get(&action)?;
    Some(visible(&action.effect.subject()))
}

fn doing(effect: &Effect) -> &'static str {
    match effect {
        Effect::Change(change) => match change.verb {
            Verb::Create => "creating",
            Verb::Update => "changing",
            Verb::Delete => "destroying",
        },
        Effect::Place(_) => "verifying and starting",
        Effect::Stop { .. } => "asked to stop",
        Effect::Publish(_) => "telling the router",
        Effect::Build(_) => "running the build command",
        Effect::Provision(_) => "running",
        Effect::Probe(_) => "looking",
    }
}

fn done(effect: &Effect) -> &'static str {
    match effect {
        Effect::Change(change) => match change.verb {
            Verb::Create => "created",
            Verb::Update => "changed",
            Verb::Delete => "destroyed",
        },
        Effect::Place(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Provision(_)
        | Effect::Probe(_) => "stopped",
    }
}

/// What is said of an object that is not healthy in time.
fn unhealthy(effect: &Effect, took: &str, answer: &str) -> String {
    let text = format!("{BAD}not healthy{RESET} {took}: {}", visible(answer));
    match effect {
        Effect::Probe(probe) if probe.manner.on_failure == Unhealthy::Continue => {
            format!("{text}; {WARN}taken as it is{RESET} (on_failure = \"continue\")")
        }
        _ => text,
    }
}

fn found(inquiry: &model::Inquiry) -> String {
    match inquiry {
        model::Inquiry::Found(_) => format!("{GOOD}it took effect{RESET}"),
        model::Inquiry::Absent => String::from("it is not there"),
        model::Inquiry::NotYet => String::from("it is not over yet; looking again"),
        model::Inquiry::Unclear { what } => format!("{WARN}unclear{RESET}: {}", visible(what)),
    }
}

/// A phase in words, with the share of the traffic where it has one.
pub(crate) fn phase_text(phase: &Phase, service: &str, world: &World) -> String {
    let target = world
        .services
        .get(service)
        .and_then(|state| state.rollout.as_ref())
        .map(|one| &one.target);
    match phase {
        Phase::Starting => String::from("starting new instances"),
        Phase::Step(step) => {
            let share = target
                .filter(|target| target.rollout.kind == model::RolloutKind::Canary)
                .and_then(|target| target.rollout.steps.get(*step as usize));
            match share {
                Some(share) => format!("{share}% of the requests to the new version"),
                None => format!("instance {} of the new version takes requests", step + 1),
            }
        }
        Phase::Baking => String::from("all requests to the new version; the old one stays warm"),
        Phase::Retiring => String::from("the old version finishes its requests and stops"),
        Phase::Returning { why, .. } => {
            // What follows the first line are the last lines of a log; they come with the result.
            let why = why.lines().next().unwrap_or_default();
            format!("{BAD}going back{RESET}: {}", visible(why))
        }
        Phase::Done => format!("{GOOD}the new version serves{RESET}"),
        Phase::Returned { .. } => {
            let state = world.services.get(service);
            if state.is_some_and(|state| state.live.is_some()) {
                format!("{WARN}the old version serves{RESET}")
            } else {
                format!("{WARN}nothing serves: there was no version before{RESET}")
            }
        }
    }
}

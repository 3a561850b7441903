//! One play of a scenario: the agenda is worked off, engines are fed, crashed and started again, and after everything
//! that happens the checkers look.
//!
//! `pen` is what stands between an engine and its book, `request` between an engine and the outside, `crash` is how
//! engines end and begin, `planted` is where mutants bend the truth.

mod crash;
mod pen;
mod planted;
mod request;
mod story;

pub use story::{Crashes, Fingerprint, Settings, Story};

use crate::agenda::Agenda;
use crate::check::{self, Ledger, Violation};
use crate::controller::Controller;
use crate::operator::Operator;
use crate::outside::{Attempt, Outside};
use crate::traffic::Traffic;
use crate::{Rng, Scenario};
use contract::fake::FakeProvider;
use decide::{Schemas, Watch};
use engine::Input;
use journal::memory::{MemoryDisk, SyncMode};
use model::{Effect, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Things that may happen in one play: far above what any run needs.
const HAPPENINGS_MAX: u64 = 600_000;

/// Virtual time at which every play begins.
const BEGIN_MS: i64 = 1_000_000;

/// Something on the agenda.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The disk has synced what a controller wrote.
    Synced { controller: u32, head: u64 },
    /// A mutant's acknowledgement.
    Acknowledged { controller: u32, head: u64 },
    /// A controller's clock.
    Tick { controller: u32 },
    /// A request takes effect.
    Lands(u64),
    /// Something reaches a controller.
    Reply { controller: u32, input: Box<Input> },
    /// A question about an attempt reaches the outside.
    Inquiry(Attempt, Box<Effect>),
    /// A look reaches the outside.
    Look { controller: u32, watch: Watch },
    /// A person does something.
    Operate,
    /// A person stops a run.
    Cancel(RunId),
    /// An engine is started.
    Restart,
    /// A second engine is started while the first is alive.
    Takeover,
    /// A controller that was taken over is held up no longer than this.
    Retire(u32),
    /// A client sends a request to a service.
    Arrive(&'static str),
    /// A client's request ends.
    Leave(u64),
}

impl Happening {
    /// The controller that it is for or comes from; without it nothing comes of it.
    fn controller(&self) -> Option<u32> {
        match self {
            Self::Synced { controller, .. }
            | Self::Acknowledged { controller, .. }
            | Self::Tick { controller }
            | Self::Reply { controller, .. }
            | Self::Look { controller, .. }
            | Self::Retire(controller) => Some(*controller),
            Self::Inquiry(of, _) => Some(of.controller),
            Self::Lands(_)
            | Self::Operate
            | Self::Cancel(_)
            | Self::Restart
            | Self::Takeover
            | Self::Arrive(_)
            | Self::Leave(_) => None,
        }
    }

    /// The same for a branch, in which no controller is alive.
    fn branched(&self) -> Option<Self> {
        match self {
            Self::Lands(number) => Some(Self::Lands(*number)),
            Self::Operate => Some(Self::Operate),
            Self::Cancel(run) => Some(Self::Cancel(*run)),
            Self::Restart => Some(Self::Restart),
            Self::Takeover => Some(Self::Takeover),
            Self::Arrive(service) => Some(Self::Arrive(service)),
            Self::Leave(number) => Some(Self::Leave(*number)),
            Self::Synced { .. }
            | Self::Acknowledged { .. }
            | Self::Tick { .. }
            | Self::Reply { .. }
            | Self::Inquiry(..)
            | Self::Look { .. }
            | Self::Retire(_) => None,
        }
    }
}

/// A play under way.
pub(crate) struct Trial<'s> {
    pub scenario: &'s Scenario,
    pub settings: Settings,
    pub now_ms: i64,
    pub agenda: Agenda<Happening>,
    pub draws: Rng,
    pub chaos: Rng,
    pub disk: MemoryDisk,
    pub outside: Outside,
    pub schemas: Arc<Schemas>,
    pub controllers: BTreeMap<u32, Controller>,
    pub leader: Option<u32>,
    pub ledger: Ledger,
    pub operator: Operator,
    pub traffic: Traffic,
    pub story: Story,
    /// What came of the plays that branched off so far.
    branches: Story,
    sent: check::limits::Sent,
    made: u32,
    newest_epoch: u64,
    trouble_per_mille: u64,
    crash_per_mille: u64,
}

/// Whether a controller is still there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Dead,
}

/// Plays a scenario to its end, or to the first rule that does not hold.
pub fn play(scenario: &Scenario, settings: &Settings) -> Story {
    let mut trial = Trial::new(scenario, *settings);
    trial.begin();
    trial.go_on();
    trial.story
}

impl<'s> Trial<'s> {
    fn new(scenario: &'s Scenario, settings: Settings) -> Self {
        let disk = MemoryDisk::new();
        disk.set_sync(SyncMode::Manual);
        let outside = Outside::new(scenario);
        let schemas: Schemas = [(
            FakeProvider::SOURCE.to_owned(),
            outside.provider_schema().clone(),
        )]
        .into();
        let schemas = Arc::new(schemas);
        let mut chaos = Rng::new(scenario.seed, 3);
        let trouble_per_mille = if settings.trouble {
            chaos.between(0, 400)
        } else {
            0
        };
        let crash_per_mille = chaos.between(2, 60);
        Self {
            scenario,
            settings,
            now_ms: BEGIN_MS,
            agenda: Agenda::new(Rng::new(scenario.seed, 4)),
            draws: Rng::new(scenario.seed, 5),
            chaos,
            disk,
            outside,
            schemas: schemas.clone(),
            controllers: BTreeMap::new(),
            leader: None,
            ledger: Ledger::new(schemas),
            operator: Operator::new(scenario),
            traffic: Traffic::default(),
            story: Story {
                plays: 1,
                ..Story::default()
            },
            branches: Story::default(),
            sent: check::limits::Sent::default(),
            made: 0,
            newest_epoch: 0,
            trouble_per_mille,
            crash_per_mille,
        }
    }

    /// Puts on the agenda what begins by itself.
    fn begin(&mut self) {
        self.agenda.at(self.now_ms, Happening::Restart);
        if self.scenario.delivers && !self.scenario.quiet {
            self.clients();
        }
        if self.settings.trouble && self.chaos.chance(300) {
            for _ in 0..self.chaos.between(1, 3) {
                let at_ms = self.now_ms + self.chaos.below(20_000) as i64;
                self.agenda.at(at_ms, Happening::Takeover);
            }
        }
    }

    /// The first clients of the services come.
    fn clients(&mut self) {
        self.agenda.at(self.now_ms, Happening::Arrive("s0"));
        self.agenda.at(self.now_ms, Happening::Arrive("s1"));
    }

    fn go_on(&mut self) {
        while self.story.violation.is_none() && self.branches.violation.is_none() && !self.is_over()
        {
            let Some((at_ms, happening)) = self.agenda.pop() else {
                self.violate(
                    "liveness",
                    "nothing is to come, and not everything is done".into(),
                );
                break;
            };
            self.now_ms = self.now_ms.max(at_ms);
            self.story.fingerprint.take(&self.now_ms.to_be_bytes());
            self.story.happenings += 1;
            if self.story.happenings > HAPPENINGS_MAX {
                let what = self.standing();
                self.violate("liveness", format!("more happens than ever should: {what}"));
            }
            self.happens(happening);
            if let Some(what) = self.operator.overdue(self.now_ms) {
                let standing = self.standing();
                self.violate("liveness", format!("{what}: {standing}"));
            }
        }
        self.story.entries += self.ledger.entries.len() as u64;
        self.story.virtual_ms = self.now_ms - BEGIN_MS;
        let branches = std::mem::take(&mut self.branches);
        let boundary = branches.branch;
        self.story.absorb(boundary, branches);
    }

    /// Another play that stands where this one does, except that no engine is alive: the one to crash is gone.
    fn branch(&self) -> Self {
        let outside = self.outside.copy(self.scenario);
        Self {
            scenario: self.scenario,
            settings: self.settings,
            now_ms: self.now_ms,
            agenda: self.agenda.branch(Happening::branched),
            draws: self.draws.clone(),
            chaos: self.chaos.clone(),
            disk: self.disk.copy(),
            outside,
            schemas: self.schemas.clone(),
            controllers: BTreeMap::new(),
            leader: None,
            ledger: self.ledger.clone(),
            operator: self.operator.clone(),
            traffic: self.traffic.clone(),
            story: Story {
                plays: 1,
                boundaries: self.story.boundaries,
                fingerprint: self.story.fingerprint,
                ..Story::default()
            },
            branches: Story::default(),
            sent: self.sent.clone(),
            made: self.made,
            newest_epoch: self.newest_epoch,
            trouble_per_mille: self.trouble_per_mille,
            crash_per_mille: self.crash_per_mille,
        }
    }

    /// Where the newest controller stands: for whoever must find out why nothing goes on.
    fn standing(&self) -> String {
        let Some(controller) = self.leader.and_then(|id| self.controllers.get(&id)) else {
            return "no engine is alive".into();
        };
        let live = controller.core.world().run.as_ref().map(|run| {
            let actions = run.live.iter().filter_map(|id| run.actions.get(id));
            actions
                .map(|action| (action.effect.subject(), action.stage.clone()))
                .collect::<Vec<_>>()
        });
        format!(
            "pause {:?}, wakes at {:?}, live {live:?}",
            controller.core.pause(),
            controller.core.wake_at_ms()
        )
    }

    fn is_over(&self) -> bool {
        self.operator.done && self.outside.flying.is_empty()
    }

    pub(crate) fn violate(&mut self, rule: &'static str, what: String) {
        debug_assert!(check::RULES.contains(&rule), "{rule} is no rule");
        self.trace(|| format!("VIOLATION {rule}: {what}"));
        let at_ms = self.now_ms;
        self.story
            .violation
            .get_or_insert(Violation { rule, at_ms, what });
    }

    pub(crate) fn check(&mut self, rule: &'static str, found: Option<String>) {
        if let Some(what) = found {
            self.violate(rule, what);
        }
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if self.settings.trace {
            let line = format!("{:>9} {}", self.now_ms - BEGIN_MS, line());
            self.story.trace.push(line);
        }
    }

    pub(crate) fn hit(&mut self, what: &'static str) {
        self.story.coverage.hit(what);
    }

    pub(crate) fn soon(&mut self, most_ms: u64) -> i64 {
        self.now_ms + self.draws.between(1, most_ms) as i64
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm(&mut self) {
        self.trouble_per_mille = 0;
        self.settings.trouble = false;
        if self.settings.crashes == Crashes::Random {
            self.settings.crashes = Crashes::None;
        }
        self.agenda
            .retain(|one| !matches!(one, Happening::Takeover | Happening::Cancel(_)));
        if self.scenario.quiet {
            self.clients();
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Restart => self.restart(),
            Happening::Synced { controller, head } => self.synced(controller, head),
            Happening::Acknowledged { controller, head } => {
                self.ledger.acknowledged = self.ledger.acknowledged.max(head);
                self.feed(controller, Input::Durable);
            }
            Happening::Tick { controller } => {
                if let Some(one) = self.controllers.get_mut(&controller) {
                    one.timer_ms = None;
                }
                self.feed(controller, Input::Tick);
            }
            Happening::Lands(number) => self.lands(number),
            Happening::Reply { controller, input } => self.feed(controller, *input),
            Happening::Inquiry(of, effect) => self.inquired(of, &effect),
            Happening::Look { controller, watch } => self.looked(controller, watch),
            Happening::Operate => self.operate(),
            Happening::Cancel(run) => self.cancel(run),
            Happening::Takeover => self.takeover(),
            Happening::Retire(controller) => {
                if self.leader != Some(controller) && self.controllers.remove(&controller).is_some()
                {
                    self.trace(|| format!("controller {controller} ends"));
                }
            }
            Happening::Arrive(service) => self.arrive(service),
            Happening::Leave(request) => self.leave(request),
        }
    }

    /// Something reaches a controller before long.
    fn tell(&mut self, controller: u32, most_ms: u64, input: Input) {
        let at_ms = self.soon(most_ms);
        let input = Box::new(input);
        self.agenda
            .at(at_ms, Happening::Reply { controller, input });
    }

    /// Whether nothing of an effect is left to happen when its caller is gone.
    fn is_local(&self, number: u64) -> bool {
        let flying = self.outside.flying.get(&number);
        flying.is_some_and(|one| self.outside.is_local(&one.effect))
    }

    /// Requests on their way that are of a kind.
    fn flying(&self, wanted: impl Fn(&Effect, Attempt) -> bool) -> Vec<u64> {
        let all = self.outside.flying.iter();
        all.filter(|(_, one)| wanted(&one.effect, one.of))
            .map(|(number, _)| *number)
            .collect()
    }
}

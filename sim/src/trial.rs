//! One play of a scenario: the agenda is worked off, engines are fed, crashed and started again, and after everything
//! that happens the checkers look.

use crate::agenda::Agenda;
use crate::check::{self, Ledger, Violation};
use crate::controller::{Controller, DiskBlobs, chain, reader};
use crate::operator::Operator;
use crate::outside::{Fate, Flying, Outside};
use crate::traffic::Traffic;
use crate::{Coverage, Mutant, Rng, Scenario};
use contract::Provider as _;
use contract::fake::FakeProvider;
use decide::{Entry, Schemas, Watch};
use engine::{Input, Output};
use journal::JournalError;
use journal::memory::{MemoryDisk, SyncMode};
use model::{ActionId, Answer, Effect, Event, Inquiry, Outcome, Question, RunId, RunResult, Verb};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use value::Value;

/// Things that may happen in one play: far above what any run needs.
const HAPPENINGS_MAX: u64 = 600_000;

/// Longest a sync takes, in milliseconds.
const SYNC_MS_MAX: u64 = 20;

/// Crashes in one play, after which it is left alone.
const CRASHES_MAX: u64 = 12;

/// When the engine dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    /// Never.
    None,
    /// At the n-th boundary, counted from 1.
    At(u64),
    /// Wherever the seed says.
    Random,
}

/// How a scenario is played.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When the engine dies.
    pub crashes: Crashes,
    /// Whether requests meet trouble, people interfere and a second controller takes over.
    pub trouble: bool,
    /// A planted fault.
    pub mutant: Option<Mutant>,
    /// Keeps a line for everything that happens.
    pub trace: bool,
}

/// What came of a play.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The first rule that did not hold.
    pub violation: Option<Violation>,
    /// What was hit.
    pub coverage: Coverage,
    /// Boundaries passed, each of them a place to crash at.
    pub boundaries: u64,
    /// Crashes.
    pub crashes: u64,
    /// Things that happened.
    pub happenings: u64,
    /// Entries of the book.
    pub entries: u64,
    /// Virtual time it took.
    pub virtual_ms: i64,
    /// A line for everything that happened, where asked for.
    pub trace: Vec<String>,
}

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
    /// A question reaches the outside.
    Inquiry {
        controller: u32,
        run: RunId,
        action: ActionId,
        attempt: u32,
        change: Box<model::Change>,
    },
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
    let mut trial = Trial::new(scenario, settings.clone());
    trial.run();
    trial.story
}

impl<'s> Trial<'s> {
    fn new(scenario: &'s Scenario, settings: Settings) -> Self {
        let disk = MemoryDisk::new();
        disk.set_sync(SyncMode::Manual);
        let outside = Outside::new(scenario);
        let schemas = [(
            FakeProvider::SOURCE.to_owned(),
            outside.provider.schema().clone(),
        )];
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
            now_ms: 1_000_000,
            agenda: Agenda::new(Rng::new(scenario.seed, 4)),
            draws: Rng::new(scenario.seed, 5),
            chaos,
            disk,
            outside,
            schemas: Arc::new(schemas.into()),
            controllers: BTreeMap::new(),
            leader: None,
            ledger: Ledger::default(),
            operator: Operator::new(scenario),
            traffic: Traffic::default(),
            story: Story::default(),
            sent: check::limits::Sent::default(),
            made: 0,
            newest_epoch: 0,
            trouble_per_mille,
            crash_per_mille,
        }
    }

    fn run(&mut self) {
        let began_ms = self.now_ms;
        self.agenda.at(self.now_ms, Happening::Restart);
        if self.scenario.delivers {
            self.agenda.at(self.now_ms, Happening::Arrive("s0"));
            self.agenda.at(self.now_ms, Happening::Arrive("s1"));
        }
        if self.settings.trouble && self.chaos.chance(300) {
            for _ in 0..self.chaos.between(1, 3) {
                let at_ms = self.now_ms + self.chaos.below(40_000) as i64;
                self.agenda.at(at_ms, Happening::Takeover);
            }
        }
        while self.story.violation.is_none() && !self.is_over() {
            let Some((at_ms, happening)) = self.agenda.pop() else {
                self.violate(
                    "liveness",
                    "nothing is to come, and not everything is done".into(),
                );
                break;
            };
            self.now_ms = self.now_ms.max(at_ms);
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
        if self.story.violation.is_none() {
            let blobs = DiskBlobs(self.disk.connect());
            let found = check::verdicts::again(&self.ledger, &self.schemas, &blobs);
            self.check("verdicts", found);
        }
        self.story.entries = self.ledger.entries.len() as u64;
        self.story.virtual_ms = self.now_ms - began_ms;
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
            let line = format!("{:>9} {}", self.now_ms - 1_000_000, line());
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
            Happening::Inquiry {
                controller,
                run,
                action,
                attempt,
                change,
            } => {
                let inquiry = if self.chaos.chance(self.trouble_per_mille / 3) {
                    Inquiry::NotYet
                } else {
                    self.outside.inquire(self.now_ms, action, &change)
                };
                self.trace(|| format!("inquiry into {} ({action}): {inquiry:?}", change.address));
                let at_ms = self.soon(80);
                let input = Box::new(Input::Inquired {
                    run,
                    action,
                    attempt,
                    inquiry,
                });
                self.agenda
                    .at(at_ms, Happening::Reply { controller, input });
            }
            Happening::Look { controller, watch } => {
                let mut observations = self.outside.look(&watch);
                if self.settings.mutant == Some(Mutant::DrainIgnored) {
                    forget_in_flight(&mut observations);
                }
                let at_ms = self.soon(30);
                let input = Box::new(Input::Seen {
                    watch,
                    observations: Some(observations),
                });
                self.agenda
                    .at(at_ms, Happening::Reply { controller, input });
            }
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

    /// Gives an engine its next input and does what it says.
    pub(crate) fn feed(&mut self, id: u32, input: Input) {
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        if let Input::Ended {
            action,
            outcome: Outcome::Refused { .. },
            ..
        } = &input
        {
            controller.refused.insert(*action);
        }
        let now_ms = self.now_ms + controller.skew_ms;
        if self.settings.trace
            && let Input::Ended { .. }
            | Input::Inquired { .. }
            | Input::Command { .. }
            | Input::Answered { .. } = &input
        {
            let line = format!("{input:?}");
            self.trace(|| format!("to {id}: {}", shortened(&line)));
        }
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        match controller.core.handle(now_ms, input) {
            Ok(outputs) => {
                for output in outputs {
                    if self.carry_out(id, output) == Flow::Dead || self.story.violation.is_some() {
                        return;
                    }
                }
            }
            Err(error) => return self.violate("replay folds", chain(&error)),
        }
        self.wind(id);
        self.poke_operator(id);
    }

    /// Sets a controller's clock to its next tick.
    fn wind(&mut self, id: u32) {
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        let Some(wake_ms) = controller.core.wake_at_ms() else {
            return;
        };
        let at_ms = (wake_ms - controller.skew_ms).max(self.now_ms);
        if controller.timer_ms.is_none_or(|timer_ms| timer_ms > at_ms) {
            controller.timer_ms = Some(at_ms);
            self.agenda.at(at_ms, Happening::Tick { controller: id });
        }
    }

    fn carry_out(&mut self, id: u32, output: Output) -> Flow {
        match output {
            Output::Append { entries, blobs } => return self.append(id, entries, blobs),
            Output::Perform {
                run,
                action,
                attempt,
                effect,
            } => {
                let already = self
                    .controllers
                    .get(&id)
                    .is_some_and(|one| one.sent.contains(&(action, attempt)));
                if !already {
                    return self.perform(id, run, action, attempt, effect);
                }
            }
            Output::Inquire {
                run,
                action,
                attempt,
                change,
            } => {
                if self.boundary(id, "crash before an inquiry") {
                    return Flow::Dead;
                }
                self.hit("inquiry");
                let at_ms = self.soon(80);
                if let Some(inquiry) = self.mutant_inquiry(id, action, &change) {
                    let input = Box::new(Input::Inquired {
                        run,
                        action,
                        attempt,
                        inquiry,
                    });
                    self.agenda.at(
                        at_ms,
                        Happening::Reply {
                            controller: id,
                            input,
                        },
                    );
                } else {
                    let change = Box::new(change);
                    self.agenda.at(
                        at_ms,
                        Happening::Inquiry {
                            controller: id,
                            run,
                            action,
                            attempt,
                            change,
                        },
                    );
                }
            }
            Output::Ask {
                run,
                action,
                question,
            } => {
                let answer = self.answer(&question);
                let at_ms = self.soon(40);
                let input = Box::new(Input::Answered {
                    run,
                    action,
                    answer,
                });
                self.agenda.at(
                    at_ms,
                    Happening::Reply {
                        controller: id,
                        input,
                    },
                );
            }
            Output::AskForPlan { number, question } => {
                let answer = self.answer(&question);
                let at_ms = self.soon(40);
                let input = Box::new(Input::PlanAnswered { number, answer });
                self.agenda.at(
                    at_ms,
                    Happening::Reply {
                        controller: id,
                        input,
                    },
                );
            }
            Output::Look(watch) => {
                let at_ms = self.soon(30);
                self.agenda.at(
                    at_ms,
                    Happening::Look {
                        controller: id,
                        watch,
                    },
                );
            }
        }
        Flow::On
    }

    fn mutant_inquiry(&self, id: u32, action: ActionId, change: &model::Change) -> Option<Inquiry> {
        match self.settings.mutant? {
            Mutant::LostTakenForDone => Some(Inquiry::Found(guess(change))),
            Mutant::RefusalSettlesEarlier => {
                let refused = self.controllers.get(&id)?.refused.contains(&action);
                refused.then_some(Inquiry::Absent)
            }
            _ => None,
        }
    }

    fn answer(&mut self, question: &Question) -> Answer {
        let mut answer = self.outside.ask(question);
        if let (Some(Mutant::NoSettleWindow), Answer::Plan(plan)) =
            (self.settings.mutant, &mut answer)
        {
            plan.settle_ms = 0;
        }
        answer
    }

    /// A place to crash at; says whether it does.
    fn boundary(&mut self, id: u32, what: &'static str) -> bool {
        if self.leader != Some(id) {
            return false;
        }
        self.story.boundaries += 1;
        let crash = match self.settings.crashes {
            Crashes::None => false,
            Crashes::At(boundary) => boundary == self.story.boundaries,
            Crashes::Random => {
                self.story.crashes < CRASHES_MAX && self.chaos.chance(self.crash_per_mille)
            }
        };
        if crash {
            self.hit(what);
            self.trace(|| what.to_owned());
            self.crash(id);
        }
        crash
    }

    fn append(&mut self, id: u32, entries: Vec<Entry>, blobs: Vec<Vec<u8>>) -> Flow {
        if self.boundary(id, "crash before an append") {
            return Flow::Dead;
        }
        if self.settings.trace {
            for entry in &entries {
                let line = format!("{:?}", entry.event);
                self.trace(|| format!("{id} writes {:>4} {}", entry.position, shortened(&line)));
            }
        }
        let Some(controller) = self.controllers.get_mut(&id) else {
            return Flow::Dead;
        };
        let mut epoch = controller.epoch;
        let written = spoiled(self.settings.mutant, &entries);
        let mut result = controller.write(&written, blobs.clone(), epoch);
        if let (Err(JournalError::Fenced { .. }), Some(Mutant::NoFence)) =
            (&result, self.settings.mutant)
        {
            epoch = self.newest_epoch;
            result = controller.write(&written, blobs, epoch);
        }
        let head = match result {
            Ok(head) => head.seq,
            Err(JournalError::Fenced { .. }) => return self.fenced(id),
            Err(error) => {
                self.violate("replay folds", chain(&error));
                return Flow::Dead;
            }
        };
        let own = self.controllers.get(&id).map_or(0, |one| one.epoch);
        let accepted = check::epochs::accepted(own, self.newest_epoch);
        self.check("epochs", accepted);
        if self.boundary(id, "crash before a sync") {
            return Flow::Dead;
        }
        let at_ms = self.soon(SYNC_MS_MAX);
        self.agenda.at(
            at_ms,
            Happening::Synced {
                controller: id,
                head,
            },
        );
        match self.settings.mutant {
            Some(Mutant::AcknowledgeBeforeSync) => {
                self.agenda.at(
                    self.now_ms,
                    Happening::Acknowledged {
                        controller: id,
                        head,
                    },
                );
            }
            Some(Mutant::SendBeforeDurable) => return self.send_early(id, &entries),
            _ => {}
        }
        Flow::On
    }

    fn send_early(&mut self, id: u32, entries: &[Entry]) -> Flow {
        for entry in entries {
            let Event::Intended {
                run,
                action,
                attempt,
                effect,
            } = &entry.event
            else {
                continue;
            };
            if let Some(controller) = self.controllers.get_mut(&id) {
                controller.sent.insert((*action, *attempt));
            }
            if self.perform(id, *run, *action, *attempt, effect.clone()) == Flow::Dead {
                return Flow::Dead;
            }
        }
        Flow::On
    }

    /// The book refused a controller: it stops.
    fn fenced(&mut self, id: u32) -> Flow {
        self.hit("fenced");
        self.trace(|| format!("controller {id} is fenced"));
        if self.leader == Some(id) {
            self.violate("epochs", "the newest controller was refused".into());
        }
        if self.settings.mutant == Some(Mutant::SendsWhenFenced) {
            self.agenda.at(
                self.now_ms,
                Happening::Acknowledged {
                    controller: id,
                    head: 0,
                },
            );
            return Flow::On;
        }
        self.controllers.remove(&id);
        Flow::Dead
    }

    fn synced(&mut self, id: u32, head: u64) {
        if !self.controllers.contains_key(&id) {
            return;
        }
        self.disk.sync();
        self.catch_up();
        if self.boundary(id, "crash before an acknowledgement") || self.story.violation.is_some() {
            return;
        }
        if self.settings.mutant == Some(Mutant::AcknowledgeBeforeSync) {
            return;
        }
        self.ledger.acknowledged = self.ledger.acknowledged.max(head);
        self.feed(id, Input::Durable);
        let Some(controller) = self
            .controllers
            .get(&id)
            .filter(|_| self.leader == Some(id))
        else {
            return;
        };
        let live = controller.core.world();
        if live.position == self.ledger.world.position {
            let found = check::folds::difference(live, &self.ledger.world);
            self.check("replay folds", found);
        }
    }

    /// Reads what is new in the book and looks at each entry.
    fn catch_up(&mut self) {
        let new = match self.ledger.catch_up(&reader(&self.disk)) {
            Ok(new) => new,
            Err(what) => return self.violate("replay folds", what),
        };
        let written = check::epochs::written(&self.ledger, new.len(), self.newest_epoch);
        self.check("epochs", written);
        for entry in &new {
            self.hit(kind_name(&entry.event));
            if let Event::Planned { .. } = entry.event {
                let found = check::planning::made(&self.ledger);
                self.check("planning", found);
                if self.operator.expects_nothing(&self.ledger) {
                    let found = check::planning::nothing_to_do(&self.ledger);
                    self.hit("second apply");
                    self.check("planning", found);
                }
            }
            let found = check::verdicts::judged(&self.ledger, &entry.event);
            self.check("fail closed", found);
        }
    }

    fn perform(
        &mut self,
        id: u32,
        run: RunId,
        action: ActionId,
        attempt: u32,
        effect: Effect,
    ) -> Flow {
        if self.boundary(id, "crash before a request") {
            return Flow::Dead;
        }
        let zombie = self.leader != Some(id);
        if zombie && self.outside.is_local(&effect) {
            // Two controllers on one machine: the lock of the book keeps the second one out.
            self.hit("zombie's local effect dropped");
            return Flow::On;
        }
        let found = check::intent::sent(&self.ledger, action, attempt, &effect);
        self.check("intent before effect", found);
        let found = self
            .sent
            .again(&self.ledger.world, action, attempt, &effect, self.made);
        self.check("limits", found);
        if let Effect::Change(change) = &effect {
            self.check_change(run, change, zombie);
        }
        if self.story.violation.is_some() {
            return Flow::Dead;
        }
        let mut fate = self
            .outside
            .fate(&effect, &mut self.draws, self.trouble_per_mille, zombie);
        if zombie {
            self.hit("zombie's request");
        }
        self.hit(fate.name);
        self.trace(|| {
            format!(
                "{id} sends {} attempt {attempt} ({action}): {fate:?}",
                effect.subject()
            )
        });
        let early = self.mutant_reply(&effect, &mut fate);
        let lands_ms = fate.lands_ms;
        let reply = fate.reply.clone();
        let number = self.outside.send(Flying {
            controller: id,
            run,
            action,
            attempt,
            effect,
            fate,
        });
        if let Some(after_ms) = lands_ms {
            self.agenda
                .at(self.now_ms + after_ms as i64, Happening::Lands(number));
        }
        if let Some((after_ms, outcome)) = early.map(|outcome| (1, outcome)).or(reply) {
            self.reply(number, id, after_ms, run, action, attempt, outcome);
        }
        if lands_ms.is_none() {
            self.outside.flying.remove(&number);
        }
        Flow::On
    }

    fn check_change(&mut self, run: RunId, change: &model::Change, zombie: bool) {
        let found = check::operators::sent(&self.ledger, run);
        self.check("operators", found.filter(|_| !zombie));
        let Some(active) = self
            .ledger
            .world
            .run
            .as_ref()
            .filter(|active| active.id == run && !zombie)
        else {
            return;
        };
        let version = self.scenario.version(&active.loaded.digest);
        let whole = change.verb != Verb::Delete || self.operator.stands_at(active.loaded.digest);
        let found = version
            .filter(|_| whole)
            .and_then(|version| check::order::sent(&self.ledger, version, change));
        self.check("order", found);
    }

    fn mutant_reply(&self, effect: &Effect, fate: &mut Fate) -> Option<Outcome> {
        match (self.settings.mutant?, effect) {
            (Mutant::OutcomeGuessed, Effect::Change(change)) if change.verb == Verb::Create => {
                fate.reply = Some((1, guess(change)));
                Some(guess(change))
            }
            (Mutant::PublishedBeforeInForce, Effect::Publish(table)) if table.generation > 1 => {
                let ports = self.ledger.world.route.ports.clone();
                fate.lands_ms = Some(3_000);
                let outcome = Outcome::Published {
                    generation: table.generation,
                    ports,
                };
                fate.reply = Some((1, outcome.clone()));
                Some(outcome)
            }
            _ => None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a reply says, and of what")]
    fn reply(
        &mut self,
        number: u64,
        controller: u32,
        after_ms: u64,
        run: RunId,
        action: ActionId,
        attempt: u32,
        mut outcome: Outcome,
    ) {
        match (self.settings.mutant, &outcome) {
            (Some(Mutant::UnknownIsFailure), Outcome::Unknown { .. }) => {
                let diagnostics = value::Diagnostics::new();
                outcome = Outcome::Failed {
                    diagnostics,
                    retry_after_ms: None,
                };
            }
            (Some(Mutant::RetriesWithoutEnd), Outcome::Failed { .. }) => {
                if let Some(flying) = self.outside.flying.get(&number) {
                    let (run, effect) = (flying.run, flying.effect.clone());
                    self.perform(controller, run, action, attempt, effect);
                    return;
                }
            }
            _ => {}
        }
        let at_ms = self.now_ms + after_ms.max(1) as i64;
        let input = Box::new(Input::Ended {
            run,
            action,
            attempt,
            outcome,
        });
        self.agenda
            .at(at_ms, Happening::Reply { controller, input });
    }

    fn lands(&mut self, number: u64) {
        let Some(flying) = self.outside.flying.remove(&number) else {
            return;
        };
        let outcome =
            self.outside
                .land(self.now_ms, &flying, &mut self.draws, self.settings.mutant);
        if !self.controllers.contains_key(&flying.controller) {
            self.hit("landing after a crash");
        }
        self.trace(|| {
            format!(
                "lands: {} ({}): {}",
                flying.effect.subject(),
                flying.action,
                shortened(&format!("{outcome:?}"))
            )
        });
        let found = check::repeat::landed(&self.outside.world);
        self.check("repeat", found);
        if flying.fate.reply.is_none() {
            let after_ms = self.draws.between(1, 40);
            let (id, run, action) = (flying.controller, flying.run, flying.action);
            self.reply(number, id, after_ms, run, action, flying.attempt, outcome);
        }
    }

    /// The engine dies: what was not synced may be gone, replies go nowhere, requests on their way may yet arrive.
    fn crash(&mut self, id: u32) {
        self.story.crashes += 1;
        self.controllers.remove(&id);
        self.leader = None;
        if self.disk.n_unsynced() > 0 {
            let keep = self.chaos.below(self.disk.n_unsynced() as u64 + 1);
            self.hit(if keep == 0 {
                "torn tail"
            } else {
                "unsynced tail kept"
            });
            self.disk.crash(usize::try_from(keep).unwrap_or(0));
        }
        self.disk.sync();
        let found = check::durable::after_crash(&self.ledger, &reader(&self.disk));
        self.check("durable", found);
        self.catch_up();
        let flying: Vec<u64> = self
            .outside
            .flying
            .iter()
            .filter(|(_, one)| one.controller == id)
            .map(|(number, _)| *number)
            .collect();
        for number in flying {
            let local = self
                .outside
                .flying
                .get(&number)
                .is_some_and(|one| self.outside.is_local(&one.effect));
            if self.chaos.chance(if local { 500 } else { 250 }) {
                self.outside.flying.remove(&number);
                self.hit("request lost in a crash");
            } else if local {
                self.lands(number);
            }
        }
        let longest_ms = if self.chaos.chance(200) {
            60_000
        } else {
            2_000
        };
        let at_ms = self.now_ms + self.chaos.between(1, longest_ms) as i64;
        self.agenda.at(at_ms, Happening::Restart);
    }

    fn restart(&mut self) {
        if self.leader.is_some() {
            return;
        }
        let skew_ms = if self.settings.trouble {
            self.chaos.below(20_000) as i64 - 10_000
        } else {
            0
        };
        let mutant = self.settings.mutant;
        let spoil = |world: &mut decide::World| spoil(mutant, world);
        let found = decide_fold(self);
        self.check("replay folds", found);
        let opened = Controller::open(
            &self.disk,
            self.schemas.clone(),
            self.now_ms + skew_ms,
            skew_ms,
            spoil,
        );
        let (controller, mut input) = match opened {
            Ok(opened) => opened,
            Err(what) => return self.violate("replay folds", what),
        };
        let found = (controller.epoch <= self.newest_epoch)
            .then(|| format!("epoch {} again", controller.epoch));
        self.check("epochs", found);
        self.newest_epoch = controller.epoch;
        if let (Some(Mutant::StopIsCompletion), Some(run), Input::Record(events, _)) =
            (mutant, &controller.core.world().run, &mut input)
        {
            let result = RunResult::succeeded(BTreeMap::new());
            events.push(Event::Closed {
                run: run.id,
                result,
            });
        }
        self.made += 1;
        let id = self.made;
        self.trace(|| {
            format!(
                "controller {id} starts with epoch {}",
                self_epoch(&controller)
            )
        });
        self.controllers.insert(id, controller);
        self.leader = Some(id);
        self.feed(id, input);
    }

    /// A second controller takes the book over while the first is alive and does not know it yet.
    fn takeover(&mut self) {
        let Some(old) = self.leader.take() else {
            return;
        };
        self.hit("takeover");
        self.trace(|| format!("controller {old} is taken over"));
        self.disk.sync();
        self.catch_up();
        let stall_ms = (self.scenario.settle_ms / 4).max(1);
        let until_ms = self.now_ms + self.chaos.between(1, stall_ms) as i64;
        self.agenda.at(until_ms, Happening::Retire(old));
        // A takeover on a machine where effects are synchronous begins when the first process is gone.
        let flying: BTreeSet<u64> = self.outside.flying.keys().copied().collect();
        for number in flying {
            let local = self
                .outside
                .flying
                .get(&number)
                .is_some_and(|one| self.outside.is_local(&one.effect));
            if local {
                self.lands(number);
            }
        }
        self.restart();
    }
}

/// Folds the whole book anew and compares that with what was folded as it grew.
fn decide_fold(trial: &Trial<'_>) -> Option<String> {
    match engine::world(
        &reader(&trial.disk),
        crate::ENVIRONMENT,
        Some(&crate::controller::secrets()),
    ) {
        Ok((world, _)) => check::folds::difference(&world, &trial.ledger.world),
        Err(error) => Some(chain(&error)),
    }
}

fn self_epoch(controller: &Controller) -> u64 {
    controller.epoch
}

/// What a mutant writes instead.
fn spoiled(mutant: Option<Mutant>, entries: &[Entry]) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    match mutant {
        Some(Mutant::VerdictFlipped) => {
            for entry in &mut entries {
                if let Event::Judged { verdict, .. } = &mut entry.event {
                    *verdict = model::Verdict::Good;
                }
            }
        }
        Some(Mutant::OrderNotRecorded) => {
            entries.retain(|entry| !matches!(entry.event, Event::Commanded { .. }))
        }
        _ => {}
    }
    entries
}

/// What a mutant forgets at a restart.
fn spoil(mutant: Option<Mutant>, world: &mut decide::World) {
    match mutant {
        Some(Mutant::VerdictDropped) => {
            world.quarantine.clear();
            for service in world.services.values_mut() {
                if let Some(rollout) = &mut service.rollout {
                    rollout.score = decide::gate::Score::default();
                }
            }
        }
        Some(Mutant::LostIntentsIgnored) => {
            if let Some(run) = &mut world.run {
                run.actions
                    .retain(|_, action| action.stage != decide::Stage::Open);
                let left: BTreeSet<ActionId> = run.actions.keys().copied().collect();
                run.live.retain(|id| left.contains(id));
            }
        }
        _ => {}
    }
}

/// What a mutant takes for the outcome of a change.
fn guess(change: &model::Change) -> Outcome {
    let object = change.planned.as_ref().map(|planned| {
        let mut entries = planned.entries().cloned().unwrap_or_default();
        for value in entries.values_mut() {
            if !value.is_known() {
                *value = Value::string("guessed");
            }
        }
        Value::object(entries)
    });
    Outcome::Changed {
        object,
        private: Vec::new(),
        diagnostics: value::Diagnostics::new(),
    }
}

fn forget_in_flight(observations: &mut [model::Observation]) {
    for observation in observations {
        if let model::Observation::Counts(counts) = observation {
            counts.arms.iter_mut().for_each(|arm| arm.in_flight.clear());
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(260).collect()
}

fn kind_name(event: &Event) -> &'static str {
    match event {
        Event::Opened { .. } => "entry.opened",
        Event::Started { .. } => "entry.started",
        Event::Submitted { .. } => "entry.submitted",
        Event::Answered { .. } => "entry.answered",
        Event::Planned { .. } => "entry.planned",
        Event::Commanded { .. } => "entry.commanded",
        Event::Intended {
            effect: Effect::Change(_),
            attempt: 1,
            ..
        } => "entry.intended change",
        Event::Intended {
            effect: Effect::Change(_),
            ..
        } => "entry.intended change again",
        Event::Intended {
            effect: Effect::Place(_),
            ..
        } => "entry.intended place",
        Event::Intended {
            effect: Effect::Stop { .. },
            ..
        } => "entry.intended stop",
        Event::Intended {
            effect: Effect::Publish(_),
            ..
        } => "entry.intended publish",
        Event::Intended {
            effect: Effect::Build(_),
            ..
        } => "entry.intended build",
        Event::Finished { .. } => "entry.finished",
        Event::Inquired { .. } => "entry.inquired",
        Event::Retried { .. } => "entry.retried",
        Event::Parked { .. } => "entry.parked",
        Event::Observed(_) => "entry.observed",
        Event::Phased { .. } => "entry.phased",
        Event::Judged { .. } => "entry.judged",
        Event::Released { .. } => "entry.released",
        Event::Replanned { .. } => "entry.replanned",
        Event::Targeted { .. } => "entry.targeted",
        Event::Checked { .. } => "entry.checked",
        Event::Closed { .. } => "entry.closed",
    }
}

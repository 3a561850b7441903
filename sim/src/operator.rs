//! The person at the keyboard: asks for one thing after the other, approves plans, answers questions truthfully, and
//! sometimes interferes.

mod take_back;

use crate::check::{self, Ledger};
use crate::outside::Broken;
use crate::passes::Passes;
use crate::trial::{Crashes, Happening, Trial};
use crate::{FAILS, Request, Scenario};
use contract::Provider as _;
use engine::{Input, Pause, unmarked_change};
use model::{
    ActionId, Change, Command, Digest, Effect, Event, Inquiry, Outcome, PlanMode, RunId, RunKind,
    RunOptions, RunResult, Verb,
};
use std::collections::BTreeSet;
use value::{Diagnostics, Value};

/// Longest a run may last, in virtual milliseconds, whatever goes wrong.
const RUN_MS_MAX: i64 = 3 * 3_600_000;

/// Longest a run may last when nothing goes wrong any more.
const CALM_RUN_MS_MAX: i64 = 3_600_000;

/// How often the last request is repeated in calm until it succeeds.
const FINALE_TRIES_MAX: u32 = 4;

/// What a person wants and knows.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    requests: Vec<Request>,
    pub(crate) next: usize,
    /// Passes between the requests.
    pub(crate) passes: Passes,
    waiting: bool,
    /// Nothing goes wrong any more: the last request is repeated until it has succeeded twice.
    finale: bool,
    tries: u32,
    succeeded: u32,
    pub(crate) asked_ms: i64,
    /// What the last run made the world be; none when it is not known.
    stands: Option<(Digest, PlanMode)>,
    /// Somebody changed the world behind everybody's back.
    pub(crate) drifted: bool,
    /// What stood before the run under way, where that is known for certain.
    earlier: Option<take_back::Earlier>,
    /// Orders given, and how many of them belong to runs that are over.
    orders: Vec<Command>,
    n_orders_past: usize,
    calm: bool,
    /// A good version served when the run was asked for: only then is there anything to judge a new one by.
    compares: bool,
    pub(crate) done: bool,
}

impl Operator {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            requests: scenario.requests.clone(),
            next: 0,
            passes: Passes::new(scenario),
            waiting: false,
            finale: false,
            tries: 0,
            succeeded: 0,
            asked_ms: i64::MAX,
            stands: None,
            drifted: false,
            earlier: None,
            orders: Vec::new(),
            n_orders_past: 0,
            calm: true,
            compares: false,
            done: false,
        }
    }

    /// Whether nothing goes wrong but what the play itself does.
    pub(crate) fn is_calm(&self) -> bool {
        self.calm
    }

    fn run(&self) -> RunId {
        RunId(self.next as u64 + 1)
    }

    /// Every order given so far.
    pub(crate) fn given(&self) -> &[Command] {
        &self.orders
    }

    /// After the run under way only the last thing is asked for.
    pub(crate) fn soon_over(&mut self) {
        if !self.finale {
            self.requests.truncate(self.next + 1);
        }
    }

    /// Whether the last run succeeded in making the world what this release says.
    pub(crate) fn stands_at(&self, digest: Digest) -> bool {
        self.stands == Some((digest, PlanMode::Normal))
    }

    /// Whether the plan just made must be empty.
    pub(crate) fn expects_nothing(&self, ledger: &Ledger) -> bool {
        let Some(run) = &ledger.world().run else {
            return false;
        };
        !self.drifted && self.stands == Some((run.loaded.digest, run.options.mode))
    }

    /// What takes too long.
    pub(crate) fn overdue(&self, now_ms: i64) -> Option<String> {
        let most_ms = if self.finale {
            CALM_RUN_MS_MAX
        } else {
            RUN_MS_MAX
        };
        let late = !self.done && now_ms.saturating_sub(self.asked_ms) > most_ms;
        late.then(|| format!("run {} is not over after {most_ms} ms", self.run()))
    }
}

impl Trial<'_> {
    /// The person looks up when an engine waits for something.
    pub(crate) fn poke_operator(&mut self, id: u32) {
        if self.leader != Some(id) || self.operator.waiting || self.operator.done {
            return;
        }
        let waits = self
            .controllers
            .get(&id)
            .is_some_and(|one| !one.core.is_writing() && one.core.pause().is_some());
        if waits {
            self.operator.waiting = true;
            let at_ms = self.soon(300);
            self.agenda.at(at_ms, Happening::Operate);
        }
    }

    pub(crate) fn operate(&mut self) {
        self.operator.waiting = false;
        let Some(id) = self.leader else { return };
        let Some(controller) = self.controllers.get(&id) else {
            return;
        };
        if controller.core.is_writing() {
            return;
        }
        match controller.core.pause() {
            None => {}
            Some(Pause::Over(_)) => self.next_request(id),
            Some(Pause::AwaitsApproval { run, plan }) => {
                self.hit("pause.approval");
                if self.settings.trouble && self.chaos.chance(50) {
                    self.order(
                        id,
                        Command::Approve {
                            run,
                            plan: Digest([7; 32]),
                        },
                    );
                }
                self.order(id, Command::Approve { run, plan });
            }
            Some(Pause::Parked { run, questions }) => {
                self.hit("pause.parked");
                self.resolve(id, run, &questions);
            }
            Some(Pause::LowSpace) => {
                self.hit("pause.low space");
                self.feed(id, Input::LowSpace(false));
            }
        }
    }

    fn order(&mut self, id: u32, command: Command) {
        self.operator.orders.push(command.clone());
        self.feed(
            id,
            Input::Command {
                actor: "ada".into(),
                command,
            },
        );
    }

    pub(crate) fn cancel(&mut self, run: RunId) {
        if let Some(id) = self.leader {
            self.hit("order.cancel");
            self.order(id, Command::Cancel { run });
        }
    }

    /// Answers the first question about which nothing is on its way any more, with the truth.
    fn resolve(&mut self, id: u32, run: RunId, questions: &[(ActionId, String)]) {
        let flying = |action: ActionId| {
            self.outside
                .flying
                .values()
                .any(|one| one.of.action == action)
        };
        let Some((action, _)) = questions.iter().find(|(action, _)| !flying(*action)) else {
            self.operator.waiting = true;
            let at_ms = self.soon(1_000);
            self.agenda.at(at_ms, Happening::Operate);
            return;
        };
        let effect = self
            .ledger
            .world()
            .run
            .as_ref()
            .and_then(|run| run.actions.get(action))
            .map(|action| action.effect.clone());
        let inquiry = match effect {
            Some(Effect::Change(change)) => self.truth(*action, &change),
            Some(Effect::Provision(_)) => self.outside.provisioners.look(*action),
            other => return self.violate("limits", format!("a person is asked about {other:?}")),
        };
        self.order(
            id,
            Command::Resolve {
                run,
                action: *action,
                inquiry,
            },
        );
    }

    /// What became of a change: a person looks at the outside itself.
    fn truth(&self, action: ActionId, change: &Change) -> Inquiry {
        let (change, sensitive) = unmarked_change(change, self.outside.provider.schema());
        let found = match change.verb {
            Verb::Create => {
                let mut all = self.outside.world.objects().into_iter();
                let made = all.find(|object| object.made_by == action);
                made.map_or(Inquiry::Absent, |object| {
                    Inquiry::Found(changed(Some(object.value)))
                })
            }
            Verb::Update | Verb::Delete => match self.outside.provider.look(action, &change) {
                Inquiry::Unclear { .. } => Inquiry::Absent,
                clear => clear,
            },
        };
        sensitive.inquiry(found)
    }

    /// No run is under way: looks how the last one ended and asks for the next thing.
    fn next_request(&mut self, id: u32) {
        let run = self.operator.run();
        let ended = self
            .ledger
            .world()
            .runs
            .iter()
            .find(|one| one.id == run)
            .map(|one| one.result.clone());
        if let Some(result) = ended {
            self.ended(&result);
            self.operator.next += 1;
            self.build_again(&result);
            self.take_back_next(run, &result);
        }
        if self.operator.next >= self.operator.requests.len() {
            self.finale();
        }
        if self.operator.done || self.story.violation.is_some() {
            return;
        }
        if self.scenario.passes && !self.operator.finale && self.pass(id) {
            return;
        }
        if self.story.violation.is_some() {
            return;
        }
        if self.settings.trouble {
            self.interfere(id);
        }
        self.submit(id);
    }

    fn submit(&mut self, id: u32) {
        let run = self.operator.run();
        let Some(request) = self.operator.requests.get(self.operator.next).cloned() else {
            return;
        };
        let Some(version) = self.scenario.versions.get(request.version) else {
            return;
        };
        let options = RunOptions {
            mode: request.mode,
            refresh: request.refresh || self.operator.finale,
            parallelism: request.parallelism,
            seed: self.scenario.seed ^ run.0,
            auto_approve: request.auto_approve,
            environment: crate::ENVIRONMENT.into(),
            ..RunOptions::default()
        };
        let plain = (version.digest, version.bytes.clone(), options.clone());
        let taking_back = request
            .takes_back
            .and_then(|of| self.taking_back(of, options));
        let (release, bytes, options) = taking_back.unwrap_or(plain);
        if request.takes_back.is_none() {
            self.note_earlier();
        }
        if request.kind == RunKind::Deploy
            && self.ledger.world().quarantine.contains_key(&release)
            && self.operator.finale
        {
            self.order(id, Command::LiftQuarantine { release });
            if self.leader != Some(id) {
                return;
            }
        }
        let event = Event::Submitted {
            run,
            kind: request.kind,
            release,
            actor: "ada".into(),
            options,
        };
        self.operator.asked_ms = self.now_ms;
        let services = &self.ledger.world().services;
        self.operator.compares = version.bad.iter().any(|name| {
            let live = services.get(name).and_then(|service| service.live.as_ref());
            let whole = self.outside.runtime.instances().iter().all(|one| {
                one.service != *name || !self.outside.broken.contains_key(&one.instance)
            });
            whole
                && live.is_some_and(|live| {
                    !self.outside.rotten.contains(&live.version)
                        && live.env.get(FAILS).is_some_and(|fails| fails == "0")
                })
        });
        self.operator.calm = !self.settings.trouble && self.settings.crashes != Crashes::Random;
        self.trace(|| format!("run {run}: {request:?}"));
        self.feed(id, Input::Record(vec![event], vec![bytes]));
        if self.settings.trouble && self.chaos.chance(60) {
            let at_ms = self.now_ms + self.chaos.between(1, 5_000) as i64;
            self.agenda.at(at_ms, Happening::Cancel(run));
        }
    }

    /// Nothing can be deployed before it is built.
    fn build_again(&mut self, result: &RunResult) {
        let before = self.operator.requests.get(self.operator.next - 1).cloned();
        let Some(before) = before.filter(|before| before.kind == RunKind::Build) else {
            return;
        };
        if !matches!(result, RunResult::Succeeded { .. }) {
            self.operator.requests.insert(self.operator.next, before);
        }
    }

    /// Things people do.
    fn interfere(&mut self, id: u32) {
        if self.chaos.chance(60) {
            let objects = self.outside.world.objects();
            if let Some(object) = self.chaos.pick(&objects).cloned() {
                self.operator.drifted = true;
                if self.chaos.chance(700) {
                    self.hit("drift.changed");
                    self.outside
                        .world
                        .drift(&object.id, "size", Value::number(7_777));
                } else {
                    self.hit("drift.removed");
                    self.outside.world.remove(&object.id);
                }
            }
        }
        if self.chaos.chance(100) {
            self.break_instances();
        }
        if self.chaos.chance(50) {
            self.hit("order.too late");
            let run = RunId(self.operator.next as u64);
            self.order(id, Command::Cancel { run });
        }
        if self.chaos.chance(50) {
            self.hit("low space");
            self.feed(id, Input::LowSpace(true));
        }
    }

    /// Between runs an instance ends, or answers no health check any more: one of them, or all of a service, and then
    /// perhaps their version will never run again.
    fn break_instances(&mut self) {
        let all = self.outside.runtime.instances();
        let Some(one) = self.chaos.pick(&all).cloned() else {
            return;
        };
        let alone = self.chaos.chance(300);
        let (how, what) = if self.chaos.chance(700) {
            (Broken::Ended, "instance.ended")
        } else {
            (Broken::Sick, "instance.sick")
        };
        if !alone && how == Broken::Ended && self.chaos.chance(500) {
            self.hit("version.rotten");
            self.outside.rotten.insert(one.version);
        }
        for spec in all {
            let is_meant = if alone {
                spec.instance == one.instance
            } else {
                spec.service == one.service
            };
            if is_meant {
                self.trace(|| format!("{} breaks: {how:?}", spec.instance));
                self.hit(what);
                self.outside.break_instance(&spec.instance, how);
            }
        }
    }

    /// What shall run gets well, and can run again: no deployment makes it so. Where nobody knows yet what a release
    /// runs, everything does.
    fn heal(&mut self, release: Digest) {
        let targets = self.ledger.entries.iter().filter_map(|entry| {
            let Event::Targeted { target, .. } = &entry.event else {
                return None;
            };
            (target.release == release).then_some(target.version)
        });
        let own: BTreeSet<model::Version> = targets.collect();
        let is_meant = |version: &model::Version| own.is_empty() || own.contains(version);
        self.outside.rotten.retain(|version| !is_meant(version));
        for spec in self.outside.runtime.instances() {
            let is_sick = self.outside.broken.get(&spec.instance) == Some(&Broken::Sick);
            if is_sick && is_meant(&spec.version) {
                self.outside.runtime.set_healthy(&spec.instance, true);
                self.outside.broken.remove(&spec.instance);
            }
        }
    }

    /// A run is over.
    fn ended(&mut self, result: &RunResult) {
        let Some(request) = self.operator.requests.get(self.operator.next).cloned() else {
            return;
        };
        self.trace(|| format!("run {} ended: {result:?}", self_run(&request)));
        let mut obeyed = None;
        self.hit(match result {
            RunResult::Succeeded { .. } => "run.succeeded",
            RunResult::Failed { .. } => "run.failed",
            RunResult::Returned { .. } => "run.returned",
            RunResult::Cancelled => "run.cancelled",
        });
        // Only an order that an engine lived to obey must be in the book; a crash or a takeover may come before.
        if self.story.crashes == 0 && !self.settings.trouble {
            let new = self
                .operator
                .orders
                .iter()
                .skip(self.operator.n_orders_past);
            obeyed = new
                .filter_map(|order| check::operators::obeyed(&self.ledger, order))
                .next();
        }
        self.operator.n_orders_past = self.operator.orders.len();
        self.check("operators", obeyed);
        if self.operator.calm {
            self.calm_result(&request, result);
        }
        let succeeded = matches!(result, RunResult::Succeeded { .. });
        let Some(version) = self.scenario.versions.get(request.version) else {
            return;
        };
        if request.takes_back.is_some() {
            self.taken_back(succeeded);
        } else if request.kind != RunKind::Build {
            self.operator.stands = succeeded.then_some((version.digest, request.mode));
            if succeeded && (request.refresh || self.operator.finale) {
                self.operator.drifted = false;
            }
        }
        let flying = self
            .outside
            .flying
            .values()
            .any(|one| matches!(one.effect, Effect::Change(_)));
        if !self.operator.drifted && !flying {
            let found = check::converges::agree(&self.ledger, &self.outside.world);
            self.check("converges", found);
            let provisioners = &self.outside.provisioners;
            let found = check::converges::provisioned(&self.ledger, provisioners);
            self.check("converges", found);
            if succeeded && request.kind != RunKind::Build && request.takes_back.is_none() {
                let version = (request.mode == PlanMode::Normal).then_some(version);
                let found = check::converges::reached(&self.ledger, version);
                self.check("converges", found);
            }
        }
        if self.outside.flying.is_empty() {
            let found = check::converges::delivered(
                &self.ledger,
                &self.outside.runtime,
                &self.outside.router,
            );
            self.check("converges", found);
        }
        self.delivered(&request, succeeded);
        if self.operator.finale {
            self.operator.tries += 1;
            self.operator.succeeded += u32::from(succeeded);
        }
    }

    fn delivered(&mut self, request: &Request, succeeded: bool) {
        let Some(version) = self.scenario.versions.get(request.version) else {
            return;
        };
        match request.kind {
            RunKind::Build if succeeded => {
                let made = self.ledger.world().released.last().copied();
                let wanted = self.scenario.versions.get(1).map(|version| version.digest);
                let found = (made != wanted).then(|| "the build made another release".to_owned());
                self.check("converges", found);
            }
            RunKind::Deploy if succeeded => {
                let services = &self.ledger.world().services;
                let other = services.iter().find(|(_, service)| {
                    service.rollout.is_some()
                        || service
                            .live
                            .as_ref()
                            .is_none_or(|live| live.release != version.digest)
                });
                let found = other.map(|(name, _)| format!("{name} is not what was deployed"));
                self.check("converges", found);
                let found = self
                    .operator
                    .compares
                    .then(|| "a bad version was accepted".to_owned());
                self.check("verdicts", found);
            }
            RunKind::Build | RunKind::Deploy | RunKind::Apply | RunKind::Stop => {}
        }
    }

    /// Without trouble there is only one way for a run to end.
    fn calm_result(&mut self, request: &Request, result: &RunResult) {
        let good = self
            .scenario
            .versions
            .get(request.version)
            .is_some_and(|version| version.bad.is_empty());
        let again = self.operator.next > 0 && {
            let before = self.operator.requests.get(self.operator.next - 1);
            before.is_some_and(|before| {
                before.version == request.version && before.kind == RunKind::Deploy
            })
        };
        let expected = match result {
            RunResult::Succeeded { .. } => good,
            RunResult::Returned { .. } => request.kind == RunKind::Deploy && !good && !again,
            RunResult::Failed { .. } => request.kind == RunKind::Deploy && !good && again,
            RunResult::Cancelled => false,
        };
        if !expected {
            self.violate("converges", format!("{request:?} ended with {result:?}"));
        }
    }

    /// Everything was asked for. From now on nothing goes wrong, and the last thing must succeed.
    fn finale(&mut self) {
        if !self.operator.finale {
            self.operator.finale = true;
            self.calm();
        }
        if self.operator.succeeded >= 2 {
            self.operator.done = true;
            return;
        }
        if self.operator.tries >= FINALE_TRIES_MAX {
            self.violate(
                "liveness",
                "nothing goes wrong any more, and still the last request does not succeed".into(),
            );
            return;
        }
        if let Some(mut last) = self.scenario.requests.last().cloned() {
            last.auto_approve = true;
            if let Some(version) = self.scenario.versions.get(last.version) {
                self.heal(version.digest);
            }
            self.operator.requests.push(last);
        }
    }
}

fn self_run(request: &Request) -> String {
    format!("{:?} of version {}", request.kind, request.version)
}

fn changed(object: Option<Value>) -> Outcome {
    Outcome::Changed {
        object,
        private: Vec::new(),
        diagnostics: Diagnostics::new(),
    }
}

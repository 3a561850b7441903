//! Requests on their way: when they take effect, when the reply comes, and what goes wrong with them.

use crate::{Mutant, Rng, Scenario};
use contract::fake::{
    FakeArtifacts, FakeProbes, FakeProvider, FakeProvisioners, FakeRouter, FakeRuntime, FakeWorld,
    Fault,
};
use contract::{Artifacts as _, Provider as _, Router as _, Runtime as _};
use decide::Watch;
use engine::{unmarked_change, unmarked_question};
use model::{
    ActionId, Answer, Change, Effect, Inquiry, InstanceId, Observation, OpenQuestion, Outcome,
    ProviderSchema, Question, RunId, Verb, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use value::{Diagnostic, Diagnostics, Value};

/// Longest a reply takes when nothing is wrong, in milliseconds.
const LATENCY_MS_MAX: u64 = 80;

/// When a call that hangs is given up.
const WATCHDOG_MS: u64 = 60_000;

/// Everything foreign.
pub(crate) struct Outside {
    pub world: FakeWorld,
    pub provider: FakeProvider,
    pub runtime: FakeRuntime,
    pub router: FakeRouter,
    pub artifacts: FakeArtifacts,
    /// What runs provisioners.
    pub provisioners: FakeProvisioners,
    /// What looks at the health of objects.
    pub probes: FakeProbes,
    pub flying: BTreeMap<u64, Flying>,
    /// Instances that somebody broke.
    pub broken: BTreeMap<InstanceId, Broken>,
    /// Versions that cannot run any more, though they once did: what they need is gone.
    pub rotten: BTreeSet<Version>,
    settle_ms: u64,
    sent: u64,
    /// Until when a new object cannot be found.
    hidden: BTreeMap<ActionId, i64>,
}

/// How an instance is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its process has ended.
    Ended,
    /// It answers requests and no health check.
    Sick,
}

/// Who tries what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub controller: u32,
    pub run: RunId,
    pub action: ActionId,
    pub attempt: u32,
}

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Flying {
    pub of: Attempt,
    pub effect: Effect,
    pub fate: Fate,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    pub name: &'static str,
    /// When it takes effect, in milliseconds from now; never if none.
    pub lands_ms: Option<u64>,
    /// It takes effect by half.
    pub half: bool,
    /// What is said of it so many milliseconds from now; if none, the truth when it has landed.
    pub reply: Option<(u64, Outcome)>,
}

impl Fate {
    /// A reply that does not wait for the effect.
    fn said(name: &'static str, lands_ms: Option<u64>, at_ms: u64, outcome: Outcome) -> Self {
        Self {
            name,
            lands_ms,
            half: false,
            reply: Some((at_ms, outcome)),
        }
    }
}

fn trouble(what: &str) -> Diagnostics {
    Diagnostic::error("SIM", what, "the seed asked for it").into()
}

fn unknown() -> Outcome {
    Outcome::Unknown {
        why: "the reply was lost".into(),
    }
}

impl Outside {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let world = FakeWorld::new();
        let artifacts = FakeArtifacts::new();
        artifacts.set_source("./web", b"fn main() {}");
        Self {
            provider: scenario.provider(world.clone()),
            world,
            runtime: FakeRuntime::new().healthy_after(2),
            router: FakeRouter::new(),
            artifacts,
            provisioners: FakeProvisioners::new(),
            probes: FakeProbes::new(),
            flying: BTreeMap::new(),
            broken: BTreeMap::new(),
            rotten: BTreeSet::new(),
            settle_ms: scenario.settle_ms,
            sent: 0,
            hidden: BTreeMap::new(),
        }
    }

    /// An outside of its own that begins as this one stands.
    pub(crate) fn copy(&self, scenario: &Scenario) -> Self {
        let world = self.world.copy();
        Self {
            provider: scenario.provider(world.clone()),
            world,
            runtime: self.runtime.copy(),
            router: self.router.copy(),
            artifacts: self.artifacts.copy(),
            provisioners: self.provisioners.copy(),
            // Nobody makes anything ill: one for all is as good.
            probes: self.probes.clone(),
            flying: self.flying.clone(),
            broken: self.broken.clone(),
            rotten: self.rotten.clone(),
            settle_ms: self.settle_ms,
            sent: self.sent,
            hidden: self.hidden.clone(),
        }
    }

    /// Breaks an instance.
    pub(crate) fn break_instance(&mut self, instance: &InstanceId, how: Broken) {
        match how {
            Broken::Ended => self.runtime.crash(instance),
            Broken::Sick => self.runtime.set_healthy(instance, false),
        };
        self.broken.insert(instance.clone(), how);
    }

    /// What the provider has.
    pub(crate) fn provider_schema(&self) -> &ProviderSchema {
        self.provider.schema()
    }

    /// Whether what an effect does is over when its caller is: nothing of it takes effect after a crash.
    pub(crate) fn is_local(&self, effect: &Effect) -> bool {
        self.settle_ms == 0 || !matches!(effect, Effect::Change(_))
    }

    /// Draws what becomes of a request. `trouble_per_mille` of them meet trouble; `late` ones come from a controller
    /// that was held up, so less of the settle window is left; those that come `again` are refused more often, which
    /// says nothing of the earlier ones.
    pub(crate) fn fate(
        &self,
        effect: &Effect,
        rng: &mut Rng,
        trouble_per_mille: u64,
        late: bool,
        again: bool,
    ) -> Fate {
        let soon = rng.between(1, LATENCY_MS_MAX);
        let fine = Fate {
            name: "fate.fine",
            lands_ms: Some(soon),
            half: false,
            reply: None,
        };
        if !rng.chance(trouble_per_mille) {
            return fine;
        }
        self.trouble(effect, rng, fine, soon, late, again)
    }

    /// What goes wrong with a request that would land and be answered `soon`.
    fn trouble(
        &self,
        effect: &Effect,
        rng: &mut Rng,
        fine: Fate,
        soon: u64,
        late: bool,
        again: bool,
    ) -> Fate {
        let local = self.is_local(effect);
        let window = if late {
            self.settle_ms / 2
        } else {
            self.settle_ms
        };
        let slowly = if local {
            soon
        } else {
            rng.between(1, window.max(1))
        };
        let noticed = rng
            .between(soon, LATENCY_MS_MAX * 4)
            .max(if local { soon } else { 0 });
        let failed = |rng: &mut Rng| {
            let outcome = Outcome::Failed {
                diagnostics: trouble("failed"),
                retry_after_ms: rng.chance(200).then(|| rng.between(1, 5_000)),
            };
            Fate::said("fate.failed", None, soon, outcome)
        };
        match rng.below(20) {
            0..=1 => failed(rng),
            2..=4 if !again => failed(rng),
            2..=5 => {
                let diagnostics = trouble("refused");
                Fate::said("fate.refused", None, soon, Outcome::Refused { diagnostics })
            }
            6..=9 => Fate::said("fate.reply lost", Some(slowly), noticed, unknown()),
            10..=13 => Fate::said("fate.request lost", None, noticed, unknown()),
            14 => {
                let lands_ms = rng.chance(500).then_some(slowly);
                Fate::said("fate.hangs", lands_ms, WATCHDOG_MS, unknown())
            }
            15 if matches!(effect, Effect::Change(change) if change.verb != Verb::Delete) => Fate {
                name: "fate.half",
                half: true,
                ..fine
            },
            _ => Fate {
                name: "fate.slow",
                lands_ms: Some(slowly.min(WATCHDOG_MS)),
                ..fine
            },
        }
    }

    /// Sends a request; its number.
    pub(crate) fn send(&mut self, flying: Flying) -> u64 {
        self.sent += 1;
        self.flying.insert(self.sent, flying);
        self.sent
    }

    /// A request takes effect.
    pub(crate) fn land(
        &mut self,
        now_ms: i64,
        flying: &Flying,
        rng: &mut Rng,
        mutant: Option<Mutant>,
    ) -> Outcome {
        match &flying.effect {
            Effect::Change(change) => self.land_change(now_ms, flying, change, rng, mutant),
            Effect::Place(spec) => match crate::ready(self.artifacts.unpack(&spec.artifact)) {
                Some(Ok(_)) => {
                    let outcome = self.runtime.land_place(spec);
                    if self.rotten.contains(&spec.version) {
                        self.break_instance(&spec.instance, Broken::Ended);
                    }
                    outcome
                }
                _ => Outcome::Refused {
                    diagnostics: trouble("no such artifact"),
                },
            },
            Effect::Stop { instance, .. } => self.runtime.land_stop(instance),
            Effect::Publish(table) => self.router.land(table),
            Effect::Build(spec) => self.artifacts.land(spec),
            Effect::Provision(provision) => self.provisioners.land(flying.of.action, provision),
            Effect::Probe(probe) => match self.probes.see(probe) {
                // What is only half done is not healthy in time.
                Ok(sight) if sight.healthy && !flying.fate.half => Outcome::Healthy {
                    answer: sight.answer,
                },
                Ok(sight) => Outcome::Unhealthy {
                    diagnostics: trouble(&sight.answer),
                    answer: sight.answer,
                },
                Err(diagnostics) => Outcome::Refused { diagnostics },
            },
        }
    }

    fn land_change(
        &mut self,
        now_ms: i64,
        flying: &Flying,
        change: &Change,
        rng: &mut Rng,
        mutant: Option<Mutant>,
    ) -> Outcome {
        let of = flying.of;
        if change.verb == Verb::Create {
            let taken_ms = flying.fate.lands_ms.unwrap_or(0);
            let left = self.settle_ms.saturating_sub(taken_ms) / 4;
            let hidden = if self.settle_ms == 0 {
                0
            } else {
                rng.below(left + 1)
            };
            self.hidden.insert(of.action, now_ms + hidden as i64);
        }
        let key = match mutant {
            Some(Mutant::NewKeyPerAttempt) => ActionId(of.action.0 ^ u64::from(of.attempt - 1)),
            _ => of.action,
        };
        let (change, sensitive) = unmarked_change(change, self.provider.schema());
        if flying.fate.half {
            self.world.next(Fault::Partial);
            let applied = crate::ready(self.provider.apply(key, &change));
            return sensitive.outcome(applied.unwrap_or_else(unknown));
        }
        sensitive.outcome(self.provider.land(key, &change))
    }

    /// Looks what became of an effect. Of some provisioners nobody can tell but a person who looks closely.
    pub(crate) fn inquire(&self, now_ms: i64, action: ActionId, effect: &Effect) -> Inquiry {
        let change = match effect {
            Effect::Change(change) => change,
            _ if action.0.is_multiple_of(3) => {
                return Inquiry::Unclear {
                    what: String::from("it was begun"),
                };
            }
            _ => return self.provisioners.look(action),
        };
        let (change, sensitive) = unmarked_change(change, self.provider.schema());
        let hidden = self
            .hidden
            .get(&action)
            .is_some_and(|until| now_ms < *until);
        match self.provider.look(action, &change) {
            Inquiry::Found(_) if hidden && change.verb == Verb::Create => Inquiry::Absent,
            found => sensitive.inquiry(found),
        }
    }

    /// Answers a question.
    pub(crate) fn ask(&self, question: &Question) -> Answer {
        let (question, sensitive) = unmarked_question(question, self.provider.schema());
        let answer = crate::ready(self.provider.ask(&question));
        sensitive.answer(answer.unwrap_or_else(|| Answer::Failed(trouble("no answer"))))
    }

    /// Opens an ephemeral resource: what it holds.
    pub(crate) fn open(
        &self,
        question: &OpenQuestion,
    ) -> Result<(Value, Diagnostics), Diagnostics> {
        let mut question = question.clone();
        question.config = question.config.unmark_all();
        let opening = self.provider.open(&question).and_then(crate::ready);
        let opened = opening.unwrap_or_else(|| Err(trouble("it opens nothing")))?;
        Ok((opened.value, opened.diagnostics))
    }

    /// Looks at something.
    pub(crate) fn look(&self, watch: &Watch) -> Vec<Observation> {
        match watch {
            Watch::Instance(instance) => match crate::ready(self.runtime.observe(instance)) {
                Some(Ok(report)) => {
                    let (state, detail) = (report.state, report.detail);
                    vec![Observation::Instance {
                        instance: instance.clone(),
                        state,
                        detail,
                    }]
                }
                _ => Vec::new(),
            },
            Watch::Counts => match crate::ready(self.router.counts()) {
                Some(Ok(counts)) => counts.into_iter().map(Observation::Counts).collect(),
                _ => Vec::new(),
            },
        }
    }
}

//! [`Run`]: one request of a person while it is carried out.

use crate::LoadedRelease;
use crate::action::{Action, Stage};
use crate::apply::provider_of;
use crate::limits::{PARALLELISM_BEGIN, PARALLELISM_GROWN_MAX};
use crate::ready::Ready;
use crate::retry::Health;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    ActionId, Address, Answer, CallQuestion, Digest, Effect, Origin, Outcome, Plan, PlanAnswer,
    PlannedChange, Reason, RunId, RunKind, RunOptions, RunResult, Work,
};
use serde::{Deserialize, Serialize};
use value::{Diagnostics, Name};

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Which.
    pub id: RunId,
    /// What for.
    pub kind: RunKind,
    /// What it carried out.
    pub release: Digest,
    /// Who asked for it.
    pub actor: String,
    /// When it began.
    pub began_ms: i64,
    /// When it was over.
    pub ended_ms: i64,
    /// How it ended.
    pub result: RunResult,
    /// Who wanted it.
    #[serde(default)]
    pub origin: Origin,
}

/// The run that is not over.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// What for.
    pub kind: RunKind,
    /// What it carries out.
    pub loaded: Arc<LoadedRelease>,
    /// How.
    pub options: RunOptions,
    /// Who asked for it.
    pub actor: String,
    /// When it began.
    pub began_ms: i64,
    /// Position of the entry that asked for it.
    pub submitted_at: u64,
    /// The plan, once made.
    pub plan: Option<Arc<Plan>>,
    /// Its digest.
    pub plan_digest: Option<Digest>,
    /// A person agreed to the plan.
    pub approved: bool,
    /// A person stopped the run.
    pub cancelled: bool,
    /// Everything done or under way.
    pub actions: BTreeMap<ActionId, Action>,
    /// Services whose rollout has begun.
    pub targeted: BTreeSet<Name>,
    /// Services that went back, with the reason.
    pub returned: BTreeMap<Name, String>,
    /// Steps whose turn it is and that have not been begun.
    pub ready: Ready,
    /// Actions that are not settled.
    pub live: BTreeSet<ActionId>,
    /// Providers' health, by source address.
    pub providers: BTreeMap<String, Health>,
    /// Final plans of steps that had holes.
    pub replanned: BTreeMap<ActionId, PlanAnswer>,
    /// Steps that cannot be begun, with the reason.
    pub refused: BTreeMap<ActionId, Diagnostics>,
    /// Data sources of checks that could not be read, with the reason.
    pub check_trouble: BTreeMap<Address, Diagnostics>,
    /// Calls of functions of providers, and what was answered.
    pub calls: Vec<(CallQuestion, Answer)>,
    /// Steps not done yet.
    pub steps_left: usize,
    /// Steps that open ephemeral resources.
    opening: Vec<u32>,
    waits: Vec<u32>,
    wakes: Vec<Vec<u32>>,
    step_of: BTreeMap<ActionId, u32>,
}

/// The provider that carries out a step; none where it is not for a provider.
fn carrier(plan: &Plan, step: u32) -> Option<&str> {
    match plan.steps.get(step as usize)?.work {
        Work::Change { change, .. } => Some(&plan.changes.get(change as usize)?.provider),
        Work::Join
        | Work::Read { .. }
        | Work::Check { .. }
        | Work::Provision { .. }
        | Work::Probe { .. } => None,
    }
}

impl Run {
    /// What functions of time and chance are given while it is carried out.
    pub(crate) fn began(&self) -> crate::eval::Began {
        crate::eval::Began {
            at_ms: self.options.planned_at_ms.unwrap_or(self.began_ms),
            seed: self.options.seed,
        }
    }

    pub(crate) fn new(
        id: RunId,
        kind: RunKind,
        loaded: Arc<LoadedRelease>,
        options: RunOptions,
        actor: String,
        began_ms: i64,
    ) -> Self {
        Self {
            id,
            kind,
            loaded,
            options,
            actor,
            began_ms,
            submitted_at: 0,
            plan: None,
            plan_digest: None,
            approved: false,
            cancelled: false,
            actions: BTreeMap::new(),
            targeted: BTreeSet::new(),
            returned: BTreeMap::new(),
            ready: Ready::default(),
            live: BTreeSet::new(),
            providers: BTreeMap::new(),
            replanned: BTreeMap::new(),
            refused: BTreeMap::new(),
            check_trouble: BTreeMap::new(),
            calls: Vec::new(),
            steps_left: 0,
            opening: Vec::new(),
            waits: Vec::new(),
            wakes: Vec::new(),
            step_of: BTreeMap::new(),
        }
    }

    pub(crate) fn planned(&mut self, digest: Digest, plan: Plan) -> Result<(), String> {
        if self.plan.is_some() {
            return Err(String::from("the run already has a plan"));
        }
        self.steps_left = plan.steps.len();
        self.waits = plan
            .steps
            .iter()
            .map(|step| step.after.len() as u32)
            .collect();
        self.wakes = alloc::vec![Vec::new(); plan.steps.len()];
        for (who, step) in plan.steps.iter().enumerate() {
            for whom in &step.after {
                match self.wakes.get_mut(*whom as usize) {
                    Some(wakes) if (*whom as usize) < who => wakes.push(who as u32),
                    _ => return Err(format!("step {who} of the plan waits for a later one")),
                }
            }
        }
        let plan = Arc::new(plan);
        self.plan = Some(plan.clone());
        self.plan_digest = Some(digest);
        for (at, step) in plan.steps.iter().enumerate() {
            if opens(&plan, step.work) {
                self.opening.push(at as u32);
            }
            if step.work != Work::Join {
                self.step_of.insert(self.step_action(at as u32), at as u32);
            }
        }
        for at in 0..plan.steps.len() as u32 {
            if self.waits.get(at as usize) == Some(&0) {
                self.turn(at, &plan);
            }
        }
        Ok(())
    }

    /// Most effects under way at the same time.
    pub(crate) fn limit(&self) -> u32 {
        match self.options.parallelism {
            0 => PARALLELISM_GROWN_MAX,
            limit => limit,
        }
    }

    /// Most effects of a provider under way at the same time, or of all that none carries out; none for as many as the
    /// run may have.
    pub(crate) fn at_once(&self, provider: Option<&str>) -> Option<u32> {
        let health = provider.and_then(|provider| self.providers.get(provider));
        let begin = || (self.options.parallelism == 0).then_some(PARALLELISM_BEGIN);
        health.and_then(|health| health.at_once).or_else(begin)
    }

    /// Effects of a provider under way.
    fn n_open(&self, provider: &str) -> usize {
        let live = self.live.iter().filter_map(|id| self.actions.get(id));
        let open = live.filter(|action| action.stage == Stage::Open);
        open.filter(|action| provider_of(&action.effect) == Some(provider))
            .count()
    }

    /// The action that carries out a step.
    pub fn step_action(&self, step: u32) -> ActionId {
        ActionId::of(self.id, &format!("step:{step}"))
    }

    /// It is a step's turn: joins are done at once, and may give others their turn.
    fn turn(&mut self, step: u32, plan: &Plan) {
        let mut turns = Vec::from([step]);
        while let Some(at) = turns.pop() {
            match plan.steps.get(at as usize).map(|step| step.work) {
                Some(
                    Work::Change { .. }
                    | Work::Read { .. }
                    | Work::Check { .. }
                    | Work::Provision { .. }
                    | Work::Probe { .. },
                ) => {
                    self.ready.insert(carrier(plan, at), at);
                }
                Some(Work::Join) => turns.extend(self.step_done(at)),
                None => {}
            }
        }
    }

    /// Counts a step as done and returns those whose turn has come.
    fn step_done(&mut self, step: u32) -> Vec<u32> {
        self.steps_left = self.steps_left.saturating_sub(1);
        let mut turns = Vec::new();
        for who in self.wakes.get(step as usize).cloned().unwrap_or_default() {
            if let Some(waits) = self.waits.get_mut(who as usize) {
                *waits -= 1;
                if *waits == 0 {
                    turns.push(who);
                }
            }
        }
        turns
    }

    /// What was opened by steps that were carried out, in their order.
    pub(crate) fn opened(&self) -> impl Iterator<Item = &PlannedChange> {
        let done = self.opening.iter().filter(|step| self.is_done(**step));
        done.filter_map(|step| self.step(*step).map(|(planned, _)| planned))
    }

    fn is_ready(&self, step: u32) -> bool {
        let carrier = self.plan.as_deref().and_then(|plan| carrier(plan, step));
        self.ready.contains(carrier, step)
    }

    fn no_longer_ready(&mut self, step: u32) {
        let carrier = self.plan.as_deref().and_then(|plan| carrier(plan, step));
        self.ready.remove(carrier, step);
    }

    /// Whether a step was carried out.
    fn is_done(&self, step: u32) -> bool {
        self.waits.get(step as usize) == Some(&0)
            && !self.is_ready(step)
            && !self.refused.contains_key(&self.step_action(step))
    }

    /// Whether nothing but ephemeral resources that are held open comes before what an action does.
    pub(crate) fn waits_for_nothing(&self, action: ActionId) -> bool {
        let Some(plan) = &self.plan else { return false };
        let own = self.step_of.get(&action).copied();
        let mut open: Vec<u32> = own.into_iter().collect();
        let mut first = true;
        while let Some(at) = open.pop() {
            let Some(step) = plan.steps.get(at as usize) else {
                return false;
            };
            if !first && step.work != Work::Join && !opens(plan, step.work) {
                return false;
            }
            first = false;
            open.extend(&step.after);
        }
        own.is_some()
    }

    /// What a step does, and the change that it is about; none for a join.
    pub fn step(&self, step: u32) -> Option<(&PlannedChange, Work)> {
        let plan = self.plan.as_ref()?;
        let work = plan.steps.get(step as usize)?.work;
        let change = match work {
            Work::Join => return None,
            Work::Change { change, .. }
            | Work::Read { change }
            | Work::Check { change }
            | Work::Provision { change, .. }
            | Work::Probe { change } => change,
        };
        Some((plan.changes.get(change as usize)?, work))
    }

    /// What is planned for an object that is there, or will be.
    pub(crate) fn planned_object(&self, address: &Address) -> Option<&PlannedChange> {
        let changes = &self.plan.as_ref()?.changes;
        let at = changes
            .binary_search_by(|one| (&one.address, one.deposed).cmp(&(address, false)))
            .ok()?;
        changes.get(at)
    }

    /// The planned change that an action carries out.
    pub fn planned_by(&self, id: ActionId) -> Option<&PlannedChange> {
        self.done_by(id).map(|(planned, _)| planned)
    }

    /// What an action does, and the planned change that it is about.
    pub(crate) fn done_by(&self, id: ActionId) -> Option<(&PlannedChange, Work)> {
        let step = self.step_of.get(&id)?;
        self.step(*step)
    }

    /// A person stopped the run.
    pub(crate) fn cancel(&mut self, at_ms: i64) {
        self.cancelled = true;
        for id in &self.live {
            if let Some(action) = self.actions.get_mut(id) {
                action.repeat_no_more(at_ms);
            }
        }
    }

    pub(crate) fn attempt(&self, id: ActionId) -> Result<u32, String> {
        match self.actions.get(&id) {
            Some(action) => Ok(action.attempt),
            None => Err(format!("action {id} was never intended")),
        }
    }

    pub(crate) fn note_intent(&mut self, id: ActionId, effect: &Effect) {
        self.live.insert(id);
        if let Some(step) = self.step_of.get(&id) {
            self.no_longer_ready(*step);
        }
        // What is begun again because an engine died with it says nothing about the provider.
        let failed = self.actions.get_mut(&id).map_or(0, |action| {
            let failed = action.tries.saturating_sub(action.repeated);
            action.repeated = action.tries;
            failed
        });
        if let Effect::Change(change) = effect {
            let health = self.providers.entry(change.provider.clone()).or_default();
            health.calls += 1;
            health.retries += u64::from(failed);
        }
    }

    pub(crate) fn note_stage(&mut self, id: ActionId) {
        match self.actions.get(&id) {
            Some(action) if !action.is_settled() => self.live.insert(id),
            _ => self.live.remove(&id),
        };
    }

    /// Rebuilds the set of live actions.
    pub(crate) fn index_actions(&mut self) {
        self.live = self
            .actions
            .iter()
            .filter(|(_, action)| !action.is_settled())
            .map(|(id, _)| *id)
            .collect();
    }

    pub(crate) fn note_outcome(
        &mut self,
        id: ActionId,
        effect: &Effect,
        outcome: &Outcome,
        at_ms: i64,
    ) {
        if let Effect::Change(change) = effect {
            let limit = self.limit();
            // With more than half of its room in use, more room is of use.
            let at_once = self.at_once(Some(&change.provider)).unwrap_or(limit);
            let grows = self.options.parallelism == 0
                && 2 * self.n_open(&change.provider) >= at_once as usize;
            let health = self.providers.entry(change.provider.clone()).or_default();
            match outcome {
                Outcome::Failed { retry_after_ms, .. } => {
                    health.failed(at_ms);
                    if retry_after_ms.is_some() {
                        health.throttled(at_once);
                    }
                }
                Outcome::Unknown { .. } => health.failed(at_ms),
                Outcome::Changed { .. }
                | Outcome::Partial { .. }
                | Outcome::Placed { .. }
                | Outcome::Stopped
                | Outcome::Published { .. }
                | Outcome::Built { .. }
                | Outcome::Provisioned { .. }
                | Outcome::Broken { .. }
                | Outcome::Healthy { .. }
                | Outcome::Unhealthy { .. }
                | Outcome::Refused { .. } => {
                    health.succeeded(limit);
                    if grows {
                        health.grow(at_once, limit);
                    }
                }
            }
        }
        self.note_stage(id);
        let done = self
            .actions
            .get(&id)
            .is_some_and(|action| action.stage == Stage::Done);
        if done {
            self.carried_out(id);
        }
    }

    /// The step of an action is done: others may have their turn.
    fn carried_out(&mut self, id: ActionId) {
        if let (Some(step), Some(plan)) = (self.step_of.get(&id).copied(), self.plan.clone()) {
            self.no_longer_ready(step);
            for turn in self.step_done(step) {
                self.turn(turn, &plan);
            }
        }
    }

    /// The conditions of an object were looked at.
    pub(crate) fn checked(&mut self, action: ActionId, diagnostics: &Diagnostics) {
        if diagnostics.has_errors() {
            self.refuse(action, diagnostics);
        } else {
            self.carried_out(action);
        }
    }

    /// The step of an action cannot be done, and nothing that waits for it.
    fn refuse(&mut self, action: ActionId, diagnostics: &Diagnostics) {
        if let Some(step) = self.step_of.get(&action) {
            self.no_longer_ready(*step);
        }
        self.refused.insert(action, diagnostics.clone());
    }

    pub(crate) fn replanned(&mut self, action: ActionId, answer: &Answer) {
        match answer {
            Answer::Plan(answer) => {
                self.replanned.insert(action, answer.clone());
            }
            Answer::Data(_) | Answer::Open(_) => self.carried_out(action),
            Answer::Failed(diagnostics) => {
                let nested = self
                    .planned_by(action)
                    .filter(|planned| planned.reason == Some(Reason::ReadBecauseCheckNested));
                match nested.map(|planned| planned.address.clone()) {
                    // A check that cannot look is a check that failed, and stops nothing.
                    Some(address) => {
                        self.check_trouble.insert(address, diagnostics.clone());
                        self.carried_out(action);
                    }
                    None => self.refuse(action, diagnostics),
                }
            }
            // Nobody asks for these while applying.
            Answer::Read(_) | Answer::Import(_) | Answer::Upgrade(_) | Answer::Call(_) => {}
        }
    }

    pub(crate) fn summary(&self, result: RunResult, ended_ms: i64) -> RunSummary {
        RunSummary {
            id: self.id,
            kind: self.kind,
            release: self.loaded.digest,
            actor: self.actor.clone(),
            began_ms: self.began_ms,
            ended_ms,
            result,
            origin: self.options.origin,
        }
    }
}

/// Whether a step opens an ephemeral resource.
fn opens(plan: &Plan, work: Work) -> bool {
    match work {
        Work::Read { change } => plan
            .changes
            .get(change as usize)
            .is_some_and(|one| one.action == model::Action::Open),
        Work::Join
        | Work::Change { .. }
        | Work::Check { .. }
        | Work::Provision { .. }
        | Work::Probe { .. } => false,
    }
}

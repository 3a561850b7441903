//! [`World`]: everything the book says, folded.
//!
//! [`World::fold`] takes one entry after the other. It is total: it reads no clock, draws nothing, decides nothing, and
//! refuses what cannot have happened, so it is also the check of a book's meaning.

mod objects;

use crate::action::{Action, Happening, Stage, fits};
use crate::delivery::{InstanceWorld, Rollout, RouteWorld, ServiceWorld};
use crate::entry::{Blobs, Entry, Illegal};
use crate::heal::DriftState;
use crate::limits::RUNS_KEPT;
use crate::object::Object;
use crate::run::{Run, RunSummary};
use crate::{LoadedRelease, LoadedReleases};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    ActionId, Address, Answer, Cause, Checked, Command, Digest, Effect, Event, InstanceId,
    InstanceState, Observation, Origin, Outcome, Phase, Plan, RunId, RunKind, RunResult, Taken,
    TakenObject, Verb,
};
use serde::{Deserialize, Serialize};
use value::{Name, Value};

/// A state of another program that was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenState {
    /// What tells it from every other.
    pub lineage: String,
    /// How often it had been written.
    pub serial: u64,
}

/// One environment, folded from its stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct World {
    /// Its name.
    pub environment: Name,
    /// Position of the newest entry.
    pub position: u64,
    /// Fencing epoch of the newest engine.
    pub epoch: u64,
    /// Time of the newest entry.
    pub at_ms: i64,
    /// What exists.
    pub resources: BTreeMap<Address, Object>,
    /// What replacements left behind and must still be destroyed.
    pub deposed: Vec<(Address, Object)>,
    /// Root outputs of the last successful run.
    pub outputs: BTreeMap<Name, Value>,
    /// What became of every condition in it.
    pub checks: Vec<Checked>,
    /// Services by name.
    pub services: BTreeMap<Name, ServiceWorld>,
    /// Instances by id.
    pub instances: BTreeMap<InstanceId, InstanceWorld>,
    /// Instances ever placed: the next one's number.
    pub instances_made: u64,
    /// What the router was told.
    pub route: RouteWorld,
    /// Releases that were fully rolled out here, oldest first.
    pub accepted: Vec<Digest>,
    /// Releases that went back, with the reason. None of them is deployed again until someone lifts that.
    pub quarantine: BTreeMap<Digest, String>,
    /// Artifacts built, by the digest of their specification.
    pub built: BTreeMap<Digest, Digest>,
    /// Releases made by build runs, oldest first.
    pub released: Vec<Digest>,
    /// Latest runs, oldest first.
    pub runs: VecDeque<RunSummary>,
    /// It was deleted, and nothing was asked for in it since.
    #[serde(default)]
    pub retired: bool,
    /// What tells its state from every other, for those who read it in Terraform's form.
    #[serde(default)]
    pub lineage: String,
    /// How often what is known of objects and outputs was changed.
    #[serde(default)]
    pub serial: u64,
    /// States of other programs that were taken over, by where they were read.
    #[serde(default)]
    pub taken: BTreeMap<String, TakenState>,
    /// The release that a person applied last, whether it came to its end or not; its objects are held against it.
    #[serde(default)]
    pub in_force: Option<Digest>,
    /// What passes found of objects that were changed outside.
    #[serde(default)]
    pub drifts: BTreeMap<Address, DriftState>,
    /// The run that closed last, where what it did is to be taken back before anything else is done here.
    #[serde(default)]
    pub owed: Option<RunId>,
    /// The run that is not over.
    #[serde(skip)]
    pub run: Option<Run>,
}

impl World {
    /// Takes the next entry.
    ///
    /// # Errors
    /// When it cannot have happened here; the world is then unusable.
    pub fn fold(
        &mut self,
        entry: &Entry,
        blobs: &dyn Blobs,
        releases: &mut LoadedReleases,
    ) -> Result<(), Illegal> {
        if entry.position != self.position + 1 {
            let what = format!("the entry before it has position {}", self.position);
            return Err(Illegal {
                position: entry.position,
                what,
            });
        }
        self.take(entry, blobs, releases).map_err(|what| Illegal {
            position: entry.position,
            what,
        })?;
        self.position = entry.position;
        self.at_ms = self.at_ms.max(entry.at_ms);
        Ok(())
    }

    fn take(
        &mut self,
        entry: &Entry,
        blobs: &dyn Blobs,
        releases: &mut LoadedReleases,
    ) -> Result<(), String> {
        let at_ms = entry.at_ms;
        match &entry.event {
            Event::Opened { environment } => self.opened(environment, at_ms),
            Event::Started { epoch, .. } => self.started(*epoch, at_ms),
            Event::Submitted {
                run,
                kind,
                release,
                options,
                actor,
            } => {
                let loaded = releases.load(release, blobs)?;
                self.submitted(Run::new(
                    *run,
                    *kind,
                    loaded,
                    options.clone(),
                    actor.clone(),
                    at_ms,
                ))
            }
            Event::Answered { run, .. } => self.run_of(*run).map(|_| ()),
            Event::Planned { run, plan, .. } => {
                let bytes = blobs
                    .blob(plan)
                    .ok_or_else(|| format!("the plan {plan} is not in the book"))?;
                let bytes = blobs.opened(bytes)?;
                let decoded: Plan = model::decode(&bytes).map_err(|error| error.to_string())?;
                let active = self.run_of(*run)?;
                active.planned(*plan, decoded)?;
                if active.options.auto_approve || active.kind == RunKind::Deploy {
                    active.approved = true;
                    self.carried_out();
                }
                Ok(())
            }
            Event::Commanded { command, .. } => self.commanded(command, at_ms),
            Event::Intended {
                run,
                action,
                attempt,
                effect,
            } => self.intended(*run, *action, *attempt, effect, at_ms),
            Event::Finished {
                run,
                action,
                attempt,
                outcome,
            } => {
                let effect =
                    self.happened(*run, *action, *attempt, Happening::Ended(outcome), at_ms)?;
                self.ended(*run, *action, &effect, outcome, at_ms)
            }
            Event::Inquired {
                run,
                action,
                attempt,
                inquiry,
                ..
            } => {
                let effect =
                    self.happened(*run, *action, *attempt, Happening::Inquired(inquiry), at_ms)?;
                self.found(*run, *action, &effect, inquiry, at_ms)
            }
            Event::Retried {
                run,
                action,
                attempt,
                not_before_ms,
                ..
            } => self
                .happened(
                    *run,
                    *action,
                    *attempt,
                    Happening::Retried(*not_before_ms),
                    at_ms,
                )
                .map(|_| ()),
            Event::Parked {
                run,
                action,
                question,
            } => {
                let attempt = self.run_of(*run)?.attempt(*action)?;
                self.happened(*run, *action, attempt, Happening::Parked(question), at_ms)
                    .map(|_| ())
            }
            Event::Observed(observation) => self.observed(observation, at_ms),
            Event::Phased { service, phase, .. } => self.phased(service, phase, at_ms),
            Event::Judged { run, .. } => self.run_of(*run).map(|_| ()),
            Event::Released { run, release } => {
                self.run_of(*run)?;
                self.released.push(*release);
                Ok(())
            }
            Event::Replanned {
                run,
                action,
                answer,
            } => self.answered(*run, *action, answer),
            Event::Called { run, call, answer } => {
                let known = (call.clone(), answer.clone());
                self.run_of(*run)?.calls.push(known);
                Ok(())
            }
            Event::Checked {
                run,
                action,
                diagnostics,
            } => {
                self.run_of(*run)?.checked(*action, diagnostics);
                Ok(())
            }
            Event::Targeted {
                run,
                service,
                target,
            } => {
                self.run_of(*run)?.targeted.insert(service.clone());
                let state = self.services.entry(service.clone()).or_default();
                state.begin(Rollout::new(*run, target.clone(), at_ms));
                Ok(())
            }
            Event::TakenOver {
                origin,
                lineage,
                serial,
                state,
                ..
            } => {
                let bytes = blobs.blob(state);
                let bytes = bytes.ok_or_else(|| format!("the state {state} is not in the book"))?;
                let taken = model::decode(&blobs.opened(bytes)?);
                let taken: Taken = taken.map_err(|error| error.to_string())?;
                if let Some(active) = &self.run {
                    return Err(format!("run {} is not over", active.id));
                }
                let state = TakenState {
                    lineage: lineage.clone(),
                    serial: *serial,
                };
                self.take_over(origin, state, &taken);
                Ok(())
            }
            Event::Drifted {
                pass, found, ended, ..
            } => {
                self.drifted(pass, found, ended);
                Ok(())
            }
            Event::Closed { run, result } => self.closed(*run, result, at_ms),
        }
    }

    fn opened(&mut self, environment: &Name, at_ms: i64) -> Result<(), String> {
        if self.position != 0 {
            return Err(String::from("a stream is opened only once"));
        }
        self.environment = environment.clone();
        self.begin_lineage(at_ms);
        Ok(())
    }

    /// Takes what another program knew in the place of everything that is known.
    pub fn take_over(&mut self, origin: &str, state: TakenState, taken: &Taken) {
        let objects = taken.objects.iter();
        let (left_behind, current): (Vec<_>, Vec<_>) = objects.partition(|one| one.deposed);
        let of = |one: &TakenObject| (one.address.clone(), Object::taken(one));
        self.resources = current.into_iter().map(of).collect();
        self.deposed = left_behind.into_iter().map(of).collect();
        self.outputs = taken.outputs.clone();
        self.checks.clear();
        self.drifts.clear();
        self.in_force = None;
        self.retired = false;
        if !state.lineage.is_empty() {
            self.lineage.clone_from(&state.lineage);
        }
        self.serial = state.serial;
        self.taken.insert(String::from(origin), state);
    }

    /// Whether nothing was ever done here, so that what another program knew can still be taken over.
    pub fn is_untouched(&self) -> bool {
        self.serial == 0
            && self.taken.is_empty()
            && self.runs.is_empty()
            && self.run.is_none()
            && !self.retired
    }

    /// Begins the history of a state that has nothing to do with any before.
    fn begin_lineage(&mut self, at_ms: i64) {
        let name = format!("{} {} {at_ms}", self.environment, self.position);
        self.lineage = Digest::of(name.as_bytes()).uuid();
        self.serial = 0;
    }

    fn started(&mut self, epoch: u64, at_ms: i64) -> Result<(), String> {
        if epoch <= self.epoch {
            return Err(format!("epoch {epoch} is not above {}", self.epoch));
        }
        self.epoch = epoch;
        let known_ms = self.at_ms;
        let left_behind = self.deposed.iter_mut().map(|(_, object)| object);
        for object in self.resources.values_mut().chain(left_behind) {
            // The clock of this engine may be another one: it waits for the whole window again.
            if object.quiet_from_ms > known_ms {
                let settle_ms = i64::try_from(object.settle_ms).unwrap_or(i64::MAX);
                object.quiet_from_ms = at_ms.saturating_add(settle_ms);
            }
        }
        let after_ms = at_ms.saturating_sub(known_ms);
        for instance in self.instances.values_mut() {
            instance.watched_again(after_ms);
        }
        for service in self.services.values_mut() {
            if let Some(rollout) = &mut service.rollout {
                rollout.watched_again(after_ms);
            }
        }
        let Some(run) = &mut self.run else {
            return Ok(());
        };
        for action in run.actions.values_mut() {
            // Whatever was under way is lost sight of; the others stay as they are.
            if action.step(Happening::Lost, at_ms).is_err() {
                return Err(String::from("an action cannot be lost"));
            }
        }
        run.index_actions();
        Ok(())
    }

    fn submitted(&mut self, mut run: Run) -> Result<(), String> {
        if let Some(active) = &self.run {
            return Err(format!("run {} is not over", active.id));
        }
        run.submitted_at = self.position + 1;
        self.retired = false;
        // Either this is the run that takes back, or a person has asked for something else instead.
        self.owed = None;
        self.run = Some(run);
        Ok(())
    }

    /// The active run, if it is this one.
    fn run_of(&mut self, id: RunId) -> Result<&mut Run, String> {
        match &mut self.run {
            Some(run) if run.id == id => Ok(run),
            _ => Err(format!("run {id} is not under way")),
        }
    }

    /// Takes an order. A person may give any order at any time: one that does not apply is in the book, and that is
    /// all.
    fn commanded(&mut self, command: &Command, at_ms: i64) -> Result<(), String> {
        match command {
            Command::Approve { run, plan } => {
                let approved = match self.run_of(*run) {
                    Ok(active) => active.plan_digest == Some(*plan) && !active.approved,
                    Err(_) => false,
                };
                if approved {
                    self.run_of(*run)?.approved = true;
                    self.carried_out();
                }
                Ok(())
            }
            Command::Cancel { run } => {
                if let Ok(active) = self.run_of(*run) {
                    active.cancel(at_ms);
                }
                Ok(())
            }
            Command::Resolve {
                run,
                action,
                inquiry,
            } => {
                let Ok(active) = self.run_of(*run) else {
                    return Ok(());
                };
                let parked = active.actions.get(action).filter(|action| {
                    let fits = match inquiry {
                        model::Inquiry::Found(outcome) => fits(&action.effect, outcome),
                        model::Inquiry::Absent
                        | model::Inquiry::NotYet
                        | model::Inquiry::Unclear { .. } => true,
                    };
                    matches!(action.stage, Stage::Parked { .. }) && fits
                });
                let Some(attempt) = parked.map(|action| action.attempt) else {
                    return Ok(());
                };
                let effect =
                    self.happened(*run, *action, attempt, Happening::Resolved(inquiry), at_ms)?;
                self.found(*run, *action, &effect, inquiry, at_ms)
            }
            Command::LiftQuarantine { release } => {
                self.quarantine.remove(release);
                Ok(())
            }
            Command::Forgive { addresses } => {
                for address in addresses {
                    self.forgiven(address);
                }
                Ok(())
            }
            Command::Taint { .. }
            | Command::Rename { .. }
            | Command::Forget { .. }
            | Command::Retire { .. } => {
                // A plan under way was made from the objects as they are.
                if self.run.is_none() {
                    self.edited(command, at_ms);
                    self.serial += 1;
                }
                Ok(())
            }
        }
    }

    /// A provider answered while the plan was carried out.
    fn answered(&mut self, run: RunId, action: ActionId, answer: &Answer) -> Result<(), String> {
        let active = self.run_of(run)?;
        active.replanned(action, answer);
        if let (Answer::Data(data), Some(planned)) = (answer, active.planned_by(action)) {
            let object = Object::of_data(planned, data.object.clone());
            let address = planned.address.clone();
            self.resources.insert(address, object);
        }
        Ok(())
    }

    fn intended(
        &mut self,
        run: RunId,
        id: ActionId,
        attempt: u32,
        effect: &Effect,
        at_ms: i64,
    ) -> Result<(), String> {
        let approved = {
            let active = self.run_of(run)?;
            let approved =
                active.approved || active.kind != RunKind::Apply || active.options.auto_approve;
            if let Some(action) = active.actions.get_mut(&id) {
                if action.effect.kind_name() != effect.kind_name() {
                    return Err(String::from("the action was another effect before"));
                }
                action
                    .step(Happening::Intended, at_ms)
                    .map_err(String::from)?;
                action.effect = effect.clone();
            } else {
                active.actions.insert(id, Action::new(effect.clone()));
            }
            if active.attempt(id)? != attempt {
                return Err(format!(
                    "attempt {attempt} does not follow the one before it"
                ));
            }
            active.note_intent(id, effect);
            approved
        };
        if !approved {
            return Err(String::from("the plan was not approved"));
        }
        match effect {
            Effect::Place(spec) if attempt == 1 => {
                self.instances_made += 1;
                self.instances
                    .insert(spec.instance.clone(), InstanceWorld::new(spec, at_ms));
            }
            Effect::Stop { instance, .. } => {
                if let Some(instance) = self.instances.get_mut(instance) {
                    instance.stopping = true;
                }
            }
            Effect::Publish(table) => {
                self.route.intended(table);
                self.rerouted(at_ms);
            }
            Effect::Place(_)
            | Effect::Change(_)
            | Effect::Build(_)
            | Effect::Provision(_)
            | Effect::Probe(_) => {}
        }
        Ok(())
    }

    /// Moves an action on and returns its effect.
    fn happened(
        &mut self,
        run: RunId,
        id: ActionId,
        attempt: u32,
        happening: Happening<'_>,
        at_ms: i64,
    ) -> Result<Effect, String> {
        let active = self.run_of(run)?;
        let Some(action) = active.actions.get_mut(&id) else {
            return Err(format!("action {id} was never intended"));
        };
        if action.attempt != attempt {
            return Err(format!(
                "attempt {attempt} is not the newest, which is {}",
                action.attempt
            ));
        }
        action.step(happening, at_ms).map_err(String::from)?;
        if active.cancelled {
            action.repeat_no_more(at_ms);
        }
        let effect = action.effect.clone();
        active.note_stage(id);
        Ok(effect)
    }

    fn found(
        &mut self,
        run: RunId,
        id: ActionId,
        effect: &Effect,
        inquiry: &model::Inquiry,
        at_ms: i64,
    ) -> Result<(), String> {
        match inquiry {
            model::Inquiry::Found(outcome) => self.ended(run, id, effect, outcome, at_ms),
            model::Inquiry::Absent | model::Inquiry::NotYet | model::Inquiry::Unclear { .. } => {
                Ok(())
            }
        }
    }

    /// What an outcome changes in the world.
    fn ended(
        &mut self,
        run: RunId,
        id: ActionId,
        effect: &Effect,
        outcome: &Outcome,
        at_ms: i64,
    ) -> Result<(), String> {
        if !fits(effect, outcome) {
            return Err(String::from(
                "the outcome is not one that this effect can have",
            ));
        }
        match (effect, outcome) {
            (
                Effect::Change(change),
                Outcome::Changed {
                    object, private, ..
                },
            ) => {
                self.changed(run, id, change, object.as_ref(), private, false)?;
            }
            (
                Effect::Change(change),
                Outcome::Partial {
                    object, private, ..
                },
            ) => {
                // An object that was there before is still that object, and is not replaced because a change failed.
                let damaged = change.verb == Verb::Create;
                self.changed(run, id, change, Some(object), private, damaged)?;
            }
            (Effect::Place(spec), Outcome::Placed { address }) => {
                if let Some(instance) = self.instances.get_mut(&spec.instance) {
                    instance.placed(address, at_ms);
                }
            }
            (Effect::Place(spec), Outcome::Refused { .. }) => {
                if let Some(instance) = self.instances.get_mut(&spec.instance) {
                    instance.state = InstanceState::Gone;
                }
            }
            (Effect::Stop { instance, .. }, Outcome::Stopped) => {
                self.instances.remove(instance);
            }
            (Effect::Publish(table), Outcome::Published { ports, .. }) => {
                self.published(table.clone(), ports.clone(), at_ms);
            }
            (Effect::Publish(table), Outcome::Refused { .. } | Outcome::Failed { .. }) => {
                // As long as it may be sent again, the table may come into force.
                let action = self.run_of(run)?.actions.get(&id);
                if action.is_some_and(Action::had_no_effect_and_will_not) {
                    self.route.refused(table.generation);
                    self.rerouted(at_ms);
                }
            }
            (Effect::Probe(probe), Outcome::Healthy { .. }) => {
                if let Some(object) = self.resources.get_mut(&probe.address) {
                    object.unhealthy = false;
                }
            }
            (Effect::Build(spec), Outcome::Built { artifact }) => {
                self.built
                    .insert(Digest::of(&model::encode(spec)), *artifact);
            }
            _ => {}
        }
        self.run_of(run)?.note_outcome(id, effect, outcome, at_ms);
        Ok(())
    }

    fn published(&mut self, table: model::RouteTable, ports: BTreeMap<Name, u16>, at_ms: i64) {
        for route in &table.routes {
            if let Some(rollout) = self
                .services
                .get_mut(&route.service)
                .and_then(|one| one.rollout.as_mut())
            {
                rollout.routed(route, at_ms);
            }
        }
        self.route.published(table, ports);
        self.rerouted(at_ms);
    }

    /// Takes note of which instances may be sent requests, by any table that may be in force.
    fn rerouted(&mut self, at_ms: i64) {
        for (id, instance) in &mut self.instances {
            instance.route(self.route.may_send_to(id), at_ms);
        }
    }

    fn observed(&mut self, observation: &Observation, at_ms: i64) -> Result<(), String> {
        match observation {
            Observation::Instance {
                instance,
                state,
                detail,
            } => {
                if let Some(instance) = self.instances.get_mut(instance) {
                    instance.state = *state;
                    instance.since_ms = at_ms;
                    instance.detail = detail.clone();
                }
            }
            Observation::Counts(counts) => {
                for (id, instance) in &mut self.instances {
                    if instance.service == counts.service {
                        instance.counted(id, counts, at_ms);
                    }
                }
                let state = self.services.entry(counts.service.clone()).or_default();
                if let Some(rollout) = &mut state.rollout {
                    rollout.counted(counts);
                }
            }
        }
        Ok(())
    }

    fn phased(&mut self, service: &Name, phase: &Phase, at_ms: i64) -> Result<(), String> {
        let Some(state) = self.services.get_mut(service) else {
            return Err(format!("service {service} has no rollout"));
        };
        let gone_back = state.phased(phase, at_ms)?;
        if let Some(gone_back) = gone_back {
            let why = gone_back.why;
            match gone_back.cause {
                Cause::Version => {
                    let why = format!("{service}: {why}");
                    self.quarantine.insert(gone_back.release, why);
                }
                Cause::Circumstances => {}
            }
            if let Some(run) = &mut self.run {
                run.returned.insert(service.clone(), why);
            }
        }
        Ok(())
    }

    fn closed(&mut self, id: RunId, result: &RunResult, at_ms: i64) -> Result<(), String> {
        let run = self.run_of(id)?;
        if run
            .actions
            .values()
            .any(|action| action.stage == Stage::Open)
        {
            return Err(String::from("an action of the run is still under way"));
        }
        let summary = run.summary(result.clone(), at_ms);
        let targets = run.options.targets.clone();
        let unhealthy = run.unhealthy();
        let unprovisioned = run.unprovisioned();
        let owed = run.is_to_be_taken_back().then_some(id);
        for address in &unprovisioned {
            if let Some(object) = self.resources.get_mut(address) {
                object.tainted = true;
            }
        }
        for address in &unhealthy {
            if let Some(object) = self.resources.get_mut(address) {
                object.unhealthy = true;
            }
        }
        if let RunResult::Succeeded {
            outputs, checks, ..
        } = result
        {
            if summary.origin == Origin::Heal {
                self.healed(&targets);
            }
            let kept = outputs.iter().filter(|(_, value)| !value.is_null());
            let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
            match summary.kind {
                RunKind::Apply => {
                    self.concluded(kept.collect(), checks);
                }
                RunKind::Deploy => {
                    self.concluded(kept.collect(), checks);
                    self.accepted.retain(|one| *one != summary.release);
                    self.accepted.push(summary.release);
                }
                RunKind::Stop => self
                    .services
                    .values_mut()
                    .for_each(|service| service.live = None),
                RunKind::Build => {}
            }
        }
        for service in self.services.values_mut() {
            service.abandon(id);
        }
        for instance in self.instances.values_mut() {
            // Whatever could not be stopped in this run is for the next one to stop.
            instance.left_behind(at_ms);
        }
        self.owed = owed;
        self.runs.push_back(summary);
        if self.runs.len() > RUNS_KEPT {
            self.runs.pop_front();
        }
        self.run = None;
        Ok(())
    }

    fn concluded(&mut self, outputs: BTreeMap<Name, Value>, checks: &[Checked]) {
        if self.outputs != outputs || self.checks != checks {
            self.serial += 1;
        }
        self.outputs = outputs;
        self.checks = checks.to_vec();
    }

    /// Whether it was read without the key that its secrets are sealed with: good for showing, not for planning.
    pub fn is_sealed(&self) -> bool {
        let objects = self.resources.values();
        let objects = objects.chain(self.deposed.iter().map(|(_, object)| object));
        objects
            .map(|object| &object.value)
            .chain(self.outputs.values())
            .any(|value| value.marks_deep().contains(value::Marks::SEALED))
    }

    /// The release of the active run, or of the run that closed last.
    pub fn loaded<'a>(&self, releases: &'a LoadedReleases) -> Option<&'a Arc<LoadedRelease>> {
        let digest = self.run.as_ref().map(|run| run.loaded.digest)?;
        releases.get(&digest)
    }
}

//! What becomes of objects that were changed outside: written down, told, or brought back.
//!
//! A pass reads all objects against the release in force ([`seen`]), asks what bringing back would do ([`remedies`]),
//! and judges each object ([`pass`]). What it comes to stands in one entry, and only what is news ([`news`]). Healing
//! is a run like any other, of the release in force and targeted at the objects ([`run`]); its plan is refused where it
//! would do anything but bring them back (`refused`).
//!
//! Nothing is read here, and nothing of the pass itself is kept but what [`Event::Drifted`] says.

use crate::limits::HEALS_KEPT;
use crate::plan::propose::same;
use crate::{LoadedRelease, World, covers, diag};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use model::{
    Action, Address, Drift, DriftDecision, DriftJudged, DriftPass, DriftPolicy, Drifted, Endpoint,
    Event, HoldReason, Origin, Plan, PlanMode, PlannedChange, Remedy, ResourceAddress, RunId,
    RunKind, RunOptions,
};
use serde::{Deserialize, Serialize};
use value::{Data, Diagnostics, Marks, Name, Value};

/// What passes found of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftState {
    /// How it differs, and what was decided; none when it does not any more.
    pub seen: Option<DriftSeen>,
    /// When it was healed of what, the oldest first; no older than the window of the pass that wrote it.
    pub heals: Vec<Healed>,
    /// It was healed so often that it is left alone until a person applies it or forgives.
    pub fights: bool,
}

/// How an object differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftSeen {
    /// What was written down.
    pub judged: DriftJudged,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A time at which an object was healed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healed {
    /// When that was decided, in milliseconds since 1970.
    pub at_ms: i64,
    /// What somebody had set the attributes to; none when the object was gone.
    pub after: Option<Value>,
}

/// The objects that a plan which only notes found changed, each with no more than what differs. One about which an
/// earlier request may still take effect is not judged yet.
pub fn seen(world: &World, pass: &DriftPass, noted: &Plan) -> Vec<Drifted> {
    let settled = |drift: &&Drift| {
        let object = world.resources.get(&drift.address);
        object.is_some_and(|object| object.quiet_from_ms <= pass.at_ms)
    };
    noted.drift.iter().filter(settled).map(drifted).collect()
}

fn drifted(drift: &Drift) -> Drifted {
    let empty = BTreeMap::new();
    let before = drift.before.entries().unwrap_or(&empty);
    let Some(after) = &drift.after else {
        return Drifted {
            address: drift.address.clone(),
            before: Value::object(empty),
            after: None,
            remedy: None,
        };
    };
    let after = after.entries().unwrap_or(&empty);
    let names: BTreeSet<&Name> = before.keys().chain(after.keys()).collect();
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    for name in names {
        let (was, is) = (before.get(name), after.get(name));
        if matches!((was, is), (Some(was), Some(is)) if same(was, is)) {
            continue;
        }
        // What stands in the place of a secret is one.
        let hides = was.is_some_and(|was| was.marks_deep().contains(Marks::SENSITIVE));
        let secret = if hides { Marks::SENSITIVE } else { Marks::NONE };
        if let Some(was) = was {
            old.insert(name.clone(), was.clone());
        }
        if let Some(is) = is {
            new.insert(name.clone(), is.clone().with_marks(secret));
        }
    }
    Drifted {
        address: drift.address.clone(),
        before: Value::object(old),
        after: Some(Value::object(new)),
        remedy: None,
    }
}

/// What a resource block says of an object, or the pass where it says nothing.
pub fn policy(loaded: &LoadedRelease, address: &Address, unsaid: DriftPolicy) -> DriftPolicy {
    let resource = loaded.resource_of(&address.resource);
    resource
        .and_then(|resource| resource.lifecycle.drift)
        .unwrap_or(unsaid)
}

/// The objects that are to be healed, as far as their policies say.
pub fn candidates<'a>(
    loaded: &LoadedRelease,
    found: &'a [Drifted],
    unsaid: DriftPolicy,
) -> Vec<&'a Address> {
    let heals = |address: &&Address| policy(loaded, address, unsaid) == DriftPolicy::Heal;
    found.iter().map(|one| &one.address).filter(heals).collect()
}

/// How a plan is asked for that only notes what there is.
pub fn noting(base: RunOptions) -> RunOptions {
    RunOptions {
        mode: PlanMode::RefreshOnly,
        refresh: true,
        ..base
    }
}

/// How a plan of the release in force is asked for that is targeted at objects.
pub fn options(base: RunOptions, objects: &[&Address]) -> RunOptions {
    RunOptions {
        mode: PlanMode::Normal,
        refresh: true,
        targets: objects.iter().map(|one| Endpoint::from(*one)).collect(),
        ..base
    }
}

/// What such a plan would do to each of them. One that is fought over is not healed, so what needs it cannot be either.
pub fn remedies(
    world: &World,
    pass: &DriftPass,
    plan: &Plan,
    found: &mut [Drifted],
    candidates: &BTreeSet<Address>,
) {
    let planned = Planned::of(plan);
    let is_fought = |address: &Address| is_fight(world, pass, address);
    let mut remedies: BTreeMap<&Address, Remedy> = candidates
        .iter()
        .map(|address| (address, planned.remedy(address)))
        .collect();
    // Each round but the last takes one object or more out of those that are healed.
    while let Some((address, along)) = candidates.iter().find_map(|address| {
        let along = planned.along(address, &remedies, &is_fought);
        (!along.is_empty()).then_some((address, along))
    }) {
        remedies.insert(address, Remedy::Along(along));
    }
    for one in found {
        one.remedy = remedies.remove(&one.address);
    }
}

/// The same where no such plan could be made.
pub fn unplanned(why: &str, found: &mut [Drifted], candidates: &BTreeSet<Address>) {
    for one in found {
        let wanted = candidates.contains(&one.address);
        one.remedy = wanted.then(|| Remedy::Unplanned(String::from(why)));
    }
}

/// A plan by address.
struct Planned<'a> {
    plan: &'a Plan,
    changes: BTreeMap<&'a Address, Vec<&'a PlannedChange>>,
    /// By block, without the keys of modules: whoever needs an instance is planned with all instances of its block.
    blocks: BTreeMap<ResourceAddress, Vec<&'a PlannedChange>>,
    drift: BTreeMap<&'a Address, &'a Drift>,
}

impl<'a> Planned<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut changes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut blocks: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for change in &plan.changes {
            changes.entry(&change.address).or_default().push(change);
            let block = without_keys(&change.address.resource);
            blocks.entry(block).or_default().push(change);
        }
        let drift = plan.drift.iter().map(|one| (&one.address, one)).collect();
        Self {
            plan,
            changes,
            blocks,
            drift,
        }
    }

    fn remedy(&self, address: &Address) -> Remedy {
        let changes = self.changes.get(address);
        let mut changes = changes.into_iter().flatten();
        if changes.clone().any(|one| one.destroys()) {
            return Remedy::Destroy;
        }
        let Some(change) = changes.find(|one| !one.deposed) else {
            return Remedy::Otherwise;
        };
        match change.action {
            Action::NoOp if change.is_nothing() => Remedy::Nothing,
            Action::Update if self.brings_back(change) => Remedy::Update,
            Action::Create if self.brings_back(change) => Remedy::Create,
            Action::Delete | Action::DeleteThenCreate | Action::CreateThenDelete => Remedy::Destroy,
            Action::NoOp
            | Action::Update
            | Action::Create
            | Action::Read
            | Action::Forget
            | Action::Open => Remedy::Otherwise,
        }
    }

    /// Whether a change leaves nothing in the object that was neither there before it drifted nor is there now.
    fn brings_back(&self, change: &PlannedChange) -> bool {
        let (Some(drift), Some(after)) = (self.drift.get(&change.address), &change.after) else {
            return false;
        };
        change.previous.is_none()
            && change.importing.is_none()
            && is_known_from(after, Some(&drift.before), drift.after.as_ref())
    }

    /// What an object that is healed needs and would have to be changed before, and is not healed itself.
    fn along(
        &self,
        address: &Address,
        remedies: &BTreeMap<&Address, Remedy>,
        is_fought: &dyn Fn(&Address) -> bool,
    ) -> Vec<Address> {
        let heals = |one: &Address| {
            let remedy = remedies.get(one);
            matches!(remedy, Some(Remedy::Update | Remedy::Create)) && !is_fought(one)
        };
        if !heals(address) {
            return Vec::new();
        }
        let mut reached: BTreeSet<ResourceAddress> = BTreeSet::new();
        let mut open: Vec<&PlannedChange> = self
            .changes
            .get(address)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let mut along = BTreeSet::new();
        while let Some(change) = open.pop() {
            for block in change.dependencies.iter().map(without_keys) {
                let of_block = self.blocks.get(&block).into_iter().flatten();
                if reached.insert(block) {
                    open.extend(of_block);
                }
            }
            let is_healed = heals(&change.address) && !change.deposed;
            if !change.is_nothing() && !is_healed {
                along.insert(change.address.clone());
            }
        }
        along.into_iter().collect()
    }
}

fn without_keys(block: &ResourceAddress) -> ResourceAddress {
    ResourceAddress {
        module: block.module.without_keys(),
        ..block.clone()
    }
}

/// Whether all that is known of a planned value is what one of two others has in the same place.
fn is_known_from(planned: &Value, before: Option<&Value>, now: Option<&Value>) -> bool {
    let same_as = |other: Option<&Value>| other.is_some_and(|other| same(planned, other));
    if same_as(before) || same_as(now) {
        return true;
    }
    let inside = |value: Option<&Value>, name: &Name| value?.entries()?.get(name).cloned();
    let item = |value: Option<&Value>, at: usize| value?.elements()?.get(at).cloned();
    match planned.data() {
        Data::Unknown(_) => true,
        Data::Object(items) | Data::Map(_, items) => items.iter().all(|(name, planned)| {
            let (before, now) = (inside(before, name), inside(now, name));
            is_known_from(planned, before.as_ref(), now.as_ref())
        }),
        Data::List(_, items) | Data::Tuple(items) => {
            items.iter().enumerate().all(|(at, planned)| {
                let (before, now) = (item(before, at), item(now, at));
                is_known_from(planned, before.as_ref(), now.as_ref())
            })
        }
        Data::Set(..) | Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => false,
    }
}

/// What is decided about everything that a pass saw.
pub fn pass(
    world: &World,
    loaded: &LoadedRelease,
    asked: DriftPass,
    found: Vec<Drifted>,
) -> (DriftPass, Vec<DriftJudged>) {
    // Those that would be healed alone; then the number of them is known.
    let alone = DriftPass {
        n_healable: 0,
        ..asked
    };
    let healed = |one: &&Drifted| decided(world, loaded, &alone, one).1 == DriftDecision::Heal;
    let pass = DriftPass {
        n_healable: found.iter().filter(healed).count() as u32,
        ..asked
    };
    let judged = found
        .into_iter()
        .map(|one| judged(world, loaded, &pass, one));
    let judged = judged.collect();
    (pass, judged)
}

/// An object with what is decided about it.
pub fn judged(
    world: &World,
    loaded: &LoadedRelease,
    pass: &DriftPass,
    drifted: Drifted,
) -> DriftJudged {
    let (policy, decision) = decided(world, loaded, pass, &drifted);
    DriftJudged {
        drifted,
        policy,
        decision,
    }
}

fn decided(
    world: &World,
    loaded: &LoadedRelease,
    pass: &DriftPass,
    drifted: &Drifted,
) -> (DriftPolicy, DriftDecision) {
    let policy = policy(loaded, &drifted.address, pass.policy);
    let decision = match (policy, &drifted.remedy) {
        (DriftPolicy::Observe, _) | (DriftPolicy::Heal, Some(Remedy::Nothing)) => {
            DriftDecision::Note
        }
        // Nobody asked what healing it would come to: nothing is done that was not looked at.
        (DriftPolicy::Warn, _) | (DriftPolicy::Heal, None) => DriftDecision::Warn,
        (DriftPolicy::Heal, Some(_)) if world.quarantine.contains_key(&pass.release) => {
            DriftDecision::Hold(HoldReason::Quarantined)
        }
        (DriftPolicy::Heal, Some(Remedy::Update | Remedy::Create)) => {
            if is_fight(world, pass, &drifted.address) {
                DriftDecision::Hold(HoldReason::Fight)
            } else if pass.n_healable > pass.limits.objects_max {
                DriftDecision::Hold(HoldReason::Mass(pass.n_healable))
            } else {
                DriftDecision::Heal
            }
        }
        (
            DriftPolicy::Heal,
            Some(
                remedy @ (Remedy::Destroy
                | Remedy::Otherwise
                | Remedy::Along(_)
                | Remedy::Unplanned(_)),
            ),
        ) => DriftDecision::Hold(HoldReason::Remedy(remedy.clone())),
    };
    (policy, decision)
}

fn is_fight(world: &World, pass: &DriftPass, address: &Address) -> bool {
    let Some(state) = world.drifts.get(address) else {
        return false;
    };
    let heals = state.heals.iter();
    let recent = heals.filter(|one| is_within(one.at_ms, pass.limits.window_ms, pass.at_ms));
    state.fights || recent.count() >= pass.limits.heals_max as usize
}

fn is_within(then_ms: i64, window_ms: u64, now_ms: i64) -> bool {
    let window_ms = i64::try_from(window_ms).unwrap_or(i64::MAX);
    now_ms.saturating_sub(then_ms) < window_ms
}

/// The entry that a pass is worth; none where it found what the book says already.
pub fn news(world: &World, actor: &str, pass: &DriftPass, judged: &[DriftJudged]) -> Option<Event> {
    let is_news = |one: &&DriftJudged| {
        let state = world.drifts.get(&one.drifted.address);
        let known = state.and_then(|state| state.seen.as_ref());
        one.decision == DriftDecision::Heal || known.is_none_or(|known| !is_known(known, one, pass))
    };
    let found: Vec<DriftJudged> = judged.iter().filter(is_news).cloned().collect();
    let drifted: BTreeSet<&Address> = judged.iter().map(|one| &one.drifted.address).collect();
    let over = world.drifts.iter().filter(|(address, state)| {
        let object = world.resources.get(*address);
        let settled = object.is_none_or(|object| object.quiet_from_ms <= pass.at_ms);
        state.seen.is_some() && settled && !drifted.contains(address)
    });
    let ended: Vec<Address> = over.map(|(address, _)| address.clone()).collect();
    (!found.is_empty() || !ended.is_empty()).then(|| Event::Drifted {
        actor: String::from(actor),
        pass: *pass,
        found,
        ended,
    })
}

/// Whether the book says already what was found. Attributes that are another value at each look are written down once
/// in a window, not each time: a pass every minute must not fill the book.
fn is_known(known: &DriftSeen, now: &DriftJudged, pass: &DriftPass) -> bool {
    let then = &known.judged;
    let names = |value: Option<&Value>| -> Option<Vec<Name>> {
        Some(value?.entries()?.keys().cloned().collect())
    };
    let (old, new) = (&then.drifted, &now.drifted);
    let decided = (then.policy, &then.decision) == (now.policy, &now.decision);
    let alike = names(old.after.as_ref()) == names(new.after.as_ref());
    let same = (&old.before, &old.after) == (&new.before, &new.after);
    let recent = is_within(known.at_ms, pass.limits.window_ms, pass.at_ms);
    decided && (same || (alike && recent))
}

/// The run that brings objects back; none where none is to be.
pub fn run(id: RunId, actor: &str, base: RunOptions, event: &Event) -> Option<Event> {
    let Event::Drifted { pass, found, .. } = event else {
        return None;
    };
    let heals = |one: &&DriftJudged| one.decision == DriftDecision::Heal;
    let objects: Vec<&Address> = found
        .iter()
        .filter(heals)
        .map(|one| &one.drifted.address)
        .collect();
    (!objects.is_empty()).then(|| Event::Submitted {
        run: id,
        kind: RunKind::Apply,
        release: pass.release,
        actor: String::from(actor),
        options: RunOptions {
            auto_approve: true,
            origin: Origin::Heal,
            ..options(base, &objects)
        },
    })
}

/// What speaks against carrying out the plan of a run that heals: anything but its targets changed in place or made
/// again, as they were.
pub(crate) fn refused(plan: &Plan, targets: &[Endpoint]) -> Diagnostics {
    let planned = Planned::of(plan);
    let mut found = Diagnostics::new();
    for change in &planned.plan.changes {
        let address = &change.address;
        let is_target = targets.iter().any(|target| covers(target, address));
        let heals = matches!(planned.remedy(address), Remedy::Update | Remedy::Create);
        let is_wanted = is_target && heals && !change.deposed;
        if !change.is_nothing() && !is_wanted {
            found.push(diag::heals_more(address));
        }
    }
    for imported in &plan.imported {
        found.push(diag::heals_more(&imported.address));
    }
    found
}

impl World {
    /// A pass found news.
    pub(crate) fn drifted(&mut self, pass: &DriftPass, found: &[DriftJudged], ended: &[Address]) {
        let (at_ms, window_ms) = (pass.at_ms, pass.limits.window_ms);
        for address in ended {
            if let Some(state) = self.drifts.get_mut(address) {
                state.seen = None;
            }
        }
        for judged in found {
            let address = judged.drifted.address.clone();
            let state = self.drifts.entry(address).or_default();
            if judged.decision == DriftDecision::Heal {
                state.heals.push(Healed {
                    at_ms,
                    after: judged.drifted.after.clone(),
                });
                let over = state.heals.len().saturating_sub(HEALS_KEPT);
                state.heals.drain(..over);
            }
            state.fights |= judged.decision == DriftDecision::Hold(HoldReason::Fight);
            state.seen = Some(DriftSeen {
                judged: judged.clone(),
                at_ms,
            });
        }
        self.drifts.retain(|_, state| {
            // What was healed counts no longer than the window; those of a fight are told for as long as it is one.
            if !state.fights {
                let recent = |one: &Healed| is_within(one.at_ms, window_ms, at_ms);
                state.heals.retain(recent);
            }
            state.seen.is_some() || state.fights || !state.heals.is_empty()
        });
    }

    /// A run brought objects back.
    pub(crate) fn healed(&mut self, targets: &[Endpoint]) {
        for (address, state) in &mut self.drifts {
            if targets.iter().any(|target| covers(target, address)) {
                state.seen = None;
            }
        }
    }

    /// A person has taken care of an object.
    pub(crate) fn forgiven(&mut self, address: &Address) {
        self.drifts.remove(address);
    }
}

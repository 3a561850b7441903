//! [`plan`]: the document of `terraform show -json PLANFILE`.

use crate::configuration::{self, Configuration};
use crate::state::{self, Dependencies, Module, Output, Resource};
use crate::values::{self, Raw};
use crate::{Secrecy, TERRAFORM_VERSION, checks};
use decide::{LoadedRelease, Needs, Object, Schemas, World};
use model::{
    Action, Address, CheckSubject, Drift, Mode, OutputChange, Plan, PlanMode, PlannedChange, Reason,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use value::{Marks, Moment, Name, Type, Value};

/// Version of the form of a plan.
const FORMAT_VERSION: &str = "1.2";

/// What a plan was made from.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The release it carries out.
    pub loaded: &'a LoadedRelease,
    /// The world it was made in.
    pub world: &'a World,
    /// Schemas of the providers.
    pub schemas: &'a Schemas,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: i64,
    /// What becomes of sensitive values.
    pub secrecy: Secrecy,
}

/// What becomes of each output.
type Outputs = BTreeMap<Name, Becomes>;

/// What becomes of an output.
#[derive(Clone, Copy)]
struct Becomes {
    /// In Terraform's words.
    actions: &'static [&'static str],
    /// It is there before anything is done: it was, or its value is known already.
    is_known_before: bool,
}

#[derive(Serialize)]
struct Document {
    format_version: &'static str,
    terraform_version: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<Name, Variable>,
    planned_values: PlannedValues,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_drift: Vec<ResourceChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_changes: Vec<ResourceChange>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    output_changes: BTreeMap<Name, Change>,
    #[serde(skip_serializing_if = "state::State::is_empty")]
    prior_state: state::State,
    configuration: Configuration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<checks::Check>,
    timestamp: String,
    applyable: bool,
    complete: bool,
    errored: bool,
}

#[derive(Serialize)]
struct Variable {
    value: Raw,
}

#[derive(Serialize)]
struct PlannedValues {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<Name, Output>,
    root_module: Module,
}

#[derive(Serialize)]
struct ResourceChange {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_address: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    module_address: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: Name,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<Raw>,
    provider_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    change: Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Change {
    actions: &'static [&'static str],
    before: Raw,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Raw>,
    after_unknown: Raw,
    before_sensitive: Raw,
    after_sensitive: Raw,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replace_paths: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    importing: Option<Importing>,
}

#[derive(Serialize)]
struct Importing {
    id: String,
}

/// A plan as Terraform's tools read it.
pub fn plan(plan: &Plan, making: Making<'_>) -> String {
    let plan = &with_null_outputs(plan, making.loaded);
    // What becomes of an output is told by its values, before they are concealed.
    let outputs = plan.outputs.iter();
    let outputs = outputs.map(|(name, change)| {
        let becomes = Becomes {
            actions: output_actions(change),
            is_known_before: prior_output(change).is_some(),
        };
        (name.clone(), becomes)
    });
    let outputs = outputs.collect();
    match making.secrecy {
        Secrecy::Revealed => written(plan, making, &outputs),
        Secrecy::Concealed => written(
            &concealed(plan),
            Making {
                world: &state::concealed(making.world),
                ..making
            },
            &outputs,
        ),
    }
}

/// The plan with outputs that were null and stay so: they are none, and Terraform tells of them.
fn with_null_outputs(plan: &Plan, loaded: &LoadedRelease) -> Plan {
    let mut plan = plan.clone();
    if plan.mode == PlanMode::Destroy {
        return plan;
    }
    if let Some(root) = loaded.release.modules.first() {
        for (name, output) in &root.outputs {
            if plan.partial && !plan.outputs.contains_key(name) {
                continue;
            }
            let marks = if output.sensitive {
                Marks::SENSITIVE
            } else {
                Marks::NONE
            };
            let null = Value::null(Type::Any).with_marks(marks);
            let none = OutputChange {
                before: None,
                after: None,
            };
            let change = plan.outputs.entry(name.clone()).or_insert(none);
            change.after.get_or_insert(null);
        }
    }
    plan
}

/// The plan with null in place of everything sensitive.
fn concealed(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let changes = plan.changes.iter_mut();
    let of_changes = changes.flat_map(|one| [&mut one.before, &mut one.after]);
    let outputs = plan.outputs.values_mut();
    let of_outputs = outputs.flat_map(|one| [&mut one.before, &mut one.after]);
    let drift = plan.drift.iter_mut();
    for value in of_changes.chain(of_outputs).flatten() {
        *value = values::concealed(value);
    }
    for one in drift {
        one.before = values::concealed(&one.before);
        one.after = one.after.as_ref().map(values::concealed);
    }
    plan
}

fn written(plan: &Plan, making: Making<'_>, outputs: &Outputs) -> String {
    let mut deposed = BTreeMap::new();
    for (position, (address, _)) in making.world.deposed.iter().enumerate() {
        deposed.entry(address.clone()).or_insert(position);
    }
    let mut changes: Vec<&PlannedChange> = told(plan).collect();
    changes.sort_by(|a, b| state::order(&a.address, &b.address).then(a.deposed.cmp(&b.deposed)));
    let document = Document {
        format_version: FORMAT_VERSION,
        terraform_version: TERRAFORM_VERSION,
        variables: variables(making.loaded, making.secrecy),
        planned_values: PlannedValues {
            outputs: planned_outputs(plan),
            root_module: state::tree(planned_objects(plan, making.schemas)),
        },
        resource_drift: drift(plan, making),
        resource_changes: changes
            .into_iter()
            .map(|one| told_change(plan, &as_known(plan, one), &deposed))
            .collect(),
        output_changes: plan
            .outputs
            .iter()
            .filter(|(_, change)| change.before.is_some() || change.after.is_some())
            .map(|(name, change)| {
                let actions = outputs.get(name).map_or(&["no-op"] as _, |one| one.actions);
                (name.clone(), output_change(change, actions))
            })
            .collect(),
        prior_state: prior_state(plan, making, outputs),
        configuration: configuration::of(making.loaded, making.schemas, making.secrecy),
        checks: match plan.mode {
            PlanMode::Destroy => checks::unasked(&making.loaded.checkable(), plan.partial),
            PlanMode::Normal | PlanMode::RefreshOnly => {
                let left_out =
                    |one: &CheckSubject| plan.partial && !plan.without_instances.contains(one);
                checks::of(&plan.checks, &making.loaded.checkable(), left_out)
            }
        },
        timestamp: Moment::of_ms(making.at_ms).rfc3339(),
        applyable: is_applyable(plan, making, outputs),
        complete: !plan.partial,
        errored: false,
    };
    serde_json::to_string(&document).unwrap_or_default()
}

/// What is no longer written is shown to go as it was known, not as it was found.
fn as_known<'p>(plan: &'p Plan, change: &'p PlannedChange) -> Cow<'p, PlannedChange> {
    let is_orphan = change.action == Action::Delete && change.reason.is_some() && !change.deposed;
    let mut drift = plan.drift.iter().filter(|_| is_orphan);
    match drift.find(|one| one.address == change.address) {
        Some(drift) => {
            let mut change = change.clone();
            change.before = Some(drift.before.clone());
            Cow::Owned(change)
        }
        None => Cow::Borrowed(change),
    }
}

/// The changes that are told: none where only note is taken, and not that data sources are no longer read.
fn told(plan: &Plan) -> impl Iterator<Item = &PlannedChange> {
    let all = plan.changes.iter();
    all.filter(|_| plan.mode != PlanMode::RefreshOnly)
        .filter(|one| one.address.resource.mode == Mode::Managed || one.action == Action::Read)
}

/// A change as it is told. What is destroyed is told by the name it has now.
fn told_change(
    plan: &Plan,
    change: &PlannedChange,
    deposed: &BTreeMap<Address, usize>,
) -> ResourceChange {
    let mut told = resource_change(change, deposed);
    if plan.mode == PlanMode::Destroy {
        told.previous_address = None;
    }
    told
}

/// Whether an object that stays is written to depend on something that the book does not know of.
fn depends_on_more(change: &PlannedChange, making: Making<'_>, needs: &Needs<'_>) -> bool {
    let known_as = change.previous.as_ref().unwrap_or(&change.address);
    let Some(object) = making.world.resources.get(known_as) else {
        return false;
    };
    let known = Dependencies::in_world(making.world);
    let before = state::names(known.blocks(&object.dependencies));
    let needed = needs.resources(&change.address.resource);
    let now = state::names(&needed.unwrap_or_default());
    now.iter().any(|one| !before.contains(one))
}

/// Whether it is no longer, or now, written that a new object is made before the one that stays would go.
fn is_made_otherwise(change: &PlannedChange, world: &World) -> bool {
    let known_as = change.previous.as_ref().unwrap_or(&change.address);
    let object = world.resources.get(known_as);
    object.is_some_and(|object| {
        change.address.resource.mode == Mode::Managed
            && object.create_before_destroy != change.create_before_destroy
    })
}

fn is_applyable(plan: &Plan, making: Making<'_>, outputs: &Outputs) -> bool {
    if plan.mode == PlanMode::RefreshOnly {
        // What nobody writes any more stays for now, and what is not known yet too.
        let is_new =
            |one: &Becomes| one.is_known_before && matches!(one.actions, ["create"] | ["update"]);
        let needs = needs(plan, making);
        return !plan.drift.is_empty()
            || outputs.values().any(is_new)
            || plan
                .changes
                .iter()
                .any(|one| depends_on_more(one, making, &needs))
            || plan
                .changes
                .iter()
                .any(|one| is_made_otherwise(one, making.world));
    }
    told(plan).any(|one| !one.is_nothing()) || outputs.values().any(|one| one.actions != ["no-op"])
}

fn variables(loaded: &LoadedRelease, secrecy: Secrecy) -> BTreeMap<Name, Variable> {
    let mut variables = BTreeMap::new();
    for (name, variable) in loaded
        .release
        .modules
        .first()
        .into_iter()
        .flat_map(|root| &root.variables)
    {
        let value = loaded.inputs.get(name).or(variable.default.as_ref());
        if let Some(value) = value.filter(|_| !variable.ephemeral) {
            let concealed = variable.sensitive && secrecy == Secrecy::Concealed;
            let nothing = Value::null(Type::Any);
            let value = values::raw(if concealed { &nothing } else { value });
            variables.insert(name.clone(), Variable { value });
        }
    }
    variables
}

fn planned_outputs(plan: &Plan) -> BTreeMap<Name, Output> {
    let there = plan.outputs.iter().filter_map(|(name, change)| {
        let after = change.after.as_ref()?;
        let known = after.is_wholly_known();
        let output = Output {
            sensitive: is_sensitive(change),
            value: known.then(|| values::raw(after)),
            ty: known.then(|| values::of_text(output_type(change.before.as_ref(), after))),
        };
        Some((name.clone(), output))
    });
    there.collect()
}

/// The type of an output: none for null, except where null stands for what is concealed or takes the place of a value.
fn output_type(before: Option<&Value>, value: &Value) -> String {
    if value.is_null() && value.marks().is_empty() && before.is_none_or(Value::is_null) {
        return values::type_text(&Type::Any);
    }
    values::type_text(&value.ty())
}

fn planned_objects<'a>(plan: &'a Plan, schemas: &Schemas) -> Vec<(&'a Address, Resource)> {
    let stays = |one: &&PlannedChange| !one.deposed && !matches!(one.action, Action::Delete);
    let planned = told(plan).filter(stays);
    let planned = planned.filter_map(|one| {
        // What is only forgotten stands there without values.
        let nothing = Value::null(Type::Any);
        let forgotten = (one.action == Action::Forget).then_some(&nothing);
        let after = one.after.as_ref().or(forgotten)?;
        let resource = Resource::new(&one.address, &one.provider, after, schemas);
        Some((&one.address, resource))
    });
    let mut planned: Vec<(&Address, Resource)> = planned.collect();
    planned.sort_by(|a, b| a.1.address.cmp(&b.1.address));
    planned
}

fn resource_change(change: &PlannedChange, deposed: &BTreeMap<Address, usize>) -> ResourceChange {
    let nothing = Value::null(Type::Any);
    let before = change.before.as_ref().unwrap_or(&nothing);
    let after = change.after.as_ref().unwrap_or(&nothing);
    let (known, unknown) = if after.is_wholly_known() {
        (Some(values::raw(after)), Value::object(BTreeMap::new()))
    } else {
        let known = values::known(after).filter(|known| !known.is_null());
        (
            known.as_ref().map(values::raw),
            values::unknown_places(after),
        )
    };
    let written = Change {
        actions: actions(change.action, change.create_before_destroy),
        before: values::raw(before),
        after: known,
        after_unknown: values::raw(&unknown),
        before_sensitive: values::raw(&values::sensitive_places(before)),
        after_sensitive: values::raw(&values::sensitive_places(after)),
        replace_paths: change.replace_paths.clone(),
        importing: change.importing.clone().map(|id| Importing { id }),
    };
    let previous = change.previous.as_ref();
    ResourceChange {
        previous_address: previous.map(ToString::to_string),
        deposed: change
            .deposed
            .then(|| state::deposed_key(deposed.get(&change.address).copied().unwrap_or(0))),
        action_reason: change.reason.map(reason),
        ..resource_of(&change.address, &change.provider, written)
    }
}

fn resource_of(address: &Address, provider: &str, change: Change) -> ResourceChange {
    let resource = &address.resource;
    ResourceChange {
        address: address.to_string(),
        previous_address: None,
        module_address: resource.module.to_string(),
        mode: state::mode(resource.mode),
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        index: state::index(&address.key),
        provider_name: provider.to_owned(),
        deposed: None,
        change,
        action_reason: None,
    }
}

fn actions(action: Action, create_before_destroy: bool) -> &'static [&'static str] {
    match action {
        // What is held open is told of nowhere.
        Action::NoOp | Action::Open => &["no-op"],
        Action::Create => &["create"],
        Action::Read => &["read"],
        Action::Update => &["update"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
        Action::DeleteThenCreate if create_before_destroy => &["create", "delete"],
        Action::DeleteThenCreate => &["delete", "create"],
        Action::CreateThenDelete => &["create", "delete"],
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ReplaceBecauseCannotUpdate => "replace_because_cannot_update",
        Reason::ReplaceBecauseTainted => "replace_because_tainted",
        Reason::ReplaceByRequest => "replace_by_request",
        Reason::ReplaceByTriggers => "replace_by_triggers",
        Reason::DeleteBecauseNoResourceConfig => "delete_because_no_resource_config",
        Reason::DeleteBecauseNoModule => "delete_because_no_module",
        Reason::DeleteBecauseCountIndex => "delete_because_count_index",
        Reason::DeleteBecauseEachKey => "delete_because_each_key",
        Reason::DeleteBecauseWrongRepetition => "delete_because_wrong_repetition",
        Reason::DeleteBecauseNoMoveTarget => "delete_because_no_move_target",
        Reason::ReadBecauseConfigUnknown => "read_because_config_unknown",
        Reason::ReadBecauseDependencyPending => "read_because_dependency_pending",
        Reason::ReadBecauseCheckNested => "read_because_check_nested",
    }
}

fn is_sensitive(change: &OutputChange) -> bool {
    let ends = [&change.before, &change.after];
    let mut there = ends.into_iter().flatten();
    there.any(|value| value.marks().contains(Marks::SENSITIVE))
}

fn output_actions(change: &OutputChange) -> &'static [&'static str] {
    let before = change.before.as_ref().filter(|value| !value.is_null());
    match (before, &change.after) {
        (None, Some(after)) if after.is_null() => &["no-op"],
        (None, None) => &["no-op"],
        (None, Some(_)) => &["create"],
        (Some(_), None) => &["delete"],
        (Some(_), Some(_)) if change.is_nothing() => &["no-op"],
        (Some(_), Some(_)) => &["update"],
    }
}

/// The value of an output before anything is done.
fn prior_output(change: &OutputChange) -> Option<&Value> {
    let known = change
        .after
        .as_ref()
        .filter(|after| after.is_wholly_known());
    known
        .or(change.before.as_ref())
        .filter(|value| !value.is_null())
}

fn output_change(change: &OutputChange, actions: &'static [&'static str]) -> Change {
    let nothing = Value::null(Type::Any);
    let before = change.before.as_ref().unwrap_or(&nothing);
    let after = change.after.as_ref().unwrap_or(&nothing);
    let known = values::known(after).filter(|known| after.is_wholly_known() || !known.is_null());
    let sensitive = values::raw(&Value::bool(is_sensitive(change)));
    Change {
        actions,
        before: values::raw(before),
        after: known.as_ref().map(values::raw),
        after_unknown: values::raw(&if after.is_wholly_known() {
            Value::bool(false)
        } else {
            values::unknown_places(after)
        }),
        before_sensitive: sensitive.clone(),
        after_sensitive: sensitive,
        replace_paths: Vec::new(),
        importing: None,
    }
}

/// What had changed outside, as changes of what was known; and, when only taking note, moves as well.
fn drift(plan: &Plan, making: Making<'_>) -> Vec<ResourceChange> {
    let planned = |drift: &Drift| {
        let mut changes = plan.changes.iter().filter(|one| !one.deposed);
        changes.find(|one| one.address == drift.address)
    };
    let provider = |drift: &Drift| {
        let object = making.world.resources.get(&drift.address);
        let object = object.map(|object| &object.provider);
        let provider = object.or(planned(drift).map(|one| &one.provider));
        provider.cloned().unwrap_or_default()
    };
    // Of what is destroyed as a whole nobody is told what it was before.
    let told = plan.drift.iter().filter(|_| plan.mode != PlanMode::Destroy);
    let mut drift: Vec<&Drift> = told.collect();
    drift.sort_by(|a, b| state::order(&a.address, &b.address));
    let mut changes: Vec<(&Address, ResourceChange)> = Vec::new();
    for one in drift {
        let action = match &one.after {
            Some(_) => Action::Update,
            None => Action::Delete,
        };
        let mut change = PlannedChange::new(one.address.clone(), &provider(one), action);
        change.before = Some(one.before.clone());
        change.after = one.after.clone();
        change.previous = planned(one).and_then(|one| one.previous.clone());
        changes.push((&one.address, resource_change(&change, &BTreeMap::new())));
    }
    if plan.mode == PlanMode::RefreshOnly {
        let is_told = |address: &Address| plan.drift.iter().any(|one| one.address == *address);
        let moved = plan.changes.iter().filter(|one| one.previous.is_some());
        for change in moved.filter(|one| !is_told(&one.address)) {
            changes.push((&change.address, resource_change(change, &BTreeMap::new())));
        }
    }
    changes.sort_by(|a, b| state::order(a.0, b.0));
    changes.into_iter().map(|(_, change)| change).collect()
}

/// The world as the plan found it: refreshed, moved, and with the outputs that are known already.
fn prior_state(plan: &Plan, making: Making<'_>, becomes: &Outputs) -> state::State {
    let mut resources = Vec::new();
    let needs = needs(plan, making);
    let known = Dependencies::in_world(making.world);
    for change in &plan.changes {
        let is_answered =
            change.address.resource.mode == Mode::Data && change.action == Action::NoOp;
        let before = if is_answered {
            // Data sources that could be asked have answered before anything is changed.
            change.after.as_ref()
        } else {
            change.before.as_ref()
        };
        let Some(before) = before.filter(|_| !change.deposed) else {
            continue;
        };
        let known_as = change.previous.as_ref().unwrap_or(&change.address);
        let mut resource = Resource::new(&change.address, &change.provider, before, making.schemas);
        let object = making.world.resources.get(known_as);
        // What stays as it is depends on what is written now; what changes, on what it depended on before as well.
        // What is only being taken over depends on nothing yet, and what is no longer written on nothing new. Where all
        // is destroyed, what it is written to depend on is looked at before.
        let mut depends_on = Vec::new();
        let stays = change.action == Action::NoOp && plan.mode == PlanMode::Normal;
        if let Some(object) = object.filter(|_| !stays) {
            let before = known.blocks(&object.dependencies);
            depends_on.extend(state::names(before));
        }
        let is_written = change.action != Action::Delete || plan.mode == PlanMode::Destroy;
        if (change.importing.is_none() || stays) && is_written {
            let needed = needs.resources(&change.address.resource);
            depends_on.extend(state::names(&needed.unwrap_or_default()));
        }
        depends_on.sort();
        depends_on.dedup();
        // What is only read keeps no order of destroying, and is told without.
        if change.address.resource.mode == Mode::Managed {
            resource.depends_on = depends_on;
        }
        resource.tainted = object.is_some_and(|one| one.tainted);
        resources.push((&change.address, resource));
    }
    for (address, object) in untouched(plan, making.world) {
        let found = plan.drift.iter().find(|one| one.address == *address);
        let value = found.map_or(Some(&object.value), |drift| drift.after.as_ref());
        let Some(value) = value else { continue };
        let mut resource = Resource::new(address, &object.provider, value, making.schemas);
        if address.resource.mode == Mode::Managed {
            resource.depends_on = state::names(known.blocks(&object.dependencies));
        }
        resource.tainted = object.tainted;
        resources.push((address, resource));
    }
    for (position, (address, object)) in making.world.deposed.iter().enumerate() {
        let mut resource = Resource::new(address, &object.provider, &object.value, making.schemas);
        resource.depends_on = state::names(known.blocks(&object.dependencies));
        resource.deposed_key = Some(state::deposed_key(position));
        resources.push((address, resource));
    }
    let left_out = making.world.outputs.iter().filter(|(name, value)| {
        plan.partial && !plan.outputs.contains_key(*name) && !value.is_null()
    });
    let left_out = left_out.map(|(name, value)| (name.clone(), Output::of(value)));
    let planned = plan.outputs.iter().filter_map(|(name, change)| {
        let is_known_before = becomes.get(name).is_some_and(|one| one.is_known_before);
        let known = change.after.as_ref();
        let known = known.filter(|after| after.is_wholly_known());
        let value = known.or(change.before.as_ref());
        let value = value.filter(|_| is_known_before)?;
        Some((name.clone(), Output::of(value)))
    });
    let outputs = planned.chain(left_out).collect();
    state::assembled(outputs, resources, Vec::new())
}

/// What resources need of each other as it is written, among what there is by the names that the plan gives it.
fn needs<'a>(plan: &'a Plan, making: Making<'a>) -> Needs<'a> {
    let changes = plan.changes.iter().map(|change| &change.address.resource);
    let untouched = untouched(plan, making.world).map(|(address, _)| &address.resource);
    Needs::of(making.loaded, changes.chain(untouched))
}

/// Objects that the plan says nothing of: left out, or not written any more while only note is taken.
fn untouched<'a>(
    plan: &'a Plan,
    world: &'a World,
) -> impl Iterator<Item = (&'a Address, &'a Object)> {
    let changes = plan.changes.iter().filter(|change| !change.deposed);
    let names = changes.flat_map(|change| [Some(&change.address), change.previous.as_ref()]);
    let mentioned: BTreeSet<&Address> = names.flatten().collect();
    let objects = world.resources.iter();
    objects.filter(move |(address, _)| !mentioned.contains(address))
}

//! [`state`]: the document of `terraform show -json` without a plan, and the parts of it that stand in a plan too.

use crate::values::{self, Raw};
use crate::{Secrecy, TERRAFORM_VERSION, checks};
use decide::{Object, World};
use model::{Address, Key, Mode, ModulePath, ResourceAddress};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use value::{Marks, Name, Value};

/// Version of the form of a state.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize)]
pub(crate) struct State {
    format_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    terraform_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<StateValues>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<checks::Check>,
}

impl State {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_none()
    }
}

#[derive(Default, Serialize)]
pub(crate) struct StateValues {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<Name, Output>,
    pub root_module: Module,
}

#[derive(Serialize)]
pub(crate) struct Output {
    pub sensitive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Raw>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<Raw>,
}

impl Output {
    /// An output whose value is there.
    pub(crate) fn of(value: &Value) -> Self {
        Self {
            sensitive: value.marks().contains(Marks::SENSITIVE),
            value: Some(values::raw(value)),
            ty: Some(values::of_text(values::type_text(&value.ty()))),
        }
    }
}

#[derive(Default, Serialize)]
pub(crate) struct Module {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub child_modules: Vec<Module>,
}

#[derive(Serialize)]
pub(crate) struct Resource {
    pub address: String,
    pub mode: &'static str,
    #[serde(rename = "type")]
    pub kind: Name,
    pub name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Raw>,
    pub provider_name: String,
    pub schema_version: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Name, Raw>,
    pub sensitive_values: Raw,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposed_key: Option<String>,
}

impl Resource {
    /// An object with a value that may hold unknowns, which are left out.
    pub(crate) fn new(
        address: &Address,
        provider: &str,
        value: &Value,
        schemas: &decide::Schemas,
    ) -> Self {
        let known = values::known(value).unwrap_or_else(|| value.clone());
        Self {
            address: address.to_string(),
            mode: mode(address.resource.mode),
            kind: address.resource.kind.clone(),
            name: address.resource.name.clone(),
            index: index(&address.key),
            provider_name: provider.to_owned(),
            schema_version: schema_version(schemas, provider, address).unwrap_or(0),
            values: values::attributes(&known),
            sensitive_values: values::raw(&values::sensitive_places(value)),
            depends_on: Vec::new(),
            tainted: false,
            deposed_key: None,
        }
    }
}

/// The version of the form in which objects of a type are stored.
fn schema_version(schemas: &decide::Schemas, provider: &str, address: &Address) -> Option<u64> {
    let provider = schemas.get(provider)?;
    let types = match address.resource.mode {
        Mode::Managed => &provider.resources,
        Mode::Data => &provider.data,
        Mode::Ephemeral => return None,
    };
    let found = types.get(&address.resource.kind)?;
    Some(found.version)
}

pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    }
}

pub(crate) fn index(key: &Key) -> Option<Raw> {
    match key {
        Key::None => None,
        Key::Index(index) => Some(values::raw(&Value::number(*index))),
        Key::Name(name) => Some(values::raw(&Value::string(name))),
    }
}

/// Terraform's order of instances: modules higher up first, data sources before managed objects.
pub(crate) fn order(a: &Address, b: &Address) -> std::cmp::Ordering {
    let (one, other) = (&a.resource, &b.resource);
    let depth = one.module.0.len().cmp(&other.module.0.len());
    depth
        .then_with(|| one.module.cmp(&other.module))
        .then_with(|| other.mode.cmp(&one.mode))
        .then_with(|| one.kind.cmp(&other.kind))
        .then_with(|| one.name.cmp(&other.name))
        .then_with(|| a.key.cmp(&b.key))
}

/// A name for an object that a replacement left behind, in the form of Terraform's: eight hexadecimal digits. The book
/// tells them apart by their order.
pub(crate) fn deposed_key(position: usize) -> String {
    format!("{:08x}", position + 1)
}

/// The state as Terraform's tools read it.
pub fn state(world: &World, schemas: &decide::Schemas, secrecy: Secrecy) -> String {
    // An output that is null is none; one that is concealed is there.
    let mut world = world.clone();
    world.outputs.retain(|_, value| !value.is_null());
    match secrecy {
        Secrecy::Revealed => written(&world, schemas),
        Secrecy::Concealed => written(&concealed(&world), schemas),
    }
}

/// The world with null in place of everything sensitive.
pub(crate) fn concealed(world: &World) -> World {
    let mut world = world.clone();
    let current = world.resources.values_mut();
    let left_behind = world.deposed.iter_mut().map(|(_, object)| object);
    for object in current.chain(left_behind) {
        object.value = values::concealed(&object.value);
    }
    for value in world.outputs.values_mut() {
        *value = values::concealed(value);
    }
    world
}

fn written(world: &World, schemas: &decide::Schemas) -> String {
    let dependencies = Dependencies::in_world(world);
    let objects = world.resources.iter();
    let mut resources: Vec<(&Address, Resource)> = objects
        .map(|(address, object)| placed(address, object, &dependencies, schemas))
        .collect();
    for (position, (address, object)) in world.deposed.iter().enumerate() {
        let (address, mut resource) = placed(address, object, &dependencies, schemas);
        resource.deposed_key = Some(deposed_key(position));
        resources.push((address, resource));
    }
    let outputs: BTreeMap<Name, Output> = world
        .outputs
        .iter()
        .map(|(name, value)| (name.clone(), Output::of(value)))
        .collect();
    let state = assembled(
        outputs,
        resources,
        checks::of(&world.checks, &[], |_| false),
    );
    serde_json::to_string(&state).unwrap_or_default()
}

fn placed<'a>(
    address: &'a Address,
    object: &'a Object,
    dependencies: &Dependencies<'a>,
    schemas: &decide::Schemas,
) -> (&'a Address, Resource) {
    let mut resource = Resource::new(address, &object.provider, &object.value, schemas);
    // What is only read keeps no order of destroying, and is told without.
    if address.resource.mode == Mode::Managed {
        resource.depends_on = names(dependencies.blocks(&object.dependencies));
    }
    resource.tainted = object.tainted;
    (address, resource)
}

/// The document of a state; nothing but its version when there is nothing.
pub(crate) fn assembled(
    outputs: BTreeMap<Name, Output>,
    mut resources: Vec<(&Address, Resource)>,
    checks: Vec<checks::Check>,
) -> State {
    resources.sort_by(|a, b| order(a.0, b.0));
    let empty = outputs.is_empty() && resources.is_empty() && checks.is_empty();
    State {
        format_version: FORMAT_VERSION,
        terraform_version: (!empty).then_some(TERRAFORM_VERSION),
        values: (!empty).then(|| StateValues {
            outputs,
            root_module: tree(resources),
        }),
        checks,
    }
}

/// What blocks depend on, all of it: what Terraform writes beside each object.
pub(crate) struct Dependencies<'a> {
    /// What the objects of a block refer to themselves.
    direct: BTreeMap<&'a ResourceAddress, BTreeSet<&'a ResourceAddress>>,
}

impl<'a> Dependencies<'a> {
    /// Of the objects in a world.
    pub(crate) fn in_world(world: &'a World) -> Self {
        let mut direct: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (address, object) in &world.resources {
            let of_block = direct.entry(&address.resource).or_default();
            of_block.extend(&object.dependencies);
        }
        Self { direct }
    }

    /// These and all they depend on.
    pub(crate) fn blocks(&self, direct: &'a [ResourceAddress]) -> BTreeSet<&'a ResourceAddress> {
        let mut found: BTreeSet<&ResourceAddress> = BTreeSet::new();
        let mut left: Vec<&ResourceAddress> = direct.iter().collect();
        while let Some(one) = left.pop() {
            if found.insert(one) {
                left.extend(self.direct.get(one).into_iter().flatten());
            }
        }
        found
    }
}

/// Blocks as Terraform writes them where something depends on them: without instance keys, sorted.
pub(crate) fn names<'a>(blocks: impl IntoIterator<Item = &'a ResourceAddress>) -> Vec<String> {
    let names: BTreeSet<String> = blocks.into_iter().map(without_keys).collect();
    names.into_iter().collect()
}

fn without_keys(block: &ResourceAddress) -> String {
    let block = ResourceAddress {
        module: block.module.without_keys(),
        ..block.clone()
    };
    block.to_string()
}

/// Objects in the modules that they stand in, in the order in which they come. Modules in between that hold nothing
/// themselves are there too.
pub(crate) fn tree(resources: Vec<(&Address, Resource)>) -> Module {
    let mut by_module: BTreeMap<ModulePath, Vec<Resource>> = BTreeMap::new();
    for (address, resource) in resources {
        let module = address.resource.module.clone();
        for length in 0..module.0.len() {
            let above = module.0.iter().take(length).cloned().collect();
            by_module.entry(ModulePath(above)).or_default();
        }
        by_module.entry(module).or_default().push(resource);
    }
    module_at(&ModulePath::default(), &mut by_module)
}

/// Ends: each step takes a module out, and the path of a child is longer than its parent's.
fn module_at(path: &ModulePath, by_module: &mut BTreeMap<ModulePath, Vec<Resource>>) -> Module {
    let resources = by_module.remove(path).unwrap_or_default();
    let children: Vec<ModulePath> = by_module
        .keys()
        .filter(|one| one.0.len() == path.0.len() + 1 && one.0.starts_with(&path.0))
        .cloned()
        .collect();
    let mut child_modules: Vec<Module> = children
        .iter()
        .map(|child| module_at(child, by_module))
        .collect();
    child_modules.sort_by(|a, b| a.address.cmp(&b.address));
    Module {
        resources,
        address: path.to_string(),
        child_modules,
    }
}

//! [`state_file`]: a state as Terraform stores it (version 4), for programs that go on with it.

use crate::state::{self, Dependencies};
use crate::values::{self, Raw};
use crate::{Secrecy, TERRAFORM_VERSION, checks};
use base64::Engine as _;
use decide::{Object, World};
use model::{Address, BlockSchema, Mode, ModulePath, ProviderInstance};
use serde::Serialize;
use std::collections::BTreeMap;
use value::{Marks, Name, Path, PathStep, Value, stored};

/// Version of the form.
pub(crate) const VERSION: u64 = 4;

#[derive(Serialize)]
struct File<'a> {
    version: u64,
    terraform_version: &'static str,
    serial: u64,
    lineage: &'a str,
    outputs: BTreeMap<&'a Name, Output>,
    resources: Vec<Resource>,
    check_results: Option<Vec<checks::CheckResult>>,
}

#[derive(Serialize)]
struct Output {
    value: Raw,
    #[serde(rename = "type")]
    ty: Raw,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

#[derive(Serialize)]
struct Resource {
    #[serde(skip_serializing_if = "String::is_empty")]
    module: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: Name,
    name: Name,
    provider: String,
    instances: Vec<Instance>,
}

#[derive(Serialize)]
struct Instance {
    #[serde(skip_serializing_if = "Option::is_none")]
    index_key: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    schema_version: u64,
    attributes: Raw,
    sensitive_attributes: Vec<Vec<Raw>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    create_before_destroy: bool,
}

/// What resources are sorted and brought together by: module, mode (data sources first), type, name, provider.
type Group = (String, &'static str, Name, Name, String);

/// The state as Terraform stores it. With [`Secrecy::Concealed`] it says what there is, and nobody can go on with it:
/// sensitive values are null, and what providers keep for themselves is left out.
pub fn state_file(world: &World, schemas: &decide::Schemas, secrecy: Secrecy) -> String {
    let concealed;
    let shown = match secrecy {
        Secrecy::Revealed => world,
        Secrecy::Concealed => {
            concealed = state::concealed(world);
            &concealed
        }
    };
    let dependencies = Dependencies::in_world(shown);
    let mut resources: BTreeMap<Group, Vec<Instance>> = BTreeMap::new();
    let current = shown
        .resources
        .iter()
        .map(|(address, object)| (address, object, None));
    let left_behind = shown.deposed.iter().enumerate();
    let left_behind =
        left_behind.map(|(at, (address, object))| (address, object, Some(state::deposed_key(at))));
    for (address, object, deposed) in current.chain(left_behind) {
        let mut instance = instance(address, object, schemas, &dependencies);
        instance.deposed = deposed;
        if secrecy == Secrecy::Concealed {
            instance.private = None;
        }
        resources
            .entry(group(address, object))
            .or_default()
            .push(instance);
    }
    let resources = resources.into_iter().map(|(group, instances)| {
        let (module, mode, kind, name, provider) = group;
        Resource {
            module,
            mode,
            kind,
            name,
            provider,
            instances,
        }
    });
    let outputs = shown
        .outputs
        .iter()
        .filter(|(_, value)| !value.is_null() || secrecy == Secrecy::Concealed);
    let file = File {
        version: VERSION,
        terraform_version: TERRAFORM_VERSION,
        serial: world.serial,
        lineage: &world.lineage,
        outputs: outputs.map(|(name, value)| (name, output(value))).collect(),
        resources: resources.collect(),
        check_results: checks::results(&world.checks),
    };
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

fn output(value: &Value) -> Output {
    Output {
        value: values::raw(value),
        ty: values::of_text(values::type_text(&value.ty())),
        sensitive: value.marks_deep().contains(Marks::SENSITIVE),
    }
}

fn group(address: &Address, object: &Object) -> Group {
    let resource = &address.resource;
    (
        resource.module.to_string(),
        state::mode(resource.mode),
        resource.kind.clone(),
        resource.name.clone(),
        provider(&object.provider, &object.configuration),
    )
}

/// `module.m.provider["host/namespace/type"].alias`: where the configuration of a provider stands.
fn provider(source: &str, configuration: &ProviderInstance) -> String {
    let mut module = configuration.module.clone();
    for step in &mut module.0 {
        step.key = model::Key::None;
    }
    let within = if module == ModulePath::default() {
        String::new()
    } else {
        format!("{module}.")
    };
    let alias = configuration.alias.as_ref();
    let alias = alias.map_or_else(String::new, |alias| format!(".{alias}"));
    format!("{within}provider[\"{source}\"]{alias}")
}

fn instance(
    address: &Address,
    object: &Object,
    schemas: &decide::Schemas,
    dependencies: &Dependencies<'_>,
) -> Instance {
    let of_type = schemas.get(&object.provider).and_then(|provider| {
        let types = match address.resource.mode {
            Mode::Managed => &provider.resources,
            Mode::Data => &provider.data,
            Mode::Ephemeral => &provider.ephemeral,
        };
        types.get(&address.resource.kind)
    });
    let version = object
        .schema_version
        .or_else(|| of_type.map(|one| one.version));
    // Of another version's form nobody knows the type: it is as it was stored.
    let block = of_type
        .filter(|one| Some(one.version) == version)
        .map(|one| &one.block);
    let text = match block {
        Some(block) => stored::to_string(&object.value, &block.implied_type().without_optional()),
        None => value::json::to_string(&object.value),
    };
    let private = &object.private;
    Instance {
        index_key: state::index(&address.key),
        status: object.tainted.then_some("tainted"),
        deposed: None,
        schema_version: version.unwrap_or(0),
        attributes: values::of_text(text.unwrap_or_else(|_| "null".to_owned())),
        sensitive_attributes: sensitive(&object.value, block),
        private: (!private.is_empty())
            .then(|| base64::engine::general_purpose::STANDARD.encode(private)),
        dependencies: state::names(dependencies.blocks(&object.dependencies)),
        create_before_destroy: object.create_before_destroy,
    }
}

/// Where an object is sensitive because of what it was made from. What only the provider says is left out: there,
/// marks are ours, on what repeats a secret.
fn sensitive(value: &Value, block: Option<&BlockSchema>) -> Vec<Vec<Raw>> {
    let is_said = |path: &Path| {
        let Some(PathStep::Attribute(name)) = path.0.first() else {
            return false;
        };
        let attribute = block.and_then(|block| block.attributes.get(name));
        attribute.is_none_or(|one| one.required || one.optional)
    };
    let (_, places) = value.unmark_deep();
    places
        .iter()
        .filter(|(path, marks)| marks.contains(Marks::SENSITIVE) && is_said(path))
        .filter_map(|(path, _)| path.0.iter().map(step).collect())
        .collect()
}

fn step(step: &PathStep) -> Option<Raw> {
    let of = |kind: &str, value: Value| {
        let parts = [("type", Value::string(kind)), ("value", value)];
        let parts = parts.map(|(name, part)| (Name::from(name), part));
        values::raw(&Value::object(parts.into()))
    };
    let key = |value: Value| {
        let parts = [("type", stored::type_value(&value.ty())), ("value", value)];
        Value::object(parts.map(|(name, part)| (Name::from(name), part)).into())
    };
    match step {
        PathStep::Attribute(name) => Some(of("get_attr", Value::string(name))),
        PathStep::Key(name) => Some(of("index", key(Value::string(name)))),
        PathStep::Index(at) => Some(of("index", key(Value::number(*at as u64)))),
        // An element of a set has no place that could be written down: Terraform marks the whole set then.
        PathStep::Element(_) => None,
    }
}

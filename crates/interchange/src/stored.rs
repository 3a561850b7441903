//! [`StateFile`]: a state that Terraform stored (version 4), read.
//!
//! What it says of objects becomes [`Taken`], in the types that the providers' schemas give. An object in a form of
//! another version stays as it was stored: only its provider can bring it into another one.

use crate::file::VERSION;
use base64::Engine as _;
use model::{
    Address, Key, Mode, ModulePath, ProviderInstance, ResourceAddress, Taken, TakenObject,
    TypeSchema,
};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use value::{Marks, Name, Path, PathStep, Value, stored};

/// Why a text is no state that can be read.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// Not JSON, or only the beginning of it.
    #[error("it is no JSON, or only a part of it is there ({0})")]
    NotJson(String),
    /// JSON of something else.
    #[error("it is JSON, but no state: it has no version")]
    NoState,
    /// Encrypted, as OpenTofu does.
    #[error("it is encrypted; decrypt it with the program that wrote it")]
    Encrypted,
    /// Of an earlier version.
    #[error(
        "its version is {0}; a current Terraform brings it to version {VERSION} (terraform apply -refresh-only)"
    )]
    Older(i64),
    /// Of a later version.
    #[error("its version is {0}, and this program knows version {VERSION}; use a newer program")]
    Newer(i64),
    /// Something in it does not fit.
    #[error("{place}: {what}")]
    Wrong {
        /// Where, in words.
        place: String,
        /// What.
        what: String,
    },
}

/// A state that was read.
#[derive(Clone, Debug)]
pub struct StateFile {
    /// What tells it from every other.
    pub lineage: String,
    /// How often it was written.
    pub serial: u64,
    outputs: BTreeMap<Name, Value>,
    objects: Vec<Stored>,
}

/// An object as it was stored.
#[derive(Clone, Debug)]
struct Stored {
    address: Address,
    provider: String,
    configuration: ProviderInstance,
    deposed: bool,
    tainted: bool,
    schema_version: u64,
    attributes: Value,
    sensitive: Vec<Vec<Value>>,
    private: Vec<u8>,
    /// Blocks without instance keys.
    dependencies: Vec<String>,
    create_before_destroy: bool,
}

/// Reads the path of a module instance, as in `module.a["k"].module.b`.
pub type ReadModule = fn(&str) -> Option<ModulePath>;

impl StateFile {
    /// Reads a state.
    ///
    /// # Errors
    /// When it is none that can be read.
    pub fn read(text: &str, module: ReadModule) -> Result<Self, Unreadable> {
        let whole = value::json::parse(text);
        let whole = whole.map_err(|error| Unreadable::NotJson(error.to_string()))?;
        if whole.get("encrypted_data").is_some() {
            return Err(Unreadable::Encrypted);
        }
        match number(whole.get("version")) {
            Some(version) if version == VERSION as i64 => {}
            Some(version) if version > VERSION as i64 => return Err(Unreadable::Newer(version)),
            Some(version) => return Err(Unreadable::Older(version)),
            None => return Err(Unreadable::NoState),
        }
        let mut outputs = BTreeMap::new();
        for (name, written) in entries(whole.get("outputs")) {
            outputs.insert(name.clone(), output(name, written)?);
        }
        let mut objects = Vec::new();
        for resource in elements(whole.get("resources")) {
            objects.extend(read_resource(resource, module)?);
        }
        Ok(Self {
            lineage: text_of(whole.get("lineage")).unwrap_or_default(),
            serial: number(whole.get("serial"))
                .and_then(|serial| u64::try_from(serial).ok())
                .unwrap_or(0),
            outputs,
            objects,
        })
    }

    /// The types of its objects, each with the source address of its provider.
    pub fn types(&self) -> BTreeSet<(String, Mode, Name)> {
        let objects = self.objects.iter();
        objects
            .map(|one| {
                let resource = &one.address.resource;
                (one.provider.clone(), resource.mode, resource.kind.clone())
            })
            .collect()
    }

    /// How many objects are in it, data sources left out.
    pub fn n_objects(&self) -> usize {
        let objects = self.objects.iter();
        objects
            .filter(|one| one.address.resource.mode == Mode::Managed)
            .count()
    }

    /// How many outputs are in it.
    pub fn n_outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Types of managed objects that no schema is there for, each with the source address of its provider.
    pub fn unknown_types(&self, schemas: &decide::Schemas) -> BTreeSet<(String, Name)> {
        let types = self.types().into_iter();
        types
            .filter(|(provider, mode, kind)| {
                *mode == Mode::Managed
                    && schemas
                        .get(provider)
                        .is_none_or(|schema| !schema.resources.contains_key(kind))
            })
            .map(|(provider, _, kind)| (provider, kind))
            .collect()
    }

    /// What it says, in the types of the schemas. Answers of data sources that no schema is there for are left out:
    /// they are asked again.
    ///
    /// # Errors
    /// When an object does not fit its type.
    pub fn taken(&self, schemas: &decide::Schemas) -> Result<Taken, Unreadable> {
        let mut blocks: BTreeMap<String, BTreeSet<&ResourceAddress>> = BTreeMap::new();
        for object in &self.objects {
            let resource = &object.address.resource;
            blocks
                .entry(without_keys(resource))
                .or_default()
                .insert(resource);
        }
        let mut objects = Vec::new();
        for object in &self.objects {
            let resource = &object.address.resource;
            let of_type = schemas.get(&object.provider).and_then(|schema| {
                let types = match resource.mode {
                    Mode::Managed => &schema.resources,
                    Mode::Data => &schema.data,
                    Mode::Ephemeral => &schema.ephemeral,
                };
                types.get(&resource.kind)
            });
            if resource.mode != Mode::Managed && of_type.is_none() {
                continue;
            }
            let named = object.dependencies.iter();
            let dependencies = named.filter_map(|name| blocks.get(name)).flatten();
            let dependencies: BTreeSet<&ResourceAddress> = dependencies
                .copied()
                .filter(|block| *block != resource)
                .collect();
            objects.push(TakenObject {
                address: object.address.clone(),
                deposed: object.deposed,
                provider: object.provider.clone(),
                value: object.value(of_type)?,
                private: object.private.clone(),
                dependencies: dependencies.into_iter().cloned().collect(),
                tainted: object.tainted,
                create_before_destroy: object.create_before_destroy,
                configuration: object.configuration.clone(),
                schema_version: object.schema_version,
            });
        }
        Ok(Taken {
            objects,
            outputs: self.outputs.clone(),
        })
    }
}

impl Stored {
    fn value(&self, of_type: Option<&TypeSchema>) -> Result<Value, Unreadable> {
        let same = of_type.filter(|one| one.version == self.schema_version);
        let value = match same {
            None => self.attributes.clone(),
            Some(of_type) => {
                let ty = of_type.block.implied_type().without_optional();
                let value = stored::of_type(&self.attributes, &ty);
                value.map_err(|error| Unreadable::Wrong {
                    place: self.address.to_string(),
                    what: format!("it is not of the type that its provider says: {error}"),
                })?
            }
        };
        // A place that is not there any more is as open as what is around it.
        let places = self.sensitive.iter();
        let places: Vec<(Path, Marks)> = places
            .map(|steps| (place(&value, steps), Marks::SENSITIVE))
            .collect();
        Ok(value.mark_at(&places))
    }
}

/// The way to a place in a value, as far as it is there.
fn place(value: &Value, steps: &[Value]) -> Path {
    let mut path = Path::ROOT;
    let mut at = value.clone();
    for step in steps {
        let key = match step.get("type").and_then(Value::as_str) {
            Some("get_attr") => step.get("value"),
            _ => step.get("value").and_then(|key| key.get("value")),
        };
        let Some(key) = key else { break };
        let next = match at.data() {
            value::Data::Object(items) => key.as_str().and_then(|name| {
                let inner = items.get(name)?;
                Some((PathStep::Attribute(Name::from(name)), inner.clone()))
            }),
            value::Data::Map(_, items) => key.as_str().and_then(|name| {
                let inner = items.get(name)?;
                Some((PathStep::Key(Name::from(name)), inner.clone()))
            }),
            value::Data::List(_, items) | value::Data::Tuple(items) => {
                let index = number(Some(key)).and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| Some((PathStep::Index(index), items.get(index)?.clone())))
            }
            // The elements of a set have no places: all of it is sensitive.
            value::Data::Set(..)
            | value::Data::Bool(_)
            | value::Data::Number(_)
            | value::Data::String(_)
            | value::Data::Null(_)
            | value::Data::Unknown(_) => None,
        };
        let Some((step, inner)) = next else { break };
        path = path.join(step);
        at = inner;
    }
    path
}

fn read_resource(resource: &Value, module: ReadModule) -> Result<Vec<Stored>, Unreadable> {
    let member = |name: &str| text_of(resource.get(name));
    let (kind, name) = (member("type"), member("name"));
    let place = format!(
        "{}.{}",
        kind.as_deref().unwrap_or("?"),
        name.as_deref().unwrap_or("?")
    );
    let wrong = |what: &str| Unreadable::Wrong {
        place: place.clone(),
        what: what.to_owned(),
    };
    let (Some(kind), Some(name)) = (&kind, &name) else {
        return Err(wrong("it has no type or no name"));
    };
    let mode = match member("mode").as_deref() {
        Some("managed") => Mode::Managed,
        Some("data") => Mode::Data,
        _ => return Err(wrong("its mode is neither managed nor data")),
    };
    let path = match member("module") {
        None => ModulePath::default(),
        Some(text) => {
            module(&text).ok_or_else(|| wrong("the name of its module cannot be read"))?
        }
    };
    let provider = member("provider").unwrap_or_default();
    let (provider, configuration) = read_provider(&provider, module)
        .ok_or_else(|| wrong("its provider is not named by a whole address"))?;
    let block = ResourceAddress {
        module: path,
        mode,
        kind: Name::from(kind.as_str()),
        name: Name::from(name.as_str()),
    };
    elements(resource.get("instances"))
        .map(|instance| {
            let wrong = |what: &str| wrong(what);
            read_instance(instance, &block, &provider, &configuration).map_err(wrong)
        })
        .collect()
}

fn read_instance(
    instance: &Value,
    block: &ResourceAddress,
    provider: &str,
    configuration: &ProviderInstance,
) -> Result<Stored, &'static str> {
    let key = match instance.get("index_key") {
        None => Key::None,
        Some(key) if key.is_null() => Key::None,
        Some(key) => match (key.as_str(), number(Some(key))) {
            (Some(name), _) => Key::Name(Name::from(name)),
            (None, Some(index)) => Key::Index(
                u64::try_from(index).map_err(|_| "the key of an instance is below zero")?,
            ),
            (None, None) => return Err("the key of an instance is neither a text nor a number"),
        },
    };
    let attributes = instance.get("attributes").filter(|one| !one.is_null());
    let Some(attributes) = attributes else {
        return Err(
            "an instance is stored in the form of Terraform 0.11; a newer Terraform brings it into a current one",
        );
    };
    let private = match text_of(instance.get("private")) {
        None => Vec::new(),
        Some(text) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|_| "what its provider keeps for itself is damaged")?,
    };
    let schema_version = number(instance.get("schema_version")).unwrap_or(0);
    Ok(Stored {
        address: Address {
            resource: block.clone(),
            key,
        },
        provider: provider.to_owned(),
        configuration: configuration.clone(),
        deposed: text_of(instance.get("deposed")).is_some_and(|key| !key.is_empty()),
        tainted: text_of(instance.get("status")).as_deref() == Some("tainted"),
        schema_version: u64::try_from(schema_version).unwrap_or(0),
        attributes: attributes.clone(),
        sensitive: elements(instance.get("sensitive_attributes"))
            .map(|steps| elements(Some(steps)).cloned().collect())
            .collect(),
        private,
        dependencies: elements(instance.get("dependencies"))
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        create_before_destroy: instance
            .get("create_before_destroy")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

/// `module.m.provider["host/namespace/type"].alias`.
fn read_provider(text: &str, module: ReadModule) -> Option<(String, ProviderInstance)> {
    let at = text.find("provider[\"")?;
    let (before, rest) = text.split_at(at);
    let path = match before.strip_suffix('.') {
        Some(path) => module(path)?,
        None if before.is_empty() => ModulePath::default(),
        None => return None,
    };
    let (source, after) = rest.strip_prefix("provider[\"")?.split_once("\"]")?;
    let alias = after.strip_prefix('.').map(Name::from);
    let configuration = ProviderInstance {
        module: path,
        alias,
        key: None,
    };
    Some((source.to_owned(), configuration))
}

fn output(name: &str, written: &Value) -> Result<Value, Unreadable> {
    let wrong = |what: String| Unreadable::Wrong {
        place: format!("output {name}"),
        what,
    };
    let value = written
        .get("value")
        .ok_or_else(|| wrong("it has no value".to_owned()))?;
    let ty = written.get("type").and_then(stored::read_type);
    let ty = ty.ok_or_else(|| wrong("its type cannot be read".to_owned()))?;
    let value = value::convert(value, &ty)
        .map_err(|error| wrong(format!("it is not of its type: {error}")))?;
    let sensitive = written.get("sensitive").and_then(Value::as_bool);
    Ok(if sensitive == Some(true) {
        value.with_marks(Marks::SENSITIVE)
    } else {
        value
    })
}

fn without_keys(resource: &ResourceAddress) -> String {
    let mut resource = resource.clone();
    for step in &mut resource.module.0 {
        step.key = Key::None;
    }
    resource.to_string()
}

fn text_of(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn number(value: Option<&Value>) -> Option<i64> {
    value
        .and_then(Value::as_number)
        .and_then(value::Number::as_i64)
}

fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::elements).unwrap_or_default().iter()
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&Name, &Value)> {
    value.and_then(Value::entries).into_iter().flatten()
}

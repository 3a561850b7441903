//! Small pure steps of planning one object: merging configuration with what is there, comparing, finding holes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Attribute, BlockSchema, NestedAttributes, Nesting};
use value::{Data, Marks, Name, Type, Value};

/// The new object that a configuration asks for: what is set comes from the configuration, what the provider computes
/// stays as it was, or is unknown for a new object (`ProposedNew` of Terraform's object planning).
pub(crate) fn proposed(schema: &BlockSchema, prior: Option<&Value>, config: &Value) -> Value {
    let Some(entries) = config.entries() else {
        return config.clone();
    };
    let mut merged: BTreeMap<Name, Value> = entries.clone();
    for (name, attribute) in &schema.attributes {
        let unset = merged.get(name).is_none_or(Value::is_null);
        if unset && attribute.computed {
            let value = match prior {
                Some(prior) => prior
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| Value::null(attribute.ty.clone())),
                None => Value::unknown(attribute.ty.clone()),
            };
            merged.insert(name.clone(), value);
        }
    }
    for (name, nested) in &schema.blocks {
        let Some(value) = entries.get(name) else {
            continue;
        };
        let before = prior.and_then(|prior| prior.get(name));
        merged.insert(
            name.clone(),
            proposed_nested(&nested.block, nested.nesting, before, value),
        );
    }
    Value::object(merged).with_marks(config.marks())
}

fn proposed_nested(
    schema: &BlockSchema,
    nesting: Nesting,
    prior: Option<&Value>,
    config: &Value,
) -> Value {
    match (nesting, config.data()) {
        (Nesting::Single | Nesting::Group, Data::Object(_)) => {
            proposed(schema, prior.filter(|prior| !prior.is_null()), config)
        }
        (Nesting::List, Data::List(ty, items)) => {
            let before = prior.and_then(Value::elements).unwrap_or_default();
            let items = items
                .iter()
                .enumerate()
                .map(|(at, item)| proposed(schema, before.get(at), item));
            Value::list(ty.clone(), items.collect())
        }
        (Nesting::Map, Data::Map(ty, items)) => {
            let items = items.iter().map(|(key, item)| {
                (
                    key.clone(),
                    proposed(schema, prior.and_then(|prior| prior.get(key)), item),
                )
            });
            Value::map(ty.clone(), items.collect())
        }
        // Elements of a set have no names to pair them by: each is proposed anew.
        _ => config.clone(),
    }
}

/// Whether a provider is given something in such a block that it never answers, and that may be ephemeral.
pub(crate) fn has_write_only(schema: &BlockSchema) -> bool {
    let mut blocks = schema.blocks.values();
    have_write_only(&schema.attributes) || blocks.any(|nested| has_write_only(&nested.block))
}

fn have_write_only(attributes: &BTreeMap<Name, Attribute>) -> bool {
    attributes.values().any(|one| {
        let nested = one.nested.as_ref();
        one.write_only || nested.is_some_and(|nested| have_write_only(&nested.attributes))
    })
}

/// The first path at which `later` contradicts what `earlier` already knew; none when it only fills holes.
pub(crate) fn contradiction(earlier: &Value, later: &Value) -> Option<String> {
    let mut path = Vec::new();
    contradiction_at(earlier, later, &mut path).then(|| path.join("."))
}

fn contradiction_at(earlier: &Value, later: &Value, path: &mut Vec<String>) -> bool {
    match (earlier.data(), later.data()) {
        (Data::Unknown(_), _) => false,
        (Data::Object(a) | Data::Map(_, a), Data::Object(b) | Data::Map(_, b)) => {
            for (name, one) in a.iter() {
                path.push(name.to_string());
                if b.get(name)
                    .is_none_or(|other| contradiction_at(one, other, path))
                {
                    return true;
                }
                path.pop();
            }
            b.len() != a.len()
        }
        (Data::List(_, a) | Data::Tuple(a), Data::List(_, b) | Data::Tuple(b)) => {
            if a.len() != b.len() {
                return true;
            }
            for (at, (one, other)) in a.iter().zip(b.iter()).enumerate() {
                path.push(at.to_string());
                if contradiction_at(one, other, path) {
                    return true;
                }
                path.pop();
            }
            false
        }
        (Data::Set(_, a), Data::Set(_, b)) => {
            let known = a.iter().all(Value::is_wholly_known);
            if known {
                !same(earlier, later)
            } else {
                b.len() > a.len()
            }
        }
        (Data::Null(_), Data::Null(_)) => false,
        (Data::Null(_), _) | (_, Data::Null(_)) => true,
        _ => !same(earlier, later),
    }
}

/// The same for attributes inside of an attribute: the provider fills in what it computes and nobody has written.
pub(crate) fn contradiction_inside(
    nested: &NestedAttributes,
    config: &Value,
    planned: &Value,
) -> Option<String> {
    let pairs: Vec<(String, &Value, &Value)> = match (config.data(), planned.data()) {
        (Data::Object(_), Data::Object(_)) if nested.nesting == Nesting::Single => {
            return contradiction_of(&nested.attributes, config, planned);
        }
        (Data::List(_, a) | Data::Tuple(a), Data::List(_, b) | Data::Tuple(b))
            if a.len() == b.len() =>
        {
            let pairs = a.iter().zip(b.iter()).enumerate();
            pairs.map(|(at, (a, b))| (at.to_string(), a, b)).collect()
        }
        (Data::Map(_, a), Data::Map(_, b)) if a.keys().eq(b.keys()) => {
            let pairs = a.iter().zip(b.values());
            pairs.map(|((key, a), b)| (key.to_string(), a, b)).collect()
        }
        // Elements of a set have no names to pair them by.
        (Data::Set(_, a), Data::Set(_, b)) if a.len() == b.len() => return None,
        _ => return contradiction(config, planned),
    };
    pairs.into_iter().find_map(|(step, config, planned)| {
        let inside = contradiction_of(&nested.attributes, config, planned)?;
        Some([step, inside].join("."))
    })
}

fn contradiction_of(
    attributes: &BTreeMap<Name, Attribute>,
    config: &Value,
    planned: &Value,
) -> Option<String> {
    let (Some(written), Some(made)) = (config.entries(), planned.entries()) else {
        return contradiction(config, planned);
    };
    written.iter().find_map(|(name, value)| {
        let attribute = attributes.get(name)?;
        if attribute.write_only || (value.is_null() && attribute.computed) {
            return None;
        }
        let planned = made.get(name)?;
        let found = match &attribute.nested {
            Some(nested) if !value.is_null() => contradiction_inside(nested, value, planned),
            _ => contradiction(value, planned),
        };
        found.map(|path| {
            if path.is_empty() {
                name.to_string()
            } else {
                [name, path.as_str()].join(".")
            }
        })
    })
}

/// Whether two values are the same data of the same kind, whatever their marks and the declared types of their nulls.
/// What is not known is the same as nothing.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    if !a.is_wholly_known() || !b.is_wholly_known() {
        return false;
    }
    match (a.data(), b.data()) {
        (Data::Null(_), Data::Null(_)) => true,
        (Data::Object(a), Data::Object(b)) => same_entries(a, b),
        (Data::Map(t, a), Data::Map(u, b)) => agree(t, u) && same_entries(a, b),
        (Data::Tuple(a), Data::Tuple(b)) => same_items(a, b),
        (Data::List(t, a), Data::List(u, b)) | (Data::Set(t, a), Data::Set(u, b)) => {
            agree(t, u) && same_items(a, b)
        }
        (a, b) => a == b,
    }
}

fn same_entries(a: &BTreeMap<Name, Value>, b: &BTreeMap<Name, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b.iter())
            .all(|((a, one), (b, other))| a == b && same(one, other))
}

fn same_items(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(one, other)| same(one, other))
}

/// Whether two types are the same as far as they are known.
fn agree(a: &Type, b: &Type) -> bool {
    a == b || a.contains_any() || b.contains_any()
}

/// Whether two values are the same data and hold the same secrets in the same places.
pub(crate) fn same_with_marks(a: &Value, b: &Value) -> bool {
    same(a, b) && (secret_places(a) == secret_places(b))
}

fn secret_places(value: &Value) -> BTreeSet<value::Path> {
    if !value.marks_deep().contains(Marks::SENSITIVE) {
        return BTreeSet::new();
    }
    let (_, places) = value.unmark_deep();
    let secret = places
        .into_iter()
        .filter(|(_, marks)| marks.contains(Marks::SENSITIVE));
    secret.map(|(path, _)| path).collect()
}

/// The value at a path of attribute names, keys and positions.
pub(crate) fn at_path<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter()
        .try_fold(value, |value, step| match value.data() {
            Data::Object(items) | Data::Map(_, items) => items.get(step.as_str()),
            Data::List(_, items) | Data::Tuple(items) => {
                step.parse().ok().and_then(|at: usize| items.get(at))
            }
            Data::Bool(_)
            | Data::Number(_)
            | Data::String(_)
            | Data::Set(..)
            | Data::Unknown(_)
            | Data::Null(_) => None,
        })
}

/// The configuration with the parts that are to be ignored taken from the object as it is (`ignore_changes`).
pub(crate) fn ignoring(
    schema: &BlockSchema,
    config: &Value,
    prior: &Value,
    all: bool,
    paths: &[Vec<Name>],
) -> Value {
    let mut result = config.clone();
    if all {
        let Some(entries) = config.entries() else {
            return result;
        };
        let kept = entries.iter().map(|(name, value)| {
            let only_computed = schema
                .attributes
                .get(name)
                .is_some_and(|one| one.computed && !one.optional);
            let kept = if only_computed { None } else { prior.get(name) };
            (name.clone(), kept.unwrap_or(value).clone())
        });
        return Value::object(kept.collect()).with_marks(config.marks());
    }
    for path in paths {
        result = replaced(&result, prior, path);
    }
    result
}

fn replaced(config: &Value, prior: &Value, path: &[Name]) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return prior.clone();
    };
    let (Some(entries), before) = (config.entries(), prior.get(first)) else {
        return config.clone();
    };
    let mut entries = entries.clone();
    match (entries.get(first), before) {
        (Some(value), Some(before)) => {
            let new = replaced(value, before, rest);
            entries.insert(first.clone(), new);
        }
        (None, Some(before)) if rest.is_empty() => {
            entries.insert(first.clone(), before.clone());
        }
        (Some(_), None) if rest.is_empty() && matches!(config.data(), Data::Map(..)) => {
            entries.remove(first);
        }
        _ => return config.clone(),
    }
    let rebuilt = if let Data::Map(ty, _) = config.data() {
        Value::map(ty.clone(), entries)
    } else {
        Value::object(entries)
    };
    rebuilt.with_marks(config.marks())
}

/// An object whose every attribute is what the schema says, for a resource that is gone.
pub(crate) fn null_object(schema: &BlockSchema) -> Value {
    let ty: Type = schema.implied_type();
    Value::null(ty)
}

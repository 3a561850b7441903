//! The new object that a configuration asks for (`proposed_new_state`), and the tidy form of what older providers
//! answer. Both follow the schema and know nothing of the provider.

use model::{Attribute, BlockSchema, NestedAttributes, Nesting};
use std::collections::BTreeMap;
use value::{Data, Name, Type, Value};

/// What is set comes from the configuration, what the provider computes stays as it was; null for a new object, which
/// the provider then marks unknown by itself.
pub(crate) fn proposed(block: &BlockSchema, prior: &Value, config: &Value) -> Value {
    if config.is_null() && prior.is_null() {
        return prior.clone();
    }
    let empty;
    let prior = if prior.is_null() {
        empty = empty_block(block);
        &empty
    } else {
        prior
    };
    let Some(entries) = config.entries() else {
        return prior.clone();
    };
    let mut merged = attributes(&block.attributes, prior, config);
    for (name, nested) in &block.blocks {
        let Some(written) = entries.get(name) else {
            continue;
        };
        let before = part(prior, name);
        let one = |before: &Value, config: &Value| proposed(&nested.block, before, config);
        let taken = |before: &Value, config: &Value| could_come(&nested.block, before, config);
        let value = each(nested.nesting, &before, written, &one, &taken);
        merged.insert(name.clone(), value);
    }
    Value::object(merged)
}

fn part(whole: &Value, name: &str) -> Value {
    whole
        .get(name)
        .cloned()
        .unwrap_or_else(|| Value::null(Type::Any))
}

fn attributes(
    all: &BTreeMap<Name, Attribute>,
    prior: &Value,
    config: &Value,
) -> BTreeMap<Name, Value> {
    let merged = all.iter().map(|(name, attribute)| {
        let (before, written) = (part(prior, name), part(config, name));
        let value = if attribute.computed && written.is_null() {
            if was_written(attribute, &before) {
                written
            } else {
                before
            }
        } else if let Some(nested) = &attribute.nested {
            nested_attributes(nested, &before, &written)
        } else {
            written
        };
        (name.clone(), value)
    });
    merged.collect()
}

fn nested_attributes(nested: &NestedAttributes, prior: &Value, config: &Value) -> Value {
    let one = |before: &Value, config: &Value| {
        if config.entries().is_none() {
            return config.clone();
        }
        Value::object(attributes(&nested.attributes, before, config))
    };
    let taken =
        |before: &Value, config: &Value| attributes_could_come(&nested.attributes, before, config);
    each(nested.nesting, prior, config, &one, &taken)
}

/// Merges each of several objects with the one it was before.
fn each(
    nesting: Nesting,
    prior: &Value,
    config: &Value,
    one: &dyn Fn(&Value, &Value) -> Value,
    taken: &dyn Fn(&Value, &Value) -> bool,
) -> Value {
    let null = Value::null(Type::Any);
    match (nesting, config.data()) {
        (Nesting::Single | Nesting::Group, Data::Object(_)) => one(prior, config),
        (_, Data::List(_, items) | Data::Tuple(items)) => {
            let before = prior.elements().unwrap_or_default();
            let items = items.iter().enumerate().map(|(at, item)| {
                before
                    .get(at)
                    .map_or_else(|| item.clone(), |before| one(before, item))
            });
            rebuilt(config, items.collect())
        }
        (Nesting::Map, Data::Map(element, items)) => {
            let items = items.iter().map(|(key, item)| {
                let before = prior.get(key);
                let item = before.map_or_else(|| item.clone(), |before| one(before, item));
                (key.clone(), item)
            });
            Value::map(element.clone(), items.collect())
        }
        (_, Data::Set(_, items)) => {
            let mut before: Vec<&Value> = prior.elements().unwrap_or_default().iter().collect();
            let items = items.iter().map(|item| {
                let found = before.iter().position(|before| taken(before, item));
                match found {
                    Some(at) => one(before.remove(at), item),
                    None => one(&null, item),
                }
            });
            rebuilt(config, items.collect())
        }
        _ => config.clone(),
    }
}

fn rebuilt(like: &Value, items: Vec<Value>) -> Value {
    match like.data() {
        Data::List(element, _) => Value::list(element.clone(), items),
        Data::Set(element, _) => Value::set(element.clone(), items),
        _ => Value::tuple(items),
    }
}

/// Whether an object that exists could have come from this element of a set: it differs from it only where the provider
/// computes and nothing is written.
fn could_come(block: &BlockSchema, prior: &Value, config: &Value) -> bool {
    attributes_could_come(&block.attributes, prior, config)
        && block.blocks.iter().all(|(name, nested)| {
            let (before, written) = (part(prior, name), part(config, name));
            elements_could_come(&before, &written, &|before, written| {
                could_come(&nested.block, before, written)
            })
        })
}

fn attributes_could_come(all: &BTreeMap<Name, Attribute>, prior: &Value, config: &Value) -> bool {
    all.iter().all(|(name, attribute)| {
        let (before, written) = (part(prior, name), part(config, name));
        if written.is_null() && (attribute.computed || before.is_null()) {
            return true;
        }
        match &attribute.nested {
            Some(nested) => elements_could_come(&before, &written, &|before, written| {
                attributes_could_come(&nested.attributes, before, written)
            }),
            None => before == written,
        }
    })
}

fn elements_could_come(
    prior: &Value,
    config: &Value,
    one: &dyn Fn(&Value, &Value) -> bool,
) -> bool {
    match (prior.data(), config.data()) {
        (Data::Object(_), Data::Object(_)) => one(prior, config),
        (Data::List(_, before), Data::List(_, written))
        | (Data::Tuple(before), Data::Tuple(written)) => {
            before.len() == written.len()
                && before
                    .iter()
                    .zip(written.iter())
                    .all(|(before, written)| one(before, written))
        }
        (Data::Map(_, before), Data::Map(_, written)) => {
            before.keys().eq(written.keys())
                && before
                    .values()
                    .zip(written.values())
                    .all(|(before, written)| one(before, written))
        }
        (Data::Null(_), Data::Null(_)) => true,
        _ => prior == config,
    }
}

/// Whether something that only a person writes is in what was there before: then it was written, and is taken away now.
fn was_written(attribute: &Attribute, before: &Value) -> bool {
    let Some(nested) = attribute.nested.as_ref().filter(|_| attribute.optional) else {
        return false;
    };
    let in_one = |object: &Value| {
        let entries = object.entries().into_iter().flatten();
        entries.into_iter().any(|(name, value)| {
            nested.attributes.get(name).is_some_and(|inner| {
                !value.is_null() && (!inner.computed || was_written(inner, value))
            })
        })
    };
    match before.data() {
        Data::Object(_) => in_one(before),
        Data::Map(_, items) => items.values().any(in_one),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.iter().any(in_one),
        _ => false,
    }
}

/// A block of which nothing is written.
pub(crate) fn empty_block(block: &BlockSchema) -> Value {
    let attributes = block
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), Value::null(attribute.ty.clone())));
    let blocks = block.blocks.iter().map(|(name, nested)| {
        let ty = nested.block.implied_type();
        let empty = match nested.nesting {
            Nesting::Single => Value::null(ty),
            Nesting::Group => empty_block(&nested.block),
            Nesting::List if ty.contains_any() => Value::tuple(Vec::new()),
            Nesting::List => Value::list(ty, Vec::new()),
            Nesting::Set => Value::set(ty, Vec::new()),
            Nesting::Map if ty.contains_any() => Value::object(BTreeMap::new()),
            Nesting::Map => Value::map(ty, BTreeMap::new()),
        };
        (name.clone(), empty)
    });
    Value::object(attributes.chain(blocks).collect())
}

/// The object with empty collections where blocks are null: older providers do not tell the two apart.
pub(crate) fn tidied(block: &BlockSchema, object: &Value) -> Value {
    let Some(entries) = object.entries().filter(|_| !block.blocks.is_empty()) else {
        return object.clone();
    };
    let mut entries = entries.clone();
    let empty = empty_block(block);
    for (name, nested) in &block.blocks {
        let Some(value) = entries.get(name) else {
            continue;
        };
        let inner = |item: &Value| tidied(&nested.block, item);
        let tidy = match value.data() {
            Data::Null(_) if nested.nesting != Nesting::Single => part(&empty, name),
            Data::Object(_) if matches!(nested.nesting, Nesting::Single | Nesting::Group) => {
                inner(value)
            }
            Data::Map(element, items) => {
                let items = items.iter().map(|(key, item)| (key.clone(), inner(item)));
                Value::map(element.clone(), items.collect())
            }
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                rebuilt(value, items.iter().map(inner).collect())
            }
            _ => continue,
        };
        entries.insert(name.clone(), tidy);
    }
    Value::object(entries)
}

/// The value with null wherever it is unknown: as much of it as can be kept.
pub(crate) fn known_part(value: &Value) -> Value {
    value.transform(&mut |_, inner| match inner.as_unknown() {
        Some(unknown) => Value::null(unknown.ty.clone()),
        None => inner,
    })
}

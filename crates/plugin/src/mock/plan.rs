//! How the types of a script behave: what is planned, and what comes of it.

use super::script::{self, AttributeScript, TypeScript};
use super::world::World;
use crate::wire::AttributePath;
use model::{Attribute, BlockSchema};
use std::collections::BTreeMap;
use value::{Data, Name, Type, Value};

/// The planned object: what is proposed, with what the provider decides.
pub(super) fn planned(
    script: &TypeScript,
    schema: &BlockSchema,
    settings: Option<&Value>,
    (prior, proposed, config): (&Value, &Value, &Value),
) -> Value {
    let deciding = Deciding {
        config,
        settings,
        create: prior.is_null(),
        changes: false,
    };
    let first = object(script, schema, proposed, &deciding);
    if prior.is_null() || first == *prior {
        return first;
    }
    // Something changes, so what is new after every change is not known.
    let deciding = Deciding {
        changes: true,
        ..deciding
    };
    object(script, schema, proposed, &deciding)
}

fn object(
    script: &TypeScript,
    schema: &BlockSchema,
    proposed: &Value,
    deciding: &Deciding<'_>,
) -> Value {
    let Some(entries) = proposed.entries() else {
        return proposed.clone();
    };
    let mut planned = entries.clone();
    attributes(
        &script.attributes,
        &schema.attributes,
        deciding,
        &mut planned,
    );
    for (name, block) in &script.blocks {
        let (Some(of), Some(value)) =
            (schema.blocks.get(name.as_str()), planned.get(name.as_str()))
        else {
            continue;
        };
        let written = deciding.config.get(name).unwrap_or(value).clone();
        let value = each(value, &written, &|inner, config| {
            let deciding = Deciding {
                config,
                ..*deciding
            };
            object(&block.inside, &of.block, inner, &deciding)
        });
        planned.insert(name.as_str().into(), value);
    }
    Value::object(planned)
}

struct Deciding<'a> {
    config: &'a Value,
    /// What the provider is configured with.
    settings: Option<&'a Value>,
    create: bool,
    changes: bool,
}

fn attributes(
    scripts: &BTreeMap<String, AttributeScript>,
    schemas: &BTreeMap<Name, Attribute>,
    deciding: &Deciding<'_>,
    planned: &mut BTreeMap<Name, Value>,
) {
    for (name, script) in scripts {
        let Some(schema) = schemas.get(name.as_str()) else {
            continue;
        };
        let ty = schema.ty.without_optional();
        let written = deciding
            .config
            .get(name)
            .is_some_and(|value| !value.is_null());
        let now = planned.get(name.as_str()).cloned();
        let now = now.unwrap_or_else(|| Value::null(ty.clone()));
        let value = if script.write_only {
            Value::null(ty)
        } else if let Some(twist) = &script.twist {
            script::value(twist, &ty).unwrap_or(now)
        } else if script.computed && !written {
            computed(script, &ty, deciding, planned, now)
        } else if let Some(nested) = &schema.nested {
            let config = deciding
                .config
                .get(name)
                .cloned()
                .unwrap_or_else(|| now.clone());
            each(&now, &config, &|inner, config| {
                let mut entries = inner.entries().cloned().unwrap_or_default();
                let deciding = Deciding {
                    config,
                    ..*deciding
                };
                attributes(
                    &script.attributes,
                    &nested.attributes,
                    &deciding,
                    &mut entries,
                );
                Value::object(entries)
            })
        } else {
            now
        };
        planned.insert(name.as_str().into(), value);
    }
}

fn computed(
    script: &AttributeScript,
    ty: &Type,
    deciding: &Deciding<'_>,
    planned: &BTreeMap<Name, Value>,
    now: Value,
) -> Value {
    if let Some(setting) = &script.setting {
        let value = deciding.settings.and_then(|settings| settings.get(setting));
        return value.cloned().unwrap_or(now);
    }
    if let Some(echo) = &script.echo {
        return planned.get(echo.as_str()).cloned().unwrap_or(now);
    }
    let renewed = script.volatile && deciding.changes;
    if !now.is_null() && !renewed {
        return now;
    }
    match &script.default {
        Some(default) => script::value(default, ty).unwrap_or(now),
        None if deciding.create || now.is_null() || script.volatile => Value::unknown(ty.clone()),
        None => now,
    }
}

/// Does something with each of several objects.
fn each(value: &Value, config: &Value, one: &dyn Fn(&Value, &Value) -> Value) -> Value {
    match value.data() {
        Data::Object(_) => one(value, config),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            let written = config.elements().unwrap_or_default();
            let items = items.iter().enumerate();
            let items = items
                .map(|(at, item)| one(item, written.get(at).unwrap_or(item)))
                .collect();
            match value.data() {
                Data::List(element, _) => Value::list(element.clone(), items),
                Data::Set(element, _) => Value::set(element.clone(), items),
                _ => Value::tuple(items),
            }
        }
        Data::Map(element, items) => {
            let items = items.iter().map(|(key, item)| {
                let written = config.get(key).unwrap_or(item);
                (key.clone(), one(item, written))
            });
            Value::map(element.clone(), items.collect())
        }
        _ => value.clone(),
    }
}

/// The attributes whose change makes another object.
pub(super) fn replaces(script: &TypeScript, prior: &Value, planned: &Value) -> Vec<AttributePath> {
    let attributes = script.attributes.iter().filter(|(_, one)| one.replace);
    let changed = attributes.filter(|(name, _)| prior.get(name) != planned.get(name));
    changed
        .map(|(name, _)| crate::path::of_attribute(name))
        .collect()
}

/// The object that is made: the planned one with every hole filled.
pub(super) fn made(
    script: &TypeScript,
    kind: &str,
    planned: &Value,
    settings: Option<&Value>,
    world: &mut World,
) -> Value {
    let name = planned
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut entries = planned.entries().cloned().unwrap_or_default();
    if let Some(id) = entries.get_mut("id")
        && !id.is_known()
    {
        *id = Value::string(world.fresh_id(kind, &name));
    }
    for (attribute, of) in &script.attributes {
        let setting = of.setting.as_deref();
        if let Some(value) = setting.and_then(|name| settings?.get(name))
            && value.is_known()
        {
            entries.insert(attribute.as_str().into(), value.clone());
        }
        if let Some(echo) = of
            .echo
            .as_deref()
            .and_then(|echo| entries.get(echo))
            .cloned()
            && entries
                .get(attribute.as_str())
                .is_some_and(|value| !value.is_known())
        {
            entries.insert(attribute.as_str().into(), echo);
        }
    }
    filled(&Value::object(entries))
}

/// The value with something in every hole.
pub(super) fn filled(value: &Value) -> Value {
    value.transform(&mut |path, inner| match inner.as_unknown() {
        None => inner,
        Some(unknown) => match &unknown.ty {
            Type::String | Type::Any => {
                let prefix = unknown.prefix().unwrap_or_default();
                Value::string(format!("{prefix}computed{path}"))
            }
            Type::Number => Value::number(42),
            Type::Bool => Value::bool(true),
            Type::List(element) => Value::list((**element).clone(), Vec::new()),
            Type::Set(element) => Value::set((**element).clone(), Vec::new()),
            Type::Map(element) => Value::map((**element).clone(), BTreeMap::new()),
            Type::Tuple(_) | Type::Object(_) => Value::null(unknown.ty.clone()),
        },
    })
}

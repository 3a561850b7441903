//! What a provider declares as sensitive: where it stands in an object.

use alloc::collections::BTreeMap;
use model::{Attribute, BlockSchema, NestedBlock};
use value::{Data, Marks, Name, Value};

/// What is done to a part.
type Part<'a> = &'a dyn Fn(Value) -> Value;

/// Whether the provider says of anything in such a block that it is never to be shown.
pub fn has_secrets(block: &BlockSchema) -> bool {
    let mut blocks = block.blocks.values();
    have_secrets(&block.attributes) || blocks.any(|nested| has_secrets(&nested.block))
}

/// An object with marks on each part of which the provider says that it is never to be shown.
pub fn concealed(block: &BlockSchema, object: &Value) -> Value {
    at_secrets(&block.attributes, &block.blocks, object, &|one| {
        one.with_marks(Marks::SENSITIVE)
    })
}

/// The same without any marks on those parts.
pub fn revealed(block: &BlockSchema, object: &Value) -> Value {
    at_secrets(&block.attributes, &block.blocks, object, &Value::unmark_all)
}

fn have_secrets(attributes: &BTreeMap<Name, Attribute>) -> bool {
    attributes.values().any(|one| {
        let nested = one.nested.as_ref();
        one.sensitive || nested.is_some_and(|nested| have_secrets(&nested.attributes))
    })
}

fn at_secrets(
    attributes: &BTreeMap<Name, Attribute>,
    blocks: &BTreeMap<Name, NestedBlock>,
    object: &Value,
    what: Part<'_>,
) -> Value {
    let Data::Object(members) = object.data() else {
        return object.clone();
    };
    let member = |name: &Name, value: &Value| {
        if let Some(attribute) = attributes.get(name) {
            return match &attribute.nested {
                _ if attribute.sensitive => what(value.clone()),
                Some(nested) if have_secrets(&nested.attributes) => each(value, what, &|one| {
                    at_secrets(&nested.attributes, &BTreeMap::new(), one, what)
                }),
                _ => value.clone(),
            };
        }
        match blocks.get(name) {
            Some(nested) if has_secrets(&nested.block) => each(value, what, &|one| {
                at_secrets(&nested.block.attributes, &nested.block.blocks, one, what)
            }),
            _ => value.clone(),
        }
    };
    let members = members.iter();
    let members = members.map(|(name, value)| (name.clone(), member(name, value)));
    Value::object(members.collect()).with_marks(object.marks())
}

/// Each of several objects, or the only one. A set with such parts is one part: what is in it has no places.
fn each(value: &Value, set: Part<'_>, what: &dyn Fn(&Value) -> Value) -> Value {
    let entries = |all: &BTreeMap<Name, Value>| {
        let all = all.iter().map(|(key, one)| (key.clone(), what(one)));
        all.collect()
    };
    let changed = match value.data() {
        Data::Object(_) => return what(value),
        Data::List(ty, items) => Value::list(ty.clone(), items.iter().map(what).collect()),
        Data::Tuple(items) => Value::tuple(items.iter().map(what).collect()),
        Data::Map(ty, items) => Value::map(ty.clone(), entries(items)),
        Data::Set(_, items) if !items.is_empty() => return set(value.clone()),
        Data::Set(..)
        | Data::Null(_)
        | Data::Unknown(_)
        | Data::Bool(_)
        | Data::Number(_)
        | Data::String(_) => return value.clone(),
    };
    changed.with_marks(value.marks())
}

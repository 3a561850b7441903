//! The stamp: the id of the action that makes an object, put on it as one more tag by the request that makes it.
//!
//! It stands in no plan and in no book, only on the object itself: it is put into what is sent, and taken out of what
//! is answered. So what is compared with a configuration never has it, and nothing is ever planned because of it.

use model::BlockSchema;
use std::collections::BTreeMap;
use value::{Name, Type, Value};

/// The key of the tag.
pub(crate) const KEY: &str = "steadfast:action";

/// Tags beside which there is no room for another one.
const TAGS_MAX: usize = 45;

/// Where tags of a provider show up beside the attribute that they are written in.
fn beside(attribute: &str) -> String {
    format!("{attribute}_all")
}

/// Whether objects of this type can carry a stamp in an attribute.
pub(crate) fn fits(block: &BlockSchema, attribute: &str) -> bool {
    let tags = block.attributes.get(attribute);
    tags.is_some_and(|one| one.optional && !one.write_only && one.ty == Type::map(Type::String))
}

/// Whether a change is one of tags.
pub(crate) fn changes_tags(prior: &Value, planned: &Value, attribute: &str) -> bool {
    let names = [attribute.to_owned(), beside(attribute)];
    names
        .iter()
        .any(|name| prior.get(name) != planned.get(name))
}

/// The object with a stamp.
pub(crate) fn put(object: &Value, attribute: &str, stamp: &str) -> Value {
    let Some(mut entries) = object.entries().cloned() else {
        return object.clone();
    };
    for name in [attribute.to_owned(), beside(attribute)] {
        let Some(tags) = entries.get_mut(name.as_str()) else {
            continue;
        };
        let mut all = match tags.entries() {
            Some(all) => all.clone(),
            None if tags.is_null() => BTreeMap::new(),
            None => continue,
        };
        if all.len() < TAGS_MAX {
            all.insert(Name::from(KEY), Value::string(stamp));
            *tags = Value::map(Type::String, all);
        }
    }
    Value::object(entries)
}

/// Whose stamp an object carries.
pub(crate) fn of<'a>(object: &'a Value, attribute: &str) -> Option<&'a str> {
    object.get(attribute)?.get(KEY)?.as_str()
}

/// Whether objects of a type tell an empty map of tags from none when they are read. Those made with the first
/// framework (SDKv2) do not: they answer with an empty map. They are known by their `id`, which that framework adds by
/// itself, as an attribute that is optional and computed.
pub(crate) fn tells_null(block: &BlockSchema) -> bool {
    let id = block.attributes.get("id");
    !id.is_some_and(|id| id.optional && id.computed)
}

/// The object without any stamp, in the form it would have if there had never been one: with null where all tags are
/// gone, if they are null in an object `like` this.
pub(crate) fn take(object: &Value, attribute: &str, like: Option<&Value>) -> Value {
    let Some(mut entries) = object.entries().cloned() else {
        return object.clone();
    };
    for name in [attribute.to_owned(), beside(attribute)] {
        let Some(tags) = entries.get_mut(name.as_str()) else {
            continue;
        };
        let Some(all) = tags.entries() else {
            continue;
        };
        let mut all = all.clone();
        if all.remove(KEY).is_none() && !all.is_empty() {
            continue;
        }
        let was_null = like.is_some_and(|like| like.get(&name).is_none_or(Value::is_null));
        *tags = if all.is_empty() && was_null && name == attribute {
            Value::null(Type::map(Type::String))
        } else {
            Value::map(Type::String, all)
        };
    }
    Value::object(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ActionId, Attribute};

    fn object(tags: Value, all: Value) -> Value {
        Value::object([("tags".into(), tags), ("tags_all".into(), all)].into())
    }

    fn tags(pairs: &[(&str, &str)]) -> Value {
        let pairs = pairs
            .iter()
            .map(|(key, value)| (Name::from(*key), Value::string(*value)));
        Value::map(Type::String, pairs.collect())
    }

    #[test]
    fn what_was_put_on_is_taken_off_again() {
        let stamp = ActionId(7).to_string();
        let null = Value::null(Type::map(Type::String));
        for before in [
            object(null, tags(&[])),
            object(tags(&[]), tags(&[])),
            object(tags(&[("a", "b")]), tags(&[("a", "b"), ("c", "d")])),
        ] {
            let stamped = put(&before, "tags", &stamp);
            assert_eq!(of(&stamped, "tags"), Some(stamp.as_str()));
            assert_eq!(of(&before, "tags"), None);
            assert_eq!(take(&stamped, "tags", Some(&before)), before);
        }
    }

    #[test]
    fn what_has_no_room_or_is_not_known_stays_as_it_is() {
        let many: Vec<(String, Value)> = (0..TAGS_MAX)
            .map(|n| (format!("k{n}"), Value::string("v")))
            .collect();
        let many = many
            .into_iter()
            .map(|(key, value)| (Name::from(key.as_str()), value));
        let many = Value::map(Type::String, many.collect());
        let unknown = Value::unknown(Type::map(Type::String));
        for before in [object(many.clone(), many), object(unknown.clone(), unknown)] {
            assert_eq!(put(&before, "tags", "7"), before);
        }
    }

    #[test]
    fn an_empty_map_is_told_from_none_by_those_who_do() {
        let id = |attribute| BlockSchema {
            attributes: [("id".into(), attribute)].into(),
            ..BlockSchema::default()
        };
        assert!(!tells_null(&id(Attribute::optional_computed(
            Type::String,
            ""
        ))));
        assert!(tells_null(&id(Attribute::computed(Type::String, ""))));
        assert!(tells_null(&BlockSchema::default()));
        let null = Value::null(Type::map(Type::String));
        let before = object(null.clone(), tags(&[]));
        let stamped = put(&before, "tags", "7");
        assert_eq!(take(&stamped, "tags", None), object(tags(&[]), tags(&[])));
    }

    #[test]
    fn a_change_is_one_of_tags_wherever_they_show() {
        let before = object(tags(&[]), tags(&[("a", "b")]));
        assert!(!changes_tags(&before, &before, "tags"));
        let by_default = object(tags(&[]), tags(&[("a", "c")]));
        assert!(changes_tags(&before, &by_default, "tags"));
        let written = object(tags(&[("a", "b")]), tags(&[("a", "b")]));
        assert!(changes_tags(&before, &written, "tags"));
    }
}

//! The stamp: the id of the action that makes an object, put on it as one more tag by the request that makes it.
//!
//! It stands in no plan and in no book, only on the object itself: it is put into what is sent, and taken out of what
//! is answered. So what is compared with a configuration never has it, and nothing is ever planned because of it.

use model::{ActionId, BlockSchema};
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

/// The object with the stamp of an action.
pub(crate) fn put(object: &Value, attribute: &str, action: ActionId) -> Value {
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
            all.insert(Name::from(KEY), Value::string(action.to_string()));
            *tags = Value::map(Type::String, all);
        }
    }
    Value::object(entries)
}

/// Whose stamp an object carries.
pub(crate) fn of<'a>(object: &'a Value, attribute: &str) -> Option<&'a str> {
    object.get(attribute)?.get(KEY)?.as_str()
}

/// The object without any stamp, in the form it would have if there had never been one: `like` this.
pub(crate) fn take(object: &Value, attribute: &str, like: Option<&Value>) -> Value {
    let Some(mut entries) = object.entries().cloned() else {
        return object.clone();
    };
    for name in [attribute.to_owned(), beside(attribute)] {
        let Some(tags) = entries.get_mut(name.as_str()) else {
            continue;
        };
        let Some(all) = tags.entries().filter(|all| all.contains_key(KEY)) else {
            continue;
        };
        let mut all = all.clone();
        all.remove(KEY);
        let was_null = like.is_none_or(|like| like.get(&name).is_none_or(Value::is_null));
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
        let action = ActionId(7);
        let null = Value::null(Type::map(Type::String));
        for before in [
            object(null, tags(&[])),
            object(tags(&[]), tags(&[])),
            object(tags(&[("a", "b")]), tags(&[("a", "b"), ("c", "d")])),
        ] {
            let stamped = put(&before, "tags", action);
            assert_eq!(of(&stamped, "tags"), Some(action.to_string().as_str()));
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
            assert_eq!(put(&before, "tags", ActionId(7)), before);
        }
    }
}

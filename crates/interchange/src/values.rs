//! Values in the forms of the documents: what is known, what is not, what is sensitive, and types.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use value::{Data, Marks, Name, Type, Value};

/// A text that is JSON, written as it stands.
pub(crate) type Raw = Box<RawValue>;

/// The value with every digit of its numbers; null where something is not known.
pub(crate) fn raw(value: &Value) -> Raw {
    of_text(value::json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}

/// JSON as it stands. What is none, which our own writers never make, becomes null.
pub(crate) fn of_text(text: String) -> Raw {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The value with null in place of everything sensitive, marks left where they are. What is not known says nothing.
pub(crate) fn concealed(value: &Value) -> Value {
    if value.marks_deep().is_empty() {
        return value.clone();
    }
    if value.marks().contains(Marks::SENSITIVE) && value.is_known() {
        return Value::null(value.ty()).with_marks(value.marks());
    }
    let inside = match value.data() {
        Data::List(ty, items) => Value::list(ty.clone(), items.iter().map(concealed).collect()),
        Data::Tuple(items) => Value::tuple(items.iter().map(concealed).collect()),
        Data::Map(ty, items) => Value::map(ty.clone(), concealed_entries(items)),
        Data::Object(items) => Value::object(concealed_entries(items)),
        Data::Set(..)
        | Data::Bool(_)
        | Data::Number(_)
        | Data::String(_)
        | Data::Unknown(_)
        | Data::Null(_) => value.clone(),
    };
    inside.with_marks(value.marks())
}

fn concealed_entries(items: &BTreeMap<Name, Value>) -> BTreeMap<Name, Value> {
    items
        .iter()
        .map(|(name, item)| (name.clone(), concealed(item)))
        .collect()
}

/// What is known of a value: unknown attributes are left out, unknown elements of sequences are null; nothing when the
/// value is unknown itself.
pub(crate) fn known(value: &Value) -> Option<Value> {
    if value.is_wholly_known() {
        return Some(value.clone());
    }
    match value.data() {
        Data::Unknown(_) => None,
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => Some(Value::tuple(
            items
                .iter()
                .map(|item| known(item).unwrap_or_else(|| Value::null(item.ty())))
                .collect(),
        )),
        Data::Map(_, items) | Data::Object(items) => Some(Value::object(
            items
                .iter()
                .filter_map(|(name, item)| Some((name.clone(), known(item)?)))
                .collect(),
        )),
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => Some(value.clone()),
    }
}

/// The shape of a value with `true` where it is not known. Attributes that are wholly known leaves are left out.
pub(crate) fn unknown_places(value: &Value) -> Value {
    match value.data() {
        Data::Unknown(_) => Value::bool(true),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            Value::tuple(items.iter().map(unknown_places).collect())
        }
        Data::Map(_, items) | Data::Object(items) => object_of_places(items, unknown_places),
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => Value::bool(false),
    }
}

/// The shape of a value with `true` where it is sensitive. Attributes that are leaves and not sensitive are left out.
pub(crate) fn sensitive_places(value: &Value) -> Value {
    if value.marks().contains(Marks::SENSITIVE) {
        return Value::bool(true);
    }
    match value.data() {
        Data::Unknown(unknown) => match &unknown.ty {
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => Value::tuple(Vec::new()),
            Type::Map(_) | Type::Object(_) => Value::object(BTreeMap::new()),
            Type::Any | Type::Bool | Type::Number | Type::String => Value::bool(false),
        },
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            Value::tuple(items.iter().map(sensitive_places).collect())
        }
        Data::Map(_, items) | Data::Object(items) => object_of_places(items, sensitive_places),
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => Value::bool(false),
    }
}

fn object_of_places(items: &BTreeMap<Name, Value>, places: fn(&Value) -> Value) -> Value {
    let found = items.iter().filter_map(|(name, item)| {
        let place = places(item);
        (place.as_bool() != Some(false)).then(|| (name.clone(), place))
    });
    Value::object(found.collect())
}

/// The value without marks, its attributes one by one; none for what is no object.
pub(crate) fn attributes(value: &Value) -> BTreeMap<Name, Raw> {
    let entries = value.entries().into_iter().flatten();
    entries
        .map(|(name, item)| (name.clone(), raw(item)))
        .collect()
}

/// A type in Terraform's notation: `"string"`, `["list","number"]`, `["object",{"a":"bool"}]`.
pub(crate) fn type_text(ty: &Type) -> String {
    let of = |word: &str, element: &Type| format!("[\"{word}\",{}]", type_text(element));
    match ty {
        Type::Any => "\"dynamic\"".to_owned(),
        Type::Bool => "\"bool\"".to_owned(),
        Type::Number => "\"number\"".to_owned(),
        Type::String => "\"string\"".to_owned(),
        Type::List(element) => of("list", element),
        Type::Set(element) => of("set", element),
        Type::Map(element) => of("map", element),
        Type::Tuple(elements) => {
            let elements: Vec<String> = elements.iter().map(type_text).collect();
            format!("[\"tuple\",[{}]]", elements.join(","))
        }
        Type::Object(object) => {
            let attributes: Vec<String> = object
                .attributes
                .iter()
                .map(|(name, ty)| format!("{}:{}", raw(&Value::string(name)), type_text(ty)))
                .collect();
            format!("[\"object\",{{{}}}]", attributes.join(","))
        }
    }
}

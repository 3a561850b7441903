//! Values as JSON by their type: the form in which Terraform and its providers store objects.
//!
//! It differs from `jsonencode` of the language in one place: where the type leaves open what a value is, the type
//! stands beside it, as in `{"value":"a","type":"string"}`.

use crate::json::UnknownInJson;
use crate::limits::VALUE_DEPTH_MAX;
use crate::{Data, Name, Type, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why JSON is no value of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOfType {
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for NotOfType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for NotOfType {}

/// Writes a wholly known value of a type. Marks are not looked at: whoever writes decides what may be shown.
///
/// # Errors
/// When something in it is unknown.
pub fn to_string(value: &Value, ty: &Type) -> Result<String, UnknownInJson> {
    crate::json::to_string(&typed(value, ty))
}

/// The value, with the type beside whatever the type leaves open.
fn typed(value: &Value, ty: &Type) -> Value {
    if !ty.contains_any() || value.is_null() {
        return value.clone();
    }
    if matches!(ty, Type::Any) {
        let of = value.ty();
        let parts = [("value", typed(value, &of)), ("type", type_value(&of))];
        return Value::object(parts.map(|(name, part)| (Name::from(name), part)).into());
    }
    let element = ty.element().unwrap_or(&Type::Any);
    match value.data() {
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            let of = |at: usize| match ty {
                Type::Tuple(types) => types.get(at).unwrap_or(&Type::Any),
                _ => element,
            };
            let items = items.iter().enumerate();
            Value::tuple(items.map(|(at, item)| typed(item, of(at))).collect())
        }
        Data::Map(_, items) | Data::Object(items) => {
            let of = |name: &Name| match ty {
                Type::Object(object) => object.attributes.get(name).unwrap_or(&Type::Any),
                _ => element,
            };
            let items = items.iter();
            Value::object(
                items
                    .map(|(name, item)| (name.clone(), typed(item, of(name))))
                    .collect(),
            )
        }
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) | Data::Unknown(_) => {
            value.clone()
        }
    }
}

/// What was read as JSON, as a value of a type. Attributes that are not there are null.
///
/// # Errors
/// When it is none.
pub fn of_type(value: &Value, ty: &Type) -> Result<Value, NotOfType> {
    let wrong = || NotOfType {
        what: format!("{} is required", ty.in_words()),
    };
    if value.is_null() {
        return Ok(Value::null(ty.clone()));
    }
    match ty {
        Type::Any => {
            let (inner, of) = value
                .get("value")
                .zip(value.get("type"))
                .ok_or_else(wrong)?;
            of_type(inner, &read_type(of).ok_or_else(wrong)?)
        }
        Type::Bool | Type::Number | Type::String => crate::convert(value, ty).map_err(|_| wrong()),
        Type::List(element) | Type::Set(element) => {
            let items = value.elements().ok_or_else(wrong)?.iter();
            let items = items.map(|item| of_type(item, element));
            let items = items.collect::<Result<_, _>>()?;
            Ok(match ty {
                Type::Set(_) => Value::set((**element).clone(), items),
                _ => Value::list((**element).clone(), items),
            })
        }
        Type::Tuple(types) => {
            let items = value.elements().ok_or_else(wrong)?;
            if items.len() != types.len() {
                return Err(wrong());
            }
            let items = items.iter().zip(types.iter());
            let items = items.map(|(item, ty)| of_type(item, ty));
            Ok(Value::tuple(items.collect::<Result<_, _>>()?))
        }
        Type::Map(element) => {
            let items = value.entries().ok_or_else(wrong)?.iter();
            let items = items.map(|(name, item)| Ok((name.clone(), of_type(item, element)?)));
            Ok(Value::map(
                (**element).clone(),
                items.collect::<Result<_, _>>()?,
            ))
        }
        Type::Object(object) => {
            let items = value.entries().ok_or_else(wrong)?;
            let mut names = items.keys();
            if let Some(strange) = names.find(|name| !object.attributes.contains_key(*name)) {
                return Err(NotOfType {
                    what: format!("there is no attribute `{strange}`"),
                });
            }
            let null = Value::null(Type::Any);
            let attributes = object.attributes.iter().map(|(name, ty)| {
                Ok((name.clone(), of_type(items.get(name).unwrap_or(&null), ty)?))
            });
            Ok(Value::object(attributes.collect::<Result<_, _>>()?))
        }
    }
}

/// A type in Terraform's notation, as data: `"string"`, `["list", T]`, `["object", { NAME: T }]`.
pub fn type_value(ty: &Type) -> Value {
    let of = |word: &str, inner: Value| Value::tuple(Vec::from([Value::string(word), inner]));
    match ty {
        Type::Any => Value::string("dynamic"),
        Type::Bool => Value::string("bool"),
        Type::Number => Value::string("number"),
        Type::String => Value::string("string"),
        Type::List(element) => of("list", type_value(element)),
        Type::Set(element) => of("set", type_value(element)),
        Type::Map(element) => of("map", type_value(element)),
        Type::Tuple(elements) => of(
            "tuple",
            Value::tuple(elements.iter().map(type_value).collect()),
        ),
        Type::Object(object) => {
            let attributes = object.attributes.iter();
            let attributes: BTreeMap<Name, Value> = attributes
                .map(|(name, ty)| (name.clone(), type_value(ty)))
                .collect();
            of("object", Value::object(attributes))
        }
    }
}

/// The type that [`type_value`] writes; none for what is no type. Which attributes may be left out is not read.
pub fn read_type(written: &Value) -> Option<Type> {
    read_type_at(written, 0)
}

fn read_type_at(written: &Value, depth: u16) -> Option<Type> {
    if depth > VALUE_DEPTH_MAX {
        return None;
    }
    let inside = |written: &Value| read_type_at(written, depth + 1);
    if let Some(name) = written.as_str() {
        return Some(match name {
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "dynamic" => Type::Any,
            _ => return None,
        });
    }
    let (kind, inner) = match written.elements()? {
        [kind, inner] | [kind, inner, _] => (kind.as_str()?, inner),
        _ => return None,
    };
    Some(match (kind, inner.data()) {
        ("list", _) => Type::list(inside(inner)?),
        ("set", _) => Type::set(inside(inner)?),
        ("map", _) => Type::map(inside(inner)?),
        ("tuple", Data::Tuple(items)) => {
            let types: Option<Vec<Type>> = items.iter().map(inside).collect();
            Type::tuple(types?)
        }
        ("object", Data::Object(attributes)) => {
            let types: Option<Vec<(Name, Type)>> = attributes
                .iter()
                .map(|(name, ty)| Some((name.clone(), inside(ty)?)))
                .collect();
            Type::object(types?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{of_type, read_type, to_string, type_value};
    use crate::{Type, json};
    use alloc::string::ToString as _;

    fn ty(text: &str) -> Option<Type> {
        read_type(&json::parse(text).ok()?)
    }

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in [
            r#""dynamic""#,
            r#"["list",["set","bool"]]"#,
            r#"["tuple",["string","number"]]"#,
            r#"["object",{"a":"string","b":["map","dynamic"]}]"#,
        ] {
            let read = ty(text).expect("a type");
            assert_eq!(json::to_string(&type_value(&read)).as_deref(), Ok(text));
        }
        for text in [
            "1",
            "\"int\"",
            "[]",
            "[\"list\"]",
            "[\"object\",[]]",
            "[\"list\",7]",
        ] {
            assert_eq!(ty(text), None, "{text}");
        }
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        for (of, text) in [
            (r#""dynamic""#, r#"{"type":"string","value":"a"}"#),
            (r#""dynamic""#, "null"),
            (r#"["list","dynamic"]"#, r#"[{"type":"bool","value":true}]"#),
            (
                r#"["object",{"a":"number","b":"string"}]"#,
                r#"{"a":1.5,"b":null}"#,
            ),
            (
                r#"["tuple",["string","number"]]"#,
                r#"["x",12345678901234567890123]"#,
            ),
            (r#"["map",["set","string"]]"#, r#"{"k":["a","b"]}"#),
        ] {
            let of = ty(of).expect("a type");
            let value = of_type(&json::parse(text).expect("JSON"), &of).expect("a value");
            assert_eq!(to_string(&value, &of).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_of_another_type_is_refused() {
        for (of, text, why) in [
            (r#""string""#, "[]", "string required"),
            (
                r#"["object",{"a":"number"}]"#,
                r#"{"z":1}"#,
                "there is no attribute `z`",
            ),
            (r#"["tuple",["string"]]"#, "[]", "required"),
            (r#""dynamic""#, r#""a""#, "required"),
            (r#""dynamic""#, r#"{"type":"int","value":1}"#, "required"),
        ] {
            let of = ty(of).expect("a type");
            let found = of_type(&json::parse(text).expect("JSON"), &of).expect_err("refused");
            let said = found.to_string();
            assert!(why.split(' ').all(|word| said.contains(word)), "{said}");
        }
    }
}

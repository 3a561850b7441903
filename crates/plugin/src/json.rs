//! Values as JSON by their type: the form of stored state, and the second form of values in answers.
//!
//! It differs from the language's `jsonencode` in one place: where the type is dynamic, it stands beside the value.

use crate::msgpack::Garbage;
use crate::types;
use value::{Data, Name, Type, Value};

/// Writes a wholly known value of a type.
///
/// # Errors
/// When something in it is unknown.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, value::json::UnknownInJson> {
    value::json::to_string(&typed(value, ty)).map(String::into_bytes)
}

/// The value, with the type beside whatever the type leaves open.
fn typed(value: &Value, ty: &Type) -> Value {
    if !ty.contains_any() || value.is_null() {
        return value.clone();
    }
    if matches!(ty, Type::Any) {
        let of = value.ty();
        let name = value::json::parse(&types::to_json(&of).to_string());
        let parts = [
            ("value", typed(value, &of)),
            ("type", name.unwrap_or_else(|_| Value::null(Type::Any))),
        ];
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
        _ => value.clone(),
    }
}

/// Reads a value of a type.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, Garbage> {
    let garbage = |what: String| Garbage { at: 0, what };
    let text = std::str::from_utf8(bytes).map_err(|error| garbage(error.to_string()))?;
    let value = value::json::parse(text).map_err(|error| Garbage {
        at: error.offset,
        what: error.message.to_owned(),
    })?;
    shaped(&value, ty)
}

/// What was read without a type, as a value of the type.
fn shaped(value: &Value, ty: &Type) -> Result<Value, Garbage> {
    let garbage = || Garbage {
        at: 0,
        what: format!("{} is required", ty.in_words()),
    };
    if value.is_null() {
        return Ok(Value::null(ty.clone()));
    }
    match ty {
        Type::Any => {
            let (Some(inner), Some(of)) = (value.get("value"), value.get("type")) else {
                return Err(garbage());
            };
            let of = value::json::to_string(of).map_err(|_| garbage())?;
            let of = types::parse(of.as_bytes()).map_err(|_| garbage())?;
            shaped(inner, &of.without_optional())
        }
        Type::Bool | Type::Number | Type::String => {
            value::convert(value, ty).map_err(|_| garbage())
        }
        Type::List(element) | Type::Set(element) => {
            let items = value.elements().ok_or_else(garbage)?.iter();
            let items = items
                .map(|item| shaped(item, element))
                .collect::<Result<_, _>>()?;
            Ok(match ty {
                Type::Set(_) => Value::set((**element).clone(), items),
                _ => Value::list((**element).clone(), items),
            })
        }
        Type::Tuple(types) => {
            let items = value.elements().ok_or_else(garbage)?;
            if items.len() != types.len() {
                return Err(garbage());
            }
            let items = items.iter().zip(types.iter());
            let items = items
                .map(|(item, ty)| shaped(item, ty))
                .collect::<Result<_, _>>()?;
            Ok(Value::tuple(items))
        }
        Type::Map(element) => {
            let items = value.entries().ok_or_else(garbage)?.iter();
            let items = items.map(|(name, item)| Ok((name.clone(), shaped(item, element)?)));
            Ok(Value::map(
                (**element).clone(),
                items.collect::<Result<_, _>>()?,
            ))
        }
        Type::Object(object) => {
            let items = value.entries().ok_or_else(garbage)?;
            if let Some(strange) = items
                .keys()
                .find(|name| !object.attributes.contains_key(*name))
            {
                return Err(Garbage {
                    at: 0,
                    what: format!("there is no attribute `{strange}`"),
                });
            }
            let null = Value::null(Type::Any);
            let attributes = object.attributes.iter().map(|(name, ty)| {
                Ok((name.clone(), shaped(items.get(name).unwrap_or(&null), ty)?))
            });
            Ok(Value::object(attributes.collect::<Result<_, _>>()?))
        }
    }
}

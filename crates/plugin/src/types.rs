//! Types as the protocol writes them: JSON such as `["list","string"]`.

use crate::limits::TYPE_DEPTH_MAX;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;
use value::{Name, ObjectType, Type};

/// What cannot be read as a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a type of the protocol: {0}")]
pub(crate) struct NotAType(pub String);

/// Reads a type.
pub(crate) fn parse(bytes: &[u8]) -> Result<Type, NotAType> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|_| NotAType(String::from_utf8_lossy(bytes).into_owned()))?;
    of_json(&json, 0)
}

/// The type that JSON stands for.
pub(crate) fn of_json(json: &Json, depth: usize) -> Result<Type, NotAType> {
    let wrong = || NotAType(json.to_string());
    if depth > TYPE_DEPTH_MAX {
        return Err(NotAType("nested too deeply".to_owned()));
    }
    if let Some(name) = json.as_str() {
        return match name {
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "dynamic" => Ok(Type::Any),
            _ => Err(wrong()),
        };
    }
    let parts = json.as_array().ok_or_else(wrong)?;
    let (kind, inner) = match parts.as_slice() {
        [kind, inner] | [kind, inner, Json::Array(_)] => (kind.as_str().ok_or_else(wrong)?, inner),
        _ => return Err(wrong()),
    };
    match kind {
        "list" => Ok(Type::list(of_json(inner, depth + 1)?)),
        "set" => Ok(Type::set(of_json(inner, depth + 1)?)),
        "map" => Ok(Type::map(of_json(inner, depth + 1)?)),
        "tuple" => {
            let elements = inner.as_array().ok_or_else(wrong)?;
            let elements = elements.iter().map(|one| of_json(one, depth + 1));
            Ok(Type::tuple(elements.collect::<Result<_, _>>()?))
        }
        "object" => object(inner, parts.get(2), depth).ok_or_else(wrong)?,
        _ => Err(wrong()),
    }
}

fn object(inner: &Json, optional: Option<&Json>, depth: usize) -> Option<Result<Type, NotAType>> {
    let mut attributes = std::collections::BTreeMap::new();
    for (name, ty) in inner.as_object()? {
        match of_json(ty, depth + 1) {
            Ok(ty) => attributes.insert(Name::from(name.as_str()), ty),
            Err(error) => return Some(Err(error)),
        };
    }
    let names = optional.and_then(Json::as_array).into_iter().flatten();
    let optional: BTreeSet<Name> = names.filter_map(Json::as_str).map(Name::from).collect();
    Some(Ok(Type::Object(Arc::new(ObjectType {
        attributes,
        optional,
    }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in [
            r#""dynamic""#,
            r#"["list",["set","bool"]]"#,
            r#"["tuple",["string","number"]]"#,
            r#"["object",{"a":"string","b":["map","dynamic"]}]"#,
        ] {
            let ty = parse(text.as_bytes()).unwrap();
            let written = value::json::to_string(&value::stored::type_value(&ty));
            assert_eq!(written.as_deref(), Ok(text));
        }
    }

    #[test]
    fn garbage_is_no_type() {
        for text in [
            "",
            "1",
            "\"int\"",
            "[]",
            "[\"list\"]",
            "[\"object\",[]]",
            "[\"list\",7]",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[\"list\",".repeat(200) + "\"bool\"" + &"]".repeat(200);
        assert!(parse(deep.as_bytes()).is_err());
    }
}

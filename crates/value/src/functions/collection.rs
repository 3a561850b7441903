//! Maps and objects, and what works on every collection.

use super::{
    ANY, Call, CallError, Category, Function, Kind, NUMBER, Parameter, Returns, STRING_LIST,
    follows,
};
use crate::{Bounds, Data, Marks, Name, Type, Unknown, Value, convert, unify};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use unicode_segmentation::UnicodeSegmentation;

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Collection,
        description,
        parameters,
        returns,
        body,
    )
}

const INPUT_MAP: Parameter = Parameter::new("inputMap", Kind::Any).outer();

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "coalesce",
        "The first argument that is neither null nor an empty text.",
        &[],
        follows(common_type),
        coalesce,
    )
    .variadic(Parameter::new("vals", Kind::Any).nullable().seen()),
    function(
        "coalescelist",
        "The first list that is not empty.",
        &[],
        ANY,
        coalescelist,
    )
    .variadic(
        Parameter::new("vals", Kind::Any)
            .nullable()
            .seen()
            .described("The lists or tuples, the preferred one first."),
    ),
    function(
        "keys",
        "The keys of a map or the attribute names of an object, in order.",
        &[INPUT_MAP
            .seen()
            .described("A map, or an object, whose attribute names then are a tuple.")],
        ANY,
        keys,
    ),
    function(
        "length",
        "How many elements a collection has, or characters a text.",
        &[Parameter::new("value", Kind::Any).seen().outer()],
        NUMBER,
        length,
    ),
    function(
        "lookup",
        "The element of a map under a key, or a default.",
        &[
            INPUT_MAP.shallow().typed(),
            Parameter::new("key", Kind::String),
        ],
        follows(looked_up_type),
        lookup,
    )
    .variadic(
        Parameter::new("default", Kind::Any)
            .nullable()
            .seen()
            .marked(),
    )
    .maybe_null(),
    function(
        "merge",
        "All elements of several maps or objects; later ones replace earlier ones of the same key.",
        &[],
        follows(merged_type),
        merge,
    )
    .variadic(
        Parameter::new("maps", Kind::Any)
            .nullable()
            .shallow()
            .marked(),
    ),
    function(
        "transpose",
        "A map of lists turned round: from each element to the keys it was under.",
        &[Parameter::new("values", Kind::Map(&STRING_LIST))],
        Returns::Fixed(Kind::Map(&STRING_LIST)),
        transpose,
    ),
    function(
        "values",
        "The elements of a map or object, in the order of their keys.",
        &[Parameter::new("mapping", Kind::Any).outer().seen()],
        ANY,
        values,
    ),
    function(
        "zipmap",
        "A map or object of keys from one list and values from another.",
        &[
            Parameter::new("keys", STRING_LIST),
            Parameter::new("values", Kind::Any).shallow().outer(),
        ],
        follows(zipped_type),
        zipmap,
    ),
];

fn common_type(call: &Call<'_>) -> Result<Type, CallError> {
    let types: Vec<Type> = call.rest(0).iter().map(Value::ty).collect();
    let common = if types.is_empty() {
        None
    } else {
        unify(&types)
    };
    common.ok_or_else(|| CallError::new("all arguments must have the same type"))
}

fn coalesce(call: &Call<'_>) -> Result<Value, CallError> {
    let ty = common_type(call)?;
    for argument in call.rest(0) {
        // What cannot be brought to the type of all is passed over like a null.
        let Ok(value) = convert(argument, &ty) else {
            continue;
        };
        if !value.is_known() {
            return Ok(if ty == Type::Any {
                Value::unknown(ty)
            } else {
                Value::unknown_not_null(ty)
            });
        }
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err(CallError::new("no non-null, non-empty-string arguments"))
}

fn coalescelist(call: &Call<'_>) -> Result<Value, CallError> {
    if call.rest(0).is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    // What follows something that is not known yet is not looked at, not even at its type.
    let known = call.rest(0).iter().take_while(|one| one.is_known());
    for argument in known {
        if !matches!(argument.ty(), Type::List(_) | Type::Tuple(_)) {
            return Err(CallError::new(
                "coalescelist arguments must be lists or tuples",
            ));
        }
    }
    for argument in call.rest(0) {
        // What comes first decides, whatever it turns out to be.
        if !argument.is_known() {
            return Ok(Value::unknown(Type::Any));
        }
        if argument.elements().is_some_and(|items| !items.is_empty()) {
            return Ok(argument.clone());
        }
    }
    Err(CallError::new("no non-null arguments"))
}

fn keys(call: &Call<'_>) -> Result<Value, CallError> {
    let texts = |names: &mut dyn Iterator<Item = &Name>| -> Vec<Value> {
        names
            .map(|name| Data::String(name.clone()).into())
            .collect()
    };
    match call.value(0)?.data() {
        Data::Map(_, items) => Ok(Value::list(Type::String, texts(&mut items.keys()))),
        Data::Object(items) => Ok(Value::tuple(texts(&mut items.keys()))),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Object(object) => Ok(Value::tuple(texts(&mut object.attributes.keys()))),
            Type::Map(_) => Ok(Value::unknown_not_null(Type::list(Type::String))),
            Type::Any => Ok(Value::unknown(Type::Any)),
            _ => Err(no_map()),
        },
        _ => Err(no_map()),
    }
}

fn no_map() -> CallError {
    CallError::argument(0, "must have map or object type")
}

fn values(call: &Call<'_>) -> Result<Value, CallError> {
    match call.value(0)?.data() {
        Data::Map(element, items) => Ok(Value::list(
            element.clone(),
            items.values().cloned().collect(),
        )),
        Data::Object(items) => Ok(Value::tuple(items.values().cloned().collect())),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Object(object) => {
                let types = object.attributes.values().cloned().collect();
                Ok(Value::unknown_not_null(Type::tuple(types)))
            }
            Type::Map(element) => Ok(Value::unknown_not_null(Type::list((**element).clone()))),
            Type::Any => Ok(Value::unknown(Type::Any)),
            _ => Err(no_values_of_map()),
        },
        _ => Err(no_values_of_map()),
    }
}

fn no_values_of_map() -> CallError {
    CallError::new("values() requires a map as the first argument")
}

/// The largest length there is, where nothing is known of it.
const LENGTH_MAX: u64 = i64::MAX.unsigned_abs();

fn length(call: &Call<'_>) -> Result<Value, CallError> {
    let value = call.value(0)?;
    let known = match value.data() {
        Data::String(text) => text.graphemes(true).count(),
        // Unknown elements may turn out to be equal and then count once.
        Data::Set(_, items) if items.len() > 1 && !value.is_wholly_known() => {
            let known = items.iter().filter(|item| item.is_wholly_known()).count();
            return Ok(between(known.max(1) as u64, Some(items.len() as u64)));
        }
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.len(),
        Data::Map(_, items) | Data::Object(items) => items.len(),
        Data::Unknown(what) => match (&what.ty, &what.bounds) {
            (Type::Tuple(elements), _) => elements.len(),
            (Type::Object(object), _) => object.attributes.len(),
            (_, Bounds::Length { min, max }) if *max == Some(*min) => {
                return Ok(Value::number(*min));
            }
            (_, Bounds::Length { min, max }) => {
                return Ok(between(*min, Some(max.unwrap_or(LENGTH_MAX))));
            }
            (Type::Bool | Type::Number, _) => return Err(no_length()),
            (Type::String, Bounds::Prefix(prefix)) => {
                return Ok(between(prefix.graphemes(true).count() as u64, None));
            }
            (Type::String, _) => return Ok(between(0, None)),
            (Type::Any, _) => return Ok(Value::unknown_not_null(Type::Number)),
            _ => return Ok(between(0, Some(LENGTH_MAX))),
        },
        Data::Bool(_) | Data::Number(_) | Data::Null(_) => return Err(no_length()),
    };
    Ok(Value::number(known))
}

/// A number that is not known, from one to another.
fn between(min: u64, max: Option<u64>) -> Value {
    let bounds = Bounds::Range {
        min: Some(min.into()),
        max: max.map(Into::into),
    };
    Unknown {
        bounds,
        ..Unknown::of(Type::Number).not_null()
    }
    .into()
}

fn no_length() -> CallError {
    CallError::new("argument must be a string, a collection type, or a structural type")
}

/// The default of a lookup, if one is given.
fn default_of<'c>(call: &Call<'c>) -> Result<Option<&'c Value>, CallError> {
    match call.rest(2) {
        [] => Ok(None),
        [default] => Ok(Some(default)),
        more => Err(CallError::new(format!(
            "lookup() takes two or three arguments, got {}",
            more.len() + 2
        ))),
    }
}

fn no_lookup() -> CallError {
    CallError::argument(0, "lookup() requires a map as the first argument")
}

fn looked_up_type(call: &Call<'_>) -> Result<Type, CallError> {
    let default = default_of(call)?;
    match call.value(0)?.ty() {
        Type::Any => Ok(Type::Any),
        Type::Map(element) => {
            if let Some(default) = default {
                default_as(default, &element)?;
            }
            Ok((*element).clone())
        }
        Type::Object(object) => {
            let Some(key) = call.value(1)?.as_str() else {
                return Ok(Type::Any);
            };
            match (object.attributes.get(key), default) {
                (Some(ty), _) => Ok(ty.clone()),
                (None, Some(default)) => Ok(default.ty()),
                (None, None) => Err(no_attribute(call, key)),
            }
        }
        _ => Err(no_lookup()),
    }
}

fn no_attribute(call: &Call<'_>, key: &str) -> CallError {
    CallError::argument(
        0,
        format!("the given object has no attribute {}", call.shown(key)),
    )
}

fn default_as(default: &Value, element: &Type) -> Result<Value, CallError> {
    convert(default, element).map_err(|error| {
        let what = "the default value must have the same type as the map elements";
        CallError::argument(2, format!("{what}: {error}"))
    })
}

fn lookup(call: &Call<'_>) -> Result<Value, CallError> {
    let key = call.text(1)?;
    let default = default_of(call)?;
    match (call.value(0)?.data(), default) {
        (Data::Object(items), default) => match (items.get(key), default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(no_attribute(call, key)),
        },
        (Data::Map(element, items), default) => {
            let default = default
                .map(|default| default_as(default, element))
                .transpose()?;
            match (items.get(key), default) {
                (Some(value), _) => Ok(value.clone()),
                (None, Some(default)) => Ok(default),
                (None, None) => Err(CallError::new(format!(
                    "lookup failed to find key {}",
                    call.shown(key)
                ))),
            }
        }
        _ => Err(no_lookup()),
    }
}

/// Maps of one type give such a map, whether they are null or not; objects give one with the attributes of all. Of a
/// mixture nothing can be said in advance.
fn merged_type(call: &Call<'_>) -> Result<Type, CallError> {
    let given = call.rest(0);
    let types: Vec<Type> = given.iter().map(Value::ty).collect();
    let mut merged: BTreeMap<Name, Type> = BTreeMap::new();
    if let Some(first @ Type::Map(_)) = types.first()
        && types.iter().all(|ty| ty == first)
    {
        return Ok(first.clone());
    }
    let mut open = false;
    for (ty, argument) in types.iter().zip(given) {
        match (ty, argument.entries()) {
            (Type::Any | Type::Map(_) | Type::Object(_), _) if argument.is_null() => {}
            (Type::Object(object), _) => {
                let attributes = object.attributes.iter();
                merged.extend(attributes.map(|(name, ty)| (name.clone(), ty.clone())));
            }
            (Type::Map(element), Some(entries)) => {
                let names = entries.keys();
                merged.extend(names.map(|name| (name.clone(), (**element).clone())));
            }
            // Which keys it will have is open.
            (Type::Map(_), None) => open = true,
            (Type::Any, _) => return Ok(Type::Any),
            _ => return Err(no_merge(argument)),
        }
    }
    Ok(if open {
        Type::Any
    } else {
        Type::object(merged)
    })
}

fn no_merge(argument: &Value) -> CallError {
    CallError::new(format!(
        "arguments must be maps or objects, got \"{}\"",
        argument.ty().in_words()
    ))
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    let ty = merged_type(call)?;
    let given = call.rest(0).iter().filter(|argument| !argument.is_null());
    let mut merged: BTreeMap<Name, Value> = BTreeMap::new();
    // A null adds nothing, and so hides nothing.
    let mut marks = Marks::NONE;
    for argument in given {
        marks = marks.union(argument.marks());
        let entries = argument.entries().ok_or_else(|| no_merge(argument))?;
        merged.extend(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    let merged = match ty {
        Type::Map(element) => Value::map((*element).clone(), merged),
        _ => Value::object(merged),
    };
    Ok(merged.with_marks(marks))
}

fn transpose(call: &Call<'_>) -> Result<Value, CallError> {
    let mut turned: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
    for (key, list) in call.value(0)?.entries().into_iter().flatten() {
        if list.is_null() {
            return Err(CallError::new("input must not contain null list"));
        }
        for item in list.elements().unwrap_or_default() {
            let Data::String(text) = item.data() else {
                return Err(CallError::new("input list must not contain null string"));
            };
            turned
                .entry(text.clone())
                .or_default()
                .push(Data::String(key.clone()).into());
        }
    }
    let lists = turned
        .into_iter()
        .map(|(key, keys)| (key, Value::list(Type::String, keys)));
    Ok(Value::map(Type::list(Type::String), lists.collect()))
}

fn no_values() -> CallError {
    CallError::new("values argument must be a list or tuple value")
}

fn lengths_differ(keys: usize, values: usize) -> CallError {
    CallError::new(format!(
        "number of keys ({keys}) does not match number of values ({values})"
    ))
}

fn zipped_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(1)?.ty() {
        Type::List(element) => Ok(Type::map((*element).clone())),
        Type::Tuple(types) => {
            let keys = call.value(0)?;
            let Some(keys) = keys.elements().filter(|_| keys.is_wholly_known()) else {
                return Ok(Type::Any);
            };
            if keys.len() != types.len() {
                return Err(lengths_differ(keys.len(), types.len()));
            }
            let mut attributes = BTreeMap::new();
            for (index, (key, ty)) in keys.iter().zip(types.iter()).enumerate() {
                attributes.insert(key_of(index, key)?, ty.clone());
            }
            Ok(Type::object(attributes))
        }
        Type::Any => Ok(Type::Any),
        _ => Err(no_values()),
    }
}

fn key_of(index: usize, key: &Value) -> Result<Name, CallError> {
    match key.data() {
        Data::String(key) => Ok(key.clone()),
        _ => Err(CallError::new(format!(
            "keys list has null value at index {index}"
        ))),
    }
}

fn zipmap(call: &Call<'_>) -> Result<Value, CallError> {
    let keys = call.items(0)?;
    let values = call.value(1)?;
    let (Data::List(_, items) | Data::Tuple(items)) = values.data() else {
        return Err(no_values());
    };
    if keys.len() != items.len() {
        return Err(lengths_differ(keys.len(), items.len()));
    }
    let mut zipped: BTreeMap<Name, Value> = BTreeMap::new();
    for (index, (key, item)) in keys.iter().zip(items.iter()).enumerate() {
        zipped.insert(key_of(index, key)?, item.clone());
    }
    Ok(match values.data() {
        Data::List(element, _) => Value::map(element.clone(), zipped),
        _ => Value::object(zipped),
    })
}

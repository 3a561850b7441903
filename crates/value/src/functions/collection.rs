//! Maps and objects, and what works on every collection.

use super::{
    ANY, Call, CallError, Category, Function, Kind, NUMBER, Parameter, Returns, STRING_LIST,
    STRINGS,
};
use crate::{Bounds, Data, Marks, Name, Type, Value, convert, unify};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
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
        Returns::Follows(common_type),
        coalesce,
    )
    .variadic(Parameter::new("vals", Kind::Any).nullable().seen().marked()),
    function(
        "coalescelist",
        "The first list that is not empty.",
        &[],
        ANY,
        coalescelist,
    )
    .variadic(Parameter::new("vals", Kind::Any).nullable().seen()),
    function(
        "keys",
        "The keys of a map or the attribute names of an object, in order.",
        &[INPUT_MAP.seen()],
        STRINGS,
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
        &[INPUT_MAP.shallow(), Parameter::new("key", Kind::String)],
        ANY,
        lookup,
    )
    .variadic(
        Parameter::new("default", Kind::Any)
            .nullable()
            .seen()
            .outer(),
    ),
    function(
        "merge",
        "All elements of several maps or objects; later ones replace earlier ones of the same key.",
        &[],
        Returns::Follows(merged_type),
        merge,
    )
    .variadic(
        Parameter::new("maps", Kind::Any)
            .nullable()
            .shallow()
            .outer(),
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
        &[INPUT_MAP.seen()],
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
        ANY,
        zipmap,
    ),
];

fn common_type(arguments: &[Value]) -> Type {
    let types: Vec<Type> = arguments.iter().map(Value::ty).collect();
    unify(&types).unwrap_or(Type::Any)
}

fn coalesce(call: &Call<'_>) -> Result<Value, CallError> {
    let arguments = call.rest(0);
    if arguments.is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    let types: Vec<Type> = arguments.iter().map(Value::ty).collect();
    let ty =
        unify(&types).ok_or_else(|| CallError::new("all arguments must have the same type"))?;
    // Whether an argument was passed over says something about it, so the marks of all up to the chosen one count.
    let mut marks = Marks::NONE;
    for (index, argument) in arguments.iter().enumerate() {
        let value = convert(argument, &ty)
            .map_err(|error| CallError::argument(index, error.to_string()))?;
        marks = marks.union(value.marks());
        if !value.is_known() {
            return Ok(Value::unknown(ty).with_marks(marks));
        }
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(value.with_marks(marks));
        }
    }
    Err(CallError::new("no non-null, non-empty-string arguments"))
}

fn coalescelist(call: &Call<'_>) -> Result<Value, CallError> {
    if call.rest(0).is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    for (index, argument) in call.rest(0).iter().enumerate() {
        if argument.is_null() {
            continue;
        }
        if !argument.is_known() {
            return Ok(Value::unknown(Type::Any));
        }
        let Some(items) = argument.elements() else {
            return Err(CallError::argument(
                index,
                "arguments must be lists or tuples",
            ));
        };
        if !items.is_empty() {
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
                let types = object.attributes.values();
                Ok(Value::tuple(
                    types.map(|ty| Value::unknown(ty.clone())).collect(),
                ))
            }
            Type::Map(element) => Ok(Value::unknown_not_null(Type::list((**element).clone()))),
            Type::Any => Ok(Value::unknown(Type::Any)),
            _ => Err(no_map()),
        },
        _ => Err(no_map()),
    }
}

fn length(call: &Call<'_>) -> Result<Value, CallError> {
    let value = call.value(0)?;
    let unknown = Ok(Value::unknown_not_null(Type::Number));
    let known = match value.data() {
        Data::String(text) => text.graphemes(true).count(),
        // Unknown elements may turn out to be equal and then count once.
        Data::Set(_, items) if items.len() > 1 && !value.is_wholly_known() => return unknown,
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.len(),
        Data::Map(_, items) | Data::Object(items) => items.len(),
        Data::Unknown(what) => match (&what.ty, &what.bounds) {
            (Type::Tuple(elements), _) => elements.len(),
            (Type::Object(object), _) => object.attributes.len(),
            (
                _,
                Bounds::Length {
                    min,
                    max: Some(max),
                },
            ) if min == max => {
                return Ok(Value::number(*min));
            }
            (Type::Bool | Type::Number, _) => return Err(no_length()),
            _ => return unknown,
        },
        Data::Bool(_) | Data::Number(_) | Data::Null(_) => return Err(no_length()),
    };
    Ok(Value::number(known))
}

fn no_length() -> CallError {
    CallError::new("argument must be a string, a collection type, or a structural type")
}

fn lookup(call: &Call<'_>) -> Result<Value, CallError> {
    let key = call.text(1)?;
    let default = match call.rest(2) {
        [] => None,
        [default] => Some(default),
        more => {
            return Err(CallError::new(format!(
                "lookup() takes two or three arguments, got {}",
                more.len() + 2
            )));
        }
    };
    match (call.value(0)?.data(), default) {
        (Data::Object(items), default) => match (items.get(key), default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(CallError::argument(
                0,
                format!("the given object has no attribute {}", call.shown(key)),
            )),
        },
        (Data::Map(element, items), default) => match (items.get(key), default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => convert(default, element).map_err(|error| {
                CallError::argument(
                    2,
                    format!(
                        "the default value must have the same type as the map elements: {error}"
                    ),
                )
            }),
            (None, None) => Err(CallError::argument(
                0,
                format!(
                    "the given map has no element with the key {}",
                    call.shown(key)
                ),
            )),
        },
        _ => Err(CallError::argument(
            0,
            "lookup() requires a map as the first argument",
        )),
    }
}

/// Maps of one type give such a map; everything else an object, whose attributes are known only with all arguments.
fn merged_type(arguments: &[Value]) -> Type {
    let mut types = arguments
        .iter()
        .filter(|value| !value.is_null())
        .map(Value::ty);
    match types.next() {
        Some(first @ Type::Map(_)) if types.all(|ty| ty == first) => first,
        _ => Type::Any,
    }
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    let given = call.rest(0).iter().filter(|argument| !argument.is_null());
    let mut merged: BTreeMap<Name, Value> = BTreeMap::new();
    for argument in given {
        let Some(entries) = argument.entries() else {
            return Err(CallError::new(format!(
                "arguments must be maps or objects, got \"{}\"",
                argument.ty().in_words()
            )));
        };
        merged.extend(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    Ok(match merged_type(call.rest(0)) {
        Type::Map(element) => Value::map((*element).clone(), merged),
        _ => Value::object(merged),
    })
}

fn transpose(call: &Call<'_>) -> Result<Value, CallError> {
    let mut turned: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
    for (key, list) in call.value(0)?.entries().into_iter().flatten() {
        for item in list.elements().unwrap_or_default() {
            let Data::String(text) = item.data() else {
                return Err(CallError::argument(
                    0,
                    "input must not contain null strings",
                ));
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

fn zipmap(call: &Call<'_>) -> Result<Value, CallError> {
    let keys = call.items(0)?;
    let values = call.value(1)?;
    let Some(items) = values
        .elements()
        .filter(|_| !matches!(values.data(), Data::Set(..)))
    else {
        return Err(CallError::argument(
            1,
            "values must be a list or tuple value",
        ));
    };
    if keys.len() != items.len() {
        return Err(CallError::new(format!(
            "number of keys ({}) does not match number of values ({})",
            keys.len(),
            items.len()
        )));
    }
    let mut zipped: BTreeMap<Name, Value> = BTreeMap::new();
    for (index, (key, item)) in keys.iter().zip(items).enumerate() {
        let Data::String(key) = key.data() else {
            return Err(CallError::argument(0, format!("element {index} is null")));
        };
        zipped.insert(key.clone(), item.clone());
    }
    Ok(match values.data() {
        Data::List(element, _) => Value::map(element.clone(), zipped),
        _ => Value::object(zipped),
    })
}

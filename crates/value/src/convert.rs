//! Conversion between types.
//!
//! Primitives convert both ways through text; sequences among each other; objects, maps and objects with fewer or
//! optional attributes. `any` in the wanted type is inferred. Marks stay where they were, unknowns and nulls take the
//! wanted type.

use crate::path::{Path, PathStep};
use crate::unify::unify;
use crate::unknown::{Bounds, Unknown};
use crate::{Data, Name, ObjectType, Type, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Why a value cannot be converted, and which part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// The part that does not fit.
    pub path: Path,
    /// What was wanted there: a phrase without capital and full stop.
    pub message: String,
}

impl ConvertError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            path: Path::ROOT,
            message: message.into(),
        }
    }

    /// The same error, seen from one container further out.
    fn inside(mut self, step: PathStep) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

impl fmt::Display for ConvertError {
    /// The place in words, then what was wanted: `attribute "x": element 0: a number is required`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.path.0 {
            match step {
                PathStep::Attribute(name) => write!(f, "attribute {name:?}: ")?,
                PathStep::Key(key) => write!(f, "element {key:?}: ")?,
                PathStep::Index(index) => write!(f, "element {index}: ")?,
                PathStep::Element(_) => f.write_str("one element: ")?,
            }
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ConvertError {}

/// The value as one of type `want`; `any` in it is inferred, optional attributes that are missing become null.
///
/// # Errors
/// When there is no such conversion, or not of this value.
pub fn convert(value: &Value, want: &Type) -> Result<Value, ConvertError> {
    if conforms(value, want) {
        return Ok(value.clone());
    }
    convert_inner(value, want)
}

/// Whether the value has the wanted type already, so that nothing needs to be rebuilt. May say no where a conversion
/// would change nothing.
pub(crate) fn conforms(value: &Value, want: &Type) -> bool {
    match (value.data(), want) {
        (_, Type::Any)
        | (Data::Bool(_), Type::Bool)
        | (Data::Number(_), Type::Number)
        | (Data::String(_), Type::String) => true,
        (Data::Null(ty), want) => ty == want,
        (Data::Unknown(unknown), want) => unknown.ty == *want,
        (Data::List(element, _), Type::List(want))
        | (Data::Set(element, _), Type::Set(want))
        | (Data::Map(element, _), Type::Map(want)) => {
            *element == **want && !want.contains_optional()
        }
        (Data::Tuple(items), Type::Tuple(want)) => {
            items.len() == want.len()
                && items
                    .iter()
                    .zip(want.iter())
                    .all(|(item, want)| conforms(item, want))
        }
        (Data::Object(items), Type::Object(want)) => {
            items.keys().eq(want.attributes.keys())
                && items
                    .values()
                    .zip(want.attributes.values())
                    .all(|(item, want)| conforms(item, want))
        }
        _ => false,
    }
}

fn convert_inner(value: &Value, want: &Type) -> Result<Value, ConvertError> {
    let converted = match (value.data(), want) {
        (_, Type::Any) => return Ok(value.clone()),
        (Data::Null(ty), want) => Value::null(convert_type(ty, want)?),
        (Data::Unknown(unknown), want) => convert_unknown(unknown, want)?,
        (Data::Bool(_), Type::Bool)
        | (Data::Number(_), Type::Number)
        | (Data::String(_), Type::String) => return Ok(value.clone()),
        (Data::Bool(value), Type::String) => Value::string(value.to_string()),
        (Data::Number(number), Type::String) => Value::string(number.to_string()),
        (Data::String(text), Type::Number) => Value::number(
            text.parse::<crate::Number>()
                .map_err(|error| ConvertError::new(error.to_string()))?,
        ),
        (Data::String(text), Type::Bool) => Value::bool(bool_of(text)?),
        (Data::List(element, items) | Data::Set(element, items), Type::List(want)) => {
            let is_set = matches!(value.data(), Data::Set(..));
            let is_open = is_set && items.len() > 1 && !value.is_wholly_known();
            let (ty, items) = convert_sequence(items, Some(element), want, Sequence::List)?;
            if is_open {
                // How many elements there are, and in which order, shows once they are known.
                return Ok(Value::unknown(Type::list(ty)).with_marks(value.marks()));
            }
            let make = |items| Value::list(ty.clone(), items);
            finish(items, make, Type::list(ty.clone()))
        }
        (Data::List(element, items) | Data::Set(element, items), Type::Set(want)) => {
            let (ty, items) = convert_sequence(items, Some(element), want, Sequence::Set)?;
            let make = |items| Value::set(ty.clone(), items);
            finish(items, make, Type::set(ty.clone()))
        }
        (Data::Tuple(items), Type::List(want)) => {
            let (ty, items) = convert_sequence(items, None, want, Sequence::List)?;
            let make = |items| Value::list(ty.clone(), items);
            finish(items, make, Type::list(ty.clone()))
        }
        (Data::Tuple(items), Type::Set(want)) => {
            let (ty, items) = convert_sequence(items, None, want, Sequence::Set)?;
            let make = |items| Value::set(ty.clone(), items);
            finish(items, make, Type::set(ty.clone()))
        }
        (Data::Tuple(items), Type::Tuple(want)) if items.len() == want.len() => {
            let converted = items.iter().zip(want.iter()).enumerate();
            Value::tuple(
                converted
                    .map(|(index, (item, want))| {
                        convert_inner(item, want)
                            .map_err(|error| error.inside(PathStep::Index(index)))
                    })
                    .collect::<Result<_, _>>()?,
            )
        }
        (Data::Map(element, items), Type::Map(want)) => convert_map(items, Some(element), want)?,
        (Data::Object(items), Type::Map(want)) => convert_map(items, None, want)?,
        (Data::Object(items), Type::Object(want)) => {
            convert_object(items, want, PathStep::Attribute)?
        }
        (Data::Map(_, items), Type::Object(want)) => convert_object(items, want, PathStep::Key)?,
        _ => return Err(mismatch(&value.ty(), want)),
    };
    let marks = value.marks();
    Ok(converted.with_marks(marks))
}

fn bool_of(text: &str) -> Result<bool, ConvertError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ConvertError::new(match text.to_lowercase().as_str() {
            lower @ ("true" | "false") => {
                format!("a bool is required; to convert from string, use lowercase {lower:?}")
            }
            _ => "a bool is required".to_string(),
        })),
    }
}

fn convert_unknown(unknown: &Unknown, want: &Type) -> Result<Value, ConvertError> {
    let ty = convert_type(&unknown.ty, want)?;
    let exact = |length: usize| Bounds::Length {
        min: length as u64,
        max: Some(length as u64),
    };
    let bounds = match (&unknown.bounds, &unknown.ty, &ty) {
        (bounds, from, to) if from == to => bounds.clone(),
        (_, Type::Tuple(types), Type::List(_)) => exact(types.len()),
        (_, Type::Tuple(types), Type::Set(_)) if types.len() < 2 => exact(types.len()),
        (_, Type::Tuple(types), Type::Set(_)) => Bounds::Length {
            min: 1,
            max: Some(types.len() as u64),
        },
        (_, Type::Object(object), Type::Map(_)) => exact(object.attributes.len()),
        // Elements of a set may fall together, but there is at least one if there was one.
        (Bounds::Length { min, max }, _, Type::Set(_)) => Bounds::Length {
            min: (*min).min(1),
            max: *max,
        },
        (bounds @ Bounds::Length { .. }, _, Type::List(_) | Type::Map(_)) => bounds.clone(),
        _ => Bounds::None,
    };
    Ok(Unknown {
        ty,
        not_null: unknown.not_null,
        bounds,
    }
    .settled())
}

#[derive(Clone, Copy)]
enum Sequence {
    List,
    Set,
    Map,
}

impl Sequence {
    fn not_alike(self) -> &'static str {
        match self {
            Self::List => "all list elements must have the same type",
            Self::Set => "all set elements must have the same type",
            Self::Map => "all map elements must have the same type",
        }
    }
}

/// Elements that were all brought to one type; none when that has to wait because one of them is of a type that is not
/// known yet.
type Elements = Option<Vec<Value>>;

fn finish(items: Elements, build: impl FnOnce(Vec<Value>) -> Value, ty: Type) -> Value {
    match items {
        Some(items) => build(items),
        None => Value::unknown_not_null(ty),
    }
}

/// The elements and their common type.
fn convert_sequence(
    items: &[Value],
    from: Option<&Type>,
    want: &Type,
    kind: Sequence,
) -> Result<(Type, Elements), ConvertError> {
    let converted = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            convert_inner(item, want).map_err(|error| error.inside(PathStep::Index(index)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    common_type(converted, from, want, kind)
}

/// Brings elements that fit the wanted type one by one to the same type, where `any` left it open.
fn common_type(
    items: Vec<Value>,
    from: Option<&Type>,
    want: &Type,
    kind: Sequence,
) -> Result<(Type, Elements), ConvertError> {
    if items.is_empty() {
        // Elements that cannot be brought to it are wrong even where there are none.
        let ty = match from {
            Some(from) => convert_type(from, want)?,
            None => want.without_optional(),
        };
        return Ok((ty, Some(items)));
    }
    if !want.contains_any() {
        return Ok((want.without_optional(), Some(items)));
    }
    if let (Some(from), Type::Any) = (from, want) {
        return Ok((from.clone(), Some(items)));
    }
    let undecided = |item: &Value| {
        item.as_unknown()
            .is_some_and(|unknown| unknown.ty == Type::Any)
    };
    // An element of a type that is not known yet will have to be of the type of the others; without others nothing more
    // can be said.
    if items.iter().all(undecided) {
        return Ok((want.without_optional(), Some(items)));
    }
    let types: Vec<Type> = items.iter().map(Value::ty).collect();
    let mut decided = types.iter().filter(|ty| **ty != Type::Any);
    let first = decided.next();
    let common = match unify(&types) {
        // Of elements of a map those whose type is not known yet do not keep the others from being of one.
        Some(Type::Any) if matches!(kind, Sequence::Map) && first.is_some() => first
            .filter(|first| decided.all(|ty| ty == *first))
            .cloned(),
        common => common,
    };
    let Some(ty) = common.filter(|ty| from.is_some() || first.is_none() || *ty != Type::Any) else {
        return Err(ConvertError::new(kind.not_alike()));
    };
    let (mut ty, mut items) = (ty.clone(), converted(&items, &ty)?);
    if ty != Type::Any && !are_alike(&items) {
        // What was left open in the first type may be decided by what came of it, but not for sets.
        let types: Vec<Type> = items.iter().map(Value::ty).collect();
        let next =
            unify(&types).filter(|next| *next != Type::Any && !matches!(kind, Sequence::Set));
        ty = next.ok_or_else(|| ConvertError::new(kind.not_alike()))?;
        items = converted(&items, &ty)?;
        if !are_alike(&items) {
            return Err(ConvertError::new(kind.not_alike()));
        }
    }
    Ok((ty, Some(items)))
}

/// All elements as values of one type.
fn converted(items: &[Value], ty: &Type) -> Result<Vec<Value>, ConvertError> {
    let items = items.iter().enumerate();
    let items = items.map(|(index, item)| {
        convert(item, ty).map_err(|error| error.inside(PathStep::Index(index)))
    });
    items.collect()
}

fn are_alike(items: &[Value]) -> bool {
    let first = items.first().map(Value::ty);
    items.iter().all(|item| Some(item.ty()) == first)
}

fn convert_map(
    items: &BTreeMap<Name, Value>,
    from: Option<&Type>,
    want: &Type,
) -> Result<Value, ConvertError> {
    let converted = items
        .iter()
        .map(|(key, item)| {
            convert_inner(item, want).map_err(|error| error.inside(PathStep::Key(key.clone())))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (ty, elements) = common_type(converted, from, want, Sequence::Map)?;
    let keys = items.keys().cloned();
    Ok(finish(
        elements,
        |elements| Value::map(ty.clone(), keys.zip(elements).collect()),
        Type::map(ty.clone()),
    ))
}

fn convert_object(
    items: &BTreeMap<Name, Value>,
    want: &ObjectType,
    step: fn(Name) -> PathStep,
) -> Result<Value, ConvertError> {
    let mut attributes = BTreeMap::new();
    let mut missing: Vec<&str> = Vec::new();
    for (name, ty) in &want.attributes {
        let converted = match items.get(name) {
            Some(item) => {
                convert_inner(item, ty).map_err(|error| error.inside(step(name.clone())))?
            }
            None if want.optional.contains(name) => Value::null(ty.clone()),
            None => {
                missing.push(name);
                continue;
            }
        };
        attributes.insert(name.clone(), converted);
    }
    if missing.is_empty() {
        Ok(Value::object(attributes))
    } else {
        Err(missing_attributes(&missing))
    }
}

fn missing_attributes(names: &[&str]) -> ConvertError {
    ConvertError::new(match names {
        [only] => format!("attribute {only:?} is required"),
        [first, second] => format!("attributes {first:?} and {second:?} are required"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|name| format!("{name:?}")).collect();
            format!("attributes {}, and {last:?} are required", rest.join(", "))
        }
        [] => "incorrect object attributes".to_string(),
    })
}

/// The type that a value of type `from` has after conversion to `want`, if there is such a conversion at all.
///
/// # Errors
/// When no value of the one type can be converted to the other.
pub fn convert_type(from: &Type, want: &Type) -> Result<Type, ConvertError> {
    let each = |types: &[Type], element: &Type| {
        let converted = types
            .iter()
            .enumerate()
            .map(|(index, ty)| {
                convert_type(ty, element).map_err(|error| error.inside(PathStep::Index(index)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !element.contains_any() || converted.is_empty() {
            return Ok(element.without_optional());
        }
        unify(&converted).ok_or_else(|| mismatch(from, want))
    };
    match (from, want) {
        (from, Type::Any) => Ok(from.clone()),
        (Type::Any, want) => Ok(want.without_optional()),
        (from, want) if from == want => Ok(want.without_optional()),
        (Type::Number | Type::Bool, Type::String) => Ok(Type::String),
        (Type::String, Type::Number) => Ok(Type::Number),
        (Type::String, Type::Bool) => Ok(Type::Bool),
        (Type::List(element) | Type::Set(element), Type::List(want)) => {
            Ok(Type::list(element_type(element, want)?))
        }
        (Type::List(element) | Type::Set(element), Type::Set(want)) => {
            Ok(Type::set(element_type(element, want)?))
        }
        (Type::Tuple(types), Type::List(element)) => Ok(Type::list(each(types, element)?)),
        (Type::Tuple(types), Type::Set(element)) => Ok(Type::set(each(types, element)?)),
        (Type::Map(element), Type::Map(want)) => Ok(Type::map(element_type(element, want)?)),
        (Type::Object(object), Type::Map(element)) => {
            let types: Vec<Type> = object.attributes.values().cloned().collect();
            Ok(Type::map(each(&types, element)?))
        }
        (Type::Tuple(types), Type::Tuple(want)) if types.len() == want.len() => {
            let converted = types.iter().zip(want.iter()).enumerate();
            Ok(Type::tuple(
                converted
                    .map(|(index, (ty, want))| {
                        convert_type(ty, want).map_err(|error| error.inside(PathStep::Index(index)))
                    })
                    .collect::<Result<_, _>>()?,
            ))
        }
        (Type::Object(object), Type::Object(want)) => {
            convert_object_type(want, PathStep::Attribute, |name| {
                object.attributes.get(name)
            })
        }
        (Type::Map(element), Type::Object(want)) => {
            convert_object_type(want, PathStep::Key, |_| Some(&**element))
        }
        (from, want) => Err(mismatch(from, want)),
    }
}

fn element_type(from: &Type, want: &Type) -> Result<Type, ConvertError> {
    convert_type(from, want).map_err(|error| error.inside(PathStep::Index(0)))
}

fn convert_object_type<'a>(
    want: &ObjectType,
    step: fn(Name) -> PathStep,
    given: impl Fn(&Name) -> Option<&'a Type>,
) -> Result<Type, ConvertError> {
    let mut attributes: Vec<(Name, Type)> = Vec::with_capacity(want.attributes.len());
    let mut missing: Vec<&str> = Vec::new();
    for (name, ty) in &want.attributes {
        match given(name) {
            Some(from) => attributes.push((
                name.clone(),
                convert_type(from, ty).map_err(|error| error.inside(step(name.clone())))?,
            )),
            None if want.optional.contains(name) => {
                attributes.push((name.clone(), ty.without_optional()));
            }
            None => missing.push(name),
        }
    }
    if missing.is_empty() {
        Ok(Type::object(attributes))
    } else {
        Err(missing_attributes(&missing))
    }
}

/// Says what was wanted, as precisely as two types that do not fit allow.
fn mismatch(from: &Type, want: &Type) -> ConvertError {
    ConvertError::new(match (from, want) {
        (Type::Tuple(_), Type::List(element)) if element.contains_any() => {
            "all list elements must have the same type".to_string()
        }
        (Type::Tuple(_), Type::Set(element)) if element.contains_any() => {
            "all set elements must have the same type".to_string()
        }
        (Type::Object(_), Type::Map(element)) if element.contains_any() => {
            "all map elements must have the same type".to_string()
        }
        (Type::Tuple(given), Type::Tuple(want)) => format!(
            "a tuple of {} elements is required, not of {}",
            want.len(),
            given.len()
        ),
        (_, Type::List(element)) if **element == Type::Any => {
            "list of any single type required".to_string()
        }
        (_, Type::Set(element)) if **element == Type::Any => {
            "set of any single type required".to_string()
        }
        (_, Type::Map(element)) if **element == Type::Any => {
            "map of any single type required".to_string()
        }
        (_, want) => format!("{} required", want.in_words()),
    })
}

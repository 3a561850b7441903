//! What stands in a saved plan of terraform: values as exact as the program has them, with their types, marks and what
//! is known of unknowns.
//!
//! The JSON form of a plan tells none of that. The file is a zip archive; its member `tfplan` is a protocol buffer
//! whose values are MessagePack, with types written beside dynamic ones. Only what is asked here is read: the
//! configuration that planned changes of `terraform_data` would leave, and outputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Bounds, Data, Marks, Name, Number, Path, PathStep, Type, Unknown, Value};

/// Fields of the protocol buffer, by their numbers.
mod field {
    pub(super) const PLAN_RESOURCE_CHANGE: u64 = 3;
    pub(super) const RESOURCE_CHANGE: u64 = 9;
    pub(super) const RESOURCE_ADDRESS: u64 = 13;
    pub(super) const CHANGE_VALUE: u64 = 2;
    pub(super) const CHANGE_SENSITIVE_AFTER: u64 = 4;
    pub(super) const MSGPACK: u64 = 1;
    pub(super) const PATH_STEP: u64 = 1;
    pub(super) const STEP_ATTRIBUTE: u64 = 1;
    pub(super) const STEP_KEY: u64 = 2;
}

/// The planned value of `input` of each created `terraform_data`, by address.
pub(crate) fn inputs(archive: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let plan = member(archive, "tfplan")?;
    let mut found = BTreeMap::new();
    for change in Fields::of(&plan).all(field::PLAN_RESOURCE_CHANGE)? {
        let resource = Fields::of(change);
        let address = resource.all(field::RESOURCE_ADDRESS)?;
        let address = String::from_utf8_lossy(address.last().ok_or("a change without an address")?);
        let changes = resource.all(field::RESOURCE_CHANGE)?;
        let change = Fields::of(changes.last().ok_or("a resource without a change")?);
        let values = change.all(field::CHANGE_VALUE)?;
        let packed = Fields::of(values.last().ok_or("a change without a value")?);
        let packed = packed.all(field::MSGPACK)?;
        let schema = ["id", "input", "output", "triggers_replace"].map(|name| {
            let ty = if name == "id" {
                Type::String
            } else {
                Type::Any
            };
            (Name::from(name), ty)
        });
        let mut reader = Packed::of(packed.last().ok_or("a value that is not MessagePack")?);
        let whole = reader.value(&Type::object(schema))?;
        let mut marks = Vec::new();
        for path in change.all(field::CHANGE_SENSITIVE_AFTER)? {
            marks.push((path_of(path)?, Marks::SENSITIVE));
        }
        let whole = whole.mark_at(&marks);
        let input = whole.get("input").ok_or("a terraform_data without input")?;
        found.insert(address.into_owned(), input.clone());
    }
    Ok(found)
}

/// One file out of a zip archive.
fn member(archive: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let broken = || format!("the plan is no zip archive with {name} in it");
    let number = |at: usize, bytes: usize| -> Option<usize> {
        let raw = archive.get(at..at + bytes)?;
        Some(
            raw.iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    };
    let end = archive
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .ok_or_else(broken)?;
    let count = number(end + 10, 2).ok_or_else(broken)?;
    let mut at = number(end + 16, 4).ok_or_else(broken)?;
    for _ in 0..count {
        let length = |offset| number(at + offset, 2).ok_or_else(broken);
        let (name_length, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let found = archive
            .get(at + 46..at + 46 + name_length)
            .ok_or_else(broken)?;
        if found == name.as_bytes() {
            let size = number(at + 20, 4).ok_or_else(broken)?;
            let local = number(at + 42, 4).ok_or_else(broken)?;
            let skip = number(local + 26, 2)
                .zip(number(local + 28, 2))
                .ok_or_else(broken)?;
            let start = local + 30 + skip.0 + skip.1;
            let packed = archive.get(start..start + size).ok_or_else(broken)?;
            return match length(10)? {
                0 => Ok(packed.to_vec()),
                _ => miniz_oxide::inflate::decompress_to_vec(packed).map_err(|_| broken()),
            };
        }
        at += 46 + name_length + extra + comment;
    }
    Err(broken())
}

/// One message of a protocol buffer.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The contents of all fields of a number that have a length.
    fn all(&self, wanted: u64) -> Result<Vec<&'a [u8]>, String> {
        let broken = || "the plan is no protocol buffer as it is known".to_owned();
        let mut rest = self.0;
        let mut found = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest).ok_or_else(broken)?;
            let length = match key & 7 {
                0 => {
                    varint(&mut rest).ok_or_else(broken)?;
                    continue;
                }
                1 => 8,
                2 => {
                    usize::try_from(varint(&mut rest).ok_or_else(broken)?).map_err(|_| broken())?
                }
                5 => 4,
                _ => return Err(broken()),
            };
            let (content, after) = rest.split_at_checked(length).ok_or_else(broken)?;
            rest = after;
            if key >> 3 == wanted && key & 7 == 2 {
                found.push(content);
            }
        }
        Ok(found)
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn path_of(bytes: &[u8]) -> Result<Path, String> {
    let mut path = Path::default();
    for step in Fields::of(bytes).all(field::PATH_STEP)? {
        let step = Fields::of(step);
        if let Some(name) = step.all(field::STEP_ATTRIBUTE)?.last() {
            path.0
                .push(PathStep::Attribute(Name::from(&*String::from_utf8_lossy(
                    name,
                ))));
            continue;
        }
        let keys = step.all(field::STEP_KEY)?;
        let key = Fields::of(keys.last().ok_or("a step of a path that is nothing")?);
        let key = key.all(field::MSGPACK)?;
        let key =
            Packed::of(key.last().ok_or("a key that is not MessagePack")?).value(&Type::Any)?;
        path.0.push(match key.data() {
            Data::String(text) => PathStep::Key(text.clone()),
            Data::Number(index) => PathStep::Index(index.as_usize().unwrap_or(usize::MAX)),
            _ => PathStep::Element(key),
        });
    }
    Ok(path)
}

/// MessagePack being read.
struct Packed<'a>(&'a [u8]);

/// What begins here, with numbers and lengths read.
enum Item<'a> {
    Nil,
    Bool(bool),
    Number(Number),
    Text(&'a [u8]),
    Array(usize),
    Map(usize),
    Extension(u8, &'a [u8]),
}

impl<'a> Packed<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("MessagePack that ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn length(&mut self, bytes: usize) -> Result<usize, String> {
        usize::try_from(self.big_endian(bytes)?).map_err(|error| error.to_string())
    }

    fn item(&mut self) -> Result<Item<'a>, String> {
        let unsigned = |value: u64| Item::Number(Number::from(value));
        let tag = self.take(1)?.first().copied().unwrap_or_default();
        Ok(match tag {
            0x00..=0x7f => unsigned(tag.into()),
            0x80..=0x8f => Item::Map(usize::from(tag & 0x0f)),
            0x90..=0x9f => Item::Array(usize::from(tag & 0x0f)),
            0xa0..=0xbf => Item::Text(self.take(usize::from(tag & 0x1f))?),
            0xc0 => Item::Nil,
            0xc2 | 0xc3 => Item::Bool(tag == 0xc3),
            0xc4..=0xc6 => {
                let length = self.length(1 << (tag - 0xc4))?;
                Item::Text(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (tag - 0xc7))?;
                let kind = self.length(1)?;
                Item::Extension(kind as u8, self.take(length)?)
            }
            0xca | 0xcb => {
                let double = if tag == 0xca {
                    f64::from(f32::from_bits(self.big_endian(4)? as u32))
                } else {
                    f64::from_bits(self.big_endian(8)?)
                };
                let text = format!("{double}");
                Item::Number(text.parse().map_err(|_| format!("{text} is no number"))?)
            }
            0xcc..=0xcf => unsigned(self.big_endian(1 << (tag - 0xcc))?),
            0xd0..=0xd3 => {
                let bytes = 1 << (tag - 0xd0);
                let raw = self.big_endian(bytes)? as i64;
                let unused = 64 - 8 * bytes as u32;
                Item::Number(Number::from(raw << unused >> unused))
            }
            0xd4..=0xd8 => {
                let kind = self.length(1)?;
                Item::Extension(kind as u8, self.take(1 << (tag - 0xd4))?)
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (tag - 0xd9))?;
                Item::Text(self.take(length)?)
            }
            0xdc | 0xdd => Item::Array(self.length(2 << (tag - 0xdc))?),
            0xde | 0xdf => Item::Map(self.length(2 << (tag - 0xde))?),
            0xe0..=0xff => Item::Number(Number::from(i64::from(tag as i8))),
            0xc1 => return Err("MessagePack that is none".to_owned()),
        })
    }

    /// A value of a type. A dynamic one brings its type along, except the key of a path.
    fn value(&mut self, ty: &Type) -> Result<Value, String> {
        let item = self.item()?;
        let wrong = || format!("a value in the plan is not of its type {ty}");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| wrong());
        Ok(match (item, ty) {
            (Item::Nil, ty) => Value::null(ty.clone()),
            (Item::Extension(12, content), ty) => refined(ty, content)?,
            (Item::Extension(..), ty) => Value::unknown(ty.clone()),
            (Item::Array(2), Type::Any) => {
                let Item::Text(written) = self.item()? else {
                    return Err(wrong());
                };
                let json = serde_json::from_slice(written).map_err(|error| error.to_string())?;
                let ty = type_of(&json).ok_or_else(wrong)?;
                self.value(&ty)?
            }
            (Item::Text(bytes), Type::String | Type::Any) => Value::string(text(bytes)?),
            (Item::Text(bytes), Type::Number) => {
                Value::number(text(bytes)?.parse::<Number>().map_err(|_| wrong())?)
            }
            (Item::Number(number), Type::Number | Type::Any) => Value::number(number),
            (Item::Bool(truth), Type::Bool) => Value::bool(truth),
            (Item::Array(count), Type::List(element)) => {
                Value::list((**element).clone(), self.items(count, element)?)
            }
            (Item::Array(count), Type::Set(element)) => {
                Value::set((**element).clone(), self.items(count, element)?)
            }
            (Item::Array(count), Type::Tuple(types)) if count == types.len() => {
                let items = types.iter().map(|ty| self.value(ty));
                Value::tuple(items.collect::<Result<_, _>>()?)
            }
            (Item::Map(count), Type::Map(element)) => {
                let mut items = BTreeMap::new();
                for _ in 0..count {
                    let key = self.value(&Type::String)?;
                    let key = key.as_str().ok_or_else(wrong)?;
                    items.insert(Name::from(key), self.value(element)?);
                }
                Value::map((**element).clone(), items)
            }
            (Item::Map(count), Type::Object(object)) => {
                let mut items = BTreeMap::new();
                for _ in 0..count {
                    let key = self.value(&Type::String)?;
                    let key = key.as_str().ok_or_else(wrong)?;
                    let ty = object.attributes.get(key).ok_or_else(wrong)?;
                    items.insert(Name::from(key), self.value(ty)?);
                }
                Value::object(items)
            }
            _ => return Err(wrong()),
        })
    }

    fn items(&mut self, count: usize, element: &Type) -> Result<Vec<Value>, String> {
        (0..count).map(|_| self.value(element)).collect()
    }
}

/// An unknown with what is known of it: a map from a small number to what that says.
fn refined(ty: &Type, content: &[u8]) -> Result<Value, String> {
    let mut reader = Packed::of(content);
    let Item::Map(count) = reader.item()? else {
        return Err("a refinement that is no map".to_owned());
    };
    let mut unknown = Unknown::of(ty.clone());
    let (mut least, mut most) = (None, None);
    let (mut shortest, mut longest) = (0, None);
    for _ in 0..count {
        let key = reader.value(&Type::Number)?;
        match key.as_number().and_then(Number::as_i64) {
            Some(1) => unknown.not_null = reader.value(&Type::Bool)?.as_bool() == Some(false),
            Some(2) => {
                let prefix = reader.value(&Type::String)?;
                unknown.bounds = Bounds::Prefix(Arc::from(prefix.as_str().unwrap_or_default()));
            }
            Some(side @ (3 | 4)) => {
                reader.item()?;
                let bound = reader.value(&Type::Number)?.as_number().cloned();
                if reader.value(&Type::Bool)?.as_bool() == Some(false) {
                    return Err("a bound that is not reached is not known here".to_owned());
                }
                *(if side == 3 { &mut least } else { &mut most }) = bound;
            }
            Some(5) => shortest = length(&reader.value(&Type::Number)?),
            Some(6) => longest = Some(length(&reader.value(&Type::Number)?)),
            _ => return Err("a refinement that is not known here".to_owned()),
        }
    }
    if least.is_some() || most.is_some() {
        unknown.bounds = Bounds::Range {
            min: least,
            max: most,
        };
    } else if shortest > 0 || longest.is_some() {
        unknown.bounds = Bounds::Length {
            min: shortest,
            max: longest,
        };
    }
    Ok(unknown.into())
}

fn length(value: &Value) -> u64 {
    value
        .as_number()
        .and_then(Number::as_u64)
        .unwrap_or_default()
}

/// A type as it is written beside dynamic values.
fn type_of(json: &serde_json::Value) -> Option<Type> {
    if let Some(name) = json.as_str() {
        return Some(match name {
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            "dynamic" => Type::Any,
            _ => return None,
        });
    }
    let [kind, of, ..] = json.as_array()?.as_slice() else {
        return None;
    };
    Some(match kind.as_str()? {
        "list" => Type::list(type_of(of)?),
        "set" => Type::set(type_of(of)?),
        "map" => Type::map(type_of(of)?),
        "tuple" => Type::tuple(of.as_array()?.iter().map(type_of).collect::<Option<_>>()?),
        "object" => {
            let attributes = of.as_object()?.iter();
            let typed =
                attributes.map(|(name, ty)| Some((Name::from(name.as_str()), type_of(ty)?)));
            Type::object(typed.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

//! Values as MessagePack, by their type: what the protocol sends.
//!
//! Marks cannot be written: whoever encodes has taken them off. An extension stands for an unknown value, whatever its
//! number, and what it tells of the value is taken as far as it is understood.

use crate::limits::{PREFIX_BYTES_MAX, REFINEMENT_BYTES_MAX, TYPE_DEPTH_MAX};
use crate::types;
use rmp::Marker;
use rmp::encode;
use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Bounds, Data, Name, Number, Type, Unknown, Value};

/// A value that is not of the type it should be sent as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {what}")]
pub(crate) struct Mismatch {
    pub path: String,
    pub what: String,
}

/// Bytes that are no value of the type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub(crate) struct Garbage {
    pub at: usize,
    pub what: String,
}

/// Code of the extension that tells something of an unknown value.
const REFINED: i8 = 12;

/// Writes a value of a type.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, Mismatch> {
    let mut out = Vec::new();
    write(&mut out, value, ty, &mut Vec::new())?;
    Ok(out)
}

fn write(
    out: &mut Vec<u8>,
    value: &Value,
    ty: &Type,
    path: &mut Vec<String>,
) -> Result<(), Mismatch> {
    let dynamic = matches!(ty, Type::Any);
    match value.data() {
        Data::Unknown(unknown) if !dynamic || unknown.ty == Type::Any => {
            return write_unknown(out, unknown);
        }
        Data::Null(of) if !dynamic || *of == Type::Any => {
            return infallible(encode::write_nil(out));
        }
        _ => {}
    }
    if dynamic {
        let of = value.ty();
        infallible(encode::write_array_len(out, 2))?;
        let json = value::json::to_string(&value::stored::type_value(&of));
        let json = json.map_err(|error| Mismatch {
            path: String::new(),
            what: error.to_string(),
        })?;
        infallible(encode::write_bin(out, json.as_bytes()))?;
        return write(out, value, &of, path);
    }
    match (ty, value.data()) {
        (Type::Bool, Data::Bool(value)) => infallible(encode::write_bool(out, *value)),
        (Type::Number, Data::Number(number)) => write_number(out, number),
        (Type::String, Data::String(text)) => infallible(encode::write_str(out, text)),
        (Type::List(element), Data::List(_, items)) | (Type::Set(element), Data::Set(_, items)) => {
            infallible(encode::write_array_len(out, length(items.len())))?;
            let all = items.iter().map(|item| (item, &**element));
            write_items(out, all, path)
        }
        (Type::Tuple(types), Data::Tuple(items)) if types.len() == items.len() => {
            infallible(encode::write_array_len(out, length(items.len())))?;
            write_items(out, items.iter().zip(types.iter()), path)
        }
        (Type::Map(element), Data::Map(_, items)) => {
            let all = items.iter().map(|(name, item)| (name, item, &**element));
            write_entries(out, items.len(), all, path)
        }
        (Type::Object(object), Data::Object(items))
            if items.keys().eq(object.attributes.keys()) =>
        {
            let types = object.attributes.values();
            let all = items
                .iter()
                .zip(types)
                .map(|((name, item), ty)| (name, item, ty));
            write_entries(out, items.len(), all, path)
        }
        _ => converted(out, value, ty, path),
    }
}

/// A value of another kind, if it can become one of this type: `["a"]` is a tuple and may stand for a list.
fn converted(
    out: &mut Vec<u8>,
    value: &Value,
    ty: &Type,
    path: &mut Vec<String>,
) -> Result<(), Mismatch> {
    let mismatch = |path: &[String]| Mismatch {
        path: path.join("."),
        what: format!(
            "{} is required, not {}",
            ty.in_words(),
            value.ty().in_words()
        ),
    };
    match value::convert(value, ty) {
        Ok(other) if other.ty() != value.ty() => write(out, &other, ty, path),
        Ok(_) | Err(_) => Err(mismatch(path)),
    }
}

fn write_items<'v>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = (&'v Value, &'v Type)>,
    path: &mut Vec<String>,
) -> Result<(), Mismatch> {
    for (index, (item, ty)) in items.enumerate() {
        path.push(index.to_string());
        write(out, item, ty, path)?;
        path.pop();
    }
    Ok(())
}

fn write_entries<'v>(
    out: &mut Vec<u8>,
    n: usize,
    items: impl Iterator<Item = (&'v Name, &'v Value, &'v Type)>,
    path: &mut Vec<String>,
) -> Result<(), Mismatch> {
    infallible(encode::write_map_len(out, length(n)))?;
    for (name, item, ty) in items {
        infallible(encode::write_str(out, name))?;
        path.push(name.to_string());
        write(out, item, ty, path)?;
        path.pop();
    }
    Ok(())
}

/// Whole numbers as integers, what a double holds exactly as a double, and all others as decimal text.
fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), Mismatch> {
    if let Some(small) = number.as_i64() {
        return infallible(encode::write_sint(out, small));
    }
    let double = number.to_f64();
    // The exact expansion of a double has at most 1,074 digits after the point.
    let exact =
        double.is_finite() && format!("{double:.1074}").parse::<Number>().as_ref() == Ok(number);
    if exact {
        return infallible(encode::write_f64(out, double));
    }
    infallible(encode::write_str(out, &number.to_string()))
}

fn write_unknown(out: &mut Vec<u8>, unknown: &Unknown) -> Result<(), Mismatch> {
    let told = refinements(unknown)?;
    if told.is_empty() {
        out.extend([0xd4, 0, 0]);
        return Ok(());
    }
    infallible(encode::write_ext_meta(out, length(told.len()), REFINED))?;
    out.extend(told);
    Ok(())
}

fn refinements(unknown: &Unknown) -> Result<Vec<u8>, Mismatch> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    if unknown.ty != Type::Any {
        let mut part = |key: u8, write: &dyn Fn(&mut Vec<u8>) -> Result<(), Mismatch>| {
            let mut bytes = vec![key];
            write(&mut bytes)?;
            parts.push(bytes);
            Ok(())
        };
        if unknown.not_null {
            part(1, &|out| infallible(encode::write_bool(out, false)))?;
        }
        match &unknown.bounds {
            Bounds::None => {}
            Bounds::Prefix(prefix) => {
                let prefix = whole_characters(prefix, PREFIX_BYTES_MAX);
                part(2, &|out| infallible(encode::write_str(out, prefix)))?;
            }
            Bounds::Range { min, max } => {
                for (key, bound) in [(3, min), (4, max)] {
                    if let Some(bound) = bound {
                        part(key, &|out| {
                            infallible(encode::write_array_len(out, 2))?;
                            write_number(out, bound)?;
                            infallible(encode::write_bool(out, true))
                        })?;
                    }
                }
            }
            Bounds::Length { min, max } => {
                let bound = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
                if *min > 0 {
                    part(5, &|out| infallible(encode::write_sint(out, bound(*min))))?;
                }
                if let Some(max) = max {
                    part(6, &|out| infallible(encode::write_sint(out, bound(*max))))?;
                }
            }
        }
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mut out = Vec::new();
    infallible(encode::write_map_len(&mut out, length(parts.len())))?;
    out.extend(parts.into_iter().flatten());
    Ok(out)
}

fn whole_characters(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Writing into memory does not fail; the library's type says it could.
fn infallible<T, E: std::fmt::Display>(written: Result<T, E>) -> Result<(), Mismatch> {
    written.map(|_| ()).map_err(|error| Mismatch {
        path: String::new(),
        what: error.to_string(),
    })
}

fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Reads a value of a type.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, Garbage> {
    let mut reader = Reader {
        whole: bytes.len(),
        left: bytes,
    };
    let value = reader.value(ty, 0)?;
    if !reader.left.is_empty() {
        return Err(reader.garbage("something follows the value"));
    }
    Ok(value)
}

struct Reader<'b> {
    whole: usize,
    left: &'b [u8],
}

/// What came instead of a value proper.
enum Begun {
    Null,
    Unknown(Unknown),
    Marker(Marker),
}

impl<'b> Reader<'b> {
    fn garbage(&self, what: impl Into<String>) -> Garbage {
        Garbage {
            at: self.whole - self.left.len(),
            what: what.into(),
        }
    }

    fn take(&mut self, n: usize) -> Result<&'b [u8], Garbage> {
        let Some((taken, rest)) = self.left.split_at_checked(n) else {
            return Err(self.garbage("it ends too early"));
        };
        self.left = rest;
        Ok(taken)
    }

    fn marker(&mut self) -> Result<Marker, Garbage> {
        let byte = self.take(1)?.first().copied();
        Ok(Marker::from_u8(byte.unwrap_or_default()))
    }

    fn begin(&mut self, ty: &Type) -> Result<Begun, Garbage> {
        let marker = self.marker()?;
        if marker == Marker::Null {
            return Ok(Begun::Null);
        }
        match self.extension(marker)? {
            Some(length) => {
                let code = self.take(1)?.first().copied().unwrap_or(0);
                let payload = self.take(length)?;
                let unknown = Unknown::of(ty.clone());
                if i8::from_ne_bytes([code]) == REFINED && payload.len() <= REFINEMENT_BYTES_MAX {
                    return Ok(Begun::Unknown(refined(unknown, payload)));
                }
                Ok(Begun::Unknown(unknown))
            }
            None => Ok(Begun::Marker(marker)),
        }
    }

    /// The length of the payload, if this begins an extension.
    fn extension(&mut self, marker: Marker) -> Result<Option<usize>, Garbage> {
        Ok(Some(match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.size(1)?,
            Marker::Ext16 => self.size(2)?,
            Marker::Ext32 => self.size(4)?,
            _ => return Ok(None),
        }))
    }

    fn size(&mut self, n_bytes: usize) -> Result<usize, Garbage> {
        let size = self.bits(n_bytes)?;
        usize::try_from(size).map_err(|_| self.garbage("it is too large"))
    }

    fn bits(&mut self, n_bytes: usize) -> Result<u64, Garbage> {
        let bytes = self.take(n_bytes)?.iter();
        Ok(bytes.fold(0, |bits, byte| (bits << 8) | u64::from(*byte)))
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, Garbage> {
        if depth > TYPE_DEPTH_MAX {
            return Err(self.garbage("it is nested too deeply"));
        }
        let marker = match self.begin(ty)? {
            Begun::Null => return Ok(Value::null(ty.clone())),
            Begun::Unknown(unknown) => return Ok(unknown.into()),
            Begun::Marker(marker) => marker,
        };
        match ty {
            Type::Any => self.dynamic(marker, depth),
            Type::Bool => match marker {
                Marker::True => Ok(Value::bool(true)),
                Marker::False => Ok(Value::bool(false)),
                _ => Err(self.garbage("bool is required")),
            },
            Type::Number => Ok(Value::number(self.number(marker)?)),
            Type::String => Ok(Value::string(self.text(marker, "string is required")?)),
            Type::List(element) => {
                let items = self.items(marker, element, depth)?;
                Ok(Value::list((**element).clone(), items))
            }
            Type::Set(element) => {
                let items = self.items(marker, element, depth)?;
                Ok(Value::set((**element).clone(), items))
            }
            Type::Map(element) => {
                let mut items = BTreeMap::new();
                for _ in 0..self.entries(marker, "map is required")? {
                    let key = self.key()?;
                    items.insert(key, self.value(element, depth + 1)?);
                }
                Ok(Value::map((**element).clone(), items))
            }
            Type::Tuple(types) => {
                let n = self.array(marker, "tuple is required")?;
                if n != types.len() {
                    let what = format!("a tuple of {} is required, not of {n}", types.len());
                    return Err(self.garbage(what));
                }
                let items = types.iter().map(|ty| self.value(ty, depth + 1));
                Ok(Value::tuple(items.collect::<Result<_, _>>()?))
            }
            Type::Object(object) => self.object(marker, &object.attributes, depth),
        }
    }

    fn object(
        &mut self,
        marker: Marker,
        types: &BTreeMap<Name, Type>,
        depth: usize,
    ) -> Result<Value, Garbage> {
        let n = self.entries(marker, "object is required")?;
        let mut attributes = BTreeMap::new();
        for _ in 0..n {
            let name = self.key()?;
            let Some(ty) = types.get(&name) else {
                return Err(self.garbage(format!("there is no attribute `{name}`")));
            };
            attributes.insert(name, self.value(ty, depth + 1)?);
        }
        if let Some(missing) = types.keys().find(|name| !attributes.contains_key(*name)) {
            return Err(self.garbage(format!("the attribute `{missing}` is missing")));
        }
        Ok(Value::object(attributes))
    }

    fn dynamic(&mut self, marker: Marker, depth: usize) -> Result<Value, Garbage> {
        if self.array(marker, "a type with its value is required")? != 2 {
            return Err(self.garbage("a type with its value is required"));
        }
        let marker = self.marker()?;
        let json = self
            .bytes(marker)?
            .ok_or_else(|| self.garbage("a type is required"))?;
        let ty = types::parse(json).map_err(|error| self.garbage(error.to_string()))?;
        self.value(&ty.without_optional(), depth + 1)
    }

    fn items(&mut self, marker: Marker, ty: &Type, depth: usize) -> Result<Vec<Value>, Garbage> {
        let n = self.array(marker, "array is required")?;
        (0..n).map(|_| self.value(ty, depth + 1)).collect()
    }

    fn array(&mut self, marker: Marker, otherwise: &str) -> Result<usize, Garbage> {
        match marker {
            Marker::FixArray(n) => Ok(usize::from(n)),
            Marker::Array16 => self.size(2),
            Marker::Array32 => self.size(4),
            _ => Err(self.garbage(otherwise)),
        }
    }

    fn entries(&mut self, marker: Marker, otherwise: &str) -> Result<usize, Garbage> {
        match marker {
            Marker::FixMap(n) => Ok(usize::from(n)),
            Marker::Map16 => self.size(2),
            Marker::Map32 => self.size(4),
            _ => Err(self.garbage(otherwise)),
        }
    }

    fn key(&mut self) -> Result<Name, Garbage> {
        let marker = self.marker()?;
        Ok(Name::from(self.text(marker, "a key must be text")?))
    }

    fn bytes(&mut self, marker: Marker) -> Result<Option<&'b [u8]>, Garbage> {
        let n = match marker {
            Marker::FixStr(n) => usize::from(n),
            Marker::Str8 | Marker::Bin8 => self.size(1)?,
            Marker::Str16 | Marker::Bin16 => self.size(2)?,
            Marker::Str32 | Marker::Bin32 => self.size(4)?,
            _ => return Ok(None),
        };
        self.take(n).map(Some)
    }

    fn text(&mut self, marker: Marker, otherwise: &str) -> Result<&'b str, Garbage> {
        let bytes = self.bytes(marker)?.ok_or_else(|| self.garbage(otherwise))?;
        std::str::from_utf8(bytes).map_err(|_| self.garbage("text must be UTF-8"))
    }

    fn number(&mut self, marker: Marker) -> Result<Number, Garbage> {
        let n_bytes = match marker {
            Marker::FixPos(small) => return Ok(u32::from(small).into()),
            Marker::FixNeg(small) => return Ok(i64::from(small).into()),
            Marker::U8 | Marker::I8 => 1,
            Marker::U16 | Marker::I16 => 2,
            Marker::U32 | Marker::I32 | Marker::F32 => 4,
            Marker::U64 | Marker::I64 | Marker::F64 => 8,
            _ => {
                let text = self.text(marker, "number is required")?;
                return text.parse().map_err(|_| self.garbage("number is required"));
            }
        };
        let bits = self.bits(n_bytes)?;
        let double = match marker {
            Marker::F32 => f64::from(f32::from_bits(u32::try_from(bits).unwrap_or(0))),
            Marker::F64 => f64::from_bits(bits),
            Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => return Ok(bits.into()),
            _ => {
                // Spreads the sign over the bytes that were not sent.
                let unsent = 64 - 8 * n_bytes;
                return Ok(((bits << unsent).cast_signed() >> unsent).into());
            }
        };
        let number = if double.is_finite() && double.fract() == 0.0 {
            // Beyond 2^53 the shortest text of a double is not the whole number that it is.
            format!("{double:.0}").parse()
        } else {
            Number::from_f64(double)
        };
        number.map_err(|error| self.garbage(error.to_string()))
    }
}

/// What is told of an unknown value, as far as it is understood.
fn refined(mut unknown: Unknown, payload: &[u8]) -> Unknown {
    let mut reader = Reader {
        whole: payload.len(),
        left: payload,
    };
    // Whatever cannot be read tells nothing: the value is unknown all the same.
    let _ = refine(&mut unknown, &mut reader);
    unknown
}

fn refine(unknown: &mut Unknown, reader: &mut Reader<'_>) -> Result<(), Garbage> {
    let (mut least, mut most): (Option<Number>, Option<Number>) = (None, None);
    let (mut fewest, mut longest) = (0, None);
    let marker = reader.marker()?;
    for _ in 0..reader.entries(marker, "a map is required")? {
        let marker = reader.marker()?;
        let key = reader.number(marker)?.as_i64();
        let marker = reader.marker()?;
        match key {
            Some(1) => unknown.not_null |= marker == Marker::False,
            Some(2) if unknown.ty == Type::String => {
                let prefix = reader.text(marker, "text is required")?;
                if !prefix.is_empty() {
                    unknown.bounds = Bounds::Prefix(Arc::from(prefix));
                }
            }
            Some(key @ (3 | 4)) => {
                reader.array(marker, "a bound is required")?;
                let marker = reader.marker()?;
                let bound = reader.number(marker)?;
                // Whether the bound itself is within: taking it in promises less, and never too much.
                reader.marker()?;
                *(if key == 3 { &mut least } else { &mut most }) = Some(bound);
            }
            Some(5) => fewest = reader.number(marker)?.as_u64().unwrap_or(0),
            Some(6) => longest = reader.number(marker)?.as_u64(),
            _ => return Err(reader.garbage("not understood")),
        }
    }
    match &unknown.ty {
        Type::Number if least.is_some() || most.is_some() => {
            unknown.bounds = Bounds::Range {
                min: least,
                max: most,
            };
        }
        Type::List(_) | Type::Set(_) | Type::Map(_) if fewest > 0 || longest.is_some() => {
            unknown.bounds = Bounds::Length {
                min: fewest,
                max: longest,
            };
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .bytes()
            .map(|digit| (digit as char).to_digit(16).unwrap() as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn number(text: &str) -> Value {
        Value::number(text.parse::<Number>().unwrap())
    }

    /// Bytes that Terraform sends, and what they stand for.
    fn samples() -> Vec<(Type, Value, &'static str)> {
        let prefixed = Unknown::string_with_exact_prefix("x-");
        let bounded = Unknown {
            bounds: Bounds::Length {
                min: 1,
                max: Some(3),
            },
            ..Unknown::of(Type::list(Type::Bool)).not_null()
        };
        vec![
            (Type::String, Value::null(Type::String), "c0"),
            (Type::Bool, Value::unknown(Type::Bool), "d40000"),
            (Type::String, prefixed.into(), "c7070c8201c202a2782d"),
            (
                Type::list(Type::Bool),
                bounded.into(),
                "c7070c8301c205010603",
            ),
            (Type::Number, number("7"), "07"),
            (Type::Number, number("-33"), "d0df"),
            (Type::Number, number("1.5"), "cb3ff8000000000000"),
            (Type::Number, number("0.1"), "a3302e31"),
            (
                Type::Number,
                number("18446744073709551615"),
                "b43138343436373434303733373039353531363135",
            ),
            (
                Type::Number,
                number("18446744073709551616"),
                "cb43f0000000000000",
            ),
            (
                Type::set(Type::String),
                Value::set(Type::String, vec![Value::string("b"), Value::string("a")]),
                "92a161a162",
            ),
            (Type::Any, Value::null(Type::Any), "c0"),
            (Type::Any, Value::unknown(Type::Any), "d40000"),
            (Type::Any, Value::bool(true), "92c40622626f6f6c22c3"),
            (
                Type::object([("a".into(), Type::Bool), ("b".into(), Type::String)]),
                Value::object(
                    [
                        ("a".into(), Value::bool(false)),
                        ("b".into(), Value::string("x")),
                    ]
                    .into(),
                ),
                "82a161c2a162a178",
            ),
        ]
    }

    #[test]
    fn values_are_written_and_read_as_terraform_does() {
        for (ty, value, expected) in samples() {
            assert_eq!(hex(&encode(&value, &ty).unwrap()), expected, "{value:?}");
            assert_eq!(decode(&bytes(expected), &ty).unwrap(), value, "{expected}");
        }
    }

    #[test]
    fn other_forms_are_read_too() {
        let read = |ty: Type, text: &str| decode(&bytes(text), &ty).unwrap();
        assert_eq!(read(Type::Number, "cd0100"), number("256"));
        assert_eq!(read(Type::Number, "d3ffffffffffffffff"), number("-1"));
        assert_eq!(read(Type::Number, "ca3f000000"), number("0.5"));
        assert_eq!(read(Type::String, "c40161"), Value::string("a"));
        assert_eq!(read(Type::String, "c70007"), Value::unknown(Type::String));
        assert_eq!(
            read(Type::set(Type::Number), "93030103")
                .elements()
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn garbage_is_told_and_never_taken() {
        let object = Type::object([("a".into(), Type::Bool)]);
        for (ty, text) in [
            (Type::Bool, ""),
            (Type::Bool, "07"),
            (Type::Bool, "c3c3"),
            (Type::String, "a261"),
            (Type::String, "c1"),
            (Type::Number, "a178"),
            (Type::Number, "cb7ff8000000000000"),
            (Type::list(Type::Bool), "dd7fffffff"),
            (object.clone(), "80"),
            (object, "81a162c3"),
            (Type::Any, "91c0"),
            (Type::Any, "92a178c0"),
        ] {
            assert!(decode(&bytes(text), &ty).is_err(), "{ty} {text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_not_sent() {
        let ty = Type::object([("a".into(), Type::list(Type::Number))]);
        let wrong = Value::object([("a".into(), Value::tuple(vec![Value::string("x")]))].into());
        let error = encode(&wrong, &ty).unwrap_err();
        assert_eq!(error.path, "a");
        let convertible =
            Value::object([("a".into(), Value::tuple(vec![Value::string("7")]))].into());
        assert_eq!(hex(&encode(&convertible, &ty).unwrap()), "81a1619107");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            for (ty, _, _) in samples() {
                let _ = decode(&bytes, &ty);
            }
        }
    }
}

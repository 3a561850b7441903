//! Other notations: base64, JSON, CSV, URLs.

use super::{
    ANY, Call, CallError, Category, Function, Kind, Parameter, Returns, STRING, csv, deflate,
    yaml_read, yaml_write,
};
use crate::{Data, Type, Unknown, Value, json};
use alloc::format;
use alloc::string::{String, ToString};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// As the decoder of the language this one follows: bits that are left over may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

const STR: Parameter = Parameter::new("str", Kind::String);

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Encoding,
        description,
        parameters,
        returns,
        body,
    )
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "base64decode",
        "The text that base64 stands for.",
        &[STR],
        STRING,
        |call| {
            let encoded = call.text(0)?;
            let bytes = LENIENT
                .decode(encoded.replace(['\r', '\n'], ""))
                .map_err(|_| {
                    CallError::new(format!(
                        "failed to decode base64 data {}",
                        call.shown(encoded)
                    ))
                })?;
            let text = String::from_utf8(bytes).map_err(|_| {
                CallError::new("the result of decoding the provided string is not valid UTF-8")
            })?;
            Ok(Value::string(text))
        },
    ),
    function(
        "base64encode",
        "A text in base64.",
        &[STR],
        STRING,
        |call| Ok(Value::string(STANDARD.encode(call.text(0)?))),
    ),
    function(
        "base64gzip",
        "A text compressed with gzip, in base64.",
        &[STR],
        STRING,
        |call| {
            Ok(Value::string(
                STANDARD.encode(deflate::gzip(call.text(0)?.as_bytes())),
            ))
        },
    ),
    function(
        "csvdecode",
        "The rows of comma-separated text as objects, named by its first row.",
        &[STR],
        ANY,
        csvdecode,
    ),
    function(
        "jsondecode",
        "The value that JSON stands for.",
        &[STR.seen()],
        ANY,
        |call| match call.value(0)?.data() {
            Data::Unknown(unknown) => begun_decoding(unknown.prefix().unwrap_or_default()),
            _ => json::parse(call.text(0)?).map_err(|error| CallError::new(error.to_string())),
        },
    ),
    function(
        "jsonencode",
        "A value as JSON.",
        &[Parameter::new("val", Kind::Any).nullable().seen()],
        STRING,
        |call| {
            let value = call.value(0)?;
            if !value.is_wholly_known() {
                return Ok(begun_encoding(value));
            }
            match json::to_string(value) {
                Ok(text) => Ok(Value::string(text)),
                Err(error) => Err(CallError::new(error.to_string())),
            }
        },
    ),
    function(
        "urlencode",
        "A text as part of a URL's query.",
        &[STR],
        STRING,
        |call| Ok(Value::string(urlencode(call.text(0)?))),
    ),
    function(
        "yamldecode",
        "The value that YAML stands for.",
        &[Parameter::new("src", Kind::String)],
        ANY,
        |call| yaml_read::parse(call.text(0)?).map_err(CallError::new),
    ),
    function(
        "yamlencode",
        "A value as YAML.",
        &[Parameter::new("value", Kind::Any).nullable()],
        STRING,
        |call| Ok(Value::string(yaml_write::document(call.value(0)?))),
    )
    .maybe_null(),
];

/// What can be said of a JSON document by its beginning.
fn begun_decoding(prefix: &str) -> Result<Value, CallError> {
    let ty = match prefix.trim_start().chars().next() {
        None | Some('{' | '[' | 'n') => Type::Any,
        Some('"') => Type::String,
        Some('-' | '0'..='9') => Type::Number,
        Some('t' | 'f') => Type::Bool,
        Some(other) => {
            return Err(CallError::argument(
                0,
                format!("a JSON document cannot begin with the character {other:?}"),
            ));
        }
    };
    Ok(Value::unknown(ty))
}

/// What is known of JSON or an expression that is not known yet: the first character, where the value cannot turn out
/// to be null.
pub(super) fn begun_encoding(value: &Value) -> Value {
    let first = match value.ty() {
        _ if value.could_be_null() => "",
        Type::String => "\"",
        Type::Map(_) | Type::Object(_) => "{",
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => "[",
        Type::Any | Type::Bool | Type::Number => "",
    };
    Unknown::string_with_exact_prefix(first).into()
}

fn urlencode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(byte.into());
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn csvdecode(call: &Call<'_>) -> Result<Value, CallError> {
    let rows = csv::parse(call.text(0)?).map_err(|error| {
        CallError::new(format!(
            "CSV parse error on line {}: {}",
            error.line, error.message
        ))
    })?;
    let mut rows = rows.into_iter();
    let Some(header) = rows.next() else {
        return Err(CallError::new("missing header line"));
    };
    for (index, name) in header.fields.iter().enumerate() {
        if header
            .fields
            .iter()
            .take(index)
            .any(|earlier| earlier == name)
        {
            return Err(CallError::new(format!(
                "duplicate column name {}",
                call.shown(name)
            )));
        }
    }
    let names = || {
        header
            .fields
            .iter()
            .map(|name| crate::Name::from(name.as_str()))
    };
    let mut objects = alloc::vec::Vec::new();
    for row in rows {
        if row.fields.len() != header.fields.len() {
            return Err(CallError::new(format!(
                "CSV parse error on line {}: wrong number of fields",
                row.line
            )));
        }
        objects.push(Value::object(
            names().zip(row.fields.iter().map(Value::string)).collect(),
        ));
    }
    Ok(Value::list(
        Type::object(names().map(|name| (name, Type::String))),
        objects,
    ))
}

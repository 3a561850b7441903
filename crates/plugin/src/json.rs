//! Values as JSON by their type: the form of stored state, and the second form of values in answers.

use crate::msgpack::Garbage;
use value::{Type, Value, stored};

/// Writes a wholly known value of a type.
///
/// # Errors
/// When something in it is unknown.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, value::json::UnknownInJson> {
    stored::to_string(value, ty).map(String::into_bytes)
}

/// Reads a value of a type.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, Garbage> {
    let garbage = |what: String| Garbage { at: 0, what };
    let text = std::str::from_utf8(bytes).map_err(|error| garbage(error.to_string()))?;
    let value = value::json::parse(text).map_err(|error| Garbage {
        at: error.offset,
        what: error.message.to_owned(),
    })?;
    stored::of_type(&value, ty).map_err(|error| garbage(error.what))
}

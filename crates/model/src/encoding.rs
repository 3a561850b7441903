//! The one encoding of everything that is stored: CBOR (RFC 8949) with definite lengths and shortest integers, fields
//! by name in the order of their declaration. The same value always gives the same bytes; decision 0003 says why.

use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Stored bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stored bytes do not decode: {}", self.0)
    }
}

impl core::error::Error for DecodeError {}

/// The stored form of a value.
///
/// # Panics
/// Never for our types: every map key is text and nothing refuses to serialise; a test encodes each of them.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = minicbor_serde::Serializer::new(&mut bytes);
    #[expect(
        clippy::expect_used,
        reason = "writing to memory cannot fail and our types never refuse"
    )]
    value
        .serialize(&mut serializer)
        .expect("our types serialise");
    bytes
}

/// Reads back what [`encode`] wrote.
///
/// # Errors
/// When the bytes are not the whole encoding of a `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = minicbor_serde::Deserializer::new(bytes);
    let value =
        T::deserialize(&mut deserializer).map_err(|error| DecodeError(error.to_string()))?;
    let read = deserializer.decoder().position();
    if read == bytes.len() {
        Ok(value)
    } else {
        Err(DecodeError(alloc::format!(
            "{} bytes too many at the end",
            bytes.len() - read
        )))
    }
}

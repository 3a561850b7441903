//! [`Form`]: objects of one type, in and out.

use crate::diag;
use crate::json;
use crate::msgpack;
use crate::wire::DynamicValue;
use model::BlockSchema;
use value::{Diagnostic, Type, Value};

/// How the objects of one type travel.
pub(crate) struct Form<'a> {
    provider: &'a str,
    ty: Type,
}

impl<'a> Form<'a> {
    pub(crate) fn new(provider: &'a str, block: &BlockSchema) -> Self {
        Self::of(provider, block.implied_type().without_optional())
    }

    pub(crate) fn of(provider: &'a str, ty: Type) -> Self {
        Self { provider, ty }
    }

    /// A value of ours, as it is sent. `what` it is, for people.
    pub(crate) fn encode(&self, what: &str, value: &Value) -> Result<DynamicValue, Diagnostic> {
        let bytes = msgpack::encode(value, &self.ty);
        let bytes = bytes.map_err(|error| diag::unexpected_form(what, &error))?;
        Ok(DynamicValue {
            msgpack: bytes,
            json: Vec::new(),
        })
    }

    /// A value of the provider's; null where there is none. `what` it is, for people.
    pub(crate) fn decode(
        &self,
        what: &str,
        value: Option<&DynamicValue>,
    ) -> Result<Value, Diagnostic> {
        let decoded = match value {
            Some(value) if !value.msgpack.is_empty() => msgpack::decode(&value.msgpack, &self.ty),
            Some(value) if !value.json.is_empty() => json::decode(&value.json, &self.ty),
            Some(_) | None => Ok(Value::null(self.ty.clone())),
        };
        decoded.map_err(|error| diag::garbage(self.provider, &format!("the {what}"), &error))
    }

    /// An object as it is stored.
    pub(crate) fn stored(&self, object: &Value) -> Result<Vec<u8>, Diagnostic> {
        // Sending it shows whether it is of the type at all.
        self.encode("object", object)?;
        json::encode(object, &self.ty).map_err(|error| {
            let mismatch = msgpack::Mismatch {
                path: error.path.to_string(),
                what: "it is not known".to_owned(),
            };
            diag::unexpected_form("object", &mismatch)
        })
    }
}

/// Null of any type.
pub(crate) fn null() -> DynamicValue {
    DynamicValue {
        msgpack: vec![0xc0],
        json: Vec::new(),
    }
}

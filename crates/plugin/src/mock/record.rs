//! What a mock writes down of a call, in a form that can be compared and read.

use serde_json::{Value as Json, json};
use value::{Bounds, Data, Value};

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name in protocol 6.
    pub name: String,
    /// The type it is about; empty where it is about none.
    pub kind: String,
    /// Everything that was sent.
    pub sent: serde_json::Map<String, Json>,
}

impl Call {
    pub(crate) fn new(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            sent: serde_json::Map::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: Json) -> Self {
        self.sent.insert(name.to_owned(), value);
        self
    }

    /// The call in one line.
    pub fn line(&self) -> String {
        let mut line = self.name.clone();
        if !self.kind.is_empty() {
            line.push(' ');
            line.push_str(&self.kind);
        }
        for (name, value) in &self.sent {
            line.push_str(&format!(" {name}={value}"));
        }
        line
    }
}

/// Bytes that are text, as most private parts of the mock are.
pub(crate) fn bytes(bytes: &[u8]) -> Json {
    json!(String::from_utf8_lossy(bytes))
}

/// A value, with what is known of what is not known.
pub(crate) fn value(value: &Value) -> Json {
    match value.data() {
        Data::Null(_) => Json::Null,
        Data::Bool(value) => json!(value),
        Data::Number(number) => {
            let text = number.to_string();
            serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
        }
        Data::String(text) => json!(&**text),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            Json::Array(items.iter().map(self::value).collect())
        }
        Data::Map(_, items) | Data::Object(items) => {
            let items = items.iter();
            Json::Object(
                items
                    .map(|(name, item)| (name.to_string(), self::value(item)))
                    .collect(),
            )
        }
        Data::Unknown(unknown) => {
            let mut told = serde_json::Map::new();
            if unknown.not_null {
                told.insert("not_null".to_owned(), json!(true));
            }
            match &unknown.bounds {
                Bounds::None => {}
                Bounds::Prefix(prefix) => {
                    told.insert("prefix".to_owned(), json!(&**prefix));
                }
                Bounds::Range { min, max } => {
                    let text =
                        |bound: &Option<value::Number>| bound.as_ref().map(ToString::to_string);
                    told.insert("range".to_owned(), json!([text(min), text(max)]));
                }
                Bounds::Length { min, max } => {
                    told.insert("length".to_owned(), json!([min, max]));
                }
            }
            json!({ "?": told })
        }
    }
}

//! What is written in a provisioner or its connection.

use crate::diag;
use std::collections::BTreeMap;
use value::{Data, Diagnostic, Value};

/// The arguments of one block, wholly known and without marks.
pub(crate) struct Arguments<'a>(&'a Value);

impl<'a> Arguments<'a> {
    /// # Errors
    /// When the value is no object, or not wholly known.
    pub(crate) fn of(value: &'a Value) -> Result<Self, Diagnostic> {
        match value.data() {
            Data::Object(_) if value.is_wholly_known() => Ok(Self(value)),
            _ => Err(diag::unexpected_form(
                "the arguments of a provisioner are not a known object",
            )),
        }
    }

    fn given(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Diagnostic> {
        let value = self.given(name);
        let text = value.map(|value| value.as_str().ok_or_else(|| wrong(name, "text")));
        let text = text.transpose()?;
        match text.is_some_and(|text| text.contains('\0')) {
            true => Err(wrong(name, "text without NUL characters")),
            false => Ok(text),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Diagnostic> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| wrong(name, "a text that is not empty"))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Diagnostic> {
        let value = self.given(name);
        let flag = value.map(|value| value.as_bool().ok_or_else(|| wrong(name, "true or false")));
        flag.transpose()
    }

    /// A TCP port.
    pub(crate) fn port(&self, name: &str) -> Result<Option<u16>, Diagnostic> {
        let value = self.given(name);
        let port = value.map(|value| {
            let port = value.as_number().and_then(|number| number.as_i64());
            let port = port.and_then(|port| u16::try_from(port).ok());
            port.filter(|port| *port > 0)
                .ok_or_else(|| wrong(name, "a port between 1 and 65535"))
        });
        port.transpose()
    }

    /// A list of texts; empty when it is not given.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Diagnostic> {
        let Some(value) = self.given(name) else {
            return Ok(Vec::new());
        };
        let (Data::List(_, items) | Data::Tuple(items)) = value.data() else {
            return Err(wrong(name, "a list of texts"));
        };
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        let texts: Option<Vec<String>> = texts.collect();
        texts.ok_or_else(|| wrong(name, "a list of texts"))
    }

    /// Environment variables.
    pub(crate) fn entries(&self, name: &str) -> Result<BTreeMap<String, String>, Diagnostic> {
        let mut entries = BTreeMap::new();
        for (variable, value) in self
            .given(name)
            .and_then(Value::entries)
            .into_iter()
            .flatten()
        {
            let text = match value.is_null() {
                true => "",
                false => value
                    .as_str()
                    .ok_or_else(|| wrong(name, "a map of texts"))?,
            };
            if variable.is_empty() || variable.contains(['=', '\0']) || text.contains('\0') {
                return Err(wrong(name, "a map that an environment can hold"));
            }
            entries.insert(variable.to_string(), text.to_owned());
        }
        Ok(entries)
    }
}

fn wrong(name: &str, wanted: &str) -> Diagnostic {
    diag::invalid_argument(name, wanted)
}

//! States of other projects, in memory: no form is checked, nothing is fetched.

use super::{lock, ready};
use crate::{Pending, States, Unavailable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use value::Value;

/// [`States`] of a backend `memory`, which keeps what it is given under the `key` of its configuration. Clones share
/// everything.
#[derive(Clone, Debug, Default)]
pub struct FakeStates(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl FakeStates {
    /// Nothing is kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a state for the workspace `default`.
    pub fn keep(&self, key: &str, bytes: &[u8]) {
        lock(&self.0).insert(key.to_owned(), bytes.to_vec());
    }

    fn look(&self, backend: &str, config: &Value) -> Result<Option<Vec<u8>>, Unavailable> {
        if backend != "memory" {
            return Err(Unavailable(format!(
                "a backend of the kind {backend} is not read here"
            )));
        }
        match config.get("key").and_then(Value::as_str) {
            Some("away") => Err(Unavailable("the memory is away".to_owned())),
            Some(key) => Ok(lock(&self.0).get(key).cloned()),
            None => Err(Unavailable("the backend has no key: write it".to_owned())),
        }
    }
}

impl States for FakeStates {
    fn state<'a>(
        &'a self,
        backend: &'a str,
        config: &'a Value,
        workspace: &'a str,
    ) -> Pending<'a, Result<Option<Vec<u8>>, Unavailable>> {
        ready(match workspace {
            "default" => self.look(backend, config),
            _ => Ok(None),
        })
    }
}

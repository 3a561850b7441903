//! Probes of things that are only named.

use super::diag::trouble;
use super::{lock, ready};
use crate::{Pending, Probes, Sight};
use model::Probe;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use value::{Diagnostics, Value};

/// [`Probes`] in memory: whatever was not made ill is healthy. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeProbes(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    ill: BTreeSet<String>,
    looks: usize,
}

impl FakeProbes {
    /// Everything is healthy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whatever is looked at under this name is ill from now on, or healthy again.
    pub fn set_ill(&self, name: &str, ill: bool) {
        let mut state = lock(&self.0);
        if ill {
            state.ill.insert(name.to_owned());
        } else {
            state.ill.remove(name);
        }
    }

    /// How often anything was looked at.
    pub fn looks(&self) -> usize {
        lock(&self.0).looks
    }

    /// One look, now.
    ///
    /// # Errors
    /// When nothing is named.
    pub fn see(&self, probe: &Probe) -> Result<Sight, Diagnostics> {
        let mut state = lock(&self.0);
        let named = |name: &str| Some(probe.target.get(name)?.as_str()?.to_owned());
        let word = || {
            let words = probe.target.get("command")?.elements()?;
            words
                .iter()
                .next()
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let Some(name) = named("http").or_else(|| named("tcp")).or_else(word) else {
            return Err(trouble("nothing is named that could be looked at"));
        };
        state.looks += 1;
        let healthy = !state.ill.contains(&name);
        let is = if healthy { "is well" } else { "is ill" };
        Ok(Sight {
            healthy,
            answer: format!("{name} {is}"),
        })
    }
}

impl Probes for FakeProbes {
    fn look<'a>(
        &'a self,
        probe: &'a Probe,
        _timeout_ms: u64,
    ) -> Pending<'a, Result<Sight, Diagnostics>> {
        ready(self.see(probe))
    }
}

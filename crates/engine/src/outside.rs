//! [`Outside`]: the adapters at hand.

use contract::{Artifacts, Provider, Router, Runtime};
use decide::Schemas;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything foreign that an engine can reach.
#[derive(Clone, Default)]
pub struct Outside {
    /// Providers by source address.
    pub providers: BTreeMap<String, Arc<dyn Provider>>,
    /// Where instances run.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// Who gets which request.
    pub router: Option<Arc<dyn Router>>,
    /// What is built.
    pub artifacts: Option<Arc<dyn Artifacts>>,
}

impl Outside {
    /// The schemas of all providers.
    pub fn schemas(&self) -> Arc<Schemas> {
        Arc::new(
            self.providers
                .iter()
                .map(|(source, provider)| (source.clone(), provider.schema().clone()))
                .collect(),
        )
    }
}

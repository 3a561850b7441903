//! [`Outside`]: the adapters at hand.

use crate::Leases;
use crate::core::Configuration;
use contract::{Artifacts, Probes, Provider, Provisioners, Router, Runtime};
use decide::Schemas;
use model::Inputs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use value::{Diagnostics, Value};

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
    /// What runs provisioners.
    pub provisioners: Option<Arc<dyn Provisioners>>,
    /// What looks at the health of objects.
    pub probes: Option<Arc<dyn Probes>>,
    /// Providers that were configured before, by what they were configured with.
    pub configured: Arc<Configured>,
    /// Values of ephemeral root variables, for this command.
    pub lent: Arc<Lent>,
    /// Ephemeral resources that are open.
    pub leases: Arc<Leases>,
}

/// Values of ephemeral root variables: given for one command and never written down.
#[derive(Default)]
pub struct Lent(Mutex<Inputs>);

impl Lent {
    /// Gives values, in the place of those of the same names.
    pub fn give(&self, values: Inputs) {
        let mut lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lent.extend(values);
    }

    /// All of them.
    pub fn values(&self) -> Inputs {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A provider that is configured, or on the way to it.
type Slot = Arc<OnceCell<Arc<dyn Provider>>>;

/// Providers that are configured. There are few of them: as many as there are configurations, and those that were not
/// wholly known while planning twice.
#[derive(Default)]
pub struct Configured(Mutex<BTreeMap<(String, Value), Slot>>);

impl Configured {
    fn slot(&self, source: &str, config: &Value) -> Slot {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.to_owned(), config.clone());
        let slot = all.entry(key).or_default();
        if slot.get().is_some_and(|provider| provider.is_gone()) {
            *slot = Slot::default();
        }
        slot.clone()
    }

    fn all(&self) -> Vec<Slot> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
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

    /// The provider of a source address with its configuration; none when there is no such provider. What was
    /// configured with the same before is taken again.
    pub(crate) async fn provider(
        &self,
        source: &str,
        configuration: &Configuration,
    ) -> Option<Result<Arc<dyn Provider>, Diagnostics>> {
        let provider = self.providers.get(source)?;
        let config = match configuration {
            // Marks say what may be shown, and a provider shows nothing of its configuration.
            Ok(config) => config.clone().unmark_all(),
            Err(found) => return Some(Err(found.clone())),
        };
        let slot = self.configured.slot(source, &config);
        let configuring = || async {
            match provider.configured(&config) {
                Some(configuring) => configuring.await,
                None => Ok(provider.clone()),
            }
        };
        Some(slot.get_or_try_init(configuring).await.cloned())
    }

    /// The provider of a source address that was configured with this before, if one was.
    pub(crate) fn configured(&self, source: &str, config: &Value) -> Option<Arc<dyn Provider>> {
        self.configured.slot(source, config).get().cloned()
    }

    /// Lets go of the providers that were configured, and before that of what they hold open; others can be configured
    /// after that.
    pub async fn close_configured(&self) {
        self.leases.let_go_of_all().await;
        for slot in self.configured.all() {
            if let Some(provider) = slot.get() {
                provider.close().await;
            }
        }
    }

    /// Lets go of all providers: nothing is asked of them any more.
    pub async fn close(&self) {
        self.close_configured().await;
        for provider in self.providers.values() {
            provider.close().await;
        }
        if let Some(provisioners) = &self.provisioners {
            provisioners.close().await;
        }
    }
}

//! How a provider gets its configuration: it is checked, unless that was done before, and then given to a process.

use crate::accepted::Accepted;
use crate::form::Form;
use crate::limits::{LOCAL_CALL_MS_MAX, READING_CALL_MS_MAX, STARTS_MAX};
use crate::method::Method;
use crate::provider::{CAPABILITIES, Plugin, checked, said};
use crate::{propose, wire};
use contract::Provider;
use std::sync::Arc;
use value::{Diagnostics, Value};

/// What providers are told of the version of their host: some refuse to work with what they do not know.
const TERRAFORM_VERSION: &str = "1.11.4";

impl Plugin {
    /// A provider with this configuration. One that is killed meanwhile says nothing of the configuration: another is
    /// started in its place.
    pub(crate) async fn configure(&self, config: &Value) -> Result<Arc<dyn Provider>, Diagnostics> {
        let mut plugin = self.unconfigured();
        let mut started = 1;
        loop {
            // Ends with an answer, or with the last start.
            match plugin.configured_with(config).await {
                Ok(()) => return Ok(Arc::new(plugin)),
                Err(_) if plugin.has_ended() && started < STARTS_MAX => plugin = self.another(),
                Err(found) => return Err(found),
            }
            started += 1;
        }
    }

    async fn configured_with(&self, config: &Value) -> Result<(), Diagnostics> {
        let nothing = propose::empty_block(&self.schema().provider);
        // Where nobody has written a configuration down, it is an empty one.
        let config = if config.is_null() { &nothing } else { config };
        let config = self.encoded(config)?;
        self.check(&config).await?;
        let request = wire::Configure {
            terraform_version: TERRAFORM_VERSION.to_owned(),
            config: Some(config),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Found = self
            .call(Method::Configure, request, READING_CALL_MS_MAX)
            .await?;
        checked(said(self.source(), &answer.diagnostics))?;
        Ok(())
    }

    fn encoded(&self, config: &Value) -> Result<wire::DynamicValue, Diagnostics> {
        let form = Form::new(self.source(), &self.schema().provider);
        Ok(form.encode("configuration", config)?)
    }

    /// What is wrong with a configuration of its own.
    pub(crate) async fn check_own(&self, config: &Value) -> Diagnostics {
        match self.encoded(config) {
            Ok(config) => self.check(&config).await.unwrap_or_else(|found| found),
            Err(found) => found,
        }
    }

    /// Has a configuration checked, unless this program has accepted it before without a word. Gives its warnings.
    async fn check(&self, config: &wire::DynamicValue) -> Result<Diagnostics, Diagnostics> {
        let accepted = Accepted::of(self.cache().as_ref(), config);
        if accepted.as_ref().is_some_and(Accepted::is_known) {
            return Ok(Diagnostics::new());
        }
        let request = wire::ValidateProvider {
            config: Some(config.clone()),
        };
        let answer: wire::ValidatedProvider = self
            .call(Method::ValidateProvider, request, LOCAL_CALL_MS_MAX)
            .await?;
        let found = checked(said(self.source(), &answer.diagnostics))?;
        if let Some(accepted) = accepted.filter(|_| found.is_empty()) {
            accepted.keep();
        }
        Ok(found)
    }
}

//! Which configuration of its provider an object belongs to, and what that configuration is, while a plan is made.
//!
//! Nothing of it is asked or recorded: it follows from the release, the world and the answers so far.

use super::pass::Pass;
use crate::Held;
use crate::eval::Place;
use alloc::collections::BTreeSet;
use model::{Address, ProviderInstance, Question, Resource};
use value::{Diagnostics, Value};

impl Pass {
    /// What the provider of a question must be configured with; none where nobody has written a configuration down.
    ///
    /// # Errors
    /// When the configuration cannot be evaluated.
    pub(super) fn configuration(
        &self,
        question: &Question,
        held: &mut Held,
    ) -> Result<Option<Value>, Diagnostics> {
        let Some(address) = question.address() else {
            return Ok(None);
        };
        if !self.evaluator.loaded().configures(question.provider()) {
            return Ok(None);
        }
        let objects = self.objects_or_prior();
        let instance = self.instance_of(address, question.provider())?;
        held.with(&self.evaluator, &objects, |evaluator, objects| {
            evaluator.provider_config(question.provider(), &instance, objects)
        })
    }

    /// By what is written, and for what is no longer written by what was written when it was made.
    fn instance_of(
        &self,
        address: &Address,
        source: &str,
    ) -> Result<ProviderInstance, Diagnostics> {
        let objects = self.objects_or_prior();
        let block = &address.resource;
        if let Some((node, place)) = self.evaluator.place_of(address, &objects)?
            && let Some(resource) =
                self.evaluator
                    .resource(node, block.mode, &block.kind, &block.name)
            && resource.provider == source
        {
            let reference = &resource.provider_config;
            return self
                .evaluator
                .provider_instance(&place, reference, source, &objects);
        }
        let object = self.objects.get(address);
        Ok(object.map_or_else(ProviderInstance::default, |one| one.configuration.clone()))
    }

    /// Objects as they will be; as they are where nothing is planned of them, as in a plan to destroy everything.
    fn objects_or_prior(&self) -> impl Fn(&Address) -> Option<Value> + '_ {
        |address| {
            let planned = self.planned.get(address);
            let prior = || self.objects.get(address).map(|object| &object.value);
            planned.or_else(prior).cloned()
        }
    }

    /// The configuration that a resource instance names. One that cannot be found is told when its provider is asked.
    pub(super) fn configuration_of(&self, place: &Place, resource: &Resource) -> ProviderInstance {
        let reference = &resource.provider_config;
        let found =
            self.evaluator
                .provider_instance(place, reference, &resource.provider, &self.objects());
        found.unwrap_or_default()
    }

    /// What the configuration of a resource's provider refers to must exist before the resource, and outlive it.
    pub(super) fn note_configuration(&self, place: &Place, resource: &Resource) {
        if !self.evaluator.loaded().configures(&resource.provider) {
            return;
        }
        let instance = self.configuration_of(place, resource);
        // Only what was looked at matters here; what is wrong is told when the provider is asked.
        let _ = self
            .evaluator
            .provider_config(&resource.provider, &instance, &self.objects());
    }
}

impl crate::LoadedRelease {
    /// Whether anybody has written down a configuration of a provider.
    pub(crate) fn configures(&self, source: &str) -> bool {
        self.configured.contains(source)
    }

    /// The providers that have a configuration somewhere.
    pub(crate) fn configured_in(release: &model::Release) -> BTreeSet<alloc::string::String> {
        let modules = release.modules.iter();
        let blocks = modules.flat_map(|module| &module.providers);
        blocks.map(|block| block.source.clone()).collect()
    }
}

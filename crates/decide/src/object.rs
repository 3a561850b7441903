//! [`Object`]: a resource instance as the book knows it.

use alloc::string::String;
use alloc::vec::Vec;
use model::{Imported, PlannedChange, ProviderInstance, ResourceAddress, TakenObject};
use serde::{Deserialize, Serialize};
use value::Value;

/// A resource instance that exists, as far as the book knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Source address of its provider.
    pub provider: String,
    /// The object.
    pub value: Value,
    /// Opaque to us, kept for the provider.
    pub private: Vec<u8>,
    /// Resources it refers to.
    pub dependencies: Vec<ResourceAddress>,
    /// It is damaged and must be replaced.
    pub tainted: bool,
    /// A replacement makes the new one first.
    pub create_before_destroy: bool,
    /// Longest time in which a request about it may still take effect after it was sent.
    pub settle_ms: u64,
    /// Before this time an earlier request about it may still take effect, so it is left alone.
    pub quiet_from_ms: i64,
    /// Which configuration of its provider it belongs to.
    #[serde(default)]
    pub configuration: ProviderInstance,
    /// Version of the form in which its provider stored it; none for an object of an older program, which did not
    /// write it down: it is taken for the version at hand.
    #[serde(default)]
    pub schema_version: Option<u64>,
    /// It was not found to be healthy after it was made or changed: the next run looks again.
    #[serde(default)]
    pub unhealthy: bool,
}

impl Object {
    /// What a data source said.
    pub(crate) fn of_data(planned: &PlannedChange, value: Value) -> Self {
        Self {
            dependencies: planned.dependencies.clone(),
            configuration: planned.configuration.clone(),
            schema_version: planned.schema_version,
            ..Self::found(planned.provider.clone(), value, Vec::new())
        }
    }

    /// An object that existed already.
    pub(crate) fn imported(imported: &Imported) -> Self {
        let (value, private) = (imported.object.clone(), imported.private.clone());
        Self::found(imported.provider.clone(), value, private)
    }

    /// What a provider found, of which nothing else is known.
    pub(crate) fn found(provider: String, value: Value, private: Vec<u8>) -> Self {
        Self {
            provider,
            value,
            private,
            dependencies: Vec::new(),
            tainted: false,
            create_before_destroy: false,
            settle_ms: 0,
            quiet_from_ms: 0,
            configuration: ProviderInstance::default(),
            schema_version: None,
            unhealthy: false,
        }
    }

    /// What another program knew.
    pub(crate) fn taken(taken: &TakenObject) -> Self {
        Self {
            provider: taken.provider.clone(),
            value: taken.value.clone(),
            private: taken.private.clone(),
            dependencies: taken.dependencies.clone(),
            tainted: taken.tainted,
            create_before_destroy: taken.create_before_destroy,
            settle_ms: 0,
            quiet_from_ms: 0,
            configuration: taken.configuration.clone(),
            schema_version: Some(taken.schema_version),
            unhealthy: false,
        }
    }

    /// Takes note of the form in which its provider has it now.
    pub(crate) fn upgraded(&mut self, change: &PlannedChange) {
        let (Some(version), Some(value)) = (change.schema_version, &change.before) else {
            return;
        };
        // An object of an older program is in the form at hand already.
        if self.schema_version.is_some_and(|old| old != version) {
            self.value = value.clone();
        }
        self.schema_version = Some(version);
    }
}

//! [`Taken`]: what another program knew, as it is taken over.

use crate::{Address, ProviderInstance, ResourceAddress};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::{Name, Value};

/// Objects and outputs that another program knew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// In the order in which they were stored.
    pub objects: Vec<TakenObject>,
    /// Root outputs.
    pub outputs: BTreeMap<Name, Value>,
}

/// An object that another program knew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenObject {
    /// Where it stands.
    pub address: Address,
    /// A replacement left it behind.
    pub deposed: bool,
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
    /// Which configuration of its provider it belongs to.
    pub configuration: ProviderInstance,
    /// Version of the form in which its provider stored it.
    pub schema_version: u64,
}

//! What the data plane is told: [`RouteTable`].

use crate::{Health, InstanceId, Version};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::Name;

/// All routes of one environment. Published whole; a table with the same generation has the same content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Rises with every change.
    pub generation: u64,
    /// One per service, sorted by name.
    pub routes: Vec<Route>,
}

/// How requests of one service are spread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The service.
    pub service: Name,
    /// Port that clients use, on the loopback address; 0 asks the router to choose, once.
    pub port: u16,
    /// The versions that take part.
    pub arms: Vec<Arm>,
    /// How backends are checked.
    pub health: Health,
}

/// One version of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Which.
    pub version: Version,
    /// Share of the requests: weight divided by the sum of all weights. 0 means none.
    pub weight: u32,
    /// Where it runs.
    pub backends: Vec<Backend>,
}

/// One instance of an arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Which.
    pub instance: InstanceId,
    /// `address:port`.
    pub address: String,
    /// Takes no new requests; those it has are finished and counted.
    pub draining: bool,
}

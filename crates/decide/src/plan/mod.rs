//! From a release and the world to a plan.
//!
//! Planning is a dialogue: [`Planner`] says which answers it lacks, the engine gets them from the providers, and the
//! plan is a function of release, world and answers. Replay feeds it the recorded answers and gets the same plan.

mod chosen;
mod configuration;
mod data;
pub(crate) mod endpoint;
mod ephemeral;
mod explicit;
mod graph;
mod imports;
mod managed;
mod moves;
mod needed;
mod orphan;
pub(crate) mod outcome;
mod pass;
mod planner;
pub(crate) mod propose;
mod steps;

pub use endpoint::covers_from_root as covers;
pub use ephemeral::Handed;
pub use graph::Needs;
pub(crate) use pass::has_holes;
pub use planner::{Planner, Schemas};

//! The nouns that are written in the book or cross a seam, and nothing else.
//!
//! Everything here is plain data with construction, order and display; behaviour lives in `decide` (choosing) and
//! `engine` (acting). [`Event`] is the list of everything that can ever stand in the book; [`Effect`] the list of
//! everything Steadfast can do to the outside; [`Release`] what a person wrote, compiled.

#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod address;
mod delivery;
mod digest;
mod drift;
mod effect;
mod encoding;
mod event;
mod ids;
mod observation;
mod plan;
mod recovery;
mod release;
mod route;
mod schema;
mod substitute;
mod taken;

pub use address::{Address, Key, Mode, ModulePath, ModuleStep, ResourceAddress};
pub use delivery::{
    Artifact, Environment, Health, Judge, ROLLOUT_STEP_MS_DEFAULT, Rollout, RolloutKind, Service,
    Target,
};
pub use digest::Digest;
pub use drift::{
    DriftDecision, DriftJudged, DriftPass, DriftPolicy, Drifted, HealLimits, HoldReason, Remedy,
};
pub use effect::{
    Answer, BuildSpec, CallAnswer, CallQuestion, Change, DataAnswer, DataQuestion, Effect,
    ImportQuestion, Inquiry, InstanceSpec, OpenAnswer, OpenQuestion, Outcome, PlanAnswer,
    PlanQuestion, Probe, Provision, Question, ReadAnswer, ReadQuestion, Repeat, UpgradeQuestion,
    Verb,
};
pub use encoding::{DecodeError, decode, encode};
pub use event::{Command, Event, Origin, Reason, RunKind, RunOptions, RunResult, TakeBack};
pub use ids::{ActionId, InstanceId, RunId, Version};
pub use observation::{
    ArmCounts, Cause, Counts, Evidence, InstanceState, Observation, Phase, Verdict,
};
pub use plan::{
    Action, CheckStatus, CheckSubject, Checked, Drift, Imported, OutputChange, Plan, PlanMode,
    PlannedChange, ProviderInstance, Step, Summary, Work,
};
pub use recovery::{Recovery, Rung};
pub use release::{
    Check, Condition, Endpoint, EndpointResource, HealthCheck, Import, Inputs, Lifecycle, Local,
    Manner, Module, ModuleCall, Moved, OnFailure, Output, PassedProvider, ProviderConfig,
    ProviderRef, ProviderRequirement, Provisioner, Release, Removed, Repetition, Resource, Retry,
    SourceText, Unhealthy, Variable, When, function_name,
};
pub use route::{Arm, Backend, Route, RouteTable};
pub use schema::{
    Attribute, BlockSchema, NestedAttributes, NestedBlock, Nesting, ProviderSchema, TypeSchema,
};
pub use substitute::{During, Mock, Override, Substitute, Substitutes};
pub use taken::{Taken, TakenObject};

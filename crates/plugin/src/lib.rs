//! Terraform's providers, in processes of their own, over gRPC: protocol 5 and 6.
//!
//! A [`Plugin`] is a program that is started (or that runs already, [`reattach`]), shakes hands, says what it offers
//! and answers calls. It decides nothing: what is asked and when stands in the plan. Of the protocol's parts, those
//! that Terraform 1.11 uses are here; list resources, actions and state stores are not.
//!
//! Start with `provider` (which call answers which question). Below it: `configuring` (how it gets its configuration),
//! `process` (how a provider comes and goes), `handshake`, `connection` (calls), `wire` (messages), `method` (their
//! names), `schema` (what is offered), `form`, `msgpack` and `json` (values), `propose` (the object that a
//! configuration asks for), `cache` (schemas on disk), `accepted` (configurations that need no second check).
//! [`mock`] is a provider of our own, scripted by data, for tests and for comparing ourselves with Terraform.

mod accepted;
mod cache;
mod configuring;
mod connection;
mod diag;
mod directory;
mod ephemeral;
mod form;
mod function;
mod handshake;
mod json;
mod known;
mod limits;
mod log;
mod method;
pub mod mock;
mod msgpack;
mod path;
mod process;
mod propose;
mod provider;
mod reattach;
mod recover;
mod schema;
mod stamp;
mod task;
mod tether;
mod trouble;
mod types;
mod wire;

pub use diag::CODES;
pub use ephemeral::Source;
pub use handshake::Place;
pub use limits::SETTLE_MS_DEFAULT;
pub use method::Major;
pub use process::Launch;
pub use provider::{Options, Plugin, Wanted};
pub use reattach::{REATTACH_VARIABLE, Reattach, reattach};
pub use tether::become_tethered;

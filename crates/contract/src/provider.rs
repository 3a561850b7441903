//! Resources: what Terraform calls a provider.

use crate::Pending;
use model::{ActionId, Answer, Change, Inquiry, Outcome, ProviderSchema, Question};
use value::{Diagnostics, Name, Value};

/// Makes, changes, reads and destroys resources of the types it names.
pub trait Provider: Send + Sync {
    /// Its types. Does not change while the process lives.
    fn schema(&self) -> &ProviderSchema;

    /// Checks a configuration beyond its schema, without looking at the world. Unknown values are to be accepted.
    fn validate(&self, kind: &Name, config: &Value) -> Diagnostics;

    /// Answers a question without changing anything. The answer's form follows the question's.
    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer>;

    /// Carries out a change. `action` is the same for every attempt at it.
    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome>;

    /// Finds out whether a change whose outcome was lost took effect. Changes nothing.
    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Inquiry>;
}

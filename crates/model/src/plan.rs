//! [`Plan`]: pure data with nothing left to choose.

use crate::{Address, Digest, Reason, Repeat, ResourceAddress, Verb};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::{Diagnostics, Name, Value};

/// What the request was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanMode {
    /// Make the world what the definition says.
    #[default]
    Normal,
    /// Destroy everything.
    Destroy,
    /// Only take note of what changed outside.
    RefreshOnly,
}

/// What shall be done, made from one release at one position of the book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub format: u16,
    /// What was asked for.
    pub mode: PlanMode,
    /// Position of the environment's stream that the plan was made from. The plan is refused when resources have
    /// changed since.
    pub base: u64,
    /// The release it carries out.
    pub release: Option<Digest>,
    /// One entry per resource instance, unchanged ones included, sorted by address.
    pub changes: Vec<PlannedChange>,
    /// What must be done, each step after those it names.
    pub steps: Vec<Step>,
    /// What had changed outside since the book last knew it.
    pub drift: Vec<Drift>,
    /// Root outputs that change.
    pub outputs: BTreeMap<Name, OutputChange>,
    /// Warnings (a plan with errors is none).
    pub diagnostics: Diagnostics,
}

/// What happens to one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// Which.
    pub address: Address,
    /// Source address of its provider.
    pub provider: String,
    /// What.
    pub action: Action,
    /// Why, where the action does not speak for itself.
    pub reason: Option<Reason>,
    /// The object as it is.
    pub before: Option<Value>,
    /// The object as it will be; unknown where only the world can say.
    pub after: Option<Value>,
    /// The configuration the object was planned from, null for what is not set.
    pub config: Option<Value>,
    /// Attribute paths that force a replacement.
    pub replace_paths: Vec<Vec<String>>,
    /// Opaque to us, kept for the provider.
    pub private: Vec<u8>,
    /// How the change may be repeated when its outcome is lost ("crash safety").
    pub repeat: Repeat,
    /// Longest time in which a request that was sent may still take effect or stay invisible.
    pub settle_ms: u64,
    /// It is about the object that a replacement left behind, not about the current one.
    pub deposed: bool,
    /// Whether new comes before old.
    pub create_before_destroy: bool,
    /// Resources it refers to, sorted: what must exist before it, and must outlive it.
    pub dependencies: Vec<ResourceAddress>,
}

/// Actions, as Terraform's JSON plan names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Destroy, then make.
    DeleteThenCreate,
    /// Make, then destroy.
    CreateThenDelete,
    /// Destroy it.
    Delete,
}

/// One thing to do. Its position in [`Plan::steps`] is its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done; a join does nothing but wait for others, so that "after all instances of a resource" costs one
    /// edge and not one per instance.
    pub work: Work,
    /// Steps that must be finished before, ascending.
    pub after: Vec<u32>,
}

/// The work of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Nothing: done when all it waits for is done.
    Join,
    /// One change of one object.
    Change {
        /// Position in [`Plan::changes`].
        change: u32,
        /// What is done to it.
        verb: Verb,
    },
}

/// A difference between the book and the world that nobody planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Which.
    pub address: Address,
    /// As the book had it.
    pub before: Value,
    /// As it is; none when it is gone.
    pub after: Option<Value>,
    /// Provider's private data after the read.
    pub private: Vec<u8>,
}

/// Change of a root output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputChange {
    /// As it was.
    pub before: Option<Value>,
    /// As it will be.
    pub after: Option<Value>,
}

/// The count of a plan's changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// To add.
    pub add: u32,
    /// To change.
    pub change: u32,
    /// To destroy.
    pub destroy: u32,
}

impl Plan {
    /// Counts the changes as Terraform does: a replacement is one to add and one to destroy.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for change in &self.changes {
            match change.action {
                Action::NoOp => {}
                Action::Create => summary.add += 1,
                Action::Update => summary.change += 1,
                Action::Delete => summary.destroy += 1,
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    summary.add += 1;
                    summary.destroy += 1;
                }
            }
        }
        summary
    }

    /// Whether carrying it out changes nothing, not even an output.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.outputs.is_empty() && self.drift.is_empty()
    }
}

//! [`Plan`]: pure data with nothing left to choose.

use crate::{
    Address, Digest, Key, ModulePath, Reason, Recovery, Repeat, ResourceAddress, Retry, Verb,
};
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
    /// Root outputs, unchanged ones included.
    pub outputs: BTreeMap<Name, OutputChange>,
    /// Warnings (a plan with errors is none).
    pub diagnostics: Diagnostics,
    /// What became of every condition, as far as it can be said before anything is done; sorted by object.
    #[serde(default)]
    pub checks: Vec<Checked>,
    /// It leaves out what was not asked for: nothing can be said of the rest.
    #[serde(default)]
    pub partial: bool,
    /// Objects that existed already and are taken over.
    #[serde(default)]
    pub imported: Vec<Imported>,
    /// What has conditions and was planned, and has no instances to judge, without instance keys; sorted. Only where
    /// something is left out: else it is all that is written and not in `checks`.
    #[serde(default)]
    pub without_instances: Vec<CheckSubject>,
}

/// An object that nobody here made, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Where it stands from now on.
    pub address: Address,
    /// Source address of its provider.
    pub provider: String,
    /// The object.
    pub object: Value,
    /// Opaque to us.
    pub private: Vec<u8>,
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
    /// By what the object is found when the outcome of its creation is lost; none where it can simply be made again.
    #[serde(default)]
    pub recovery: Option<Recovery>,
    /// It is about the object that a replacement left behind, not about the current one.
    pub deposed: bool,
    /// Whether new comes before old.
    pub create_before_destroy: bool,
    /// Resources it refers to, sorted: what must exist before it, and must outlive it.
    pub dependencies: Vec<ResourceAddress>,
    /// Where it stood before, when it was moved.
    #[serde(default)]
    pub previous: Option<Address>,
    /// What its provider knows it by, when it existed already and is taken over.
    #[serde(default)]
    pub importing: Option<String>,
    /// Which configuration of its provider it belongs to.
    #[serde(default)]
    pub configuration: ProviderInstance,
    /// Some of its conditions could not be judged while planning, and are looked at while applying.
    #[serde(default)]
    pub unjudged: bool,
    /// Its provider may make it otherwise than planned.
    #[serde(default)]
    pub loose: bool,
    /// Version of the form in which its provider has the object, before and after.
    #[serde(default)]
    pub schema_version: Option<u64>,
    /// How often and after which pauses it is tried again, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Its health is looked at, after it was made or changed, or because it was not healthy before.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub probed: bool,
}

/// One configuration of a provider: the block in its module instance, and the key where it has `for_each`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProviderInstance {
    /// The module instance whose block it is; the root for a provider without a block.
    pub module: ModulePath,
    /// Alias; none for the default configuration.
    pub alias: Option<Name>,
    /// Key.
    pub key: Option<Name>,
}

/// What became of the conditions of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Whose conditions they are.
    pub subject: CheckSubject,
    /// What became of them.
    pub status: CheckStatus,
    /// What those say that do not hold.
    pub problems: Vec<String>,
}

/// Something that can have conditions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CheckSubject {
    /// A `check` block.
    Check(ModulePath, Name),
    /// An output.
    Output(ModulePath, Name),
    /// A resource instance.
    Resource(Address),
    /// A variable.
    Variable(ModulePath, Name),
}

impl CheckSubject {
    /// What it is an instance of, as it is written.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        match self {
            Self::Check(module, name) => Self::Check(module.without_keys(), name.clone()),
            Self::Output(module, name) => Self::Output(module.without_keys(), name.clone()),
            Self::Resource(address) => Self::Resource(Address {
                resource: ResourceAddress {
                    module: address.resource.module.without_keys(),
                    ..address.resource.clone()
                },
                key: Key::None,
            }),
            Self::Variable(module, name) => Self::Variable(module.without_keys(), name.clone()),
        }
    }
}

/// What became of conditions, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CheckStatus {
    /// All hold.
    Pass,
    /// It depends on what is not known yet.
    Unknown,
    /// At least one does not hold.
    Fail,
    /// At least one cannot be computed.
    Error,
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
    /// Ask a data source while applying, because what it depends on must be done first.
    Read,
    /// Forget it without destroying it.
    Forget,
    /// Hold an ephemeral resource open while other steps are carried out.
    Open,
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
    /// Ask a data source, whose answer the steps after this one wait for, or open an ephemeral resource, which they
    /// need.
    Read {
        /// Position in [`Plan::changes`].
        change: u32,
    },
    /// Look at the conditions of an object that could not be judged while planning.
    Check {
        /// Position in [`Plan::changes`].
        change: u32,
    },
    /// Run a provisioner of an object.
    Provision {
        /// Position in [`Plan::changes`].
        change: u32,
        /// Position among the provisioners of the resource.
        provisioner: u32,
    },
    /// Look at an object until it is healthy.
    Probe {
        /// Position in [`Plan::changes`].
        change: u32,
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
                Action::NoOp | Action::Read | Action::Forget | Action::Open => {}
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

    /// Whether carrying it out changes nothing, not even an output or what is known.
    pub fn is_empty(&self) -> bool {
        !self.has_changes() && self.drift.is_empty()
    }

    /// Whether carrying it out changes an object or an output: what was changed outside and needs no answer does not
    /// count, as in Terraform.
    pub fn has_changes(&self) -> bool {
        !self.changes.iter().all(PlannedChange::is_nothing)
            || !self.outputs.values().all(OutputChange::is_nothing)
    }
}

impl PlannedChange {
    /// A change of which nothing but this is known.
    pub fn new(address: Address, provider: &str, action: Action) -> Self {
        Self {
            address,
            provider: String::from(provider),
            action,
            reason: None,
            before: None,
            after: None,
            config: None,
            replace_paths: Vec::new(),
            private: Vec::new(),
            repeat: Repeat::Safe,
            settle_ms: 0,
            recovery: None,
            deposed: false,
            create_before_destroy: false,
            dependencies: Vec::new(),
            previous: None,
            importing: None,
            configuration: ProviderInstance::default(),
            unjudged: false,
            loose: false,
            schema_version: None,
            retry: None,
            probed: false,
        }
    }

    /// Whether carrying it out changes neither the object nor what is known of it.
    pub fn is_nothing(&self) -> bool {
        matches!(self.action, Action::NoOp | Action::Open)
            && !self.probed
            && self.previous.is_none()
            && self.importing.is_none()
    }

    /// Whether the object goes: for good, or to make room for a new one.
    pub const fn destroys(&self) -> bool {
        match self.action {
            Action::Delete | Action::DeleteThenCreate | Action::CreateThenDelete => true,
            Action::NoOp
            | Action::Create
            | Action::Update
            | Action::Read
            | Action::Forget
            | Action::Open => false,
        }
    }
}

impl OutputChange {
    /// Whether it stays as it is.
    pub fn is_nothing(&self) -> bool {
        self.before == self.after
    }
}

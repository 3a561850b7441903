//! Everything Steadfast can do to the outside and ask of it, and what may come back.

use crate::{
    Address, Digest, InstanceId, Manner, OnFailure, Recovery, ResourceAddress, Retry, RouteTable,
    Version,
};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::{Diagnostics, Name, Value};

/// How an effect may be repeated when its outcome was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Repeat {
    /// Doing it twice is doing it once.
    Safe,
    /// Doing it again with the same action id is doing it once.
    ByKey,
    /// Must be inquired into first.
    Never,
}

/// One thing done to the outside. Its intent is durable before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A change of a resource.
    Change(Change),
    /// Start an instance, or find it already started.
    Place(InstanceSpec),
    /// Stop an instance and forget it.
    Stop {
        /// Which.
        instance: InstanceId,
        /// Time to finish before it is killed.
        grace_ms: u64,
    },
    /// Put a route table in force.
    Publish(RouteTable),
    /// Build an artifact.
    Build(BuildSpec),
    /// Run a provisioner of an object.
    Provision(Provision),
    /// Look at an object until it is healthy. Changes nothing.
    Probe(Probe),
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verb {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Destroy it.
    Delete,
}

/// A change of one resource instance, with every value known that can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// What is done.
    pub verb: Verb,
    /// The object as it is.
    pub prior: Option<Value>,
    /// The configuration, wholly known.
    pub config: Option<Value>,
    /// The object as it shall be; unknown only where the provider decides. Of a deletion none, or null where its
    /// provider has planned it already, as the first half of a replacement: then `private` is of that plan.
    pub planned: Option<Value>,
    /// Opaque to us.
    pub private: Vec<u8>,
    /// How it may be repeated.
    pub repeat: Repeat,
    /// Longest time in which a request that was sent may still take effect or stay invisible: absence is believed only
    /// after it.
    pub settle_ms: u64,
    /// What must exist as long as the object does.
    pub dependencies: Vec<ResourceAddress>,
    /// How often and after which pauses it is tried again, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// An instance to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Its name, unique in the environment for all time.
    pub instance: InstanceId,
    /// The service it belongs to.
    pub service: Name,
    /// What it runs.
    pub version: Version,
    /// Manifest digest of the artifact.
    pub artifact: Digest,
    /// Command and arguments, relative to the unpacked artifact.
    pub run: Vec<String>,
    /// Environment variables; the runtime adds `PORT`.
    pub env: BTreeMap<Name, String>,
    /// HTTP path of the health check.
    pub health_path: String,
    /// Time one check may take.
    pub health_timeout_ms: u64,
    /// Largest memory in bytes, 0 for no limit.
    pub memory_bytes_max: u64,
}

/// An artifact to build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    /// Its name.
    pub name: Name,
    /// Source directory relative to the project.
    pub source: String,
    /// Digest of the source tree, so that a build of other bytes is another build.
    pub source_digest: Digest,
    /// Build command.
    pub build: Vec<String>,
    /// Environment variables it may see.
    pub inherit: Vec<String>,
    /// What is packed: path inside the artifact to path in the built source.
    pub files: BTreeMap<String, String>,
    /// Command that runs it.
    pub run: Vec<String>,
    /// Longest time it may take.
    pub timeout_ms: u64,
}

/// A provisioner to run, with every value known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provision {
    /// The object that it belongs to.
    pub address: Address,
    /// `local-exec`, `remote-exec` or `file`.
    pub kind: Name,
    /// The object of its arguments.
    pub config: Value,
    /// The object of its `connection`.
    pub connection: Option<Value>,
    /// What its failure means.
    pub on_failure: OnFailure,
}

/// The health of an object to look at, with every value known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The object that it belongs to.
    pub address: Address,
    /// The object of what is looked at: `http`, `tcp` or `command`, the other two null.
    pub target: Value,
    /// How it is looked at. As it is handed out, the deadline is what is left of it.
    pub manner: Manner,
    /// When it must be healthy, on the clock of the engine: whoever goes on after a crash has what is left.
    pub until_ms: i64,
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A resource change is complete; no object after a delete.
    Changed {
        /// The object as it is now.
        object: Option<Value>,
        /// Opaque to us.
        private: Vec<u8>,
        /// Warnings.
        diagnostics: Diagnostics,
    },
    /// A resource change failed after it had an effect: the object exists and must be replaced or repaired.
    Partial {
        /// The object as far as it is known.
        object: Value,
        /// Opaque to us.
        private: Vec<u8>,
        /// Why.
        diagnostics: Diagnostics,
    },
    /// An instance runs.
    Placed {
        /// `address:port` it listens on.
        address: String,
    },
    /// An instance is stopped.
    Stopped,
    /// A route table is in force: every request decided from now on follows it.
    Published {
        /// Its generation.
        generation: u64,
        /// Port of each service, those chosen by the router included.
        ports: BTreeMap<Name, u16>,
    },
    /// An artifact is built.
    Built {
        /// Manifest digest.
        artifact: Digest,
    },
    /// A provisioner ran to its end, and did what it was to do.
    Provisioned {
        /// The last of what it wrote.
        output: String,
    },
    /// A provisioner ran and failed; what it had done until then is done.
    Broken {
        /// The last of what it wrote.
        output: String,
        /// Why.
        diagnostics: Diagnostics,
    },
    /// An object is healthy.
    Healthy {
        /// The last answer.
        answer: String,
    },
    /// An object is not healthy, and time is up.
    Unhealthy {
        /// The last answer.
        answer: String,
        /// Why that is not enough.
        diagnostics: Diagnostics,
    },
    /// It definitely had no effect, and would not another time.
    Refused {
        /// Why.
        diagnostics: Diagnostics,
    },
    /// It definitely had no effect; another attempt may succeed.
    Failed {
        /// Why.
        diagnostics: Diagnostics,
        /// The outside asked to wait so long.
        retry_after_ms: Option<u64>,
    },
    /// Nobody knows whether it had an effect.
    Unknown {
        /// What was seen last.
        why: String,
    },
}

/// What an inquiry into a lost outcome found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inquiry {
    /// The effect took place; this came of it.
    Found(Outcome),
    /// It did not take place, and no longer can.
    Absent,
    /// Not seen yet; it may still appear. Ask again.
    NotYet,
    /// The outside cannot tell; a person must.
    Unclear {
        /// What is known.
        what: String,
    },
}

/// Something asked of a provider without changing anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// The object as it is.
    Read(ReadQuestion),
    /// The object as it would be.
    Plan(PlanQuestion),
    /// What a data source says.
    Data(DataQuestion),
    /// An object that exists already, by the name its provider knows it by.
    Import(ImportQuestion),
    /// An object that was stored in the form of another version of its provider, in the form of this one.
    Upgrade(UpgradeQuestion),
    /// What an ephemeral resource is for as long as it is held open. The answer says only whether it is: what it holds
    /// goes beside the answers, and is never written down.
    Open(OpenQuestion),
    /// What a function of a provider gives.
    Call(CallQuestion),
}

/// Reads an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadQuestion {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// As the book has it.
    pub prior: Value,
    /// Opaque to us.
    pub private: Vec<u8>,
    /// How often and after which pauses it is tried again, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// Plans an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanQuestion {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// The configuration; unknown where it depends on what does not exist yet.
    pub config: Value,
    /// The object as it is, null when there is none.
    pub prior: Value,
    /// Configuration merged with what the provider had computed before.
    pub proposed: Value,
    /// Opaque to us.
    pub private: Vec<u8>,
    /// The configuration as it is written, where `config` has something of the object instead (`ignore_changes`): this
    /// is what is validated.
    #[serde(default)]
    pub written: Option<Value>,
    /// How often and after which pauses it is tried again, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// Reads a data source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataQuestion {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// The configuration, wholly known.
    pub config: Value,
}

/// Opens an ephemeral resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// The configuration, wholly known; null in place of what is ephemeral in it, until it is handed out.
    pub config: Value,
}

/// Looks an object up that nobody here made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportQuestion {
    /// Where it shall stand from now on.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// What the provider knows it by.
    pub id: String,
    /// How often and after which pauses it is tried again, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// Brings an object into the form of its provider's version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeQuestion {
    /// Which instance.
    pub address: Address,
    /// Source address of the provider.
    pub provider: String,
    /// Version of the form in which it is.
    pub schema_version: u64,
    /// As it was stored.
    pub stored: Value,
}

/// Calls a function of a provider, which needs no configuration: the same arguments always give the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallQuestion {
    /// Source address of the provider.
    pub provider: String,
    /// Which function.
    pub function: Name,
    /// Its arguments, of the types that it declares; each has the marks that all of them have together.
    pub arguments: Vec<Value>,
}

/// Answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Question::Read`].
    Read(ReadAnswer),
    /// To [`Question::Plan`].
    Plan(PlanAnswer),
    /// To [`Question::Data`].
    Data(DataAnswer),
    /// To [`Question::Import`]: the object as far as its id says; it is read before it is planned.
    Import(ReadAnswer),
    /// To [`Question::Upgrade`]: the object, in the form of this version.
    Upgrade(DataAnswer),
    /// To [`Question::Open`]: it is open.
    Open(OpenAnswer),
    /// To [`Question::Call`].
    Call(CallAnswer),
    /// It could not be answered.
    Failed(Diagnostics),
}

/// An object as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAnswer {
    /// None when it is gone.
    pub object: Option<Value>,
    /// Opaque to us.
    pub private: Vec<u8>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// An object as it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAnswer {
    /// With unknowns where only the change itself can tell.
    pub planned: Value,
    /// Attribute paths that cannot be changed in place.
    pub requires_replace: Vec<Vec<String>>,
    /// Opaque to us.
    pub private: Vec<u8>,
    /// How a change may be repeated when its outcome is lost.
    pub repeat: Repeat,
    /// Longest time in which a request that was sent may still take effect or stay invisible.
    pub settle_ms: u64,
    /// By what the object is found when the outcome of its creation is lost; none where it can simply be made again.
    #[serde(default)]
    pub recovery: Option<Recovery>,
    /// Its provider may plan otherwise than configured and make otherwise than planned, as providers made with the
    /// first framework do (`legacy_type_system`).
    #[serde(default)]
    pub loose: bool,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// What a data source said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataAnswer {
    /// The configuration with every result filled in.
    pub object: Value,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// An ephemeral resource is open, or cannot be yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAnswer {
    /// It is not: something in its configuration will be known only while applying.
    #[serde(default)]
    pub later: bool,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// What a function of a provider said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallAnswer {
    /// Its result.
    Gives(Value),
    /// It has none for these arguments.
    Refuses {
        /// Why, in its words.
        why: String,
        /// Position of the argument to blame, if it is one.
        argument: Option<u32>,
    },
}

impl Question {
    /// Source address of the provider that is asked.
    pub fn provider(&self) -> &str {
        match self {
            Self::Read(question) => &question.provider,
            Self::Plan(question) => &question.provider,
            Self::Data(question) => &question.provider,
            Self::Import(question) => &question.provider,
            Self::Upgrade(question) => &question.provider,
            Self::Open(question) => &question.provider,
            Self::Call(question) => &question.provider,
        }
    }

    /// The instance it is about; none for the call of a function.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Read(question) => Some(&question.address),
            Self::Plan(question) => Some(&question.address),
            Self::Data(question) => Some(&question.address),
            Self::Import(question) => Some(&question.address),
            Self::Upgrade(question) => Some(&question.address),
            Self::Open(question) => Some(&question.address),
            Self::Call(_) => None,
        }
    }
}

impl Effect {
    /// What it is done to, for people: an address, an instance, an artifact.
    pub fn subject(&self) -> String {
        match self {
            Self::Change(change) => change.address.to_string(),
            Self::Place(spec) => alloc::format!("starting {}", spec.instance),
            Self::Stop { instance, .. } => alloc::format!("stopping {instance}"),
            Self::Publish(table) => alloc::format!("route table {}", table.generation),
            Self::Build(spec) => alloc::format!("building {}", spec.name),
            Self::Provision(one) => alloc::format!("{} of {}", one.kind, one.address),
            Self::Probe(probe) => alloc::format!("health of {}", probe.address),
        }
    }

    /// The kind of effect in one word.
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::Change(_) => "change",
            Self::Place(_) => "place",
            Self::Stop { .. } => "stop",
            Self::Publish(_) => "publish",
            Self::Build(_) => "build",
            Self::Provision(_) => "provision",
            Self::Probe(_) => "probe",
        }
    }
}

//! [`Release`]: what a person wrote, compiled once, named by its content.

use crate::{Address, Artifact, Digest, DriftPolicy, Environment, Key, Mode, ModulePath, Service};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::functions::{
    Declaration, TERRAFORM_PROVIDER, provider_function_name, terraform_function_names,
};
use value::{Expr, Name, Span, Type, Value};

/// One immutable, content-addressed set: definition, inputs, artifacts, environments. Its digest is the digest of its
/// encoding, so one byte of configuration makes another release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Version of this form.
    pub format: u16,
    /// Project name, empty for a plain directory of Terraform files.
    pub project: String,
    /// The texts that spans point into, in the order of [`value::SourceId`].
    pub sources: Vec<SourceText>,
    /// Files that expressions read, by path relative to the root module.
    pub files: BTreeMap<String, Digest>,
    /// Module definitions; the first is the root. A `stack` is a module call of the root.
    pub modules: Vec<Module>,
    /// Values given to root variables from outside (environment, files, options).
    pub inputs: Inputs,
    /// What is built, by name.
    pub artifacts: BTreeMap<Name, Artifact>,
    /// What was built: manifest digest by artifact name. Empty until the build run has finished.
    pub built: BTreeMap<Name, Digest>,
    /// What runs, by name.
    pub services: BTreeMap<Name, Service>,
    /// Where it runs, by name.
    pub environments: BTreeMap<Name, Environment>,
    /// Functions of providers that expressions call, by the names that compiled expressions have for them. A release
    /// that calls none says nothing of it, and keeps the digest that it had before there were any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<Name, Declaration>,
}

/// Values of root variables.
pub type Inputs = BTreeMap<Name, Value>;

/// A source text that was compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceText {
    /// Path relative to the root module.
    pub path: String,
    /// Its content's digest; the text itself is a blob of the book.
    pub digest: Digest,
}

/// One module definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Directory relative to the root module, `.` for the root itself.
    pub directory: String,
    /// `variable` blocks.
    pub variables: BTreeMap<Name, Variable>,
    /// `locals`.
    pub locals: BTreeMap<Name, Local>,
    /// `resource`, `data` and `ephemeral` blocks, sorted by mode, type and name.
    pub resources: Vec<Resource>,
    /// `module` blocks.
    pub modules: BTreeMap<Name, ModuleCall>,
    /// `output` blocks.
    pub outputs: BTreeMap<Name, Output>,
    /// What `required_providers` says, by local name.
    #[serde(default)]
    pub required_providers: BTreeMap<Name, ProviderRequirement>,
    /// `provider` blocks, in the order written.
    #[serde(default)]
    pub providers: Vec<ProviderConfig>,
    /// `moved` blocks, in the order written.
    #[serde(default)]
    pub moved: Vec<Moved>,
    /// `import` blocks, in the order written; only the root module has any.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// `removed` blocks, in the order written.
    #[serde(default)]
    pub removed: Vec<Removed>,
    /// `check` blocks.
    #[serde(default)]
    pub checks: BTreeMap<Name, Check>,
}

/// By which name compiled expressions of a module call a function of a provider, given what it calls the provider; the
/// functions that the release has are `declared`. None where there is no such function.
pub fn function_name(
    required: &BTreeMap<Name, ProviderRequirement>,
    declared: &BTreeMap<Name, Declaration>,
    provider: &str,
    function: &str,
) -> Option<Name> {
    let source = &required.get(provider)?.source;
    let name = provider_function_name(source, function);
    let is_own =
        source == TERRAFORM_PROVIDER && terraform_function_names().any(|own| own == function);
    (is_own || declared.contains_key(&name)).then_some(name)
}

/// One entry of `required_providers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRequirement {
    /// Source address, such as `registry.terraform.io/hashicorp/aws`.
    pub source: String,
    /// Version constraints in full, such as `>= 5.0.0, < 6.0.0`; empty for any.
    pub version: String,
    /// Aliases that callers of the module must hand in (`configuration_aliases`).
    pub aliases: Vec<Name>,
}

/// `provider`: one configuration, or one for each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderConfig {
    /// Local name.
    pub local: Name,
    /// Source address that the local name stands for.
    pub source: String,
    /// Which of several configurations of the same provider; none for the default one.
    pub alias: Option<Name>,
    /// One configuration for each key.
    pub for_each: Option<Expr>,
    /// An expression of the object that the provider's schema implies.
    pub config: Expr,
    /// Where its header stands.
    pub span: Span,
}

/// Names a provider configuration, in the names of the module that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRef {
    /// Local name.
    pub local: Name,
    /// Alias; none for the default configuration.
    pub alias: Option<Name>,
    /// Key, where the configuration has `for_each`.
    pub key: Option<Expr>,
}

/// A provider configuration that a module call hands in (`providers`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedProvider {
    /// Local name inside the called module.
    pub local: Name,
    /// Alias inside the called module.
    pub alias: Option<Name>,
    /// The configuration, in the names of the calling module.
    pub from: ProviderRef,
}

/// What a `moved` or `removed` block names: a module call, a resource, or an instance of either.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// The module it stands in, relative to the module that says so. A step without a key stands for the call with all
    /// its instances.
    pub module: ModulePath,
    /// The resource; none when the module itself is meant.
    pub resource: Option<EndpointResource>,
}

impl From<&Address> for Endpoint {
    fn from(address: &Address) -> Self {
        let resource = &address.resource;
        Self {
            module: resource.module.clone(),
            resource: Some(EndpointResource {
                mode: resource.mode,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
                key: address.key.clone(),
            }),
        }
    }
}

/// The resource of an [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EndpointResource {
    /// Managed or data.
    pub mode: Mode,
    /// Type.
    pub kind: Name,
    /// Name.
    pub name: Name,
    /// One instance; [`Key::None`] for the block with all its instances.
    pub key: Key,
}

/// `moved`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// As it was called.
    pub from: Endpoint,
    /// As it is called now.
    pub to: Endpoint,
    /// Where its header stands.
    pub span: Span,
}

/// `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Module calls on the way to the resource, each with the key of the instance.
    pub module: Vec<(Name, Option<Expr>)>,
    /// Type of the resource.
    pub kind: Name,
    /// Name of the resource.
    pub name: Name,
    /// Key of the instance.
    pub key: Option<Expr>,
    /// What the provider knows the object by; null where it is known by its identity.
    pub id: Expr,
    /// An object of the attributes that make out its identity.
    #[serde(default)]
    pub identity: Option<Expr>,
    /// One import for each key.
    pub for_each: Option<Expr>,
    /// The configuration to import with, where it is not the resource's own.
    pub provider: Option<ProviderRef>,
    /// Where its header stands.
    pub span: Span,
}

/// `removed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// What is no longer written.
    pub from: Endpoint,
    /// Whether it is destroyed; otherwise it is only forgotten.
    pub destroy: bool,
    /// Run before it is destroyed.
    pub provisioners: Vec<Provisioner>,
    /// Where its header stands.
    pub span: Span,
}

/// `check`: looks whether something holds, and warns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The data source that only this check reads. It stands among the module's resources too, so that it is planned
    /// like any other; this is its type and name.
    pub data: Option<(Name, Name)>,
    /// What must hold.
    pub assertions: Vec<Condition>,
    /// Where its header stands.
    pub span: Span,
}

/// `provisioner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioner {
    /// `local-exec`, `remote-exec` or `file`.
    pub kind: Name,
    /// An expression of the object of its arguments.
    pub config: Expr,
    /// An expression of the object of its `connection`, that of the resource included.
    pub connection: Option<Expr>,
    /// When it runs.
    pub when: When,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// Where its header stands.
    pub span: Span,
}

/// When a provisioner runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// After the object was made.
    #[default]
    Create,
    /// Before it is destroyed.
    Destroy,
}

/// What the failure of a provisioner means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// The change failed; a new object is damaged.
    #[default]
    Fail,
    /// Nothing but a warning.
    Continue,
}

/// `variable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Type constraint.
    pub ty: Type,
    /// Value when none is given, already converted.
    pub default: Option<Value>,
    /// Whether null is a value of it.
    pub nullable: bool,
    /// Marks its value.
    pub sensitive: bool,
    /// Its value lives no longer than the command, and is never written down.
    #[serde(default)]
    pub ephemeral: bool,
    /// `validation` blocks.
    pub validations: Vec<Condition>,
    /// For people.
    pub description: String,
    /// Where.
    pub span: Span,
}

/// One local value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// How it is computed.
    pub value: Expr,
    /// Where its name stands.
    pub span: Span,
}

/// `output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// How it is computed.
    pub value: Expr,
    /// Not shown.
    pub sensitive: bool,
    /// Its value lives no longer than the command, and is never written down.
    #[serde(default)]
    pub ephemeral: bool,
    /// Explicit dependencies.
    pub depends_on: Vec<Expr>,
    /// Checked before the value is used.
    pub preconditions: Vec<Condition>,
    /// For people.
    pub description: String,
    /// Where.
    pub span: Span,
}

/// `condition` and `error_message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Must be true.
    pub condition: Expr,
    /// Said when it is not.
    pub error_message: Expr,
    /// Where.
    pub span: Span,
}

/// How many instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repetition {
    /// Exactly one, without a key.
    Once,
    /// `count`.
    Count(Expr),
    /// `for_each`.
    ForEach(Expr),
}

/// `resource`, `data` or `ephemeral`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Managed, data or ephemeral.
    pub mode: Mode,
    /// Type.
    pub kind: Name,
    /// Name.
    pub name: Name,
    /// Source address of the provider.
    pub provider: String,
    /// Which of its configurations.
    #[serde(default)]
    pub provider_config: ProviderRef,
    /// How many.
    pub repetition: Repetition,
    /// An expression of the object that the type's schema implies; attributes not set are null.
    pub config: Expr,
    /// Explicit dependencies.
    pub depends_on: Vec<Expr>,
    /// `lifecycle`.
    pub lifecycle: Lifecycle,
    /// `provisioner` blocks, in the order they run.
    #[serde(default)]
    pub provisioners: Vec<Provisioner>,
    /// Where its header stands.
    pub span: Span,
}

/// `lifecycle`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// New before old.
    pub create_before_destroy: bool,
    /// Refuse plans that destroy it.
    pub prevent_destroy: Option<Expr>,
    /// All attributes keep what they have.
    pub ignore_all_changes: bool,
    /// These keep what they have: attribute paths such as `["tags", "Name"]`.
    pub ignore_changes: Vec<Vec<Name>>,
    /// Replace when any of these changes.
    pub replace_triggered_by: Vec<Expr>,
    /// Checked before.
    pub preconditions: Vec<Condition>,
    /// Checked after.
    pub postconditions: Vec<Condition>,
    /// What failed is tried again in this manner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What becomes of it when it is changed outside; none where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// It holds data: taking back a run does not destroy it unless that is said.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub holds_data: bool,
    /// How it is found out whether an object is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
}

/// `health`: what is looked at after an object was made or changed, until it is healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// An expression of the object of what is looked at: `http`, `tcp` or `command`, the other two null.
    pub target: Expr,
    /// How it is looked at.
    pub manner: Manner,
    /// Where its header stands.
    pub span: Span,
}

/// How often and how long the health of an object is looked at, what counts, and what follows when it does not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// Statuses that an HTTP answer may have; any from 200 to 299 when there are none.
    pub statuses: Vec<u16>,
    /// Pause between two looks.
    pub interval_ms: u64,
    /// Longest time until it must be healthy.
    pub deadline_ms: u64,
    /// Looks in a row that must find it healthy.
    pub successes: u32,
    /// What follows when it is not healthy in time.
    pub on_failure: Unhealthy,
}

/// What follows when an object is not healthy in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unhealthy {
    /// The object stays, what depends on it is not done, and the run fails.
    #[default]
    Hold,
    /// Nothing but a warning.
    Continue,
    /// As with [`Unhealthy::Hold`]; and once the run is closed, what it did is taken back by a run of its own.
    Rollback,
}

/// `retry`: how often and after which pauses a call about an object is tried again, and what counts as trouble that
/// passes beside what always does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Most attempts, the first one included; none for as many as anything else has.
    pub attempts: Option<u32>,
    /// First pause, which doubles with each attempt; none for that of everything else.
    pub base_ms: Option<u64>,
    /// Longest pause; none for that of everything else.
    pub cap_ms: Option<u64>,
    /// Patterns in the syntax of the function `regex`: an error that fits one of them passes.
    pub on: Vec<String>,
}

/// `module` or `stack`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleCall {
    /// Where the called definition comes from, as written.
    #[serde(default)]
    pub source: String,
    /// Version constraints as written, empty for any.
    #[serde(default)]
    pub version: String,
    /// Position of the called definition in [`Release::modules`].
    pub module: u32,
    /// How many.
    pub repetition: Repetition,
    /// Values of its variables.
    pub inputs: BTreeMap<Name, Expr>,
    /// Provider configurations handed in. Each wins over a block of the called module for the same name, which then is
    /// empty.
    #[serde(default)]
    pub providers: Vec<PassedProvider>,
    /// Explicit dependencies.
    pub depends_on: Vec<Expr>,
    /// Where.
    pub span: Span,
}

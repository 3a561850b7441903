//! [`Release`]: what a person wrote, compiled once, named by its content.

use crate::{Artifact, Digest, Environment, Mode, Service};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
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
    /// `resource` and `data` blocks, sorted by mode, type and name.
    pub resources: Vec<Resource>,
    /// `module` blocks.
    pub modules: BTreeMap<Name, ModuleCall>,
    /// `output` blocks.
    pub outputs: BTreeMap<Name, Output>,
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

/// `resource` or `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Managed or data.
    pub mode: Mode,
    /// Type.
    pub kind: Name,
    /// Name.
    pub name: Name,
    /// Source address of the provider.
    pub provider: String,
    /// How many.
    pub repetition: Repetition,
    /// An expression of the object that the type's schema implies; attributes not set are null.
    pub config: Expr,
    /// Explicit dependencies.
    pub depends_on: Vec<Expr>,
    /// `lifecycle`.
    pub lifecycle: Lifecycle,
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
}

/// `module` or `stack`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleCall {
    /// Position of the called definition in [`Release::modules`].
    pub module: u32,
    /// How many.
    pub repetition: Repetition,
    /// Values of its variables.
    pub inputs: BTreeMap<Name, Expr>,
    /// Explicit dependencies.
    pub depends_on: Vec<Expr>,
    /// Where.
    pub span: Span,
}

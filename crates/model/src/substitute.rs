//! [`Substitutes`]: what stands in for parts of the outside while a definition is tested.

use crate::{Endpoint, ModulePath};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use value::{Name, Span, Value};

/// Everything that a test puts in the place of the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substitutes {
    /// Provider configurations whose objects are made up.
    pub mocks: Vec<Mock>,
    /// Objects and modules whose results are given, the strongest first.
    pub overrides: Vec<Override>,
}

/// `mock_provider`: no object of this configuration exists anywhere; what the provider would compute is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mock {
    /// Local name in the root module.
    pub local: Name,
    /// Alias there; none for the default configuration.
    pub alias: Option<Name>,
    /// Results by managed type.
    pub resources: BTreeMap<Name, Substitute>,
    /// Results by data source.
    pub data: BTreeMap<Name, Substitute>,
    /// When what is made up without being given becomes known.
    pub during: During,
    /// Objects of this configuration whose results are given. They count less than the other overrides.
    pub overrides: Vec<Override>,
}

/// `override_resource`, `override_data` or `override_module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// What is overridden. A step or a resource without a key stands for all its instances.
    pub target: Endpoint,
    /// Results in its place.
    pub substitute: Substitute,
    /// Where the target is written.
    pub span: Span,
}

/// Results that are given instead of computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// An object; what it does not name is made up.
    pub values: Value,
    /// When they become known.
    pub during: During,
    /// Where it is written.
    pub span: Span,
}

/// When a made up result becomes known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum During {
    /// While planning.
    Plan,
    /// While applying, as with a real provider.
    #[default]
    Apply,
}

impl Override {
    /// Whether a path leads to the module that this overrides. Its keys count where the target has some.
    pub fn covers(&self, path: &ModulePath) -> bool {
        let target = &self.target.module.0;
        target.len() == path.0.len()
            && target.iter().zip(&path.0).all(|(wanted, step)| {
                wanted.name == step.name
                    && (wanted.key == crate::Key::None || wanted.key == step.key)
            })
    }
}

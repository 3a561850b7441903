//! The modules that a project reaches, before it is compiled: what whoever fetches modules asks for.

use super::files::Files;
use super::inputs::Given;
use super::load::{Definition, Loader, Source};
use super::{provider, settings};
use crate::diag::modules as diag;
use crate::limits::MODULE_CALLS_MAX;
use crate::source::ModuleSource;
use crate::version::Constraints;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use model::{Mode, ProviderSchema};
use value::{Diagnostics, Name, Span};

/// A call of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ReachedCall {
    /// The names of the calls that lead to it from the root, with dots between them.
    pub call: String,
    /// Where it comes from.
    pub source: ModuleSource,
    /// Which versions may be taken.
    pub constraints: Constraints,
    /// The version that is installed, where it came from a registry.
    pub version: Option<String>,
    /// Its directory; none when it is not installed yet, or not what is asked for.
    pub directory: Option<String>,
    /// Where its source is written.
    pub span: Span,
}

/// The types of one provider that a project names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeededTypes {
    /// Of `resource` blocks.
    pub resources: BTreeSet<Name>,
    /// Of `data` blocks.
    pub data: BTreeSet<Name>,
    /// Of `ephemeral` blocks.
    pub ephemeral: BTreeSet<Name>,
}

/// What [`reach`] found.
#[derive(Debug, Default)]
pub struct Reached {
    /// All calls, callers before what they call.
    pub calls: Vec<ReachedCall>,
    /// The providers that all of it needs, by source address, with the versions that may be taken.
    pub providers: BTreeMap<String, Constraints>,
    /// The types of each provider that blocks name.
    pub types: BTreeMap<String, NeededTypes>,
    /// All texts that diagnostics point into.
    pub sources: Vec<Source>,
    /// What is wrong so far. That a module is not installed is not among it.
    pub diagnostics: Diagnostics,
}

/// Follows all calls of modules as far as they are installed. `schemas` are the providers that this program has, which
/// names of types may mean.
pub fn reach(files: &dyn Files, given: &[Given], schemas: &[ProviderSchema]) -> Reached {
    let mut loader = Loader::new(files, given);
    loader.load_root();
    let mut providers = BTreeMap::new();
    let mut types = BTreeMap::new();
    for definition in &loader.definitions {
        let needed = (&mut providers, &mut types);
        self::needed(definition, schemas, needed, &mut loader.diagnostics);
    }
    let mut calls = Vec::new();
    if let Some(root) = loader.definitions.first() {
        list(&loader.definitions, root, "", &mut calls);
    }
    Reached {
        calls,
        providers,
        types,
        sources: loader.sources,
        diagnostics: loader.diagnostics,
    }
}

/// Adds the providers that a definition names and that its blocks imply.
fn needed(
    definition: &Definition,
    schemas: &[ProviderSchema],
    (providers, types): (
        &mut BTreeMap<String, Constraints>,
        &mut BTreeMap<String, NeededTypes>,
    ),
    diagnostics: &mut Diagnostics,
) {
    // What else is wrong with these settings is said when the definition is compiled.
    let requirements = settings::read(definition, &mut Diagnostics::new());
    for requirement in requirements.values() {
        let constraints = match requirement.version.as_str() {
            "" => Ok(Constraints::default()),
            text => Constraints::parse(text),
        };
        let known = providers.entry(requirement.source.clone()).or_default();
        match constraints {
            Ok(constraints) => *known = known.and(&constraints),
            Err(why) => {
                let span = definition.settings.first().map(|block| block.header);
                diagnostics.push(diag::invalid_version(span.unwrap_or_default(), &why));
            }
        }
    }
    for block in &definition.provider_blocks {
        if let Some(label) = block.labels.first() {
            let found = provider::named(schemas, &requirements, &label.name);
            providers.entry(found.source).or_default();
        }
    }
    for ((mode, kind, _), block) in &definition.resources {
        let found = provider::of_type(schemas, &requirements, kind, &block.body);
        let of_provider = types.entry(found.source.clone()).or_default();
        let of_mode = match mode {
            Mode::Managed => &mut of_provider.resources,
            Mode::Data => &mut of_provider.data,
            Mode::Ephemeral => &mut of_provider.ephemeral,
        };
        of_mode.insert(kind.clone());
        providers.entry(found.source).or_default();
    }
}

/// Lists the calls below a definition. Recursion is bounded by the depth of calls, which [`Loader`] bounds.
fn list(all: &[Definition], caller: &Definition, path: &str, calls: &mut Vec<ReachedCall>) {
    for (name, call) in &caller.calls {
        if calls.len() >= MODULE_CALLS_MAX {
            return;
        }
        let key = if path.is_empty() {
            name.to_string()
        } else {
            alloc::format!("{path}.{name}")
        };
        let Some(wanted) = &call.resolved.wanted else {
            continue;
        };
        calls.push(ReachedCall {
            call: key.clone(),
            source: wanted.source.clone(),
            constraints: wanted.constraints.clone(),
            version: call.resolved.version.clone(),
            directory: call.resolved.directory.clone(),
            span: wanted.source_span,
        });
        if let Some(target) = call.target.and_then(|target| all.get(target)) {
            list(all, target, &key, calls);
        }
    }
}

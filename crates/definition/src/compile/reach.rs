//! The modules that a project reaches, before it is compiled: what whoever fetches modules asks for.

use super::files::Files;
use super::inputs::Given;
use super::load::{Definition, Loader, Source};
use crate::limits::MODULE_CALLS_MAX;
use crate::source::ModuleSource;
use crate::version::Constraints;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use value::{Diagnostics, Span};

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

/// What [`reach`] found.
#[derive(Debug, Default)]
pub struct Reached {
    /// All calls, callers before what they call.
    pub calls: Vec<ReachedCall>,
    /// All texts that diagnostics point into.
    pub sources: Vec<Source>,
    /// What is wrong so far. That a module is not installed is not among it.
    pub diagnostics: Diagnostics,
}

/// Follows all calls of modules as far as they are installed.
pub fn reach(files: &dyn Files, given: &[Given]) -> Reached {
    let mut loader = Loader::new(files, given);
    loader.load_root();
    let mut calls = Vec::new();
    if let Some(root) = loader.definitions.first() {
        list(&loader.definitions, root, "", &mut calls);
    }
    Reached {
        calls,
        sources: loader.sources,
        diagnostics: loader.diagnostics,
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

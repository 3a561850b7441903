//! From files and inputs to a [`Release`]: [`compile`].
//!
//! In order: every file is read and parsed (`load`), following calls of modules (`resolve`, `known`); each directory's
//! blocks become a module, its expressions checked against what is declared (`module`, `resource`, `decode`, `call`);
//! delivery blocks (`crate::delivery`); values from outside (`inputs`); cycles (`graph`); files that expressions read
//! (`statics`); at last every expression is computed once with nothing known (`trial`). A stage that finds errors keeps
//! the later ones from guessing, but each collects all it can find.

pub(crate) mod address;
mod backend;
pub(crate) mod body;
mod call;
mod check;
mod condition;
mod constraint;
mod decode;
mod dependencies;
mod files;
mod graph;
mod health;
mod inputs;
mod known;
mod lifecycle;
mod load;
mod module;
mod overrides;
mod partial;
mod provider;
mod provisioner;
mod reach;
mod resolve;
mod resource;
mod retry;
mod settings;
mod statement;
mod statics;
mod trial;
mod variable;
mod visit;

pub use backend::{Backend, ReadBackend, backend, is_backend_read};
pub(crate) use constraint::Constraint;
pub use dependencies::{Dependency, DependencyKind, contracted, dependencies};
pub use files::{Files, Installed, answer, is_inside};
pub(crate) use files::{is_plain_path, join};
pub use inputs::{Given, given_values, variables_file};
pub use load::{DELIVERY_FILE, Source};
pub(crate) use load::{Definition, Loader};
pub(crate) use provider::configuration_name;
pub use reach::{NeededTypes, Reached, ReachedCall, reach};
pub use settings::{TERRAFORM_VERSION, requirements};
pub(crate) use statement::endpoint_text;
pub use trial::Configuration;
pub(crate) use trial::keys_text;

use crate::testing::UnderTest;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use inputs::Purpose;
use model::{Digest, ProviderSchema, Release, SourceText};
use module::Compiler;
use value::Diagnostics;

/// Version of the form of a [`Release`] that this compiler makes.
///
/// - 1: the first.
/// - 2: what modules require of providers; configurations of providers; ephemeral resources, variables and outputs;
///   provisioners; moved, import, removed and check blocks.
pub const RELEASE_FORMAT: u16 = 2;

/// What [`compile`] found.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The release, unless there are errors.
    pub release: Option<Release>,
    /// All texts that diagnostics point into, at the positions that [`value::SourceId`] names. The release's own
    /// sources are the first of them; variables files follow, because what is in them need not be kept.
    pub sources: Vec<Source>,
    /// Content of the files that expressions read, by path: what [`Release::files`] names by digest.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Everything found, by place.
    pub diagnostics: Diagnostics,
    /// What is configured, as far as that is known; empty where there are errors. Providers may find more wrong with
    /// it.
    pub configurations: Vec<Configuration>,
}

/// Compiles the project whose root module `files` shows.
///
/// `given` are the values of root variables from outside, weakest first: a later value for the same variable wins.
/// `schemas` are the providers that this program has. A directory with a `steadfast.hcl` gives a release with delivery;
/// one with nothing but `.tf` files gives a plain one.
pub fn compile(files: &dyn Files, given: &[Given], schemas: &[ProviderSchema]) -> Compiled {
    compiled(files, given, schemas, Purpose::Apply)
}

/// The same as [`compile`] for a plan that destroys everything: that an instance does not exist which another object
/// refers to is no mistake then.
pub fn compile_to_destroy(
    files: &dyn Files,
    given: &[Given],
    schemas: &[ProviderSchema],
) -> Compiled {
    compiled(files, given, schemas, Purpose::Destroy)
}

/// The same as [`compile`] for somebody who only wants to know what is wrong with the definition: values of variables
/// may be missing, and the release is not fit to be carried out then.
pub fn validate(files: &dyn Files, given: &[Given], schemas: &[ProviderSchema]) -> Compiled {
    compiled(files, given, schemas, Purpose::Look)
}

/// The same as [`compile`] for a run of a test file, whose values win over those that are given from outside.
pub fn compile_under_test(
    files: &dyn Files,
    given: &[Given],
    schemas: &[ProviderSchema],
    test: &UnderTest,
) -> Compiled {
    let mut given = given.to_vec();
    let values = test.values.iter();
    given.extend(values.map(|(name, (value, span))| Given::Test {
        name: name.clone(),
        value: value.clone(),
        span: *span,
    }));
    let mut loader = Loader::new(files, &given);
    loader.tested = true;
    loader.load_root_in(test.directory.as_deref().unwrap_or("."));
    loader.configure_for(test);
    finished(&mut loader, files, &given, schemas, Purpose::Apply)
}

fn compiled(
    files: &dyn Files,
    given: &[Given],
    schemas: &[ProviderSchema],
    purpose: Purpose,
) -> Compiled {
    let mut loader = Loader::new(files, given);
    loader.load_root();
    finished(&mut loader, files, given, schemas, purpose)
}

fn finished(
    loader: &mut Loader<'_>,
    files: &dyn Files,
    given: &[Given],
    schemas: &[ProviderSchema],
    purpose: Purpose,
) -> Compiled {
    loader.report_missing();
    if loader.incomplete {
        partial::add_findings(&loader.definitions, &mut loader.diagnostics);
        let sources = core::mem::take(&mut loader.sources);
        return finish(sources, core::mem::take(&mut loader.diagnostics));
    }
    let release_sources = loader.sources.len();
    let (mut release, mut diagnostics) = modules(loader, given, schemas, purpose);
    let order = match graph::order(&release) {
        Ok(order) => order,
        Err(found) => {
            diagnostics.extend(found);
            return finish(core::mem::take(&mut loader.sources), diagnostics);
        }
    };
    let mut sources = core::mem::take(&mut loader.sources);
    // Where there are errors already, places must stay what they are, and there will be no release.
    let at = if diagnostics.has_errors() {
        sources.len()
    } else {
        release_sources
    };
    let variables_files = sources.split_off(at);
    let mut found = Diagnostics::new();
    let read = statics::read_files(
        files,
        &order,
        &mut release,
        schemas,
        &mut sources,
        &mut found,
    );
    let mut configurations = Vec::new();
    if !found.has_errors() {
        let (wrong, tried) = trial::run(&release, &order, schemas, &read, purpose);
        found.extend(wrong);
        configurations = tried;
    }
    diagnostics.extend(found);
    if diagnostics.has_errors() {
        sources.extend(variables_files);
        return finish(sources, diagnostics);
    }
    release.sources = sources.iter().map(source_text).collect();
    release.files = read
        .iter()
        .map(|(path, content)| (path.clone(), Digest::of(content)))
        .collect();
    // Only warnings about variables files remain, and none of those has a place in one.
    sources.extend(variables_files);
    Compiled {
        release: Some(release),
        files: read,
        configurations,
        ..finish(sources, diagnostics)
    }
}

/// The blocks of all definitions with their meaning, and the values of root variables.
fn modules(
    loader: &mut Loader<'_>,
    given: &[Given],
    schemas: &[ProviderSchema],
    purpose: Purpose,
) -> (Release, Diagnostics) {
    let definitions = core::mem::take(&mut loader.definitions);
    let mut compiler = Compiler::new(&definitions, schemas);
    let mut release = Release {
        format: RELEASE_FORMAT,
        ..Release::default()
    };
    let constraints = compiler.constraints.first().cloned().unwrap_or_default();
    for index in 0..definitions.len() {
        let names = compiler.names(index);
        let module = compiler.module(index, &names);
        release.modules.push(module);
        if let (0, Some(root)) = (index, definitions.first()) {
            let found = &mut compiler.diagnostics;
            crate::delivery::compile(root, &names, &constraints, &mut release, found);
        }
        release.functions.extend(names.providers.called());
    }
    let mut diagnostics = compiler.diagnostics;
    if let Some(root) = definitions.first() {
        inputs::apply(root, &constraints, given, purpose, loader, &mut release);
    }
    diagnostics.extend(core::mem::take(&mut loader.diagnostics));
    (release, diagnostics)
}

fn source_text(source: &Source) -> SourceText {
    SourceText {
        path: source.path.clone(),
        digest: Digest::of(&source.content),
    }
}

fn finish(sources: Vec<Source>, mut diagnostics: Diagnostics) -> Compiled {
    diagnostics
        .0
        .sort_by_key(|found| found.span.map_or((1, None), |span| (0, Some(span))));
    // What several blocks have in common is wrong once.
    let mut group = 0;
    let mut unique: Vec<value::Diagnostic> = Vec::with_capacity(diagnostics.0.len());
    for found in diagnostics.0 {
        if unique.last().is_some_and(|last| last.span != found.span) {
            group = unique.len();
        }
        let same_place = unique.get(group..).unwrap_or_default();
        if !same_place.contains(&found) {
            unique.push(found);
        }
    }
    let diagnostics = Diagnostics(unique);
    Compiled {
        sources,
        diagnostics,
        ..Compiled::default()
    }
}

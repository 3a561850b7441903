//! [`LoadedRelease`]: a release with everything that belongs to it at hand, ready to be evaluated.

use crate::diag;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    Address, CheckSubject, Digest, Inputs, Key, Mode, Module, ModuleCall, ModulePath, ModuleStep,
    Release, Resource, ResourceAddress, Variable,
};
use value::{Diagnostics, Name, TextReader, Value};

/// Most module calls in one release, nested ones included.
const MODULE_CALLS_MAX: usize = 10_000;

/// A release, its digest and the files it carries.
#[derive(Debug)]
pub struct LoadedRelease {
    /// Its digest.
    pub digest: Digest,
    /// The release.
    pub release: Release,
    /// Values given to its root variables, opened where the release holds them sealed.
    pub inputs: Inputs,
    /// Content of its files, by path relative to the root module.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// What reads its templates, and texts that have the form of variables files.
    pub texts: Option<TextReader>,
    pub(crate) tree: Vec<ModuleNode>,
    /// Source addresses of providers that have a configuration somewhere.
    pub(crate) configured: BTreeSet<String>,
}

/// One place in the tree of module calls, before `count` and `for_each` are known.
#[derive(Debug)]
pub(crate) struct ModuleNode {
    /// Position in [`Release::modules`].
    pub definition: usize,
    /// The node of the caller and the name of the call; none for the root.
    pub parent: Option<(u32, Name)>,
    /// Nodes of its own calls.
    pub children: BTreeMap<Name, u32>,
}

impl LoadedRelease {
    /// Makes a release ready.
    ///
    /// # Errors
    /// When it names a module it does not hold, or has more module calls than the limit.
    pub fn new(
        digest: Digest,
        release: Release,
        files: BTreeMap<String, Arc<[u8]>>,
    ) -> Result<Self, Diagnostics> {
        let mut tree = Vec::from([ModuleNode {
            definition: 0,
            parent: None,
            children: BTreeMap::new(),
        }]);
        let mut next = 0;
        while let Some(node) = tree.get(next) {
            let Some(module) = release.modules.get(node.definition) else {
                return Err(diag::release_damaged(
                    "it calls a module that it does not hold",
                ));
            };
            for (name, call) in &module.modules {
                let child = tree.len();
                if child >= MODULE_CALLS_MAX {
                    return Err(diag::release_damaged(
                        "it has more than 10,000 module calls",
                    ));
                }
                tree.push(ModuleNode {
                    definition: call.module as usize,
                    parent: Some((next as u32, name.clone())),
                    children: BTreeMap::new(),
                });
                if let Some(node) = tree.get_mut(next) {
                    node.children.insert(name.clone(), child as u32);
                }
            }
            next += 1;
        }
        Ok(Self {
            digest,
            inputs: release.inputs.clone(),
            configured: Self::configured_in(&release),
            release,
            files,
            texts: None,
            tree,
        })
    }

    /// The definition at a node of the tree.
    pub(crate) fn module(&self, node: u32) -> &Module {
        #[expect(
            clippy::indexing_slicing,
            reason = "nodes are made by `new`, which checks them"
        )]
        &self.release.modules[self.node(node).definition]
    }

    /// The resource block of a kind and name at a node of the tree.
    pub(crate) fn resource(
        &self,
        node: u32,
        mode: Mode,
        kind: &Name,
        name: &Name,
    ) -> Option<&Resource> {
        let resources = &self.module(node).resources;
        let at = resources
            .binary_search_by(|one| (one.mode, &one.kind, &one.name).cmp(&(mode, kind, name)))
            .ok()?;
        resources.get(at)
    }

    /// The resource block that stands at an address; none when it is not written any more.
    pub(crate) fn resource_of(&self, address: &ResourceAddress) -> Option<&Resource> {
        let node = self.node_at(&address.module)?;
        self.resource(node, address.mode, &address.kind, &address.name)
    }

    /// Everything written that has conditions, without instance keys, whether it has instances or not.
    pub fn checkable(&self) -> Vec<CheckSubject> {
        let mut found = Vec::new();
        for node in 0..self.tree.len() as u32 {
            let (module, path) = (self.module(node), ModulePath(self.steps_to(node)));
            let resources = module.resources.iter().filter(|one| {
                let lifecycle = &one.lifecycle;
                !lifecycle.preconditions.is_empty() || !lifecycle.postconditions.is_empty()
            });
            found.extend(resources.map(|one| {
                CheckSubject::Resource(Address {
                    resource: ResourceAddress {
                        module: path.clone(),
                        mode: one.mode,
                        kind: one.kind.clone(),
                        name: one.name.clone(),
                    },
                    key: Key::None,
                })
            }));
            let outputs = module.outputs.iter();
            let outputs = outputs.filter(|(_, one)| !one.preconditions.is_empty());
            found.extend(outputs.map(|(name, _)| CheckSubject::Output(path.clone(), name.clone())));
            let variables = module.variables.iter();
            let variables = variables.filter(|(_, one)| !one.validations.is_empty());
            found.extend(
                variables.map(|(name, _)| CheckSubject::Variable(path.clone(), name.clone())),
            );
            let checks = module.checks.keys();
            found.extend(checks.map(|name| CheckSubject::Check(path.clone(), name.clone())));
        }
        found
    }

    /// A node of the tree.
    pub(crate) fn node(&self, node: u32) -> &ModuleNode {
        #[expect(
            clippy::indexing_slicing,
            reason = "node numbers are made by `new` only"
        )]
        &self.tree[node as usize]
    }

    /// The node that a module instance belongs to; none when its calls are not written any more.
    pub(crate) fn node_at(&self, path: &ModulePath) -> Option<u32> {
        self.node_at_steps(&path.0)
    }

    /// The same for the steps of a path.
    pub(crate) fn node_at_steps(&self, steps: &[ModuleStep]) -> Option<u32> {
        steps.iter().try_fold(0, |node, step| {
            self.node(node).children.get(&step.name).copied()
        })
    }

    /// How many calls lead to a node.
    pub(crate) fn depth(&self, node: u32) -> usize {
        self.steps_to(node).len()
    }

    /// The calls that lead to a node, without keys.
    pub(crate) fn steps_to(&self, node: u32) -> Vec<ModuleStep> {
        let mut steps = Vec::new();
        let mut at = node;
        while let Some((parent, name)) = &self.node(at).parent {
            steps.push(ModuleStep {
                name: name.clone(),
                key: Key::None,
            });
            at = *parent;
        }
        steps.reverse();
        steps
    }

    /// The call that made a node; none for the root.
    pub(crate) fn call(&self, node: u32) -> Option<(u32, &ModuleCall)> {
        let (parent, name) = self.node(node).parent.as_ref()?;
        Some((*parent, self.module(*parent).modules.get(name)?))
    }
}

/// Root variables of a release whose values are never written down.
pub fn ephemeral(release: &Release) -> impl Iterator<Item = (&Name, &Variable)> {
    let root = release.modules.first();
    let variables = root.into_iter().flat_map(|root| &root.variables);
    variables.filter(|(_, variable)| variable.ephemeral)
}

/// What is to be said where ephemeral root variables of a release have no value: they were given for one command, and
/// are needed again.
pub fn not_lent(release: &Release, inputs: &Inputs) -> Diagnostics {
    let mut found = Diagnostics::new();
    for (name, variable) in ephemeral(release) {
        if variable.default.is_none() && !inputs.contains_key(name) {
            found.push(diag::ephemeral_missing(name, variable.span));
        }
    }
    found
}

/// Releases by digest, each loaded once.
#[derive(Clone, Debug, Default)]
pub struct LoadedReleases {
    by_digest: BTreeMap<Digest, Arc<LoadedRelease>>,
    /// Ephemeral variables that nobody gives a value for are unknown, instead of missing.
    is_for_looking: bool,
}

/// Most releases kept at hand.
const RELEASES_KEPT: usize = 16;

impl LoadedReleases {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet, for whoever derives again what was decided: values of ephemeral variables are unknown.
    pub fn for_looking() -> Self {
        Self {
            is_for_looking: true,
            ..Self::default()
        }
    }

    /// The release of this digest, if it was loaded.
    pub fn get(&self, digest: &Digest) -> Option<&Arc<LoadedRelease>> {
        self.by_digest.get(digest)
    }

    /// Loads a release and the files it carries.
    ///
    /// # Errors
    /// When content is missing or is no release.
    pub fn load(
        &mut self,
        digest: &Digest,
        blobs: &dyn crate::Blobs,
    ) -> Result<Arc<LoadedRelease>, String> {
        // One with ephemeral variables is another one with other values.
        if let Some(loaded) = self.by_digest.get(digest)
            && ephemeral(&loaded.release).next().is_none()
        {
            return Ok(loaded.clone());
        }
        let bytes = blobs
            .blob(digest)
            .ok_or_else(|| format!("the release {digest} is not in the book"))?;
        let release: Release = model::decode(&bytes).map_err(|error| error.to_string())?;
        let mut files = BTreeMap::new();
        for (path, content) in &release.files {
            let bytes = blobs
                .blob(content)
                .ok_or_else(|| format!("the file {path} ({content}) is not in the book"))?;
            files.insert(path.clone(), Arc::from(bytes));
        }
        let inputs = model::encode(&release.inputs);
        let inputs = model::decode(&blobs.opened(inputs)?).map_err(|error| error.to_string())?;
        let mut loaded = LoadedRelease::new(*digest, release, files).map_err(|diagnostics| {
            diagnostics
                .iter()
                .map(|one| one.detail.clone())
                .collect::<Vec<_>>()
                .join("; ")
        })?;
        loaded.inputs = inputs;
        self.lend(&mut loaded, &blobs.lent());
        loaded.texts = blobs.texts();
        let loaded = Arc::new(loaded);
        if self.by_digest.len() >= RELEASES_KEPT {
            self.by_digest.pop_first();
        }
        self.by_digest.insert(*digest, loaded.clone());
        Ok(loaded)
    }

    /// Gives ephemeral variables the values that they have for this command. A book of an older program holds some,
    /// which count where none are given.
    fn lend(&self, loaded: &mut LoadedRelease, lent: &Inputs) {
        let missing = ephemeral(&loaded.release).filter_map(|(name, variable)| {
            let unknown = || Value::unknown(variable.ty.without_optional());
            let is_needed = variable.default.is_none() && !loaded.inputs.contains_key(name);
            let value = lent.get(name).cloned();
            let value = value.or_else(|| (self.is_for_looking && is_needed).then(unknown));
            Some((name.clone(), value?))
        });
        let missing: Inputs = missing.collect();
        loaded.inputs.extend(missing);
    }
}

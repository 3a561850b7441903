//! Configurations of providers: which one a resource belongs to, and what it comes to.
//!
//! What a module is handed wins over what it says itself, and the default configuration is that of the caller where a
//! module has none of its own.

use super::{Evaluator, Objects, Place};
use crate::LoadedRelease;
use model::{Key, ModulePath, ProviderConfig, ProviderInstance, ProviderRef};
use value::{Diagnostics, Expr, Name, Value};

/// The block that a name of a provider leads to.
pub(crate) struct Written<'a> {
    /// The node of the module that says so.
    pub node: u32,
    /// Its alias there; none for the default configuration.
    pub alias: Option<Name>,
    /// The block; none for a default configuration that nobody has written down.
    pub block: Option<&'a ProviderConfig>,
    /// The key that was named on the way, with the node in whose names it is.
    pub key: Option<(u32, &'a Expr)>,
}

impl LoadedRelease {
    /// Follows a name of a provider, as the module at `node` says it, to where it is configured.
    pub(crate) fn provider_block<'a>(
        &'a self,
        node: u32,
        reference: &'a ProviderRef,
        source: &str,
    ) -> Written<'a> {
        let mut key = reference.key.as_ref().map(|key| (node, key));
        let (mut node, mut local) = (node, reference.local.clone());
        let mut alias = reference.alias.clone();
        loop {
            // Ends at the root: each further round looks into the caller.
            let call = self.call(node);
            let handed = call.and_then(|(_, call)| {
                let mut all = call.providers.iter();
                all.find(|one| one.local == local && one.alias == alias)
            });
            if let (Some((parent, _)), Some(handed)) = (call, handed) {
                if let Some(named) = &handed.from.key {
                    key = Some((parent, named));
                }
                (local, alias) = (handed.from.local.clone(), handed.from.alias.clone());
                node = parent;
                continue;
            }
            let mut own = self.module(node).providers.iter();
            let block = own.find(|one| one.source == source && one.alias == alias);
            match (block, call) {
                (None, Some((parent, _))) if alias.is_none() => {
                    local = self.local_name(parent, source).unwrap_or(local);
                    node = parent;
                }
                (block, _) => {
                    return Written {
                        node,
                        alias,
                        block,
                        key,
                    };
                }
            }
        }
    }

    /// The module whose `provider` block a resource of a module is configured by, and the block; the root and none for
    /// a default configuration that nobody has written down. Modules are without instance keys.
    pub fn provider_of<'a>(
        &'a self,
        module: &ModulePath,
        reference: &'a ProviderRef,
        source: &str,
    ) -> (ModulePath, Option<&'a ProviderConfig>) {
        let node = self.node_at(module).unwrap_or_default();
        let written = self.provider_block(node, reference, source);
        (ModulePath(self.steps_to(written.node)), written.block)
    }

    /// What a module calls the provider of a source address.
    fn local_name(&self, node: u32, source: &str) -> Option<Name> {
        let mut required = self.module(node).required_providers.iter();
        let found = required.find(|(_, requirement)| requirement.source == source);
        found.map(|(local, _)| local.clone())
    }
}

impl Evaluator {
    /// The configuration that a resource at a place belongs to, by the name it says.
    pub(crate) fn provider_instance(
        &self,
        place: &Place,
        reference: &ProviderRef,
        source: &str,
        objects: Objects<'_>,
    ) -> Result<ProviderInstance, Diagnostics> {
        let node = self.node_of(place.module);
        let written = self.loaded.provider_block(node, reference, source);
        let key = match written.key {
            None => None,
            Some((at, expr)) => {
                let place = self.place_above(place, at);
                let value = self.evaluate(expr, &place, objects)?;
                value.as_str().map(Name::from)
            }
        };
        let depth = self.loaded.depth(written.node);
        let mut module = self.path(place.module);
        module.0.truncate(depth);
        if written.block.is_none() {
            // Nobody has written it down, so it is the same for all.
            module = ModulePath::default();
        }
        Ok(ProviderInstance {
            module,
            alias: written.alias,
            key,
        })
    }

    /// The place itself, or the call around it that stands in the module at this node.
    fn place_above(&self, place: &Place, node: u32) -> Place {
        let modules = self.modules.borrow();
        let mut at = place.clone();
        while let Some(instance) = modules.get(at.module as usize) {
            match instance.parent {
                Some(parent) if instance.node != node => {
                    at = Place {
                        module: parent,
                        key: instance.key.clone(),
                        each: instance.each.clone(),
                        this: None,
                    };
                }
                _ => break,
            }
        }
        at
    }

    /// What a configuration comes to; none where nobody has written it down.
    pub(crate) fn provider_config(
        &self,
        source: &str,
        instance: &ProviderInstance,
        objects: Objects<'_>,
    ) -> Result<Option<Value>, Diagnostics> {
        let Some(place) = self.place_in(&instance.module, objects)? else {
            return Ok(None);
        };
        let node = self.node_of(place.module);
        let mut blocks = self.loaded.module(node).providers.iter();
        let block = blocks.find(|one| one.source == source && one.alias == instance.alias);
        let Some(block) = block else {
            return Ok(None);
        };
        let place = match (&block.for_each, &instance.key) {
            (Some(for_each), Some(key)) => {
                let all = self.evaluate(for_each, &place, objects)?;
                // Of a set the key is the element.
                let each = match all.entries() {
                    Some(items) => items.get(key).cloned(),
                    None => Some(Value::string(key)),
                };
                let Some(each) = each else {
                    let what = alloc::format!("provider.{}[{key:?}]", block.local);
                    return Err(crate::diag::not_available(&what, block.span).into());
                };
                Place {
                    key: Key::Name(key.clone()),
                    each: Some(each),
                    ..place
                }
            }
            _ => place,
        };
        self.evaluate(&block.config, &place, objects).map(Some)
    }
}

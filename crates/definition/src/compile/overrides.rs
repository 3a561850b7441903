//! Override files (`override.tf`, `*_override.tf` and their JSON forms): what they say is put over the blocks of the
//! other files before any of them is given a meaning.
//!
//! A block in an override file changes the block of the same kind and labels that must be there already: its
//! arguments replace arguments, its nested blocks replace all nested blocks of their kind, and only `lifecycle` is
//! merged argument by argument. What cannot be overridden is refused, never passed over.

use super::body;
use super::load::{Definition, Loader};
use crate::diag::overrides as diag;
use crate::json;
use crate::syntax::{Block, Body, ExpressionKind};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use model::Mode;
use value::{Name, Type};

/// Whether a file with this name overrides others.
pub(super) fn is_override(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let stem = stem.strip_suffix(".tf").unwrap_or("");
    stem == "override" || stem.ends_with("_override")
}

impl Loader<'_> {
    /// Puts the blocks of one override file over what has been read.
    pub(super) fn override_with(&mut self, definition: &mut Definition, blocks: Vec<Block>) {
        let (settings, blocks): (Vec<Block>, Vec<Block>) = blocks
            .into_iter()
            .partition(|block| &*block.kind.name == "terraform");
        override_settings(&mut definition.settings, settings);
        for block in blocks {
            self.override_block(definition, block);
        }
    }

    fn override_block(&mut self, definition: &mut Definition, block: Block) {
        match &*block.kind.name {
            "variable" | "output" => {
                let kind = block.kind.name.clone();
                let Some(name) = self.only_label(&block, &kind) else {
                    return;
                };
                let declared = match &*kind {
                    "variable" => &mut definition.variables,
                    _ => &mut definition.outputs,
                };
                let base = declared.get_mut(&name);
                self.merge(base, block, &["validation", "precondition"]);
            }
            "locals" => self.override_locals(definition, block),
            "resource" => self.override_resource(definition, block, Mode::Managed),
            "data" => self.override_resource(definition, block, Mode::Data),
            "ephemeral" => self.override_resource(definition, block, Mode::Ephemeral),
            "module" => {
                if let Some(name) = self.only_label(&block, "module") {
                    let base = definition.calls.get_mut(&name).map(|call| &mut call.block);
                    self.merge(base, block, &[]);
                }
            }
            "provider" => self.override_provider(definition, block),
            "moved" | "import" | "removed" | "check" => {
                let what = alloc::format!("A block of type {}", block.kind.name);
                self.diagnostics
                    .push(diag::cannot_override(block.header, &what));
            }
            // Unknown here as everywhere.
            _ => self.module_block(definition, block),
        }
    }

    fn override_locals(&mut self, definition: &mut Definition, block: Block) {
        body::labels(&block, &[], &mut self.diagnostics);
        for attribute in block.body.attributes {
            match definition.locals.get_mut(&attribute.name.name) {
                Some(base) => *base = attribute,
                None => {
                    let what = alloc::format!("local value \"{}\"", attribute.name.name);
                    let found = diag::nothing_to_override(attribute.span(), &what);
                    self.diagnostics.push(found);
                }
            }
        }
    }

    fn override_resource(&mut self, definition: &mut Definition, block: Block, mode: Mode) {
        let labels = body::labels(&block, &["TYPE", "NAME"], &mut self.diagnostics);
        let Some([kind, name]) = labels.as_deref() else {
            return;
        };
        let key = (mode, (*kind).clone(), (*name).clone());
        self.merge(definition.resources.get_mut(&key), block, &[]);
    }

    /// Configurations of providers are the same if their names and aliases are. One without an alias is always there,
    /// even where nobody has written it down.
    fn override_provider(&mut self, definition: &mut Definition, block: Block) {
        let Some(_) = body::labels(&block, &["NAME"], &mut self.diagnostics) else {
            return;
        };
        let name = block.labels.first().map(|label| label.name.clone());
        let alias = alias(&block.body);
        let base = definition.provider_blocks.iter_mut().find(|base| {
            base.labels.first().map(|label| &label.name) == name.as_ref()
                && self::alias(&base.body) == alias
        });
        if base.is_none() && alias.is_none() {
            definition.provider_blocks.push(block);
        } else {
            self.merge(base, block, &[]);
        }
    }

    /// Puts a block over the one it overrides. Blocks of the kinds in `fixed` inside of it are refused.
    fn merge(&mut self, base: Option<&mut Block>, mut block: Block, fixed: &[&str]) {
        let Some(base) = base else {
            let labels = block.labels.iter();
            let labels: Vec<String> = labels
                .map(|label| alloc::format!(" \"{}\"", label.name))
                .collect();
            let what = alloc::format!("block {}{}", block.kind.name, labels.concat());
            let found = diag::nothing_to_override(block.header, &what);
            self.diagnostics.push(found);
            return;
        };
        self.refuse(&mut block.body, fixed);
        if let Some(at) = position(&block.body, "lifecycle")
            && position(&base.body, "lifecycle").is_some()
        {
            let mut lifecycle = block.body.blocks.remove(at);
            self.refuse(&mut lifecycle.body, &["precondition", "postcondition"]);
            if let Some(inner) = position(&base.body, "lifecycle")
                && let Some(inner) = base.body.blocks.get_mut(inner)
            {
                merge_bodies(&mut inner.body, lifecycle.body);
            }
        } else if let Some(at) = position(&block.body, "lifecycle")
            && let Some(lifecycle) = block.body.blocks.get_mut(at)
        {
            self.refuse(&mut lifecycle.body, &["precondition", "postcondition"]);
        }
        merge_bodies(&mut base.body, block.body);
    }

    /// Takes out of a body what cannot be overridden, and says so.
    fn refuse(&mut self, body: &mut Body, fixed: &[&str]) {
        body.blocks.retain(|inner| {
            let refused = fixed.contains(&&*inner.kind.name);
            if refused {
                let what = alloc::format!("A block of type {}", inner.kind.name);
                self.diagnostics
                    .push(diag::cannot_override(inner.header, &what));
            }
            !refused
        });
        body.attributes.retain(|attribute| {
            if &*attribute.name.name != "depends_on" {
                return true;
            }
            let first = match &attribute.value.kind {
                ExpressionKind::Tuple(items) => items.first().map(|item| item.span),
                _ => Some(attribute.value.span),
            };
            if let Some(span) = first {
                let found = diag::cannot_override(span, "The argument \"depends_on\"");
                self.diagnostics.push(found);
            }
            false
        });
    }
}

/// `terraform` blocks: the version that a file requires replaces all that other files required, and its backend theirs.
/// Required providers are told apart by name, the last one counts.
fn override_settings(settings: &mut Vec<Block>, blocks: Vec<Block>) {
    let has_version = blocks
        .iter()
        .any(|block| block.body.attribute("required_version").is_some());
    let is_backend = |block: &Block| matches!(&*block.kind.name, "backend" | "cloud");
    let has_backend = blocks
        .iter()
        .any(|block| block.body.blocks.iter().any(is_backend));
    let required: BTreeSet<Name> = blocks
        .iter()
        .flat_map(|block| &block.body.blocks)
        .filter(|inner| &*inner.kind.name == "required_providers")
        .flat_map(|inner| &inner.body.attributes)
        .map(|attribute| attribute.name.name.clone())
        .collect();
    for base in settings.iter_mut() {
        if has_version {
            base.body
                .attributes
                .retain(|attribute| &*attribute.name.name != "required_version");
        }
        if has_backend {
            base.body.blocks.retain(|inner| !is_backend(inner));
        }
        for inner in &mut base.body.blocks {
            if &*inner.kind.name == "required_providers" {
                inner
                    .body
                    .attributes
                    .retain(|attribute| !required.contains(&attribute.name.name));
            }
        }
    }
    let blocks = merge_required(settings, blocks);
    settings.extend(blocks);
}

/// Puts what override files require into the block that is there already, since there may only be one.
fn merge_required(settings: &mut [Block], mut blocks: Vec<Block>) -> Vec<Block> {
    let is_required = |block: &Block| &*block.kind.name == "required_providers";
    let inner = settings.iter_mut().flat_map(|block| &mut block.body.blocks);
    let Some(base) = inner.into_iter().find(|inner| is_required(inner)) else {
        return blocks;
    };
    for block in &mut blocks {
        block.body.blocks.retain_mut(|inner| {
            let required = is_required(inner);
            if required {
                base.body.attributes.append(&mut inner.body.attributes);
                base.body.blocks.append(&mut inner.body.blocks);
            }
            !required
        });
    }
    blocks
}

fn position(body: &Body, kind: &str) -> Option<usize> {
    body.blocks
        .iter()
        .position(|block| &*block.kind.name == kind)
}

fn alias(body: &Body) -> Option<Name> {
    let attribute = body.attribute("alias")?;
    // Whether it is a text at all is said where the block is compiled.
    let mut nobody = value::Diagnostics::new();
    let value = crate::lower::constant(&attribute.value, &Type::String, "", &mut nobody)?;
    value.as_str().map(Name::from)
}

/// Arguments replace arguments, and blocks all blocks of their kind, generated ones included.
fn merge_bodies(base: &mut Body, over: Body) {
    let arguments: BTreeSet<Name> = over
        .attributes
        .iter()
        .map(|attribute| attribute.name.name.clone())
        .collect();
    let mut kinds: BTreeSet<Name> = over.blocks.iter().map(generates).collect();
    // In the JSON form an argument may yet turn out to be a block.
    let undecided = over.attributes.iter().filter(|a| json::is_undecided(a));
    kinds.extend(undecided.map(|attribute| attribute.name.name.clone()));
    base.attributes.retain(|attribute| {
        let name = &attribute.name.name;
        let replaced =
            arguments.contains(name) || (json::is_undecided(attribute) && kinds.contains(name));
        !replaced
    });
    base.blocks
        .retain(|block| !kinds.contains(&generates(block)));
    base.attributes.extend(over.attributes);
    base.blocks.extend(over.blocks);
}

/// The kind of a block, or of the blocks that a `dynamic` block generates.
fn generates(block: &Block) -> Name {
    match block.labels.first() {
        Some(label) if &*block.kind.name == "dynamic" => label.name.clone(),
        _ => block.kind.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_override;

    #[test]
    fn override_files_are_known_by_their_names() {
        for name in [
            "override.tf",
            "a_override.tf",
            "override.tf.json",
            "_override.tf.json",
        ] {
            assert!(is_override(name), "{name}");
        }
        for name in [
            "main.tf",
            "overrides.tf",
            "aoverride.tf",
            "override",
            "override.json",
        ] {
            assert!(!is_override(name), "{name}");
        }
    }
}

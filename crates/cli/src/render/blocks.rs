//! Where blocks stand: what is said of an object is shown at its block, or at the argument that it is about.

use model::{Module, ModulePath, Release, Resource, ResourceAddress};
use std::collections::BTreeMap;
use value::{Diagnostic, Expr, ExprKind, Name, Span};

/// How a line of a provider's words begins that names an argument (`plugin` writes it).
const ARGUMENT: &str = "At `";

/// The blocks of a release, by their addresses without keys.
#[derive(Debug, Default)]
pub(crate) struct Blocks(BTreeMap<String, Block>);

#[derive(Debug)]
struct Block {
    header: Span,
    /// What is written for arguments.
    arguments: BTreeMap<Name, Span>,
}

impl Blocks {
    /// Those of a release.
    pub(crate) fn of(release: &Release) -> Self {
        let mut blocks = Self::default();
        if let Some(root) = release.modules.first() {
            blocks.add(release, root, "");
        }
        blocks
    }

    /// Those of a module and of what it calls; calls end, because a release has no module that calls itself.
    fn add(&mut self, release: &Release, module: &Module, prefix: &str) {
        for provider in &module.providers {
            let address = format!("{prefix}provider.{}", provider.local);
            let block = Block::new(provider.span, &provider.config);
            // The first of several is as good as any.
            self.0.entry(address).or_insert(block);
        }
        for resource in &module.resources {
            let block = Block::new(resource.span, &resource.config);
            self.0
                .insert(format!("{prefix}{}", address(resource)), block);
        }
        for (name, call) in &module.modules {
            if let Some(callee) = release.modules.get(call.module as usize) {
                self.add(release, callee, &format!("{prefix}module.{name}."));
            }
        }
    }

    /// Where that stands which a diagnostic without a place is about.
    pub(crate) fn find(&self, diagnostic: &Diagnostic) -> Option<Span> {
        let block = self.0.get(&without_keys(diagnostic.address.as_ref()?))?;
        let mut lines = diagnostic.detail.lines();
        let argument = lines.find_map(|line| {
            let path = line.strip_prefix(ARGUMENT)?;
            path.split(['.', '[', '`']).next()
        });
        let written = argument.and_then(|argument| block.arguments.get(argument));
        Some(written.copied().unwrap_or(block.header))
    }
}

impl Block {
    fn new(header: Span, config: &Expr) -> Self {
        let parts = match &config.kind {
            ExprKind::Object(parts) => parts.as_slice(),
            _ => &[],
        };
        let arguments = parts.iter().filter_map(|(key, written)| {
            let ExprKind::Literal(name) = &key.kind else {
                return None;
            };
            // What nobody has written stands where the block does.
            (written.span != config.span).then_some((name.as_str()?.into(), written.span))
        });
        Self {
            header,
            arguments: arguments.collect(),
        }
    }
}

fn address(resource: &Resource) -> ResourceAddress {
    ResourceAddress {
        module: ModulePath::default(),
        mode: resource.mode,
        kind: resource.kind.clone(),
        name: resource.name.clone(),
    }
}

/// An address without what stands in brackets, which may be any text in quotes.
fn without_keys(address: &str) -> String {
    let (mut is_key, mut is_quoted, mut is_escaped) = (false, false, false);
    let kept = address.chars().filter(|one| {
        match one {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' if is_key => is_quoted = !is_quoted,
            ']' if is_key && !is_quoted => {
                is_key = false;
                return false;
            }
            '[' => is_key = true,
            _ => {}
        }
        !is_key
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_left_out_of_addresses() {
        for (address, plain) in [
            ("a.b", "a.b"),
            ("a.b[0]", "a.b"),
            (r#"module.m["x].y\"]"].a.b["[1]"]"#, "module.m.a.b"),
            ("data.a.b[\"é\"]", "data.a.b"),
        ] {
            assert_eq!(without_keys(address), plain);
        }
    }
}

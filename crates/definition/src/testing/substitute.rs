//! Mocks, overrides and provider blocks of a run.

use super::{ProviderName, TestFile, TestRun, UnderTest};
use crate::compile::Loader;
use crate::diag::testing as diag;
use crate::syntax::{
    Attribute, Block, Body, Expression, ExpressionKind, Identifier, Part, Template,
};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Endpoint, Mock, Release, Substitutes};
use value::{Diagnostics, Name, Span};

/// What a run puts in the place of the outside: its own overrides win over those of the file.
pub(super) fn of_run(
    file: &TestFile,
    run: &TestRun,
    release: &Release,
) -> (Substitutes, Diagnostics) {
    let mut overrides = run.overrides.clone();
    for one in &file.overrides {
        if !overrides.iter().any(|known| known.target == one.target) {
            overrides.push(one.clone());
        }
    }
    let mut found = Diagnostics::new();
    for one in &overrides {
        if !is_declared(release, &one.target) {
            let name = crate::compile::endpoint_text(&one.target);
            found.push(diag::target_missing(one.span, &name));
        }
    }
    let mocks = match &run.providers {
        None => file.mocks.clone(),
        Some(pairs) => pairs
            .iter()
            .filter_map(|(inner, outer)| {
                let mock = mock_named(file, outer)?;
                Some(Mock {
                    local: inner.local.clone(),
                    alias: inner.alias.clone(),
                    ..mock.clone()
                })
            })
            .collect(),
    };
    (Substitutes { mocks, overrides }, found)
}

fn mock_named<'f>(file: &'f TestFile, name: &ProviderName) -> Option<&'f Mock> {
    let mut mocks = file.mocks.iter();
    mocks.find(|mock| mock.local == name.local && mock.alias == name.alias)
}

/// Whether there is what an override refers to, keys left aside.
fn is_declared(release: &Release, target: &Endpoint) -> bool {
    let mut module = release.modules.first();
    for step in &target.module.0 {
        let call = module.and_then(|module| module.modules.get(&step.name));
        module = call.and_then(|call| release.modules.get(call.module as usize));
    }
    let (Some(module), Some(resource)) = (module, &target.resource) else {
        return module.is_some();
    };
    let mut resources = module.resources.iter();
    resources.any(|one| {
        one.mode == resource.mode && one.kind == resource.kind && one.name == resource.name
    })
}

/// The provider blocks of a run, under the names that the module under test has for them. A mock says nothing but that
/// there is a configuration.
pub(super) fn provider_blocks(file: &TestFile, run: &TestRun) -> Result<Vec<Block>, Diagnostics> {
    let of_mock = |mock: &Mock| empty_block(&mock.local, mock.alias.as_ref(), run.span);
    let Some(pairs) = &run.providers else {
        let blocks = file.providers.iter().cloned();
        return Ok(blocks.chain(file.mocks.iter().map(of_mock)).collect());
    };
    let mut found = Diagnostics::new();
    let mut blocks = Vec::new();
    for (inner, outer) in pairs {
        let alias = inner.alias.as_ref();
        let mut written = file.providers.iter();
        let written = written.find(|block| is_named(block, &outer.local, outer.alias.as_ref()));
        if let Some(block) = written {
            let mut block = block.clone();
            rename(&mut block, &inner.local, alias);
            blocks.push(block);
        } else if mock_named(file, outer).is_some() {
            blocks.push(empty_block(&inner.local, alias, outer.span));
        } else if outer.alias.is_none() {
            // The default configuration needs no block.
            blocks.push(empty_block(&inner.local, alias, outer.span));
        } else {
            found.push(diag::no_such_provider(outer.span, &text(outer)));
        }
    }
    if found.is_empty() {
        Ok(blocks)
    } else {
        Err(found)
    }
}

fn text(name: &ProviderName) -> String {
    match &name.alias {
        Some(alias) => alloc::format!("{}.{alias}", name.local),
        None => name.local.to_string(),
    }
}

/// The alias that a provider block gives itself.
fn alias_of(block: &Block) -> Option<String> {
    let attribute = block.body.attribute("alias")?;
    match &attribute.value.kind {
        ExpressionKind::Template(template) => match template.parts.as_slice() {
            [Part::Text(text, _)] => Some(text.clone()),
            _ => None,
        },
        ExpressionKind::Literal(value) => value.as_str().map(ToString::to_string),
        _ => None,
    }
}

fn is_named(block: &Block, local: &Name, alias: Option<&Name>) -> bool {
    block
        .labels
        .first()
        .is_some_and(|label| label.name == *local)
        && alias_of(block).as_deref() == alias.map(|alias| &**alias)
}

fn rename(block: &mut Block, local: &Name, alias: Option<&Name>) {
    if let Some(label) = block.labels.first_mut() {
        label.name = local.clone();
    }
    block
        .body
        .attributes
        .retain(|one| &*one.name.name != "alias");
    let span = block.header;
    block
        .body
        .attributes
        .extend(alias.map(|alias| alias_attribute(alias, span)));
}

fn alias_attribute(alias: &Name, span: Span) -> Attribute {
    let template = Template {
        parts: Vec::from([Part::Text(alias.to_string(), span)]),
        unwraps: false,
    };
    Attribute {
        name: Identifier {
            name: Name::from("alias"),
            span,
        },
        value: Expression {
            kind: ExpressionKind::Template(Box::new(template)),
            span,
            height: 1,
        },
    }
}

fn empty_block(local: &Name, alias: Option<&Name>, span: Span) -> Block {
    let mut block = Block {
        kind: Identifier {
            name: Name::from("provider"),
            span,
        },
        labels: Vec::from([Identifier {
            name: local.clone(),
            span,
        }]),
        body: Body::empty(span),
        header: span,
    };
    rename(&mut block, local, alias);
    block
}

impl Loader<'_> {
    /// Puts the provider blocks of a test in the place of those of the root module.
    pub(crate) fn configure_for(&mut self, test: &UnderTest) {
        let Some(root) = self.definitions.first_mut() else {
            return;
        };
        for block in &test.providers {
            let Some(label) = block.labels.first() else {
                continue;
            };
            let alias = alias_of(block).map(|alias| Name::from(alias.as_str()));
            root.provider_blocks
                .retain(|own| !is_named(own, &label.name, alias.as_ref()));
            root.provider_blocks.push(block.clone());
        }
    }
}

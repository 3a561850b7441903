//! `check` blocks: assertions, and the data source that only they read.

use super::body::{self, Form};
use super::condition::Rule;
use super::load::Definition;
use super::module::Compiler;
use crate::diag::{blocks, checks as diag};
use crate::lower::{Context, Lowerer};
use crate::syntax::Block;
use alloc::vec::Vec;
use model::{Check, Mode, Module};
use value::Name;

/// The data sources in a `check` block, by what they are referred to.
pub(super) fn scoped_data(check: &Block) -> impl Iterator<Item = ((Mode, Name, Name), &Block)> {
    let data = check
        .body
        .blocks
        .iter()
        .filter(|block| &*block.kind.name == "data");
    data.filter_map(|block| match block.labels.as_slice() {
        [kind, name] => Some(((Mode::Data, kind.name.clone(), name.name.clone()), block)),
        _ => None,
    })
}

impl<'a> Compiler<'a> {
    /// The checks of a definition; their data sources go among the module's resources.
    pub(crate) fn checks<'l>(
        &mut self,
        index: usize,
        module: &mut Module,
        lowerer: &mut Lowerer<'l>,
    ) where
        'a: 'l,
    {
        let Some(definition) = self.definitions.get(index) else {
            return;
        };
        for (name, block) in &definition.checks {
            let context = lowerer.context();
            lowerer.set_context(Context {
                check: Some(name),
                ..context
            });
            let check = self.check((index, definition), block, module, lowerer);
            lowerer.set_context(context);
            module.checks.insert(name.clone(), check);
        }
    }

    fn check<'l>(
        &mut self,
        (index, definition): (usize, &Definition),
        block: &Block,
        module: &mut Module,
        lowerer: &mut Lowerer<'l>,
    ) -> Check
    where
        'a: 'l,
    {
        let form = Form {
            whose: "A check block",
            arguments: &[],
            blocks: &["data", "assert"],
        };
        let inside = &block.body;
        body::check(inside, &form, &mut self.diagnostics);
        let mut data = None;
        let blocks = inside
            .blocks
            .iter()
            .filter(|inner| &*inner.kind.name == "data");
        for inner in blocks {
            if let Some((_, first)) = &data {
                self.diagnostics
                    .push(diag::several_data_sources(inner.header, *first));
                continue;
            }
            if let Some(found) = self.data((index, definition), inner, module, lowerer) {
                data = Some((found, inner.header));
            }
        }
        let assertions = self.conditions(inside, "assert", &Rule::None, lowerer);
        if !inside
            .blocks
            .iter()
            .any(|inner| &*inner.kind.name == "assert")
        {
            self.diagnostics.push(diag::no_assertion(block.header));
        }
        Check {
            data: data.map(|(data, _)| data),
            assertions,
            span: block.header,
        }
    }

    fn data<'l>(
        &mut self,
        (index, definition): (usize, &Definition),
        block: &Block,
        module: &mut Module,
        lowerer: &mut Lowerer<'l>,
    ) -> Option<(Name, Name)>
    where
        'a: 'l,
    {
        let labels = body::labels(block, &["TYPE", "NAME"], &mut self.diagnostics)?;
        let (kind, name) = match labels.as_slice() {
            [kind, name] => ((*kind).clone(), (*name).clone()),
            _ => return None,
        };
        for label in &block.labels {
            if !value::is_identifier(&label.name) {
                self.diagnostics
                    .push(blocks::invalid_name(label.span, &label.name));
            }
        }
        let why = "a check, whose data source is read once, for it alone";
        for argument in ["count", "for_each"] {
            self.refuse_argument(&block.body, argument, why);
        }
        for inner in &block.body.blocks {
            if &*inner.kind.name == "lifecycle" {
                let found = diag::lifecycle_in_check(inner.header);
                self.diagnostics.push(found);
            }
        }
        let key = (Mode::Data, kind.clone(), name.clone());
        let others = definition.checks.values().flat_map(scoped_data);
        let outside = definition.resources.get(&key);
        let first = outside.or_else(|| {
            let mut same = others.filter(|(other, _)| *other == key);
            same.next().map(|(_, block)| block)
        });
        if let Some(first) = first
            && first.header != block.header
        {
            let what = crate::diag::references::resource_address(Mode::Data, &kind, &name);
            self.diagnostics
                .push(blocks::duplicate(block.header, &what, first.header));
            return None;
        }
        let resource = self.resource(index, (Mode::Data, &kind, &name), block, lowerer);
        let resources: Vec<_> = resource.into_iter().collect();
        module.resources.extend(resources);
        Some((kind, name))
    }
}

//! `resource`, `data` and `ephemeral` blocks: what every one of them may say (count, for_each, provider, ...); what its
//! type adds is decoded by `decode`.

use super::module::Compiler;
use super::provider::{self, FoundProvider};
use super::settings::Requirements;
use crate::diag::blocks as diag;
use crate::lower::Lowerer;
use crate::syntax::Block;
use alloc::vec::Vec;
use model::{Mode, Resource, TypeSchema};
use value::Name;

/// Arguments that every resource has.
const META_ARGUMENTS: [&str; 4] = ["count", "for_each", "depends_on", "provider"];

/// Blocks that every resource has.
const META_BLOCKS: [&str; 3] = ["lifecycle", "provisioner", "connection"];

impl<'a> Compiler<'a> {
    /// A resource, data source or ephemeral resource. None when it could not be understood, which has been reported.
    pub(crate) fn resource<'l>(
        &mut self,
        index: usize,
        (mode, kind, name): (Mode, &Name, &Name),
        block: &Block,
        lowerer: &mut Lowerer<'l>,
    ) -> Option<Resource>
    where
        'a: 'l,
    {
        let inside = &block.body;
        let nothing = Requirements::new();
        let requirements = self.requirements.get(index).unwrap_or(&nothing);
        let provider = provider::of_type(self.schemas, requirements, kind, inside);
        let schema = self.type_schema(mode, kind, &provider, block);
        let address = crate::diag::references::resource_address(mode, kind, name);
        let outer = lowerer.context();
        let (repetition, inner) = self.repetition(inside, lowerer);
        let depends_on = self.depends_on(inside, lowerer);
        lowerer.set_context(inner);
        let provider_config = self.provider_argument(index, kind, inside, lowerer);
        let of_type = schema.map(|schema| &schema.block);
        let lifecycle = self.lifecycle((mode, kind, name), inside, of_type, lowerer);
        let provisioners = match mode {
            Mode::Managed => self.provisioners(inside, &address, of_type, lowerer),
            Mode::Data | Mode::Ephemeral => {
                self.refuse_provisioners(inside, &address);
                Vec::new()
            }
        };
        let config = schema.map(|schema| {
            let is_meta_argument = |name: &str| META_ARGUMENTS.contains(&name);
            let is_meta_block = |name: &str| META_BLOCKS.contains(&name);
            let mut decoder = super::decode::Decoder {
                lowerer,
                diagnostics: &mut self.diagnostics,
                whose: &address,
                is_meta_argument: &is_meta_argument,
                is_meta_block: &is_meta_block,
            };
            decoder.object(inside, &schema.block, block.header)
        });
        lowerer.set_context(outer);
        Some(Resource {
            mode,
            kind: kind.clone(),
            name: name.clone(),
            provider: provider.source,
            provider_config,
            repetition,
            config: config?,
            depends_on,
            lifecycle,
            provisioners,
            span: block.header,
        })
    }

    fn type_schema(
        &mut self,
        mode: Mode,
        kind: &str,
        provider: &FoundProvider<'a>,
        block: &Block,
    ) -> Option<&'a TypeSchema> {
        let span = block
            .labels
            .first()
            .map_or(block.header, |label| label.span);
        let Some(schema) = provider.schema else {
            let known: Vec<&str> = self.schemas.iter().map(|s| s.source.as_str()).collect();
            let found = diag::unknown_provider(span, &provider.source, &known);
            // A slip in the first word of a type looks like another provider.
            let all: Vec<&str> = self
                .schemas
                .iter()
                .flat_map(|schema| schema.types(mode).keys())
                .map(|name| &**name)
                .collect();
            let found = match crate::suggest::did_you_mean(kind, all) {
                Some(suggestion) => found.hint(suggestion, None),
                None => found,
            };
            self.diagnostics.push(found);
            return None;
        };
        let found = schema.types(mode).get(kind);
        if found.is_none() {
            let known: Vec<&str> = schema.types(mode).keys().map(|name| &**name).collect();
            let others = [Mode::Managed, Mode::Data, Mode::Ephemeral];
            let elsewhere = others
                .into_iter()
                .find(|other| *other != mode && schema.types(*other).contains_key(kind));
            let source = &provider.source;
            let report = diag::unknown_type(span, kind, source, mode, elsewhere, &known);
            self.diagnostics.push(report);
        }
        found
    }
}

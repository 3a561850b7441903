//! `resource` and `data` blocks: what every one of them may say (count, for_each, lifecycle, ...); what its type adds
//! is decoded by `decode`.

use super::body::{self, Form};
use super::module::Compiler;
use super::provider::{self, FoundProvider};
use super::settings::Requirements;
use crate::diag::blocks as diag;
use crate::lower::{Context, Lowerer};
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use alloc::vec::Vec;
use model::{BlockSchema, Lifecycle, Mode, ProviderSchema, Resource, TypeSchema};
use value::{ExprKind, Name, Reference, Span};

/// Arguments that every resource has.
const META_ARGUMENTS: [&str; 4] = ["count", "for_each", "depends_on", "provider"];

/// Blocks that every resource has.
const META_BLOCKS: [&str; 3] = ["lifecycle", "provisioner", "connection"];

impl Compiler<'_> {
    /// A resource or data source. None when it could not be understood, which has been reported.
    pub(crate) fn resource(
        &mut self,
        index: usize,
        (mode, kind, name): (Mode, &Name, &Name),
        block: &Block,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<Resource> {
        let inside = &block.body;
        self.check_provider_argument(inside);
        let nothing = Requirements::new();
        let requirements = self.requirements.get(index).unwrap_or(&nothing);
        let provider = provider::of_type(self.schemas, requirements, kind, inside);
        let schema = self.type_schema(mode, kind, &provider, block);
        let address = crate::diag::references::resource_address(mode, kind, name);
        let outer = lowerer.context();
        let (repetition, inner) = self.repetition(inside, lowerer);
        let depends_on = self.depends_on(inside, lowerer);
        lowerer.set_context(inner);
        let lifecycle = self.lifecycle(inside, mode, schema.map(|s| &s.block), lowerer);
        for block in &inside.blocks {
            if matches!(&*block.kind.name, "provisioner" | "connection") {
                let what = alloc::format!("The block \"{}\"", block.kind.name);
                self.diagnostics.push(diag::not_yet(block.header, &what));
            }
        }
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
            provider_config: model::ProviderRef::default(),
            repetition,
            config: config?,
            depends_on,
            lifecycle,
            provisioners: Vec::new(),
            span: block.header,
        })
    }

    fn check_provider_argument(&mut self, inside: &Body) {
        let Some(attribute) = inside.attribute("provider") else {
            return;
        };
        if attribute.value.as_keyword().is_none() {
            let what = "A provider with an alias";
            self.diagnostics
                .push(diag::not_yet(attribute.value.span, what));
        }
    }

    fn type_schema<'s>(
        &mut self,
        mode: Mode,
        kind: &str,
        provider: &FoundProvider<'s>,
        block: &Block,
    ) -> Option<&'s TypeSchema>
    where
        Self: 's,
    {
        let span = block
            .labels
            .first()
            .map_or(block.header, |label| label.span);
        let types = |schema: &'s ProviderSchema| match mode {
            Mode::Managed => &schema.resources,
            Mode::Data => &schema.data,
            Mode::Ephemeral => &schema.ephemeral,
        };
        let Some(schema) = provider.schema else {
            let known: Vec<&str> = self.schemas.iter().map(|s| s.source.as_str()).collect();
            let found = diag::unknown_provider(span, &provider.source, &known);
            // A slip in the first word of a type looks like another provider.
            let all: Vec<&str> = self
                .schemas
                .iter()
                .flat_map(|schema| schema.resources.keys().chain(schema.data.keys()))
                .map(|name| &**name)
                .collect();
            let found = match crate::suggest::did_you_mean(kind, all) {
                Some(suggestion) => found.hint(suggestion, None),
                None => found,
            };
            self.diagnostics.push(found);
            return None;
        };
        let found = types(schema).get(kind);
        if found.is_none() {
            let known: Vec<&str> = types(schema).keys().map(|name| &**name).collect();
            self.diagnostics
                .push(diag::unknown_type(span, kind, &provider.source, &known));
        }
        found
    }

    fn lifecycle(
        &mut self,
        inside: &Body,
        mode: Mode,
        schema: Option<&BlockSchema>,
        lowerer: &mut Lowerer<'_>,
    ) -> Lifecycle {
        let Some(block) = body::single(inside, "lifecycle", &mut self.diagnostics) else {
            return Lifecycle::default();
        };
        let settings = &block.body;
        let arguments: &[&str] = match mode {
            Mode::Managed => &[
                "create_before_destroy",
                "prevent_destroy",
                "ignore_changes",
                "replace_triggered_by",
            ],
            Mode::Data | Mode::Ephemeral => &[],
        };
        let form = Form {
            whose: "A lifecycle block",
            arguments,
            blocks: &["precondition", "postcondition"],
        };
        body::check(settings, &form, &mut self.diagnostics);
        let (ignore_all_changes, ignore_changes) = self.ignore_changes(settings, schema);
        let prevent_destroy = settings.attribute("prevent_destroy");
        let prevent_destroy = prevent_destroy
            .map(|attribute| lowerer.converted(&attribute.value, &value::Type::Bool));
        let preconditions = self.conditions(settings, "precondition", lowerer);
        let context = lowerer.context();
        lowerer.set_context(Context {
            itself: true,
            ..context
        });
        let postconditions = self.conditions(settings, "postcondition", lowerer);
        lowerer.set_context(context);
        Lifecycle {
            create_before_destroy: body::flag(
                settings,
                "create_before_destroy",
                &mut self.diagnostics,
            ),
            prevent_destroy,
            ignore_all_changes,
            ignore_changes,
            replace_triggered_by: self.replace_triggered_by(settings, lowerer),
            preconditions,
            postconditions,
        }
    }

    /// `ignore_changes`: the word `all`, or paths of attributes relative to the resource.
    fn ignore_changes(
        &mut self,
        settings: &Body,
        schema: Option<&BlockSchema>,
    ) -> (bool, Vec<Vec<Name>>) {
        let Some(attribute) = settings.attribute("ignore_changes") else {
            return (false, Vec::new());
        };
        let value = &attribute.value;
        if value.as_keyword().is_some_and(|word| &**word == "all") {
            return (true, Vec::new());
        }
        let ExpressionKind::Tuple(items) = &value.kind else {
            let detail =
                "ignore_changes is the word all or a sequence of attributes: [tags, size].";
            self.diagnostics
                .push(diag::invalid_lifecycle(value.span, detail));
            return (false, Vec::new());
        };
        let mut paths = Vec::new();
        for item in items {
            let Some(path) = attribute_path(item) else {
                let detail = "Only attributes of this resource can stand here, without quotes, such as tags or tags[\"Name\"].";
                self.diagnostics
                    .push(diag::invalid_lifecycle(item.span, detail));
                continue;
            };
            if let (Some(schema), Some(first)) = (schema, path.first()) {
                self.check_ignored(schema, first, item.span);
            }
            paths.push(path);
        }
        (false, paths)
    }

    fn check_ignored(&mut self, schema: &BlockSchema, name: &str, span: Span) {
        if schema.attributes.contains_key(name) || schema.blocks.contains_key(name) {
            return;
        }
        let whose = "This resource";
        let found = crate::diag::references::unknown_attribute(span, whose, name, schema);
        self.diagnostics.push(found);
    }

    fn replace_triggered_by(
        &mut self,
        settings: &Body,
        lowerer: &mut Lowerer<'_>,
    ) -> Vec<value::Expr> {
        let Some(attribute) = settings.attribute("replace_triggered_by") else {
            return Vec::new();
        };
        let items = self.reference_list(&attribute.value, "replace_triggered_by");
        let mut triggers = Vec::new();
        for item in items {
            let before = lowerer.diagnostics.0.len();
            let expr = lowerer.expression(item);
            let mut managed = false;
            crate::lower::walk::references(&expr, &mut |reference, _| {
                managed |= matches!(reference, Reference::Resource(..));
            });
            let reported =
                lowerer.diagnostics.0.len() > before || matches!(expr.kind, ExprKind::Literal(_));
            if !managed && !reported {
                let detail = "Only managed resources and their attributes can trigger a replacement: [TYPE.NAME.attribute].";
                self.diagnostics
                    .push(diag::invalid_lifecycle(item.span, detail));
            }
            triggers.push(expr);
        }
        triggers
    }
}

/// `tags["Name"]` as `["tags", "Name"]`.
fn attribute_path(expression: &Expression) -> Option<Vec<Name>> {
    match &expression.kind {
        ExpressionKind::Root(name) => Some(alloc::vec![name.clone()]),
        ExpressionKind::Attribute(source, name) => {
            let mut path = attribute_path(source)?;
            path.push(name.name.clone());
            Some(path)
        }
        ExpressionKind::Index(source, key) => {
            let mut path = attribute_path(source)?;
            let mut nobody = value::Diagnostics::new();
            let key = crate::lower::constant(key, &value::Type::String, "", &mut nobody)?;
            path.push(key.as_str()?.into());
            Some(path)
        }
        _ => None,
    }
}

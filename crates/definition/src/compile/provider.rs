//! Providers: which one a local name or a resource type means, `provider` blocks, and the configurations that resources
//! and module calls name.

use super::body;
use super::load::{CallBlock, Definition};
use super::module::Compiler;
use super::settings::{Requirements, default_source};
use crate::diag::{blocks, providers as diag};
use crate::lower::{Context, Lowerer};
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use model::{PassedProvider, ProviderConfig, ProviderRef, ProviderSchema};
use value::{Name, Span, Type};

/// The provider of a resource.
pub(crate) struct FoundProvider<'a> {
    /// Its source address.
    pub(crate) source: String,
    /// What it offers, unless it is unknown.
    pub(crate) schema: Option<&'a ProviderSchema>,
}

/// The configurations of a definition, by local name and alias.
#[derive(Default)]
pub(crate) struct Configurations(BTreeMap<(Name, Option<Name>), Configuration>);

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Configuration {
    /// Whether there is one for each key.
    repeated: bool,
    /// Where it is written.
    pub(crate) span: Span,
    /// Whether callers of the module must hand it in.
    required: bool,
    /// Whether a block of the module says how it is configured.
    own: bool,
    /// Whether there is a block of the module, perhaps with nothing in it.
    declared: bool,
}

/// Names that provider blocks may have one day.
const RESERVED_ARGUMENTS: [&str; 3] = ["count", "depends_on", "source"];

/// The same of blocks.
const RESERVED_BLOCKS: [&str; 2] = ["lifecycle", "locals"];

fn is_meta_argument(name: &str) -> bool {
    matches!(name, "alias" | "version" | "for_each") || RESERVED_ARGUMENTS.contains(&name)
}

/// The provider that a local name stands for in a module with these requirements. A name that is not required means
/// the provider of that name that this program has, else one of the usual registry.
pub(crate) fn named<'a>(
    schemas: &'a [ProviderSchema],
    requirements: &Requirements,
    local: &str,
) -> FoundProvider<'a> {
    let own = |schema: &&ProviderSchema| schema.source.rsplit('/').next() == Some(local);
    let source = match requirements.get(local) {
        Some(requirement) => requirement.source.clone(),
        None => match schemas.iter().find(own) {
            Some(schema) => schema.source.clone(),
            None => default_source(local),
        },
    };
    let schema = schemas.iter().find(|schema| schema.source == source);
    FoundProvider { source, schema }
}

/// Which provider a type belongs to: the one named by `provider`, else the one that the type's name begins with.
pub(crate) fn of_type<'a>(
    schemas: &'a [ProviderSchema],
    requirements: &Requirements,
    kind: &str,
    inside: &Body,
) -> FoundProvider<'a> {
    let written = inside.attribute("provider").map(|found| &found.value);
    let unquoted = written.and_then(Expression::unquoted);
    let named_there = unquoted
        .as_ref()
        .or(written)
        .and_then(|written| configuration_name(without_key(written).0));
    let local = match named_there {
        Some((local, _)) => local,
        None => implied(kind),
    };
    named(schemas, requirements, local)
}

/// The local name that the name of a type begins with.
pub(crate) fn implied(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

/// `aws` or `aws.west`: the local name and the alias.
pub(crate) fn configuration_name(expression: &Expression) -> Option<(&Name, Option<&Name>)> {
    match &expression.kind {
        ExpressionKind::Root(local) => Some((local, None)),
        ExpressionKind::Attribute(source, alias) => Some((source.as_keyword()?, Some(&alias.name))),
        _ => None,
    }
}

/// `aws.west["x"]` as `aws.west` and the key.
fn without_key(expression: &Expression) -> (&Expression, Option<&Expression>) {
    match &expression.kind {
        ExpressionKind::Index(source, key) => (source, Some(key)),
        _ => (expression, None),
    }
}

/// Whether a block says nothing but that there is a configuration.
fn is_empty(inside: &Body) -> bool {
    let mut names = inside
        .attributes
        .iter()
        .map(|attribute| &attribute.name.name);
    inside.blocks.is_empty() && names.all(|name| &**name == "alias")
}

/// The local name of `aws.west`.
fn without_alias(expression: &Expression) -> &Expression {
    match &expression.kind {
        ExpressionKind::Attribute(source, _) => source,
        _ => expression,
    }
}

impl Configurations {
    pub(super) fn new(definition: &Definition, required: &Requirements) -> Self {
        let mut all: BTreeMap<(Name, Option<Name>), Configuration> = BTreeMap::new();
        for (local, requirement) in required {
            for alias in &requirement.aliases {
                let configuration = Configuration {
                    repeated: false,
                    span: Span::default(),
                    required: true,
                    own: false,
                    declared: false,
                };
                all.insert((local.clone(), Some(alias.clone())), configuration);
            }
        }
        for block in &definition.provider_blocks {
            let Some(label) = block.labels.first() else {
                continue;
            };
            let mut nobody = value::Diagnostics::new();
            let alias = body::text(&block.body, "alias", &mut nobody);
            let empty = is_empty(&block.body);
            let key = (label.name.clone(), alias.as_deref().map(Name::from));
            let required = all.get(&key).is_some_and(|found| found.required);
            let configuration = Configuration {
                repeated: block.body.attribute("for_each").is_some(),
                span: block.header,
                required,
                own: !empty,
                declared: true,
            };
            all.insert(key, configuration);
        }
        Self(all)
    }

    fn get(&self, local: &Name, alias: Option<&Name>) -> Option<Configuration> {
        self.0.get(&(local.clone(), alias.cloned())).copied()
    }

    /// Aliases that a caller must hand in.
    fn required(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.0.iter().filter_map(|((local, alias), found)| {
            found.required.then_some((local, alias.as_ref()?))
        })
    }

    /// The first block that configures a provider, and so cannot be repeated or made to wait.
    pub(super) fn own(&self) -> Option<Span> {
        let mut own = self.0.values().filter(|found| found.own);
        own.next().map(|found| found.span)
    }
}

impl<'a> Compiler<'a> {
    /// The `provider` blocks of a definition.
    pub(crate) fn providers<'l>(
        &mut self,
        index: usize,
        lowerer: &mut Lowerer<'l>,
    ) -> Vec<ProviderConfig>
    where
        'a: 'l,
    {
        let Some(definition) = self.definitions.get(index) else {
            return Vec::new();
        };
        let mut seen: BTreeMap<(Name, Option<Name>), Span> = BTreeMap::new();
        let mut providers = Vec::new();
        for block in &definition.provider_blocks {
            if let Some(provider) = self.provider_block(index, block, &mut seen, lowerer) {
                providers.push(provider);
            }
        }
        providers
    }

    fn provider_block(
        &mut self,
        index: usize,
        block: &Block,
        seen: &mut BTreeMap<(Name, Option<Name>), Span>,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<ProviderConfig> {
        let labels = body::labels(block, &["NAME"], &mut self.diagnostics)?;
        let local: Name = (*labels.first()?).clone();
        let lower = local.to_lowercase();
        if *lower != *local {
            self.diagnostics
                .push(diag::name_in_upper_case(block.header, &local, &lower));
            return None;
        }
        let inside = &block.body;
        self.reserved_in_provider(inside);
        let alias = self.alias(inside);
        let what = configuration_text(&local, alias.as_ref());
        let key = (local.clone(), alias.clone());
        if let Some(first) = seen.insert(key, block.header) {
            self.diagnostics
                .push(diag::configured_twice(block.header, &what, first));
            return None;
        }
        if index > 0 && is_empty(inside) {
            self.diagnostics
                .push(diag::empty_in_module(block.header, &what));
        }
        let for_each = inside.attribute("for_each");
        if let (Some(for_each), None) = (for_each, &alias) {
            self.diagnostics
                .push(diag::for_each_without_alias(for_each.name.span, &local));
        }
        let for_each = for_each.map(|attribute| lowerer.expression(&attribute.value));
        let requirements = self.requirements.get(index).cloned().unwrap_or_default();
        let provider = named(self.schemas, &requirements, &local);
        let Some(schema) = provider.schema else {
            let known: Vec<&str> = self.schemas.iter().map(|s| s.source.as_str()).collect();
            let span = block.labels.first().map_or(block.header, |l| l.span);
            self.diagnostics
                .push(blocks::unknown_provider(span, &provider.source, &known));
            return None;
        };
        let outer = lowerer.context();
        lowerer.set_context(Context {
            each: for_each.is_some(),
            ..outer
        });
        let whose = alloc::format!("provider \"{local}\"");
        let mut decoder = super::decode::Decoder {
            lowerer,
            diagnostics: &mut self.diagnostics,
            whose: &whose,
            is_meta_argument: &is_meta_argument,
            is_meta_block: &|name| RESERVED_BLOCKS.contains(&name),
        };
        let config = decoder.object(inside, &schema.provider, block.header);
        lowerer.set_context(outer);
        Some(ProviderConfig {
            local,
            source: provider.source,
            alias,
            for_each,
            config,
            span: block.header,
        })
    }

    fn reserved_in_provider(&mut self, inside: &Body) {
        for attribute in &inside.attributes {
            let name = &*attribute.name.name;
            if RESERVED_ARGUMENTS.contains(&name) {
                self.diagnostics
                    .push(diag::reserved_name(attribute.name.span, name));
            }
        }
        for inner in &inside.blocks {
            let name = &*inner.kind.name;
            if RESERVED_BLOCKS.contains(&name) {
                self.diagnostics
                    .push(diag::reserved_name(inner.header, name));
            }
        }
        if let Some(version) = inside.attribute("version") {
            body::text(inside, "version", &mut self.diagnostics);
            self.diagnostics
                .push(diag::version_in_block(version.value.span));
        }
    }

    fn alias(&mut self, inside: &Body) -> Option<Name> {
        let alias = body::text(inside, "alias", &mut self.diagnostics)?;
        if !value::is_identifier(&alias) {
            let span = inside
                .attribute("alias")
                .map_or(inside.open, |a| a.value.span);
            self.diagnostics.push(blocks::invalid_name(span, &alias));
        }
        Some(alias.as_str().into())
    }

    /// `provider = NAME.ALIAS` of a resource, or what its type implies.
    pub(crate) fn provider_argument(
        &mut self,
        index: usize,
        kind: &str,
        inside: &Body,
        lowerer: &mut Lowerer<'_>,
    ) -> ProviderRef {
        let by_type = || ProviderRef {
            local: implied(kind).into(),
            ..ProviderRef::default()
        };
        let Some(attribute) = inside.attribute("provider") else {
            return by_type();
        };
        match self.provider_reference(&attribute.value, lowerer) {
            Some(reference) => {
                self.check_configured(index, &reference, attribute.value.span);
                reference
            }
            None => by_type(),
        }
    }

    /// The name of a configuration, possibly with a key. None when it is none, which has been reported.
    fn provider_reference(
        &mut self,
        expression: &Expression,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<ProviderRef> {
        let unquoted = self.unquoted(expression);
        let expression = unquoted.as_ref().unwrap_or(expression);
        let (name, key) = without_key(expression);
        let Some((local, alias)) = configuration_name(name) else {
            if expression.kind != ExpressionKind::Invalid {
                self.diagnostics
                    .push(diag::invalid_reference(expression.span));
            }
            return None;
        };
        Some(ProviderRef {
            local: local.clone(),
            alias: alias.cloned(),
            key: key.map(|key| lowerer.converted(key, &Type::String)),
        })
    }

    /// Whether a definition has the configuration that is named in it.
    fn check_configured(&mut self, index: usize, reference: &ProviderRef, span: Span) {
        let Some(all) = self.configurations.get(index) else {
            return;
        };
        let what = configuration_text(&reference.local, reference.alias.as_ref());
        let found = all.get(&reference.local, reference.alias.as_ref());
        // Nobody calls the root and could hand anything in.
        let found = found.filter(|found| found.declared || index > 0);
        let report = match (found, &reference.alias, &reference.key) {
            // The default configuration is there even where nobody has written it down.
            (None, None, None) => return,
            (None, Some(alias), _) => {
                let known = all.0.keys().filter(|(local, _)| *local == reference.local);
                let known: Vec<String> = known
                    .map(|(local, alias)| configuration_text(local, alias.as_ref()))
                    .collect();
                diag::not_configured(span, &reference.local, alias, index > 0, &known)
            }
            (None, None, Some(_)) => diag::key_without_for_each(span, &what),
            (Some(found), _, Some(_)) if !found.repeated => diag::key_without_for_each(span, &what),
            (Some(found), _, None) if found.repeated => diag::key_missing(span, &what, found.span),
            (Some(_), _, _) => return,
        };
        self.diagnostics.push(report);
    }

    /// `providers` of a module call: what is handed in under which names.
    pub(crate) fn passed_providers(
        &mut self,
        index: usize,
        call: &CallBlock,
        target: usize,
        lowerer: &mut Lowerer<'_>,
    ) -> Vec<PassedProvider> {
        let block = &call.block;
        let mut passed: Vec<PassedProvider> = Vec::new();
        if let Some(attribute) = block.body.attribute("providers") {
            let ExpressionKind::Object(items) = &attribute.value.kind else {
                self.diagnostics
                    .push(diag::providers_object(attribute.value.start()));
                return passed;
            };
            for (key, value) in items {
                if let Some(one) = self.passed_provider(index, (key, value), &passed, lowerer) {
                    let unquoted = key.unquoted();
                    let name = without_alias(unquoted.as_ref().unwrap_or(key)).span;
                    self.check_passed(index, target, &one, name, value.span);
                    passed.push(one);
                }
            }
        }
        if let Some(callee) = self.configurations.get(target) {
            let missing = callee.required().filter(|(local, alias)| {
                !passed
                    .iter()
                    .any(|one| one.local == **local && one.alias.as_ref() == Some(*alias))
            });
            for (local, alias) in missing {
                let what = configuration_text(local, Some(alias));
                self.diagnostics
                    .push(diag::not_handed_in(block.header, &what));
            }
        }
        passed
    }

    fn passed_provider(
        &mut self,
        index: usize,
        (key, value): (&Expression, &Expression),
        passed: &[PassedProvider],
        lowerer: &mut Lowerer<'_>,
    ) -> Option<PassedProvider> {
        let unquoted = self.unquoted(key);
        let inside = unquoted.as_ref().unwrap_or(key);
        let Some((local, alias)) = configuration_name(inside) else {
            self.diagnostics.push(diag::invalid_reference(key.span));
            return None;
        };
        if passed
            .iter()
            .any(|one| one.local == *local && one.alias.as_ref() == alias)
        {
            let what = configuration_text(local, alias);
            self.diagnostics
                .push(diag::handed_in_twice(value.span, &what));
            return None;
        }
        let from = self.provider_reference(value, lowerer)?;
        self.check_configured(index, &from, value.span);
        Some(PassedProvider {
            local: local.clone(),
            alias: alias.cloned(),
            from,
        })
    }

    /// Whether the called module has the name, and means the same provider by it.
    fn check_passed(
        &mut self,
        index: usize,
        target: usize,
        one: &PassedProvider,
        key: Span,
        value: Span,
    ) {
        let nothing = Requirements::new();
        let inner = self.requirements.get(target).unwrap_or(&nothing);
        let outer = self.requirements.get(index).unwrap_or(&nothing);
        let what = configuration_text(&one.local, one.alias.as_ref());
        let configured = self.configurations.get(target);
        let configured = configured.and_then(|all| all.get(&one.local, one.alias.as_ref()));
        if let Some(found) = configured
            && found.own
        {
            self.diagnostics
                .push(diag::own_configuration(key, &what, found.span));
            return;
        }
        let used = inner.contains_key(&one.local) || self.uses_provider(target, &one.local);
        match (&one.alias, configured) {
            (Some(_), None) => {
                self.diagnostics.push(diag::alias_not_expected(key, &what));
                return;
            }
            (None, None) if !used => self.diagnostics.push(diag::not_expected(key, &what)),
            _ => {}
        }
        let inside = named(self.schemas, inner, &one.local).source;
        let outside = named(self.schemas, outer, &one.from.local).source;
        if inside != outside {
            let span = if used { value } else { key };
            self.diagnostics
                .push(diag::other_provider(span, &what, &inside, &outside));
        }
    }

    /// Whether anything in a definition belongs to the provider of this local name.
    fn uses_provider(&self, index: usize, local: &str) -> bool {
        let Some(definition) = self.definitions.get(index) else {
            return false;
        };
        let by_type = |kind: &str, block: &Block| {
            let written = block.body.attribute("provider");
            let named = written.and_then(|found| configuration_name(&found.value));
            named.map_or(implied(kind), |(local, _)| local) == local
        };
        definition
            .resources
            .iter()
            .any(|((_, kind, _), block)| by_type(kind, block))
            || definition.provider_blocks.iter().any(|block| {
                block
                    .labels
                    .first()
                    .is_some_and(|label| &*label.name == local)
            })
    }

    /// A module that configures providers itself exists exactly once, and waits for nothing: its providers are needed
    /// even for destroying it.
    pub(crate) fn check_own_configurations(&mut self, call: &CallBlock, target: usize) {
        let argument = ["count", "for_each", "depends_on"]
            .into_iter()
            .find_map(|name| call.block.body.attribute(name));
        let Some(argument) = argument else {
            return;
        };
        let place = match &argument.value.kind {
            ExpressionKind::Tuple(items) if &*argument.name.name == "depends_on" => {
                items.first().map(|item| item.span)
            }
            _ => None,
        };
        let place = place.unwrap_or(argument.value.span);
        // A definition is entered once, however many ways lead to it.
        let mut open = alloc::vec![target];
        let mut seen = alloc::collections::BTreeSet::new();
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            if let Some(own) = self.configurations.get(index).and_then(Configurations::own) {
                let report = diag::repeated_with_own(place, &argument.name.name, own);
                self.diagnostics.push(report);
                return;
            }
            if let Some(definition) = self.definitions.get(index) {
                open.extend(definition.calls.values().filter_map(|call| call.target));
            }
        }
    }
}

fn configuration_text(local: &str, alias: Option<&Name>) -> String {
    match alias {
        Some(alias) => alloc::format!("{local}.{alias}"),
        None => local.to_string(),
    }
}

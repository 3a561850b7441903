//! One directory's blocks to one [`model::Module`]: names first, then every expression against them.

use super::constraint::Constraint;
use super::load::{CallBlock, Definition};
use super::provider::{self, Configurations};
use super::settings::{self, Requirements};
use crate::diag::blocks as diag;
use crate::lower::functions::Providers;
use crate::lower::{CallNames, Context, Deprecated, Lowerer, Names, ResourceNames, Roots};
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{Local, Mode, Module, ProviderSchema, Repetition};
use value::{Diagnostics, Expr, ExprKind, Name, Span, Type};

/// Compiles the definitions of a project.
pub(crate) struct Compiler<'a> {
    pub(crate) definitions: &'a [Definition],
    pub(crate) schemas: &'a [ProviderSchema],
    /// Type constraints of every definition's variables, with their defaults.
    pub(crate) constraints: Vec<BTreeMap<Name, Constraint>>,
    /// What every definition requires of providers.
    pub(crate) requirements: Vec<Requirements>,
    /// Which configurations of providers every definition has.
    pub(crate) configurations: Vec<Configurations>,
    pub(crate) diagnostics: Diagnostics,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(definitions: &'a [Definition], schemas: &'a [ProviderSchema]) -> Self {
        let mut diagnostics = Diagnostics::new();
        let constraints = definitions
            .iter()
            .map(|definition| constraints(definition, &mut diagnostics))
            .collect();
        let requirements: Vec<Requirements> = definitions
            .iter()
            .map(|definition| settings::read(definition, &mut diagnostics))
            .collect();
        let configurations = definitions
            .iter()
            .zip(&requirements)
            .map(|(definition, required)| Configurations::new(definition, required))
            .collect();
        Self {
            definitions,
            schemas,
            constraints,
            requirements,
            configurations,
            diagnostics,
        }
    }

    /// The module at this position among the definitions.
    pub(crate) fn module(&mut self, index: usize, names: &Names<'a>) -> Module {
        let Some(definition) = self.definitions.get(index) else {
            return Module::default();
        };
        let context = Context {
            delivery: definition.has_delivery,
            ..Context::default()
        };
        let mut lowerer = Lowerer::new(Roots::Module(names), context);
        let mut module = Module {
            directory: definition.directory.clone(),
            required_providers: self.requirements.get(index).cloned().unwrap_or_default(),
            providers: self.providers(index, &mut lowerer),
            ..Module::default()
        };
        for (name, block) in &definition.variables {
            let variable = self.variable(index, name, block, &mut lowerer);
            module.variables.insert(name.clone(), variable);
        }
        for (name, attribute) in &definition.locals {
            let local = Local {
                value: lowerer.expression(&attribute.value),
                span: attribute.name.span,
            };
            module.locals.insert(name.clone(), local);
        }
        for (name, block) in &definition.outputs {
            if let Some(output) = self.output(index, block, &mut lowerer) {
                module.outputs.insert(name.clone(), output);
            }
        }
        for ((mode, kind, name), block) in &definition.resources {
            let resource = self.resource(index, (*mode, kind, name), block, &mut lowerer);
            module.resources.extend(resource);
        }
        for (name, call) in &definition.calls {
            if let Some(call) = self.call(index, name, call, &mut lowerer) {
                module.modules.insert(name.clone(), call);
            }
        }
        self.checks(index, &mut module, &mut lowerer);
        self.statements(index, &mut module, &mut lowerer);
        let key = |r: &model::Resource| (r.mode, r.kind.clone(), r.name.clone());
        module.resources.sort_by_key(key);
        self.diagnostics.extend(lowerer.diagnostics);
        module
    }

    /// What can be referred to inside a definition.
    pub(crate) fn names(&self, index: usize) -> Names<'a> {
        let Some(definition) = self.definitions.get(index) else {
            return Names::default();
        };
        let outside = definition
            .resources
            .iter()
            .map(|(key, block)| (key.clone(), block, None));
        let inside = definition.checks.iter().flat_map(|(check, block)| {
            let data = super::check::scoped_data(block);
            data.map(|(key, block)| (key, block, Some(check.clone())))
        });
        // What stands outside comes last, so that it wins over a scoped one of the same name.
        let resources = inside.chain(outside).map(|(key, block, check)| {
            let names = ResourceNames {
                repeated: is_repeated(&block.body),
                schema: self.schema_of(index, &key, block),
                check,
            };
            (key, names)
        });
        let calls = definition.calls.iter().map(|(name, call)| {
            let target = call.target.and_then(|target| self.definitions.get(target));
            let names = CallNames {
                repeated: is_repeated(&call.block.body),
                stack: call.stack,
                outputs: target.map(|target| {
                    let all = target.outputs.iter();
                    all.map(|(name, block)| {
                        let why = super::call::deprecation(&block.body);
                        let declared = block.header;
                        (name.clone(), why.map(|why| Deprecated { why, declared }))
                    })
                    .collect()
                }),
            };
            (name.clone(), names)
        });
        let services = definition
            .delivery
            .iter()
            .filter(|block| &*block.kind.name == "service");
        Names {
            variables: definition.variables.keys().cloned().collect(),
            locals: definition.locals.keys().cloned().collect(),
            resources: resources.collect(),
            calls: calls.collect(),
            services: services
                .filter_map(|block| block.labels.first())
                .map(|label| label.name.clone())
                .collect(),
            providers: Providers::new(
                self.requirements.get(index).cloned().unwrap_or_default(),
                self.schemas,
            ),
        }
    }

    fn schema_of(
        &self,
        index: usize,
        key: &(Mode, Name, Name),
        block: &Block,
    ) -> Option<&'a model::BlockSchema> {
        let (mode, kind, _) = key;
        let requirements = self.requirements.get(index)?;
        let provider = provider::of_type(self.schemas, requirements, kind, &block.body);
        let types = provider.schema?.types(*mode);
        types.get(kind).map(|schema| &schema.block)
    }

    /// `depends_on`: a sequence of references to whole objects.
    pub(crate) fn depends_on(&mut self, inside: &Body, lowerer: &mut Lowerer<'_>) -> Vec<Expr> {
        let Some(attribute) = inside.attribute("depends_on") else {
            return Vec::new();
        };
        let items = self.reference_list(&attribute.value, "depends_on");
        let mut dependencies = Vec::with_capacity(items.len());
        for item in items {
            let expr = lowerer.expression(&item);
            if let Some(span) = behind_reference(&expr) {
                let detail = "A dependency is on a whole object, not on one of its attributes. Remove what follows its name.";
                self.diagnostics
                    .push(diag::invalid_depends_on(span, detail));
            }
            dependencies.push(expr);
        }
        dependencies
    }

    /// The items of a sequence that may hold nothing but references. Quoted ones, as old versions had them, are taken
    /// with a warning.
    pub(crate) fn reference_list<'e>(
        &mut self,
        expression: &'e Expression,
        argument: &str,
    ) -> Vec<Cow<'e, Expression>> {
        let ExpressionKind::Tuple(items) = &expression.kind else {
            if expression.kind != ExpressionKind::Invalid {
                let detail =
                    alloc::format!("{argument} is a sequence of references: [TYPE.NAME, ...].");
                self.diagnostics
                    .push(diag::invalid_depends_on(expression.start(), &detail));
            }
            return Vec::new();
        };
        let mut references = Vec::new();
        for item in items {
            if is_reference(item) {
                references.push(Cow::Borrowed(item));
                continue;
            }
            if let Some(unquoted) = self.unquoted(item) {
                references.push(Cow::Owned(unquoted));
                continue;
            }
            let detail = "Only references such as TYPE.NAME can stand here.";
            self.diagnostics
                .push(diag::invalid_depends_on(item.span, detail));
        }
        references
    }

    /// The reference that a quoted text would be without its quotes, with a warning.
    pub(crate) fn unquoted(&mut self, expression: &Expression) -> Option<Expression> {
        let unquoted = expression.unquoted().filter(is_reference)?;
        self.diagnostics
            .push(diag::quoted_reference(expression.span));
        Some(unquoted)
    }

    /// `count` or `for_each`, and what exists inside the block because of it.
    pub(crate) fn repetition<'l>(
        &mut self,
        inside: &Body,
        lowerer: &mut Lowerer<'l>,
    ) -> (Repetition, Context<'l>) {
        let context = lowerer.context();
        let (count, for_each) = (inside.attribute("count"), inside.attribute("for_each"));
        match (count, for_each) {
            (None, None) => (Repetition::Once, context),
            (Some(count), None) => {
                let expr = lowerer.converted(&count.value, &Type::Number);
                let inner = Context {
                    count: true,
                    ..context
                };
                (Repetition::Count(expr), inner)
            }
            (None, Some(for_each)) => {
                let expr = lowerer.expression(&for_each.value);
                let inner = Context {
                    each: true,
                    ..context
                };
                (Repetition::ForEach(expr), inner)
            }
            (Some(count), Some(for_each)) => {
                let found = diag::count_and_for_each(for_each.name.span, count.name.span);
                self.diagnostics.push(found);
                let inner = Context {
                    count: true,
                    each: true,
                    ..context
                };
                (Repetition::Once, inner)
            }
        }
    }

    fn call(
        &mut self,
        index: usize,
        name: &str,
        call: &CallBlock,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<model::ModuleCall> {
        let target = call.target?;
        super::call::compile(self, (index, name), call, target, lowerer)
    }
}

/// Whether an expression is a name with attributes and indexes.
pub(crate) fn is_reference(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Root(_) => true,
        ExpressionKind::Attribute(source, _) | ExpressionKind::Index(source, _) => {
            is_reference(source)
        }
        _ => false,
    }
}

/// The first step behind a reference to something outside, if there is one.
fn behind_reference(expr: &Expr) -> Option<Span> {
    let mut behind = None;
    let mut at = expr;
    while let ExprKind::Attribute(source, _) | ExprKind::Index(source, _) = &at.kind {
        behind = Some(Span {
            start: source.span.end,
            ..at.span
        });
        at = source;
    }
    matches!(at.kind, ExprKind::Reference(_) | ExprKind::Instance(..))
        .then_some(behind)
        .flatten()
}

pub(crate) fn is_repeated(inside: &Body) -> bool {
    inside.attribute("count").is_some() || inside.attribute("for_each").is_some()
}

/// The type constraints of a definition's variables.
fn constraints(
    definition: &Definition,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<Name, Constraint> {
    let mut all = BTreeMap::new();
    for (name, block) in &definition.variables {
        let constraint = match block.body.attribute("type") {
            Some(attribute) => Constraint::parse(&attribute.value, diagnostics),
            None => Constraint::any(),
        };
        all.insert(name.clone(), constraint);
    }
    all
}

/// Where a definition's variable is declared.
pub(crate) fn declared_at(definition: &Definition, name: &str) -> Option<Span> {
    definition.variables.get(name).map(|block| block.header)
}

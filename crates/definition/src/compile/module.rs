//! One directory's blocks to one [`model::Module`]: names first, then every expression against them.

use super::body::{self, Form};
use super::constraint::Constraint;
use super::load::{CallBlock, Definition};
use super::provider;
use super::settings::{self, Requirements};
use crate::diag::blocks as diag;
use crate::lower::{self, CallNames, Context, Lowerer, Names, ResourceNames, Roots};
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use model::{Condition, Local, Mode, Module, Output, ProviderSchema, Repetition, Variable};
use value::{Diagnostics, Expr, Name, Span, Type, Value};

/// Compiles the definitions of a project.
pub(crate) struct Compiler<'a> {
    pub(crate) definitions: &'a [Definition],
    pub(crate) schemas: &'a [ProviderSchema],
    /// Type constraints of every definition's variables, with their defaults.
    pub(crate) constraints: Vec<BTreeMap<Name, Constraint>>,
    /// What every definition requires of providers.
    pub(crate) requirements: Vec<Requirements>,
    pub(crate) diagnostics: Diagnostics,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(definitions: &'a [Definition], schemas: &'a [ProviderSchema]) -> Self {
        let mut diagnostics = Diagnostics::new();
        let constraints = definitions
            .iter()
            .map(|definition| constraints(definition, &mut diagnostics))
            .collect();
        let requirements = definitions
            .iter()
            .map(|definition| settings::read(definition, &mut diagnostics))
            .collect();
        Self {
            definitions,
            schemas,
            constraints,
            requirements,
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
        for block in &definition.provider_blocks {
            self.provider_block(block);
        }
        self.refuse_unfinished(definition);
        let mut module = Module {
            directory: definition.directory.clone(),
            required_providers: self.requirements.get(index).cloned().unwrap_or_default(),
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
            if let Some(output) = self.output(block, &mut lowerer) {
                module.outputs.insert(name.clone(), output);
            }
        }
        for ((mode, kind, name), block) in &definition.resources {
            let resource = self.resource(index, (*mode, kind, name), block, &mut lowerer);
            module.resources.extend(resource);
        }
        for (name, call) in &definition.calls {
            if let Some(call) = self.call(name, call, &mut lowerer) {
                module.modules.insert(name.clone(), call);
            }
        }
        self.diagnostics.extend(lowerer.diagnostics);
        module
    }

    /// What can be referred to inside a definition.
    pub(crate) fn names(&self, index: usize) -> Names<'a> {
        let Some(definition) = self.definitions.get(index) else {
            return Names::default();
        };
        let resources = definition.resources.iter().map(|(key, block)| {
            let names = ResourceNames {
                repeated: is_repeated(&block.body),
                schema: self.schema_of(index, key, block),
            };
            (key.clone(), names)
        });
        let calls = definition.calls.iter().map(|(name, call)| {
            let target = call.target.and_then(|target| self.definitions.get(target));
            let names = CallNames {
                repeated: is_repeated(&call.block.body),
                stack: call.stack,
                outputs: target.map(|target| target.outputs.keys().cloned().collect()),
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
        let types = match mode {
            Mode::Managed => &provider.schema?.resources,
            Mode::Data => &provider.schema?.data,
            Mode::Ephemeral => &provider.schema?.ephemeral,
        };
        types.get(kind).map(|schema| &schema.block)
    }

    /// Blocks that are read and have no meaning yet.
    fn refuse_unfinished(&mut self, definition: &Definition) {
        let ephemeral = definition
            .resources
            .iter()
            .filter_map(|((mode, _, _), block)| (*mode == Mode::Ephemeral).then_some(block));
        let blocks = definition
            .moved
            .iter()
            .chain(&definition.imports)
            .chain(&definition.removed)
            .chain(definition.checks.values())
            .chain(ephemeral);
        for block in blocks {
            let what = alloc::format!("The block \"{}\"", block.kind.name);
            self.diagnostics.push(diag::not_yet(block.header, &what));
        }
    }

    /// The built-in providers have nothing to configure, so a block is checked and then not needed.
    fn provider_block(&mut self, block: &Block) {
        let Some(_) = body::labels(block, &["NAME"], &mut self.diagnostics) else {
            return;
        };
        for attribute in &block.body.attributes {
            let name = &*attribute.name.name;
            if matches!(name, "alias" | "for_each") {
                let what = alloc::format!("\"{name}\" in a provider block");
                self.diagnostics
                    .push(diag::not_yet(attribute.name.span, &what));
            }
        }
        let form = Form {
            whose: "The block of a provider that is built in",
            arguments: &["version", "alias", "for_each"],
            blocks: &[],
        };
        body::check(&block.body, &form, &mut self.diagnostics);
    }

    fn variable(
        &mut self,
        index: usize,
        name: &Name,
        block: &Block,
        lowerer: &mut Lowerer<'_>,
    ) -> Variable {
        let form = Form {
            whose: "A variable block",
            arguments: &[
                "type",
                "default",
                "description",
                "sensitive",
                "nullable",
                "ephemeral",
                "deprecated",
            ],
            blocks: &["validation"],
        };
        let inside = &block.body;
        body::check(inside, &form, &mut self.diagnostics);
        self.refuse_ephemeral(inside, "variable");
        let nullable = body::constant(inside, "nullable", &Type::Bool, &mut self.diagnostics)
            .and_then(|value| value.as_bool())
            .unwrap_or(true);
        let constraint = self
            .constraints
            .get(index)
            .and_then(|constraints| constraints.get(name))
            .cloned()
            .unwrap_or_else(Constraint::any);
        Variable {
            default: self.default(name, inside, &constraint, nullable),
            ty: constraint.ty,
            nullable,
            sensitive: body::flag(inside, "sensitive", &mut self.diagnostics),
            ephemeral: false,
            validations: self.conditions(inside, "validation", lowerer),
            description: self.description(inside),
            span: block.header,
        }
    }

    fn default(
        &mut self,
        name: &str,
        inside: &Body,
        constraint: &Constraint,
        nullable: bool,
    ) -> Option<Value> {
        let attribute = inside.attribute("default")?;
        let span = attribute.value.span;
        let value = body::constant(inside, "default", &Type::Any, &mut self.diagnostics)?;
        if value.is_null() && !nullable {
            let mut found = diag::invalid_default(span, name, &Diagnostics::new());
            found = found.hint("nullable = false excludes null", None);
            self.diagnostics.push(found);
            return None;
        }
        let expr = constraint.apply(lower::literal(value, span));
        match expr.evaluate(&crate::constant::Nothing) {
            Ok(value) => Some(value),
            Err(why) => {
                self.diagnostics
                    .push(diag::invalid_default(span, name, &why));
                None
            }
        }
    }

    fn output(&mut self, block: &Block, lowerer: &mut Lowerer<'_>) -> Option<Output> {
        let form = Form {
            whose: "An output block",
            arguments: &[
                "value",
                "description",
                "sensitive",
                "depends_on",
                "ephemeral",
                "deprecated",
            ],
            blocks: &["precondition"],
        };
        let inside = &block.body;
        body::check(inside, &form, &mut self.diagnostics);
        self.refuse_ephemeral(inside, "output");
        let whose = "An output block";
        let value = body::required(inside, "value", whose, block.header, &mut self.diagnostics)?;
        Some(Output {
            value: lowerer.expression(&value.value),
            sensitive: body::flag(inside, "sensitive", &mut self.diagnostics),
            ephemeral: false,
            depends_on: self.depends_on(inside, lowerer),
            preconditions: self.conditions(inside, "precondition", lowerer),
            description: self.description(inside),
            span: block.header,
        })
    }

    fn description(&mut self, inside: &Body) -> String {
        body::text(inside, "description", &mut self.diagnostics).unwrap_or_default()
    }

    /// Ephemeral values must never be stored; as long as nothing upholds that, they are refused.
    fn refuse_ephemeral(&mut self, inside: &Body, kind: &str) {
        if body::flag(inside, "ephemeral", &mut self.diagnostics) {
            let span = inside
                .attribute("ephemeral")
                .map_or(inside.span, |attribute| attribute.name.span);
            let what = alloc::format!("An ephemeral {kind}");
            self.diagnostics.push(diag::not_yet(span, &what));
        }
    }

    /// `validation`, `precondition` and `postcondition` blocks.
    pub(crate) fn conditions(
        &mut self,
        inside: &Body,
        kind: &str,
        lowerer: &mut Lowerer<'_>,
    ) -> Vec<Condition> {
        let blocks = inside
            .blocks
            .iter()
            .filter(|block| &*block.kind.name == kind);
        blocks
            .filter_map(|block| self.condition(block, lowerer))
            .collect()
    }

    fn condition(&mut self, block: &Block, lowerer: &mut Lowerer<'_>) -> Option<Condition> {
        let whose = alloc::format!("A {} block", block.kind.name);
        let form = Form {
            whose: &whose,
            arguments: &["condition", "error_message"],
            blocks: &[],
        };
        body::check(&block.body, &form, &mut self.diagnostics);
        let header = block.header;
        let mut argument =
            |name| body::required(&block.body, name, &whose, header, &mut self.diagnostics);
        let (condition, message) = (argument("condition"), argument("error_message"));
        Some(Condition {
            condition: lowerer.converted(&condition?.value, &Type::Bool),
            error_message: lowerer.converted(&message?.value, &Type::String),
            span: header,
        })
    }

    /// `depends_on`: a sequence of references.
    pub(crate) fn depends_on(&mut self, inside: &Body, lowerer: &mut Lowerer<'_>) -> Vec<Expr> {
        let Some(attribute) = inside.attribute("depends_on") else {
            return Vec::new();
        };
        let items = self.reference_list(&attribute.value, "depends_on");
        items
            .into_iter()
            .map(|item| lowerer.expression(item))
            .collect()
    }

    /// The items of a sequence that may hold nothing but references.
    pub(crate) fn reference_list<'e>(
        &mut self,
        expression: &'e Expression,
        argument: &str,
    ) -> Vec<&'e Expression> {
        let ExpressionKind::Tuple(items) = &expression.kind else {
            if expression.kind != ExpressionKind::Invalid {
                let detail =
                    alloc::format!("{argument} is a sequence of references: [TYPE.NAME, ...].");
                self.diagnostics
                    .push(diag::invalid_depends_on(expression.span, &detail));
            }
            return Vec::new();
        };
        let mut references = Vec::new();
        for item in items {
            if is_reference(item) {
                references.push(item);
                continue;
            }
            let detail = match &item.kind {
                ExpressionKind::Template(_) => "References are not quoted. Remove the quotes.",
                _ => "Only references such as TYPE.NAME can stand here.",
            };
            self.diagnostics
                .push(diag::invalid_depends_on(item.span, detail));
        }
        references
    }

    /// `count` or `for_each`, and what exists inside the block because of it.
    pub(crate) fn repetition(
        &mut self,
        inside: &Body,
        lowerer: &mut Lowerer<'_>,
    ) -> (Repetition, Context) {
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
                (Repetition::Once, context)
            }
        }
    }

    fn call(
        &mut self,
        name: &str,
        call: &CallBlock,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<model::ModuleCall> {
        let target = call.target?;
        super::call::compile(self, name, call, target, lowerer)
    }
}

/// Whether an expression is a name with attributes and indexes.
fn is_reference(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Root(_) => true,
        ExpressionKind::Attribute(source, _) | ExpressionKind::Index(source, _) => {
            is_reference(source)
        }
        _ => false,
    }
}

fn is_repeated(inside: &Body) -> bool {
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

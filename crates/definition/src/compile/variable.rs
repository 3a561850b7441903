//! `variable` and `output` blocks.

use super::body::{self, Form};
use super::condition::Rule;
use super::constraint::Constraint;
use super::module::Compiler;
use crate::diag::blocks as diag;
use crate::lower::{self, Lowerer};
use crate::syntax::{Block, Body};
use alloc::string::String;
use model::{Output, Variable};
use value::{Diagnostics, Name, Value};

impl Compiler<'_> {
    pub(crate) fn variable(
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
        body::text(inside, "deprecated", &mut self.diagnostics);
        let nullable = body::switch(inside, "nullable", &mut self.diagnostics).unwrap_or(true);
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
            ephemeral: body::flag(inside, "ephemeral", &mut self.diagnostics),
            validations: self.conditions(inside, "validation", &Rule::NamesVariable(name), lowerer),
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
        let value = lower::given(&attribute.value, "\"default\"", &mut self.diagnostics)?;
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

    pub(crate) fn output(
        &mut self,
        index: usize,
        block: &Block,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<Output> {
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
        body::text(inside, "deprecated", &mut self.diagnostics);
        let ephemeral = body::flag(inside, "ephemeral", &mut self.diagnostics);
        if ephemeral && index == 0 {
            let found = crate::diag::ephemeral::root_output(block.header);
            self.diagnostics.push(found);
        }
        let sensitive = body::flag(inside, "sensitive", &mut self.diagnostics);
        let depends_on = self.depends_on(inside, lowerer);
        let preconditions = self.conditions(inside, "precondition", &Rule::None, lowerer);
        let description = self.description(inside);
        let whose = "An output block";
        let value = body::required(inside, "value", whose, &mut self.diagnostics)?;
        Some(Output {
            value: lowerer.expression(&value.value),
            sensitive,
            ephemeral,
            depends_on,
            preconditions,
            description,
            span: block.header,
        })
    }

    fn description(&mut self, inside: &Body) -> String {
        body::text(inside, "description", &mut self.diagnostics).unwrap_or_default()
    }
}

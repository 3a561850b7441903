//! `validation`, `precondition`, `postcondition` and `assert` blocks: a condition and what is said when it does not
//! hold.

use super::body::{self, Form};
use super::module::Compiler;
use crate::diag::{blocks as diag, conditions as found};
use crate::lower::{self, Lowerer};
use crate::syntax::{Block, Body};
use alloc::vec::Vec;
use model::{Condition, Mode};
use value::{Expr, Name, Reference, Type};

/// What a condition must or must not refer to, apart from something.
pub(crate) enum Rule<'r> {
    /// Nothing more.
    None,
    /// The variable that it belongs to.
    NamesVariable(&'r Name),
    /// Not the resource that it belongs to by its name.
    NotByName(Mode, &'r Name, &'r Name),
}

impl Compiler<'_> {
    /// All blocks of a kind.
    pub(crate) fn conditions(
        &mut self,
        inside: &Body,
        kind: &str,
        rule: &Rule<'_>,
        lowerer: &mut Lowerer<'_>,
    ) -> Vec<Condition> {
        let blocks = inside
            .blocks
            .iter()
            .filter(|block| &*block.kind.name == kind);
        blocks
            .filter_map(|block| self.condition(block, rule, lowerer))
            .collect()
    }

    fn condition(
        &mut self,
        block: &Block,
        rule: &Rule<'_>,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<Condition> {
        let article = if &*block.kind.name == "assert" {
            "An"
        } else {
            "A"
        };
        let whose = alloc::format!("{article} {} block", block.kind.name);
        let form = Form {
            whose: &whose,
            arguments: &["condition", "error_message"],
            blocks: &[],
        };
        body::labels(block, &[], &mut self.diagnostics);
        body::check(&block.body, &form, &mut self.diagnostics);
        let mut argument = |name| body::required(&block.body, name, &whose, &mut self.diagnostics);
        let (condition, message) = (argument("condition"), argument("error_message"));
        let before = lowerer.diagnostics.0.len();
        let condition = condition.map(|attribute| lowerer.expression(&attribute.value));
        let message = message.map(|attribute| lowerer.converted(&attribute.value, &Type::String));
        let condition = condition?;
        // What refers to nothing that exists has been reported already.
        if lowerer.diagnostics.0.len() == before {
            self.check_rule(&condition, &block.kind.name, rule);
        }
        Some(Condition {
            condition: lower::convert(condition, &Type::Bool),
            error_message: message?,
            span: block.header,
        })
    }

    fn check_rule(&mut self, condition: &Expr, kind: &str, rule: &Rule<'_>) {
        let span = condition.span;
        if let Rule::NamesVariable(name) = rule {
            if !refers_to(condition, &Reference::Variable((*name).clone())) {
                self.diagnostics.push(found::variable_not_named(span, name));
            }
            return;
        }
        if condition.is_constant() {
            self.diagnostics.push(found::checks_nothing(span, kind));
        }
        if let Rule::NotByName(mode, of, name) = rule {
            let (of, name) = ((*of).clone(), (*name).clone());
            let address = crate::diag::references::resource_address(*mode, &of, &name);
            let own = match mode {
                Mode::Managed => Reference::Resource(of, name),
                Mode::Data => Reference::Data(of, name),
                Mode::Ephemeral => Reference::Ephemeral(of, name),
            };
            if refers_to(condition, &own) {
                self.diagnostics
                    .push(found::refers_to_itself(span, kind, &address));
            }
        }
    }

    /// The argument `name` of a block whose only meaning is in its name, refused.
    pub(crate) fn refuse_argument(&mut self, inside: &Body, name: &str, why: &str) {
        if let Some(attribute) = inside.attribute(name) {
            self.diagnostics
                .push(diag::misplaced(attribute.name.span, name, why));
        }
    }
}

fn refers_to(expr: &Expr, wanted: &Reference) -> bool {
    let mut found = false;
    lower::walk::references(expr, &mut |reference, _| found |= reference == wanted);
    found
}

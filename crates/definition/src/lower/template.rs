//! Templates to expressions: directives become conditionals and joined sequences.

use super::{Lowerer, literal};
use crate::syntax::{Part, Template, TemplateFor};
use alloc::boxed::Box;
use alloc::vec::Vec;
use value::{Expr, ExprKind, Span, Value};

impl Lowerer<'_> {
    /// A string, heredoc or template file.
    pub(crate) fn template(&mut self, template: &Template, span: Span) -> Expr {
        match template.parts.as_slice() {
            [Part::Interpolation(inner)] if template.unwraps => Expr {
                kind: ExprKind::Interpolated(Box::new(self.expression(inner))),
                span,
            },
            parts => self.parts(parts, span),
        }
    }

    fn parts(&mut self, parts: &[Part], span: Span) -> Expr {
        match parts {
            [] => literal(Value::string(""), span),
            [Part::Text(text, _)] => literal(Value::string(text), span),
            parts => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.part(part)).collect();
                let kind = ExprKind::Template(parts);
                Expr { kind, span }
            }
        }
    }

    fn part(&mut self, part: &Part) -> Expr {
        match part {
            Part::Text(text, span) => literal(Value::string(text), *span),
            // A text in quotes of its own is told from what is written between the parts.
            Part::Interpolation(inner) => match self.expression(inner) {
                text if matches!(text.kind, ExprKind::Literal(_)) => Expr {
                    span: text.span,
                    kind: ExprKind::Parenthesised(Box::new(text)),
                },
                other => other,
            },
            Part::If(parts) => Expr {
                kind: ExprKind::Conditional(
                    Box::new(self.expression(&parts.condition)),
                    Box::new(self.parts(&parts.then, parts.span)),
                    Box::new(self.parts(&parts.otherwise, parts.span)),
                ),
                span: parts.span,
            },
            Part::For(parts) => self.template_for(parts),
        }
    }

    fn template_for(&mut self, parts: &TemplateFor) -> Expr {
        let span = parts.span;
        let collection = Box::new(self.expression(&parts.collection));
        let bound = self.bind(parts.key.as_ref(), &parts.value);
        let result = Box::new(self.parts(&parts.parts, span));
        self.bindings.truncate(bound);
        let texts = ExprKind::ForTuple {
            key: parts.key.as_ref().map(|key| key.name.clone()),
            value: parts.value.name.clone(),
            collection,
            condition: None,
            result,
        };
        let arguments = alloc::vec![literal(Value::string(""), span), Expr { kind: texts, span }];
        let kind = ExprKind::Call {
            name: "join".into(),
            arguments,
            expand_last: false,
        };
        Expr { kind, span }
    }
}

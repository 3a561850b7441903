//! `environment`: where a release runs, and after which others.

use super::{Delivery, value_span};
use crate::diag::references as names;
use crate::syntax::{Block, ExpressionKind};
use alloc::collections::BTreeMap;
use model::{Environment, RolloutKind};
use value::{Expr, Name};

/// Settings of later versions.
const LATER: [&str; 7] = [
    "promote", "gates", "approval", "zones", "freeze", "preview", "policy",
];

impl Delivery<'_, '_> {
    pub(super) fn environment(&mut self, block: &Block) -> Environment {
        let inside = &block.body;
        let whose = "An environment block";
        let arguments = ["after", "variables", "rollout"];
        self.check(inside, whose, &arguments, &[], &LATER);
        Environment {
            rollout: self.environment_rollout(block),
            after: self.names(inside, "after", "environment"),
            variables: self.variables(block),
            span: block.header,
        }
    }

    /// `rollout = "rolling"`: how versions take over here, whatever the services say.
    fn environment_rollout(&mut self, block: &Block) -> Option<RolloutKind> {
        let kind = self.text(&block.body, "rollout")?;
        match kind.as_str() {
            "rolling" => Some(RolloutKind::Rolling),
            "canary" => Some(RolloutKind::Canary),
            other => {
                let detail = alloc::format!(
                    "There is no kind of rollout \"{other}\"; there are \"rolling\" and \"canary\"."
                );
                self.invalid(&block.body, "rollout", &detail);
                None
            }
        }
    }

    /// Values of root variables. Each is one expression, so that nothing but its own value is computed for it.
    fn variables(&mut self, block: &Block) -> BTreeMap<Name, Expr> {
        let mut variables = BTreeMap::new();
        let Some(attribute) = block.body.attribute("variables") else {
            return variables;
        };
        let ExpressionKind::Object(items) = &attribute.value.kind else {
            let detail =
                "\"variables\" is an object with the names of variables as keys: { name = value }.";
            self.diagnostics
                .push(crate::diag::delivery::invalid_setting(
                    value_span(&block.body, "variables"),
                    detail,
                ));
            return variables;
        };
        for (key, value) in items {
            let name = match key.as_keyword() {
                Some(name) => name.clone(),
                None => {
                    let ty = value::Type::String;
                    let what = "The name of a variable";
                    let name = crate::lower::constant(key, &ty, what, self.diagnostics);
                    match name.as_ref().and_then(|name| name.as_str()) {
                        Some(name) => name.into(),
                        None => continue,
                    }
                }
            };
            let Some(constraint) = self.constraints.get(&name) else {
                let known = self.constraints.keys().map(|name| &**name);
                self.diagnostics
                    .push(names::unknown_variable(key.span, &name, known));
                continue;
            };
            let expr = constraint.apply(self.lowerer.expression(value));
            let mut circular = None;
            crate::lower::walk::references(&expr, &mut |reference, span| {
                let outside = matches!(reference, value::Reference::EnvironmentName);
                circular = circular.or((!outside).then_some(span));
            });
            if let Some(span) = circular {
                let what = "The value of a variable in an environment";
                self.diagnostics
                    .push(crate::diag::blocks::constant_required(span, what));
                continue;
            }
            variables.insert(name, expr);
        }
        variables
    }
}

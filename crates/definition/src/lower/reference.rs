//! References: what `var.x`, `TYPE.NAME[key].attribute`, `module.m.out` and their kin mean.

use super::{Binding, Lowerer, Names, Roots, literal, unknown};
use crate::diag::references as diag;
use crate::syntax::{Expression, ExpressionKind, Identifier};
use alloc::boxed::Box;
use alloc::vec::Vec;
use model::Mode;
use value::{Expr, ExprKind, Name, Reference, Span, Value};

/// One step of a traversal, with everything from its beginning to here.
pub(super) enum Step<'e> {
    Attribute(&'e Identifier, Span),
    Index(&'e Expression, Span),
}

impl Step<'_> {
    fn span(&self) -> Span {
        match self {
            Step::Attribute(_, span) | Step::Index(_, span) => *span,
        }
    }
}

/// The meaning of the first steps, and how many they are.
type Resolved = (Expr, usize);

impl Lowerer<'_> {
    /// Attributes and indexes down to what they begin with.
    pub(super) fn traversal(&mut self, expression: &Expression) -> Expr {
        let mut steps = Vec::new();
        let mut base = expression;
        loop {
            base = match &base.kind {
                ExpressionKind::Attribute(source, name) => {
                    steps.push(Step::Attribute(name, base.span));
                    source
                }
                ExpressionKind::Index(source, key) => {
                    steps.push(Step::Index(key, base.span));
                    source
                }
                _ => break,
            };
        }
        steps.reverse();
        let (mut expr, used) = match &base.kind {
            ExpressionKind::Root(name) => self.root(name, base.span, &steps),
            _ => (self.expression(base), 0),
        };
        if let ExprKind::Instance(_, key) = &mut expr.kind {
            // Here and not where the reference is resolved, so that keys nested in keys take little of the stack.
            let written = steps.iter().take(used).find_map(|step| match step {
                Step::Index(key, _) => Some(*key),
                Step::Attribute(..) => None,
            });
            if let Some(written) = written {
                **key = self.expression(written);
            }
        }
        for step in steps.iter().skip(used) {
            let span = step.span();
            let source = Box::new(expr);
            let kind = match step {
                Step::Attribute(name, _) => ExprKind::Attribute(source, name.name.clone()),
                Step::Index(key, _) => ExprKind::Index(source, Box::new(self.expression(key))),
            };
            expr = Expr { kind, span };
        }
        expr
    }

    fn root(&mut self, name: &Name, span: Span, steps: &[Step<'_>]) -> Resolved {
        if let Some(bound) = self.bound(name, span, steps) {
            return bound;
        }
        match self.roots {
            Roots::Constant(what) => {
                let span = steps.last().map_or(span, Step::span);
                self.report(crate::diag::blocks::constant_required(span, what));
                (failed(span), steps.len())
            }
            Roots::Variables(object) => {
                let source = Expr {
                    kind: ExprKind::Iteration(object.into()),
                    span,
                };
                let kind = ExprKind::Attribute(Box::new(source), name.clone());
                (Expr { kind, span }, 0)
            }
            Roots::Module(names) => self.declared(names, name, span, steps),
        }
    }

    /// A name bound by an enclosing `for` or `dynamic`.
    fn bound(&mut self, name: &Name, span: Span, steps: &[Step<'_>]) -> Option<Resolved> {
        let found = self.bindings.iter().rev().find(|binding| match binding {
            Binding::Iteration(bound) | Binding::Dynamic(bound) => bound == name,
        })?;
        if let Binding::Iteration(_) = found {
            let kind = ExprKind::Iteration(name.clone());
            return Some((Expr { kind, span }, 0));
        }
        let part = |part: &str, span| Expr {
            kind: ExprKind::Iteration(dynamic_name(name, part)),
            span,
        };
        Some(match steps.first() {
            Some(Step::Attribute(id, span)) if matches!(&*id.name, "key" | "value") => {
                (part(&id.name, *span), 1)
            }
            _ => {
                let item = |key: &str| (literal(Value::string(key), span), part(key, span));
                let kind = ExprKind::Object(alloc::vec![item("key"), item("value")]);
                (Expr { kind, span }, 0)
            }
        })
    }

    fn declared(
        &mut self,
        names: &Names<'_>,
        root: &Name,
        span: Span,
        steps: &[Step<'_>],
    ) -> Resolved {
        match &**root {
            "var" => self.named(root, span, steps, |this, id, span| {
                if !names.variables.contains(&id.name) {
                    let known = names.variables.iter().map(|name| &**name);
                    this.report(diag::unknown_variable(span, &id.name, known));
                }
                Reference::Variable(id.name.clone())
            }),
            "local" => self.named(root, span, steps, |this, id, span| {
                if !names.locals.contains(&id.name) {
                    let known = names.locals.iter().map(|name| &**name);
                    this.report(diag::unknown_local(span, &id.name, known));
                }
                Reference::Local(id.name.clone())
            }),
            "module" => self.module(names, false, span, steps),
            "stack" if self.context.delivery => self.module(names, true, span, steps),
            "data" => match steps {
                [Step::Attribute(kind, _), rest @ ..] => {
                    self.resource(names, Mode::Data, &kind.name, span, rest, 1)
                }
                _ => self.incomplete(span, steps, "data is followed by the type and the name of a data source: data.TYPE.NAME."),
            },
            "each" | "count" | "self" => self.repetition(root, span, steps),
            "path" => self.fixed(span, steps, "path has the attributes module, root and cwd.", |name| {
                Some(match name {
                    "module" => Reference::PathModule,
                    "root" => Reference::PathRoot,
                    "cwd" => Reference::PathCwd,
                    _ => return None,
                })
            }),
            "terraform" => self.fixed(span, steps, "terraform has the attribute workspace.", |name| {
                (name == "workspace").then_some(Reference::Workspace)
            }),
            "environment" if self.context.delivery => {
                self.fixed(span, steps, "environment has the attribute name: the environment that is being deployed to. The block of an environment can only be named in after.", |name| {
                    (name == "name").then_some(Reference::EnvironmentName)
                })
            }
            "service" if self.context.delivery => self.service(names, span, steps),
            _ => self.resource(names, Mode::Managed, root, span, steps, 0),
        }
    }

    /// `root.NAME`.
    fn named(
        &mut self,
        root: &str,
        span: Span,
        steps: &[Step<'_>],
        make: impl FnOnce(&mut Self, &Identifier, Span) -> Reference,
    ) -> Resolved {
        match steps {
            [Step::Attribute(id, span), ..] => (reference(make(self, id, *span), *span), 1),
            _ => {
                let detail = alloc::format!("{root} is followed by a dot and a name: {root}.NAME.");
                self.incomplete(span, steps, &detail)
            }
        }
    }

    /// A root with fixed attributes.
    fn fixed(
        &mut self,
        span: Span,
        steps: &[Step<'_>],
        detail: &str,
        of: impl FnOnce(&str) -> Option<Reference>,
    ) -> Resolved {
        if let [Step::Attribute(id, span), ..] = steps
            && let Some(found) = of(&id.name)
        {
            return (reference(found, *span), 1);
        }
        self.incomplete(span, steps, detail)
    }

    fn incomplete(&mut self, span: Span, steps: &[Step<'_>], detail: &str) -> Resolved {
        let span = steps.first().map_or(span, Step::span);
        self.report(diag::invalid_reference(span, detail));
        (failed(span), steps.len())
    }

    fn repetition(&mut self, root: &str, span: Span, steps: &[Step<'_>]) -> Resolved {
        let allowed = match root {
            "each" => self.context.each,
            "count" => self.context.count,
            _ => self.context.itself,
        };
        if !allowed {
            let span = steps.first().map_or(span, Step::span);
            self.report(diag::no_repetition(span, root));
            return (failed(span), steps.len());
        }
        match root {
            "each" => self.fixed(
                span,
                steps,
                "each has the attributes key and value.",
                |name| {
                    Some(match name {
                        "key" => Reference::EachKey,
                        "value" => Reference::EachValue,
                        _ => return None,
                    })
                },
            ),
            "count" => self.fixed(span, steps, "count has the attribute index.", |name| {
                (name == "index").then_some(Reference::CountIndex)
            }),
            _ => (reference(Reference::SelfObject, span), 0),
        }
    }

    fn service(&mut self, names: &Names<'_>, span: Span, steps: &[Step<'_>]) -> Resolved {
        let [Step::Attribute(id, _), Step::Attribute(port, span), ..] = steps else {
            return self.incomplete(
                span,
                steps,
                "Of a service only its port can be used: service.NAME.port.",
            );
        };
        if &*port.name != "port" {
            return self.incomplete(
                *span,
                &[],
                "Of a service only its port can be used: service.NAME.port.",
            );
        }
        if !names.services.contains(&id.name) {
            let known = names.services.iter().map(|name| &**name);
            let found = crate::diag::delivery::unknown_name(id.span, "service", &id.name, known);
            self.report(found);
        }
        (reference(Reference::ServicePort(id.name.clone()), *span), 2)
    }

    /// `module.NAME`, `module.NAME.OUTPUT`, `module.NAME[key].OUTPUT`, and the same of a stack.
    fn module(
        &mut self,
        names: &Names<'_>,
        stack: bool,
        span: Span,
        steps: &[Step<'_>],
    ) -> Resolved {
        let root = if stack { "stack" } else { "module" };
        let [Step::Attribute(id, span), rest @ ..] = steps else {
            let detail =
                alloc::format!("{root} is followed by the name of a {root} block: {root}.NAME.");
            return self.incomplete(span, steps, &detail);
        };
        let name = id.name.clone();
        let Some(call) = names.calls.get(&name).filter(|call| call.stack == stack) else {
            let known = names.calls.iter().filter(|(_, call)| call.stack == stack);
            let known = known.map(|(name, _)| &**name);
            self.report(diag::unknown_module(*span, root, &name, known));
            return (failed(*span), steps.len());
        };
        match (rest, call.repeated) {
            ([Step::Attribute(output, span), ..], false) => {
                self.check_output(call, root, &name, output);
                let found = Reference::ModuleOutput(name, output.name.clone());
                (reference(found, *span), 2)
            }
            ([Step::Index(_, span), rest @ ..], true) => {
                let (found, span, used) = match rest {
                    [Step::Attribute(output, span), ..] => {
                        self.check_output(call, root, &name, output);
                        (Reference::ModuleOutput(name, output.name.clone()), *span, 3)
                    }
                    _ => (Reference::Module(name), *span, 2),
                };
                (instance(found, span), used)
            }
            ([Step::Index(_, span), ..], false) => {
                let what = alloc::format!("{root}.{name}");
                self.report(diag::unexpected_key(*span, &what));
                (failed(*span), steps.len())
            }
            ([Step::Attribute(_, span), ..], true) => {
                let what = alloc::format!("{root}.{name}");
                self.report(diag::missing_key(*span, &what));
                (failed(*span), steps.len())
            }
            ([], _) => (reference(Reference::Module(name), *span), 1),
        }
    }

    fn check_output(&mut self, call: &super::CallNames, root: &str, name: &str, id: &Identifier) {
        let Some(outputs) = &call.outputs else {
            return;
        };
        if !outputs.contains(&id.name) {
            let what = alloc::format!("{root}.{name}");
            let known = outputs.iter().map(|name| &**name);
            let found = diag::unknown_output(id.span, &what, &id.name, known);
            self.report(found);
        }
    }

    /// `TYPE.NAME` and what follows. `before` counts the steps in front of `steps`.
    fn resource(
        &mut self,
        names: &Names<'_>,
        mode: Mode,
        kind: &Name,
        span: Span,
        steps: &[Step<'_>],
        before: usize,
    ) -> Resolved {
        let all = before + steps.len();
        let [Step::Attribute(id, span), rest @ ..] = steps else {
            let found = diag::bare_name(span, kind, names);
            self.report(found);
            return (failed(span), all);
        };
        let Some(resource) = names.resources.get(&(mode, kind.clone(), id.name.clone())) else {
            self.report(diag::unknown_resource(*span, mode, kind, &id.name, names));
            return (failed(*span), all);
        };
        let found = match mode {
            Mode::Managed => Reference::Resource(kind.clone(), id.name.clone()),
            Mode::Data => Reference::Data(kind.clone(), id.name.clone()),
            Mode::Ephemeral => Reference::Ephemeral(kind.clone(), id.name.clone()),
        };
        let what = || diag::resource_address(mode, kind, &id.name);
        let (expr, used) = match (rest.first(), resource.repeated) {
            (Some(Step::Index(_, span)), true) => (instance(found, *span), 2),
            (Some(Step::Index(_, span)), false) => {
                self.report(diag::unexpected_key(*span, &what()));
                return (failed(*span), all);
            }
            (Some(Step::Attribute(_, span)), true) => {
                self.report(diag::missing_key(*span, &what()));
                return (failed(*span), all);
            }
            _ => (reference(found, *span), 1),
        };
        let attribute = steps.get(used);
        if let (Some(Step::Attribute(id, _)), Some(schema)) = (attribute, resource.schema) {
            let known =
                schema.attributes.contains_key(&id.name) || schema.blocks.contains_key(&id.name);
            if !known {
                self.report(diag::unknown_attribute(id.span, &what(), &id.name, schema));
            }
        }
        (expr, before + used)
    }
}

/// The iteration variable that holds one part of the iterator of a `dynamic` block. No identifier contains a dot, so
/// it can be confused with nothing.
pub(crate) fn dynamic_name(iterator: &str, part: &str) -> Name {
    alloc::format!("{iterator}.{part}").as_str().into()
}

fn reference(reference: Reference, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Reference(reference),
        span,
    }
}

/// One instance; [`Lowerer::traversal`] puts the key in.
fn instance(reference: Reference, span: Span) -> Expr {
    let key = Box::new(failed(span));
    Expr {
        kind: ExprKind::Instance(reference, key),
        span,
    }
}

fn failed(span: Span) -> Expr {
    Expr {
        kind: unknown(),
        span,
    }
}

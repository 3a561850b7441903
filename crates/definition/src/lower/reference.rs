//! References: what `var.x`, `TYPE.NAME[key].attribute`, `module.m.out` and their kin mean.

use super::{Binding, Lowerer, Names, Roots, TestNames, literal, unknown};
use crate::diag::{blocks, references as diag, testing};
use crate::syntax::{Expression, ExpressionKind, Identifier};
use alloc::boxed::Box;
use alloc::vec::Vec;
use model::Mode;
use value::{Expr, ExprKind, Name, Reference, Span, Value};

/// One step of a traversal.
pub(super) struct Step<'e> {
    pub(super) kind: StepKind<'e>,
    /// Everything from the beginning of the traversal to here.
    pub(super) whole: Span,
    /// The step alone, with its dot or brackets.
    pub(super) own: Span,
}

/// What a step does.
#[derive(Clone, Copy)]
pub(super) enum StepKind<'e> {
    Attribute(&'e Identifier),
    Index(&'e Expression),
}

/// The meaning of the first steps, and how many they are.
type Resolved = (Expr, usize);

impl<'e> Step<'e> {
    fn attribute(&self) -> Option<&'e Identifier> {
        match self.kind {
            StepKind::Attribute(name) => Some(name),
            StepKind::Index(_) => None,
        }
    }
}

/// `path.cwd`: what `abspath` makes of the root module's directory, which a release carries like a file; where nobody
/// knows that, the directory as everything else names it.
fn working_directory(span: Span) -> Expr {
    let here = || literal(Value::string("."), span);
    let call = |name: &str, arguments| Expr {
        kind: ExprKind::Call {
            name: name.into(),
            arguments,
            expand_last: false,
        },
        span,
    };
    let absolute = call("abspath", alloc::vec![here()]);
    call("try", alloc::vec![absolute, here()])
}

/// The base of a traversal, and its steps in the order written.
pub(super) fn steps(expression: &Expression) -> (&Expression, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut base = expression;
    loop {
        let (source, kind) = match &base.kind {
            ExpressionKind::Attribute(source, name) => (source, StepKind::Attribute(name)),
            ExpressionKind::Index(source, key) => (source, StepKind::Index(key)),
            _ => break,
        };
        let own = Span {
            start: source.span.end,
            ..base.span
        };
        steps.push(Step {
            kind,
            whole: base.span,
            own,
        });
        base = source;
    }
    steps.reverse();
    (base, steps)
}

/// The steps of a path whose root is an attribute.
pub(super) fn relative<'e>(root: &'e Identifier, steps: Vec<Step<'e>>) -> Vec<Step<'e>> {
    let first = Step {
        kind: StepKind::Attribute(root),
        whole: root.span,
        own: root.span,
    };
    core::iter::once(first).chain(steps).collect()
}

impl Lowerer<'_> {
    /// Attributes and indexes down to what they begin with.
    pub(super) fn traversal(&mut self, expression: &Expression) -> Expr {
        let (base, steps) = steps(expression);
        let (mut expr, used) = match &base.kind {
            ExpressionKind::Root(name) => self.root(name, base.span, &steps),
            _ => (self.expression(base), 0),
        };
        if let ExprKind::Instance(_, key) = &mut expr.kind {
            // Here and not where the reference is resolved, so that keys nested in keys take little of the stack.
            let written = steps.iter().take(used).find_map(|step| match step.kind {
                StepKind::Index(key) => Some(key),
                StepKind::Attribute(_) => None,
            });
            if let Some(written) = written {
                **key = self.expression(written);
            }
        }
        for step in steps.iter().skip(used) {
            let source = Box::new(expr);
            let kind = match step.kind {
                StepKind::Attribute(name) => ExprKind::Attribute(source, name.name.clone()),
                StepKind::Index(key) => ExprKind::Index(source, Box::new(self.expression(key))),
            };
            expr = Expr {
                kind,
                span: step.whole,
            };
        }
        expr
    }

    fn root(&mut self, name: &Name, span: Span, steps: &[Step<'_>]) -> Resolved {
        if let Some(bound) = self.bound(name, span, steps) {
            return bound;
        }
        match self.roots {
            Roots::Constant(what) => {
                self.report(blocks::constant_required(span, what));
                (failed(span), steps.len())
            }
            Roots::Variables(object) => (variable_of(object, name, span), 0),
            Roots::Template(_) => {
                let object = value::functions::TEMPLATE_VARIABLES;
                (variable_of(object, name, span), 0)
            }
            Roots::Module(names) => self.declared(names, name, span, steps),
            Roots::Test(names) => self.tested(names, name, span, steps),
        }
    }

    /// A name in a test file.
    fn tested(
        &mut self,
        names: &TestNames<'_>,
        root: &Name,
        span: Span,
        steps: &[Step<'_>],
    ) -> Resolved {
        let first = steps.first();
        let first = first.and_then(|step| Some((step.attribute()?, step.whole)));
        match (&**root, first, names.module) {
            ("run", Some((id, whole)), _) if names.runs.is_some() => {
                let runs = names.runs.iter().flatten();
                match runs.clone().find(|(name, _)| **name == id.name) {
                    Some((_, true)) => return (known_to_test(root, id, whole), 1),
                    Some(_) => self.report(testing::run_not_before(whole, &id.name)),
                    None => {
                        let known = runs.map(|(name, _)| &**name);
                        self.report(testing::run_unknown(whole, &id.name, known));
                    }
                }
            }
            ("var", Some((id, whole)), _) if names.variables.contains(&id.name) => {
                return (known_to_test(root, id, whole), 1);
            }
            ("var", Some((id, whole)), None) => {
                let of_run = names.runs.is_some();
                self.report(testing::variable_not_available(whole, &id.name, of_run));
            }
            ("output", Some((id, whole)), Some(_)) if names.outputs.is_some() => {
                let outputs = names.outputs.iter().flatten();
                if outputs.clone().any(|name| *name == id.name) {
                    return (known_to_test(root, id, whole), 1);
                }
                let known = outputs.map(|name| &**name);
                self.report(testing::unknown_output(whole, &id.name, known));
            }
            ("run" | "output", None, _) => {
                let detail = alloc::format!("{root} is followed by a dot and a name: {root}.NAME.");
                return self.incomplete(span, steps, &detail);
            }
            (_, _, Some(declared)) => return self.declared(declared, root, span, steps),
            _ => self.report(testing::only_values(
                steps.last().map_or(span, |step| step.whole),
            )),
        }
        (failed(span), steps.len())
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
        let first = steps
            .first()
            .and_then(|step| Some((step.attribute()?, step)));
        Some(match first {
            Some((id, step)) if matches!(&*id.name, "key" | "value") => {
                (part(&id.name, step.whole), 1)
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
            "data" => self.typed(names, Mode::Data, root, span, steps),
            "ephemeral" => self.typed(names, Mode::Ephemeral, root, span, steps),
            // The long form of a reference to a managed resource.
            "resource" => self.typed(names, Mode::Managed, root, span, steps),
            "each" | "count" | "self" => self.repetition(root, span, steps),
            "path" => match steps.first().map(|step| (step.attribute(), step.whole)) {
                Some((Some(id), whole)) if &*id.name == "cwd" => (working_directory(whole), 1),
                _ => self.fixed(span, steps, &PATH, |name| {
                    Some(match name {
                        "module" => Reference::PathModule,
                        "root" => Reference::PathRoot,
                        _ => return None,
                    })
                }),
            },
            "terraform" => self.terraform(span, steps),
            "environment" if self.context.delivery => {
                self.fixed(span, steps, &ENVIRONMENT, |name| {
                    (name == "name").then_some(Reference::EnvironmentName)
                })
            }
            "service" if self.context.delivery => self.service(names, span, steps),
            "template" | "lazy" | "arg" => {
                self.report(diag::reserved_root(span, root));
                (failed(span), steps.len())
            }
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
        match steps.first().map(|step| (step.attribute(), step.whole)) {
            Some((Some(id), span)) => (reference(make(self, id, span), span), 1),
            _ => {
                let detail = alloc::format!("{root} is followed by a dot and a name: {root}.NAME.");
                self.incomplete(span, steps, &detail)
            }
        }
    }

    /// `data.TYPE.NAME` and its kin.
    fn typed(
        &mut self,
        names: &Names<'_>,
        mode: Mode,
        root: &str,
        span: Span,
        steps: &[Step<'_>],
    ) -> Resolved {
        if let Some((first, rest)) = steps.split_first()
            && let Some(kind) = first.attribute()
        {
            let whole = first.whole;
            return self.resource(names, mode, &kind.name, whole, rest, 1);
        }
        let detail = alloc::format!(
            "{root} is followed by the type and the name of a block: {root}.TYPE.NAME."
        );
        self.incomplete(span, steps, &detail)
    }

    /// A root with fixed attributes.
    fn fixed(
        &mut self,
        span: Span,
        steps: &[Step<'_>],
        form: &Fixed,
        of: impl FnOnce(&str) -> Option<Reference>,
    ) -> Resolved {
        let Some((id, whole)) = steps
            .first()
            .and_then(|step| Some((step.attribute()?, step.whole)))
        else {
            return self.incomplete(span, steps, form.detail);
        };
        if let Some(found) = of(&id.name) {
            return (reference(found, whole), 1);
        }
        self.report(diag::unknown_fixed(
            whole,
            form.detail,
            &id.name,
            form.attributes,
        ));
        (failed(whole), steps.len())
    }

    fn terraform(&mut self, span: Span, steps: &[Step<'_>]) -> Resolved {
        self.fixed(span, steps, &TERRAFORM, |name| match name {
            "workspace" => Some(Reference::Workspace),
            "applying" => Some(Reference::Applying),
            _ => None,
        })
    }

    fn incomplete(&mut self, span: Span, steps: &[Step<'_>], detail: &str) -> Resolved {
        let span = steps.first().map_or(span, |step| step.own);
        self.report(diag::invalid_reference(span, detail));
        (failed(span), steps.len())
    }

    fn repetition(&mut self, root: &str, span: Span, steps: &[Step<'_>]) -> Resolved {
        let context = &self.context;
        let allowed = match root {
            "each" => context.each,
            "count" => context.count,
            _ => context.itself,
        };
        if !allowed {
            let span = match root {
                "self" => span,
                _ => steps.first().map_or(span, |step| step.whole),
            };
            self.report(diag::no_repetition(span, root, context));
            return (failed(span), steps.len());
        }
        match root {
            "each" => self.fixed(span, steps, &EACH, |name| {
                Some(match name {
                    "key" => Reference::EachKey,
                    "value" => Reference::EachValue,
                    _ => return None,
                })
            }),
            "count" => self.fixed(span, steps, &COUNT, |name| {
                (name == "index").then_some(Reference::CountIndex)
            }),
            _ => {
                if let Some(schema) = self.context.self_schema {
                    self.check_path("self", schema, steps);
                }
                (reference(Reference::SelfObject, span), 0)
            }
        }
    }

    fn service(&mut self, names: &Names<'_>, span: Span, steps: &[Step<'_>]) -> Resolved {
        let detail = "Of a service only its port can be used: service.NAME.port.";
        let [first, second, ..] = steps else {
            return self.incomplete(span, steps, detail);
        };
        let (Some(id), Some(port)) = (first.attribute(), second.attribute()) else {
            return self.incomplete(span, steps, detail);
        };
        if &*port.name != "port" {
            return self.incomplete(second.whole, &[], detail);
        }
        if !names.services.contains(&id.name) {
            let known = names.services.iter().map(|name| &**name);
            let found = crate::diag::delivery::unknown_name(id.span, "service", &id.name, known);
            self.report(found);
        }
        let found = Reference::ServicePort(id.name.clone());
        (reference(found, second.whole), 2)
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
        let Some((id, whole)) = steps
            .first()
            .and_then(|step| Some((step.attribute()?, step.whole)))
        else {
            let detail =
                alloc::format!("{root} is followed by the name of a {root} block: {root}.NAME.");
            return self.incomplete(span, steps, &detail);
        };
        let rest = steps.get(1..).unwrap_or_default();
        let name = id.name.clone();
        let Some(call) = names.calls.get(&name).filter(|call| call.stack == stack) else {
            // What is missing has been named in full: the module and the output that was wanted.
            let known = names.calls.iter().filter(|(_, call)| call.stack == stack);
            let known = known.map(|(name, _)| &**name);
            let span = rest.first().map_or(whole, |step| match step.kind {
                StepKind::Attribute(_) => step.whole,
                StepKind::Index(_) => whole,
            });
            self.report(diag::unknown_module(span, root, &name, known));
            return (failed(span), steps.len());
        };
        let what = || alloc::format!("{root}.{name}");
        let Some(next) = rest.first() else {
            return (reference(Reference::Module(name), whole), 1);
        };
        match (next.kind, call.repeated) {
            (StepKind::Attribute(output), false) => {
                if !self.has_output(call, &what(), output, next.own) {
                    return (reference(Reference::Module(name), whole), 1);
                }
                let found = Reference::ModuleOutput(name, output.name.clone());
                (reference(found, next.whole), 2)
            }
            (StepKind::Index(_), true) => match rest.get(1) {
                Some(Step {
                    kind: StepKind::Attribute(output),
                    whole,
                    own,
                }) => {
                    if !self.has_output(call, &what(), output, *own) {
                        return (instance(Reference::Module(name), next.whole), 2);
                    }
                    let found = Reference::ModuleOutput(name, output.name.clone());
                    (instance(found, *whole), 3)
                }
                _ => (instance(Reference::Module(name), next.whole), 2),
            },
            (StepKind::Index(_), false) => {
                self.report(diag::unexpected_key(next.own, &what()));
                (failed(next.whole), steps.len())
            }
            (StepKind::Attribute(_), true) => {
                self.report(diag::missing_key(next.own, &what()));
                (failed(next.whole), steps.len())
            }
        }
    }

    /// Whether a module has the output that is read of it. A module that could not be read has every one.
    fn has_output(
        &mut self,
        call: &super::CallNames,
        what: &str,
        output: &Identifier,
        span: Span,
    ) -> bool {
        let Some(outputs) = &call.outputs else {
            return true;
        };
        match outputs.get(&output.name) {
            Some(Some(deprecated)) => {
                let found = blocks::deprecated_output(span, what, &output.name, deprecated);
                self.report(found);
                true
            }
            Some(None) => true,
            None => {
                // `try` and `can` are told when it is evaluated.
                if self.tolerant == 0 {
                    let known = outputs.keys().map(|name| &**name);
                    self.report(diag::unknown_output(span, what, &output.name, known));
                }
                false
            }
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
        let Some((id, whole)) = steps
            .first()
            .and_then(|step| Some((step.attribute()?, step.whole)))
        else {
            let found = match before {
                0 => diag::bare_name(span, kind, names),
                _ => diag::type_alone(span, mode, kind),
            };
            self.report(found);
            return (failed(span), all);
        };
        let Some(resource) = names.resources.get(&(mode, kind.clone(), id.name.clone())) else {
            self.report(diag::unknown_resource(whole, mode, kind, &id.name, names));
            return (failed(whole), all);
        };
        let found = match mode {
            Mode::Managed => Reference::Resource(kind.clone(), id.name.clone()),
            Mode::Data => Reference::Data(kind.clone(), id.name.clone()),
            Mode::Ephemeral => Reference::Ephemeral(kind.clone(), id.name.clone()),
        };
        let what = diag::resource_address(mode, kind, &id.name);
        if let Some(check) = &resource.check
            && self.context.check != Some(check)
        {
            self.report(diag::scoped_data(whole, &what, check));
            return (failed(whole), all);
        }
        let (expr, used) = match (steps.get(1), resource.repeated) {
            (Some(step), true) => match step.kind {
                StepKind::Index(_) => (instance(found, step.whole), 2),
                StepKind::Attribute(_) => {
                    self.report(diag::missing_key(whole, &what));
                    return (failed(step.whole), all);
                }
            },
            (
                Some(Step {
                    kind: StepKind::Index(_),
                    whole,
                    ..
                }),
                false,
            ) => {
                self.report(diag::unexpected_key(*whole, &what));
                return (failed(*whole), all);
            }
            _ => (reference(found, whole), 1),
        };
        if let Some(schema) = resource.schema {
            let rest = steps.get(used..).unwrap_or_default();
            self.check_path(&what, schema, rest);
        }
        (expr, before + used)
    }

    /// Whether there is what steps lead to from an object of this schema, as far as the schema says.
    fn check_path(&mut self, what: &str, schema: &model::BlockSchema, steps: &[Step<'_>]) {
        if let Some(found) = super::path::check(what, schema, steps) {
            self.report(found);
        }
    }
}

/// A root with fixed attributes.
struct Fixed {
    attributes: &'static [&'static str],
    detail: &'static str,
}

const PATH: Fixed = Fixed {
    attributes: &["module", "root", "cwd"],
    detail: "path has the attributes module, root and cwd.",
};

const TERRAFORM: Fixed = Fixed {
    attributes: &["workspace", "applying"],
    detail: "terraform has the attributes workspace and applying.",
};

const ENVIRONMENT: Fixed = Fixed {
    attributes: &["name"],
    detail: "environment has the attribute name: the environment that is being deployed to. The block of an environment can only be named in after.",
};

const EACH: Fixed = Fixed {
    attributes: &["key", "value"],
    detail: "each has the attributes key and value.",
};

const COUNT: Fixed = Fixed {
    attributes: &["index"],
    detail: "count has the attribute index.",
};

/// The iteration variable that holds one part of the iterator of a `dynamic` block. No identifier contains a dot, so
/// it can be confused with nothing.
pub(crate) fn dynamic_name(iterator: &str, part: &str) -> Name {
    alloc::format!("{iterator}.{part}").as_str().into()
}

/// An attribute of what only a test knows.
fn known_to_test(root: &Name, id: &Identifier, span: Span) -> Expr {
    let with = |kind| Expr { kind, span };
    let all = with(ExprKind::Iteration(crate::testing::KNOWN_TO_TEST.into()));
    let kind = with(ExprKind::Attribute(Box::new(all), root.clone()));
    with(ExprKind::Attribute(Box::new(kind), id.name.clone()))
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

/// An attribute of the object that an iteration variable stands for.
fn variable_of(object: &str, name: &Name, span: Span) -> Expr {
    let source = Expr {
        kind: ExprKind::Iteration(object.into()),
        span,
    };
    Expr {
        kind: ExprKind::Attribute(Box::new(source), name.clone()),
        span,
    }
}

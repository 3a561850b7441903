//! Values that are known before anything is computed: constants, and what is made of variables with a given value or a
//! default and of local values.
//!
//! Whatever says where modules come from may refer to such values. They are computed one after the other from a list of
//! what is needed, not by recursion, so that a long chain of local values needs no deep stack.

use super::constraint::Constraint;
use super::files::{Files, is_inside, join};
use super::inputs::{self, Given};
use super::load::{CallBlock, Definition};
use crate::diag::modules as diag;
use crate::limits::KNOWN_VALUES_MAX;
use crate::lower::{CallNames, Context, Lowerer, Names, ResourceNames, Roots, literal};
use crate::syntax::Expression;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use value::{Diagnostics, Expr, Marks, Name, Reference, Scope, Span, Type, Value};

/// Why a secret cannot be used.
const IN_CLEAR: &str = "secret values, because it is written down in clear";

/// A definition, and the calls that lead to it from the root.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    /// Where it is called; none for the root.
    pub(crate) from: Option<Origin<'p>>,
    pub(crate) definition: &'p Definition,
}

/// The call that leads to a definition.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'p> {
    /// Where the call is written.
    pub(crate) place: &'p Place<'p>,
    pub(crate) call: &'p CallBlock,
    /// The installed package that the called module belongs to, if it does.
    pub(crate) package: Option<&'p str>,
}

impl Place<'_> {
    /// The name of a call at this place as Terraform writes it down: all names from the root, with dots.
    pub(crate) fn key_of(&self, call: &CallBlock) -> String {
        let mut names = alloc::vec![call.name()];
        let mut from = self.from;
        while let Some(origin) = from {
            names.push(origin.call.name());
            from = origin.place.from;
        }
        names.reverse();
        names.join(".")
    }

    fn depth(&self) -> usize {
        let mut depth = 0;
        let mut from = self.from;
        while let Some(origin) = from {
            depth += 1;
            from = origin.place.from;
        }
        depth
    }
}

/// Computes values for one setting.
pub(crate) struct Known<'k> {
    files: &'k dyn Files,
    given: &'k [Given],
    /// The setting, for messages.
    what: &'k str,
    /// By depth of the place.
    values: BTreeMap<(usize, Reference), Value>,
    is_constant: bool,
}

/// Something whose value is needed.
struct Task<'p> {
    /// Where its expression stands.
    place: Place<'p>,
    expr: Expr,
    /// What it is the value of; none for the setting itself.
    goal: Option<Goal>,
}

/// A reference at a depth of places.
type Goal = (usize, Reference);

impl<'k> Known<'k> {
    pub(crate) fn new(files: &'k dyn Files, given: &'k [Given], what: &'k str) -> Self {
        Self {
            files,
            given,
            what,
            values: BTreeMap::new(),
            is_constant: true,
        }
    }

    /// Whether the value depends on nothing but its own text.
    pub(crate) fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// The value of an expression at a place.
    ///
    /// # Errors
    /// What keeps it from being known.
    pub(crate) fn value(
        &mut self,
        place: &Place<'_>,
        expression: &Expression,
        ty: &Type,
    ) -> Result<Value, Diagnostics> {
        let span = expression.span;
        let expr = self.lowered(place, expression, ty)?;
        let mut tasks = alloc::vec![Task {
            place: *place,
            expr,
            goal: None
        }];
        // Each turn finishes a task or begins one, and no task is begun twice.
        while let Some(task) = tasks.last() {
            let depth = task.place.depth();
            let mut needed = None;
            crate::lower::walk::references(&task.expr, &mut |reference, span| {
                let goal = (depth, reference.clone());
                if needed.is_none() && !self.values.contains_key(&goal) {
                    needed = Some((goal, span));
                }
            });
            let Some((goal, at)) = needed else {
                let value = task.expr.evaluate(&KnownScope { known: self, depth })?;
                match tasks.pop().and_then(|task| task.goal) {
                    Some(goal) => self.values.insert(goal, value),
                    None => return self.checked(value, span),
                };
                continue;
            };
            self.is_constant = false;
            if tasks.iter().any(|task| task.goal.as_ref() == Some(&goal)) {
                return Err(diag::known_in_circles(at, self.what).into());
            }
            if self.values.len() + tasks.len() > KNOWN_VALUES_MAX {
                return Err(diag::not_known(at, self.what, "more values than are followed").into());
            }
            let place = task.place;
            if let Some(task) = self.task(&place, goal, at)? {
                tasks.push(task);
            }
        }
        Err(diag::not_known(span, self.what, "something else").into())
    }

    fn checked(&self, value: Value, span: Span) -> Result<Value, Diagnostics> {
        let marks = value.marks_deep();
        if marks.contains(Marks::SENSITIVE) {
            return Err(diag::not_known(span, self.what, IN_CLEAR).into());
        }
        if !value.is_wholly_known() || value.is_null() {
            return Err(diag::not_known(
                span,
                self.what,
                "values that are null or only known later",
            )
            .into());
        }
        Ok(value.without_marks())
    }

    /// How a reference is computed; none when its value is known at once.
    fn task<'p>(
        &mut self,
        place: &Place<'p>,
        goal: Goal,
        span: Span,
    ) -> Result<Option<Task<'p>>, Diagnostics> {
        let refuse = |what: &str| Err(diag::not_known(span, self.what, what).into());
        let value = match &goal.1 {
            Reference::PathModule => Value::string(&place.definition.directory),
            Reference::PathRoot => Value::string("."),
            Reference::Local(name) => {
                let Some(local) = place.definition.locals.get(name) else {
                    return refuse("what is not declared");
                };
                let expr = self.lowered(place, &local.value, &Type::Any)?;
                return Ok(Some(Task {
                    place: *place,
                    expr,
                    goal: Some(goal),
                }));
            }
            Reference::Variable(name) => {
                let (place, expr) = self.variable(place, name, span)?;
                return Ok(Some(Task {
                    place,
                    expr,
                    goal: Some(goal),
                }));
            }
            _ => return refuse("resources, data sources, outputs of modules, each or count"),
        };
        self.values.insert(goal, value);
        Ok(None)
    }

    /// What gives a variable its value, and where that is written.
    fn variable<'p>(
        &self,
        place: &Place<'p>,
        name: &Name,
        span: Span,
    ) -> Result<(Place<'p>, Expr), Diagnostics> {
        let refuse = |what: &str| Err(diag::not_known(span, self.what, what).into());
        let Some(block) = place.definition.variables.get(name) else {
            return refuse("what is not declared");
        };
        if block.body.attribute("sensitive").is_some()
            || block.body.attribute("ephemeral").is_some()
        {
            return refuse(IN_CLEAR);
        }
        let constraint = match block.body.attribute("type") {
            Some(attribute) => Constraint::parse(&attribute.value, &mut Diagnostics::new()),
            None => Constraint::any(),
        };
        if let Some(from) = place.from {
            if let Some(argument) = from.call.block.body.attribute(name) {
                let expr = self.lowered(from.place, &argument.value, &Type::Any)?;
                return Ok((*from.place, constraint.apply(expr)));
            }
        } else if place.definition.varies_by_environment(name) {
            return refuse(
                "variables that environments set, because it is the same for all of them",
            );
        } else if let Some(value) = inputs::given_value(place.definition, self.given, name) {
            return match value {
                Ok(value) => Ok((*place, constraint.apply(literal(value, span)))),
                Err(why) => refuse(&alloc::format!("a value that cannot be read{why}")),
            };
        }
        let Some(default) = block.body.attribute("default") else {
            return refuse("variables without a value");
        };
        let mut found = Diagnostics::new();
        let what = "The default of a variable";
        match crate::lower::given(&default.value, what, &mut found) {
            Some(value) => Ok((*place, constraint.apply(literal(value, default.value.span)))),
            None => Err(found),
        }
    }

    /// The expression with its names resolved.
    fn lowered(
        &self,
        place: &Place<'_>,
        expression: &Expression,
        ty: &Type,
    ) -> Result<Expr, Diagnostics> {
        let definition = place.definition;
        let calls = definition.calls.iter().map(|(name, call)| {
            let names = CallNames {
                repeated: false,
                stack: call.stack,
                outputs: None,
            };
            (name.clone(), names)
        });
        let resources = definition.resources.keys().map(|key| {
            (
                key.clone(),
                ResourceNames {
                    repeated: false,
                    schema: None,
                    check: None,
                },
            )
        });
        let names = Names {
            variables: definition.variables.keys().cloned().collect(),
            locals: definition.locals.keys().cloned().collect(),
            resources: resources.collect(),
            calls: calls.collect(),
            ..Names::default()
        };
        let context = Context {
            each: true,
            count: true,
            ..Context::default()
        };
        let mut lowerer = Lowerer::new(Roots::Module(&names), context);
        let expr = lowerer.converted(expression, ty);
        if lowerer.diagnostics.has_errors() {
            return Err(lowerer.diagnostics);
        }
        Ok(expr)
    }
}

/// What is known at one place.
struct KnownScope<'k> {
    known: &'k Known<'k>,
    depth: usize,
}

impl Scope for KnownScope<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        let known = self.known.values.get(&(self.depth, reference.clone()));
        known
            .cloned()
            .ok_or_else(|| diag::not_known(span, self.known.what, "something else").into())
    }

    fn instance(&self, _: &Reference, _: &Value, span: Span) -> Result<Value, Diagnostics> {
        Err(diag::not_known(span, self.known.what, "instances of resources or modules").into())
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        let path = join(".", path);
        let allowed = is_inside(&path) || self.known.files.may_leave_root();
        let content = if allowed {
            self.known.files.read(&path)
        } else {
            None
        };
        content.map(Arc::from)
    }
}

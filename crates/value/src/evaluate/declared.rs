//! Calls of functions that a provider declares: arguments are checked here, and the scope knows what comes of them.

use super::call::{Arity, Given, check_count};
use super::place::{beginning, opening};
use super::{Env, Evaluated, Evaluator};
use crate::functions::{Called, Declaration, DeclaredParameter, shown_name};
use crate::{Diagnostics, Expr, Marks, Span, Type, Value, convert, diag};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// Arguments as the function is given them.
struct Prepared {
    values: Vec<Value>,
    /// What they were marked with, together.
    marks: Marks,
    /// Whether the function can be asked.
    known: bool,
}

impl Evaluator<'_> {
    /// `name` is the compiled one; the last argument is a sequence of further ones where the second of `arguments`
    /// says so.
    #[inline(never)]
    pub(super) fn call_declared(
        &self,
        name: &str,
        arguments: (&[Expr], bool),
        env: Env<'_>,
        span: Span,
    ) -> Evaluated {
        let shown = shown_name(name);
        let Some(declared) = self.scope.declared(name) else {
            return Err(diag::unknown_function(&shown, None, span).into());
        };
        let arity = Arity {
            function: &shown,
            parameters: declared.parameters.iter().map(|one| &*one.name).collect(),
            is_variadic: declared.variadic.is_some(),
        };
        let places: Vec<Span> = arguments.0.iter().map(beginning).collect();
        if !arguments.1 {
            check_count(&arity, &places, span)?;
        }
        let Some(given) = self.given(arguments, places, env, span)? else {
            return Ok(Value::unknown(Type::Any));
        };
        check_count(&arity, &given.places, span)?;
        let Prepared {
            values,
            marks,
            known,
        } = prepared(declared, &shown, &given, span)?;
        let called = match known {
            true => self.scope.called(name, &values, marks),
            false => Called::Open,
        };
        let result = match called {
            Called::Gives(value) => value,
            Called::Open => Value::unknown(declared.returns.without_optional()),
            Called::Unanswered(found) => {
                return Err(diag::call_unanswered(&shown, &found, opening(name, span)).into());
            }
            Called::Refuses { why, argument } => {
                let blamed = argument.and_then(|at| Some((at, declared.parameter(at)?)));
                return Err(match blamed {
                    Some((at, parameter)) => {
                        let place = given.places.get(at).copied().unwrap_or(span);
                        diag::invalid_argument(&shown, &parameter.name, &why, place)
                    }
                    None => diag::call_failed(&shown, &why, opening(name, span)),
                }
                .into());
            }
        };
        self.spend_bytes(result.weight_bytes(), span)?;
        Ok(result.with_marks(marks))
    }
}

fn prepared(
    declared: &Declaration,
    shown: &str,
    given: &Given,
    span: Span,
) -> Result<Prepared, Diagnostics> {
    let mut prepared = Prepared {
        values: Vec::with_capacity(given.values.len()),
        marks: Marks::NONE,
        known: true,
    };
    let mut found = given.found.clone();
    for (at, argument) in given.values.iter().enumerate() {
        let Some(parameter) = declared.parameter(at) else {
            continue;
        };
        match prepare(parameter, argument) {
            Ok(value) => {
                prepared.marks = prepared.marks.union(value.marks_deep());
                prepared.known &= parameter.takes_unknown || value.is_wholly_known();
                prepared.values.push(value.unmark_all());
            }
            Err(why) => {
                let place = given.places.get(at).copied().unwrap_or(span);
                found.push(diag::invalid_argument(shown, &parameter.name, &why, place));
            }
        }
    }
    if found.is_empty() {
        Ok(prepared)
    } else {
        Err(found)
    }
}

fn prepare(parameter: &DeclaredParameter, argument: &Value) -> Result<Value, String> {
    let value = convert(argument, &parameter.ty).map_err(|error| error.to_string())?;
    if value.is_null() && !parameter.takes_null {
        return Err("argument must not be null".to_string());
    }
    Ok(value)
}

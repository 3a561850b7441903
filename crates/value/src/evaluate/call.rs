//! Function calls: arguments by the function's table entry, and the two special forms `can` and `try`.

use super::place::{beginning, closing, of_name, opening};
use super::{Env, Evaluated, Evaluator, all};
use crate::functions::{self, CallError, Function, Special};
use crate::limits::{CALL_BYTES_PER_STEP, VALUE_NODE_BYTES};
use crate::{Data, Diagnostics, Expr, Marks, Scope, Span, Type, Value, diag, nearest};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The arguments of a call.
pub(super) struct Given {
    pub(super) values: Vec<Value>,
    pub(super) places: Vec<Span>,
    /// What is wrong with those that could not be computed.
    pub(super) found: Diagnostics,
}

/// What is given to a call, with what `...` makes of the last argument.
struct Spread<'e> {
    arguments: &'e [Expr],
    expanded: Vec<Value>,
    places: Vec<Span>,
}

impl Evaluator<'_> {
    #[inline(never)]
    pub(super) fn call(
        &self,
        name: &str,
        arguments: &[Expr],
        expand_last: bool,
        env: Env<'_>,
        span: Span,
    ) -> Evaluated {
        if !is_joined(name, arguments, span) && self.scope.is_of_constants() {
            return Err(diag::unknown_function(name, None, span).into());
        }
        if functions::declared_name(name).is_some() {
            return self.call_declared(name, (arguments, expand_last), env, span);
        }
        let function = lookup(name, span)?;
        let places: Vec<Span> = arguments.iter().map(beginning).collect();
        if !expand_last {
            check_count(&Arity::of(function), &places, span)?;
        }
        if let Special::Can | Special::Try = function.special {
            return self.attempt(function, (arguments, expand_last), places, env, span);
        }
        let Some(given) = self.given((arguments, expand_last), places, env, span)? else {
            return Ok(Value::unknown(Type::Any));
        };
        let Given {
            mut values,
            places,
            mut found,
        } = given;
        if function.special == Special::Reference
            && let [template, _] = arguments
            && let Some(why) = functions::unsuitable_template(template)
        {
            // What else is wrong is said as well, but no more of this argument.
            let place = beginning(template);
            found.push(diag::invalid_argument(
                function.name,
                "template",
                why,
                place,
            ));
            if let Some(template) = values.first_mut() {
                *template = Value::unknown(Type::String);
            }
        }
        let result = invoke(function, name, values, &places, self.scope, span, found)?;
        self.spend_bytes(built_bytes(&result), span)?;
        Ok(result)
    }

    /// The values of all arguments; none while it is not known how many there are.
    pub(super) fn given(
        &self,
        arguments: (&[Expr], bool),
        places: Vec<Span>,
        env: Env<'_>,
        span: Span,
    ) -> Result<Option<Given>, Diagnostics> {
        let Some(spread) = self.spread(arguments, places, env, span)? else {
            return Ok(None);
        };
        let Spread {
            arguments,
            expanded,
            places,
        } = spread;
        let mut found = Diagnostics::new();
        let mut values: Vec<Value> = Vec::with_capacity(places.len());
        for argument in arguments {
            // What could not be computed does not keep the others from being looked at.
            values.push(self.eval(argument, env).unwrap_or_else(|diagnostics| {
                found.extend(diagnostics);
                Value::unknown(Type::Any)
            }));
        }
        values.extend(expanded);
        let looked_at: u64 = values.iter().map(Value::weight_bytes).sum();
        self.spend_steps(looked_at / CALL_BYTES_PER_STEP, span)?;
        Ok(Some(Given {
            values,
            places,
            found,
        }))
    }

    /// The arguments that stand for one each, and the elements of the last one if it is followed by `...`; none while
    /// those are not known.
    fn spread<'e>(
        &self,
        (arguments, expand_last): (&'e [Expr], bool),
        mut places: Vec<Span>,
        env: Env<'_>,
        span: Span,
    ) -> Result<Option<Spread<'e>>, Diagnostics> {
        let (arguments, expanded) = if expand_last {
            let Some((last, arguments)) = arguments.split_last() else {
                return Err(diag::expanded_argument("be given", span).into());
            };
            let Some(items) = self.expanded(last, env)? else {
                return Ok(None);
            };
            places.truncate(arguments.len());
            places.resize(arguments.len() + items.len(), last.span);
            (arguments, items)
        } else {
            (arguments, Vec::new())
        };
        Ok(Some(Spread {
            arguments,
            expanded,
            places,
        }))
    }

    /// The elements of the last argument where it is followed by `...`; none while they are not known.
    fn expanded(&self, last: &Expr, env: Env<'_>) -> Result<Option<Vec<Value>>, Diagnostics> {
        let value = self.eval(last, env)?;
        let marks = value.marks();
        match value.data() {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                let items = items.iter().map(|item| item.clone().with_marks(marks));
                Ok(Some(items.collect()))
            }
            Data::Null(Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                Err(diag::expanded_argument("not be null", last.span).into())
            }
            Data::Unknown(unknown)
                if matches!(
                    unknown.ty,
                    Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)
                ) =>
            {
                Ok(None)
            }
            _ => {
                let why = "be of a tuple, list, or set type";
                Err(diag::expanded_argument(why, last.span).into())
            }
        }
    }

    /// `can` and `try`, which look at each argument themselves.
    fn attempt(
        &self,
        function: &Function,
        arguments: (&[Expr], bool),
        places: Vec<Span>,
        env: Env<'_>,
        span: Span,
    ) -> Evaluated {
        let Some(spread) = self.spread(arguments, places, env, span)? else {
            return Ok(Value::unknown(Type::Any));
        };
        if arguments.1 {
            check_count(&Arity::of(function), &spread.places, span)?;
        }
        let written = spread.arguments.iter();
        let results = written
            .map(|argument| self.eval(argument, env))
            .chain(spread.expanded.into_iter().map(Ok));
        match function.special {
            Special::Can => can(results),
            _ => try_each(results, opening(function.name, span)),
        }
    }
}

/// Whether this is what joins the texts that a template repeats, a call that nobody wrote.
pub(super) fn is_joined(name: &str, arguments: &[Expr], span: Span) -> bool {
    name == "join" && arguments.iter().any(|one| one.span == span)
}

/// Whether the argument can be computed; unknown while it is.
fn can(results: impl Iterator<Item = Evaluated>) -> Evaluated {
    match all(results) {
        Ok(values) if values.iter().all(Value::is_wholly_known) => Ok(Value::bool(true)),
        Ok(_) => Ok(Value::unknown(Type::Bool)),
        Err(found) if found.iter().any(diag::is_limit) => Err(found),
        Err(_) => Ok(Value::bool(false)),
    }
}

/// The first argument that can be computed. What is not wholly known may still fail once it is, so it decides nothing
/// and the result is unknown, and so are its marks.
fn try_each(results: impl Iterator<Item = Evaluated>, span: Span) -> Evaluated {
    let mut failures: Option<String> = None;
    for result in results {
        match result {
            Ok(value) if value.is_wholly_known() => return Ok(value),
            Ok(_) => return Ok(Value::unknown(Type::Any)),
            Err(found) if found.iter().any(diag::is_limit) => return Err(found),
            Err(found) => {
                let failures = failures.get_or_insert_default();
                for diagnostic in found.iter() {
                    let line = format!("\n- {}: {}", diagnostic.summary, diagnostic.detail);
                    failures.push_str(line.trim_end_matches('.'));
                }
            }
        }
    }
    let why = match failures {
        Some(failures) => format!("no expression succeeded:{failures}"),
        None => "at least one argument is required".to_string(),
    };
    Err(diag::call_failed("try", &why, span).into())
}
/// What a result takes beyond its arguments, as far as that can be told cheaply.
fn built_bytes(value: &Value) -> u64 {
    let children = value
        .elements()
        .map(<[Value]>::len)
        .or_else(|| value.entries().map(|entries| entries.len()))
        .unwrap_or(0);
    let text = value.as_str().map_or(0, str::len);
    VALUE_NODE_BYTES * (1 + children as u64) + text as u64
}

/// Calls a function by name on values, as the evaluator does for arguments it has computed.
pub(crate) fn call(name: &str, arguments: Vec<Value>, scope: &dyn Scope, span: Span) -> Evaluated {
    let function = lookup(name, span)?;
    let places = alloc::vec![span; arguments.len()];
    let found = Diagnostics::new();
    invoke(function, name, arguments, &places, scope, span, found)
}

fn lookup(name: &str, span: Span) -> Result<&'static Function, Diagnostics> {
    functions::function(name).ok_or_else(|| {
        let near = nearest(name, functions::function_names());
        diag::unknown_function(name, near, of_name(name, span)).into()
    })
}

/// How many arguments a function takes, and what they are called.
pub(super) struct Arity<'f> {
    pub(super) function: &'f str,
    pub(super) parameters: Vec<&'f str>,
    pub(super) is_variadic: bool,
}

impl Arity<'_> {
    fn of(function: &Function) -> Self {
        Self {
            function: function.name,
            parameters: function.parameters.iter().map(|one| one.name).collect(),
            is_variadic: function.variadic.is_some(),
        }
    }
}

/// `places` are those of the arguments given.
pub(super) fn check_count(
    arity: &Arity<'_>,
    places: &[Span],
    span: Span,
) -> Result<(), Diagnostics> {
    let (name, given) = (arity.function, places.len());
    let expected = arity.parameters.len();
    if let Some(missing) = arity.parameters.get(given) {
        let least = if arity.is_variadic { "at least " } else { "" };
        let expected = format!("{least}{expected}");
        return Err(diag::too_few_arguments(name, &expected, missing, closing(span)).into());
    }
    if !arity.is_variadic && given > expected {
        let first = places.get(expected).copied().unwrap_or(span);
        return Err(diag::too_many_arguments(name, expected, first).into());
    }
    Ok(())
}

/// `name` is the one written, for the place of what is wrong; `found` is what is wrong with arguments that could not
/// be computed.
fn invoke(
    function: &'static Function,
    name: &str,
    arguments: Vec<Value>,
    places: &[Span],
    scope: &dyn Scope,
    span: Span,
    mut found: Diagnostics,
) -> Evaluated {
    if let Err(more) = check_count(&Arity::of(function), places, span) {
        found.extend(more);
        return Err(found);
    }
    let failed = |error: CallError| -> Diagnostics {
        if let Some(found) = error.found {
            return found;
        }
        match error.argument {
            Some(index) => {
                let parameter = function
                    .parameter(index)
                    .map_or("", |parameter| parameter.name);
                let place = places.get(index).copied().unwrap_or(span);
                diag::invalid_argument(function.name, parameter, &error.message, place)
            }
            None => diag::call_failed(function.name, &error.message, opening(name, span)),
        }
        .into()
    };
    let mut marks = Marks::NONE;
    let mut known = true;
    // The type of an argument is not known, so that nothing more is said.
    let mut untyped = false;
    let mut prepared = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        let Some(parameter) = function.parameter(index) else {
            continue;
        };
        match parameter.prepare(argument, untyped, &mut marks, &mut known) {
            Ok(value) => {
                untyped |= parameter.typed
                    && value
                        .as_unknown()
                        .is_some_and(|unknown| unknown.ty == Type::Any);
                prepared.push(value);
            }
            Err(message) => found.extend(failed(CallError::argument(index, message))),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let given = arguments.iter().map(Value::marks_deep);
    let given = given.fold(Marks::NONE, Marks::union);
    let call = functions::Call::new(&prepared, scope, given);
    let result = if untyped {
        Ok(Value::unknown(Type::Any))
    } else if known {
        (function.body)(&call)
    } else {
        if function.reads_files() {
            scope.reads_later();
        }
        function.unknown_result(&call)
    };
    match result {
        Ok(value) => Ok(value.with_marks(marks)),
        Err(error) => Err(failed(error)),
    }
}

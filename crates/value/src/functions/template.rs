//! `templatefile` and `templatestring`: text that is read as a template when it is needed.
//!
//! Reading is the business of who knows the language; the scope answers with an expression in which the variables of
//! the template are attributes of one object.

use super::{ANY, Call, CallError, Category, Function, Kind, Parameter, STRING, Special, files};
use crate::{Diagnostics, Expr, ExprKind, Name, Span, Type, Value, convert, diag, is_identifier};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use unicode_segmentation::UnicodeSegmentation;

/// The iteration variable that stands for the variables of a template. No name in source has a dot.
pub const TEMPLATE_VARIABLES: &str = "templatefile.variables";

/// What the argument of `templatestring` is called where a template is named by its path.
pub const TEMPLATE_ARGUMENT: &str = "<templatestring argument>";

const VARS: Parameter = Parameter::new("vars", Kind::Any).shallow();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "templatefile",
        Category::Filesystem,
        "What a file gives as a template with these variables.",
        &[Parameter::new("path", Kind::String), VARS],
        ANY,
        |call| {
            let path = call.text(0)?;
            let Some(content) = files::read(call)? else {
                return Ok(Value::unknown(Type::Any));
            };
            let text = core::str::from_utf8(&content).map_err(|_| {
                let shown = call.shown(path);
                CallError::new(format!("contents of {shown} are not valid UTF-8"))
            })?;
            let body = read(call, text, path)?.map_err(|found| failed(found, text, path))?;
            render(call, &body, text, path)
        },
    ),
    Function::new(
        "templatestring",
        Category::String,
        "What a text from elsewhere gives as a template with these variables.",
        &[
            Parameter::new("template", Kind::Any)
                .nullable()
                .shallow()
                .shown_as(Kind::String)
                .described("A reference to a text elsewhere in the module."),
            VARS.described("What the template may refer to, as an object.")
                .typed(),
        ],
        STRING,
        |call| {
            let text = call.value(0)?.as_str().ok_or_else(|| {
                CallError::argument(0, "invalid template value: a string is required")
            })?;
            let name = TEMPLATE_ARGUMENT;
            let body = read(call, text, name)?.map_err(|found| {
                let why = failed(found, text, name).message;
                let why = why.trim_end_matches('.');
                CallError::argument(0, format!("invalid template: {why}"))
            })?;
            let value = render(call, &body, text, name)?;
            let text = convert(&value, &Type::String)
                .map_err(|error| CallError::new(format!("invalid template result: {error}")))?;
            Ok(match text.as_unknown() {
                // What is null is no result of a template.
                Some(unknown) => Value::from(unknown.clone().not_null()).with_marks(text.marks()),
                None => text,
            })
        },
    )
    .special(Special::Reference),
];

/// Why an expression cannot be the first argument of `templatestring`; none when it can.
pub(crate) fn unsuitable_template(expr: &Expr) -> Option<&'static str> {
    match &expr.kind {
        ExprKind::Reference(_) | ExprKind::Instance(..) | ExprKind::Iteration(_) => None,
        ExprKind::Attribute(source, _) => unsuitable_template(source),
        ExprKind::Index(source, key) if matches!(key.kind, ExprKind::Literal(_)) => {
            unsuitable_template(source)
        }
        ExprKind::Template(_) => Some(LITERAL_TEMPLATE),
        ExprKind::Literal(value) if value.as_str().is_some() => Some(LITERAL_TEMPLATE),
        _ => Some(
            "invalid template expression: must be a direct reference to a single string from elsewhere, containing \
             valid Terraform template syntax",
        ),
    }
}

const LITERAL_TEMPLATE: &str = "invalid template expression: templatestring is only for rendering templates retrieved \
    dynamically from elsewhere, and so does not support providing a literal template; consider using a template string \
    expression instead";

/// The template as the scope reads it.
fn read(call: &Call<'_>, text: &str, name: &str) -> Result<Result<Expr, Diagnostics>, CallError> {
    call.scope
        .template(text, name)
        .ok_or_else(|| CallError::new("templates cannot be read where this is evaluated"))
}

fn render(call: &Call<'_>, body: &Expr, text: &str, name: &str) -> Result<Value, CallError> {
    let variables = call.value(1)?;
    let Some(entries) = variables.entries() else {
        return Err(CallError::argument(1, "invalid vars value: must be a map"));
    };
    if let Some(wrong) = entries.keys().find(|name| !is_identifier(name)) {
        return Err(CallError::argument(
            1,
            format!(
                "invalid template variable name {wrong:?}: must start with a letter, followed by zero or more letters, \
                 digits, and underscores"
            ),
        ));
    }
    if let Some((missing, span)) = first_missing(body, &|name| entries.contains_key(name)) {
        let place = place(text, span);
        return Err(CallError::argument(
            1,
            format!("vars map does not contain key {missing:?}, referenced at {name}:{place}"),
        ));
    }
    if let Some((inner, span)) = first_template(body) {
        let place = place(text, span);
        return Err(CallError::new(format!(
            "{name}:{place}: Error in function call; Call to function {inner:?} failed: cannot recursively call {inner} \
             from inside another template"
        )));
    }
    let bound = bind(variables.clone(), body);
    match bound.evaluate(call.scope) {
        Ok(value) => match value.elements() {
            Some([only]) if only.is_null() => Err(CallError::new(format!(
                "{name}:{}: Template result is null; The result of the template is null, which is not a valid result \
                 for a template",
                place(text, body.span)
            ))),
            Some([only]) => Ok(only.clone()),
            _ => Ok(Value::unknown(Type::Any)),
        },
        Err(found) => Err(failed(found, text, name)),
    }
}

/// The body with its variables bound, as the only element of a tuple.
fn bind(variables: Value, body: &Expr) -> Expr {
    let span = body.span;
    let made = |kind| Expr { kind, span };
    let item = made(ExprKind::Literal(variables));
    made(ExprKind::ForTuple {
        key: None,
        value: Name::from(TEMPLATE_VARIABLES),
        collection: Box::new(made(ExprKind::Tuple(alloc::vec![item]))),
        condition: None,
        result: Box::new(body.clone()),
    })
}

/// The first variable of a template that is not given.
fn first_missing(expr: &Expr, given: &dyn Fn(&str) -> bool) -> Option<(Name, Span)> {
    if let ExprKind::Attribute(source, name) = &expr.kind
        && matches!(&source.kind, ExprKind::Iteration(root) if &**root == TEMPLATE_VARIABLES)
    {
        return (!given(name)).then(|| (name.clone(), expr.span));
    }
    let mut found = None;
    expr.each_child(&mut |child| {
        if found.is_none() {
            found = first_missing(child, given);
        }
    });
    found
}

/// The first call of a template in a template.
fn first_template(expr: &Expr) -> Option<(String, Span)> {
    if let ExprKind::Call { name, .. } = &expr.kind
        && matches!(
            name.trim_start_matches("core::"),
            "templatefile" | "templatestring"
        )
    {
        let length = name.len() as u32;
        let span = Span {
            end: expr.span.start.saturating_add(length + 1),
            ..expr.span
        };
        return Some((name.to_string(), span));
    }
    let mut found = None;
    expr.each_child(&mut |child| {
        if found.is_none() {
            found = first_template(child);
        }
    });
    found
}

/// What is wrong inside of a template, said of its call; that a limit was reached is passed on as it is.
pub(super) fn failed(found: Diagnostics, text: &str, name: &str) -> CallError {
    if found.iter().any(diag::is_limit) {
        return CallError::found(found);
    }
    let first = found.iter().next();
    CallError::new(first.map_or_else(String::new, |first| {
        let at = first.span.map(|span| format!(":{}", place(text, span)));
        format!(
            "{name}{}: {}; {}",
            at.unwrap_or_default(),
            first.summary,
            first.detail
        )
    }))
}

/// A place in a text, in lines and characters from one: `2,5-9`, or `2,5-3,1` over more than one line.
fn place(text: &str, span: Span) -> String {
    let position = |at: u32| {
        let before = text.get(..at as usize).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before
            .get(start..)
            .unwrap_or_default()
            .graphemes(true)
            .count()
            + 1;
        (line, column)
    };
    let (line, column) = position(span.start);
    let (end_line, end_column) = position(span.end);
    if line == end_line {
        format!("{line},{column}-{end_column}")
    } else {
        format!("{line},{column}-{end_line},{end_column}")
    }
}

//! Where in an expression a finding is shown: at what it begins with, as the language this one follows has it.
//!
//! What is wrong with an argument is pointed out at its first part: the bracket of a list, the name of a function, the
//! left operand.

use crate::functions::shown_name;
use crate::{Data, Expr, ExprKind, Span};

/// The part that an expression begins with.
pub(super) fn beginning(expr: &Expr) -> Span {
    let span = expr.span;
    match &expr.kind {
        ExprKind::Literal(value) => match value.data() {
            // Within the quotes.
            Data::String(text) if text.is_empty() => after(span),
            Data::String(_) => {
                let start = span.start.saturating_add(1).min(span.end);
                Span {
                    start,
                    end: span.end.saturating_sub(1).max(start),
                    ..span
                }
            }
            Data::Number(number) if number.is_negative() => first(span, 1),
            _ => span,
        },
        ExprKind::Template(parts) => parts.first().map_or(span, beginning_of_part),
        ExprKind::Attribute(..) | ExprKind::Reference(_) | ExprKind::Instance(..) => span,
        ExprKind::Iteration(_) => span,
        ExprKind::Index(source, key) => match key.kind {
            // A constant index is part of a path, which is shown whole.
            ExprKind::Literal(_) => span,
            // Any other stands in brackets of its own.
            _ => first(step(source.span, span), 1),
        },
        ExprKind::Splat { each, .. } => marker(each),
        ExprKind::Unary(..)
        | ExprKind::Tuple(_)
        | ExprKind::Object(_)
        | ExprKind::ForTuple { .. }
        | ExprKind::ForObject { .. } => first(span, 1),
        ExprKind::Binary(_, left, _) => beginning(left),
        ExprKind::Conditional(condition, ..) => beginning(condition),
        // What a template repeats is joined by a call that nobody wrote, which stands where the sequence is opened.
        ExprKind::Call { arguments, .. } if arguments.iter().any(|one| one.span == span) => span,
        ExprKind::Call { name, .. } => opening(name, span),
        ExprKind::Convert(inner, _) | ExprKind::Parenthesised(inner) => beginning(inner),
        ExprKind::Interpolated(_) => span,
    }
}

/// The `[*]` or `.*` of a splat, which is where its item stands.
fn marker(each: &Expr) -> Span {
    let mut at = each;
    while let ExprKind::Attribute(source, _)
    | ExprKind::Index(source, _)
    | ExprKind::Splat { source, .. } = &at.kind
    {
        at = source;
    }
    let span = at.span;
    // A star alone follows a dot.
    if span.end == span.start.saturating_add(1) {
        return Span {
            start: span.start.saturating_sub(1),
            ..span
        };
    }
    span
}

/// A text between other parts of a template stands without quotes.
fn beginning_of_part(part: &Expr) -> Span {
    match &part.kind {
        ExprKind::Literal(_) if part.span.start == part.span.end => after(part.span),
        ExprKind::Literal(_) => part.span,
        _ => beginning(part),
    }
}

/// What follows an empty text, which has no place of its own.
fn after(span: Span) -> Span {
    Span {
        start: span.end,
        end: span.end.saturating_add(1),
        ..span
    }
}

/// The last step of a path, with its dot or brackets: what follows its source. The whole where nothing does, as in
/// expressions that nobody wrote.
pub(super) fn step(source: Span, whole: Span) -> Span {
    if source.source == whole.source && whole.start <= source.start && source.end < whole.end {
        Span {
            start: source.end,
            ..whole
        }
    } else {
        whole
    }
}

/// The step of a path that chooses an instance, by the key in it.
pub(super) fn instance_step(key: Span, whole: Span) -> Span {
    if key.source == whole.source && whole.start < key.start && key.end <= whole.end {
        Span {
            start: key.start - 1,
            end: whole.end.min(key.end + 1),
            ..whole
        }
    } else {
        whole
    }
}

/// The name of a call with its bracket. A compiled name has the address of a provider where a short one was written.
pub(super) fn opening(name: &str, span: Span) -> Span {
    first(span, shown_name(name).len() + 1)
}

/// The name of a call without its bracket.
pub(super) fn of_name(name: &str, span: Span) -> Span {
    first(span, shown_name(name).len())
}

/// The last character of an expression that ends with a bracket.
pub(super) fn closing(span: Span) -> Span {
    Span {
        start: span.end.saturating_sub(1).max(span.start),
        ..span
    }
}

fn first(span: Span, length: usize) -> Span {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Span {
        end: span.start.saturating_add(length).min(span.end),
        ..span
    }
}

//! What a source text says, as a tree with places: bodies, blocks, arguments and expressions.
//!
//! The tree knows nothing of variables, resources or types; `lower` and `compile` give it meaning.

use crate::json::Node;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use value::{BinaryOperator, Name, Span, UnaryOperator, Value};

/// A name where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The name.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// The inside of a block or a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// `name = expression`, in order, names once each.
    pub attributes: Vec<Attribute>,
    /// Blocks in order.
    pub blocks: Vec<Block>,
    /// Everything between the braces.
    pub span: Span,
    /// The opening brace, in the JSON form the closing one; the beginning of the text where the body is a whole file.
    /// What is missing in a body is shown here.
    pub open: Span,
}

/// `name = expression`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: Identifier,
    /// What it is set to.
    pub value: Expression,
}

/// `kind "label" { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands first.
    pub kind: Identifier,
    /// Labels, quoted or bare.
    pub labels: Vec<Identifier>,
    /// The inside.
    pub body: Body,
    /// From the kind to the last label.
    pub header: Span,
}

/// An expression where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Which form.
    pub kind: ExpressionKind,
    /// Where.
    pub span: Span,
    /// Height of this tree, bounded by [`crate::limits::NESTING_DEPTH_MAX`]: whoever walks it may recurse.
    pub(crate) height: u16,
}

/// Forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpressionKind {
    /// Could not be read; has been reported.
    Invalid,
    /// Number, truth value or null.
    Literal(Box<Value>),
    /// Quoted string or heredoc.
    Template(Box<Template>),
    /// A bare name.
    Root(Name),
    /// The item of the enclosing splat.
    Item,
    /// `source.name`.
    Attribute(Box<Expression>, Identifier),
    /// `source[key]` and `source.0`.
    Index(Box<Expression>, Box<Expression>),
    /// `source[*]...` and `source.*...`: source, and what is taken of each item.
    Splat(Box<(Expression, Expression)>),
    /// `-x`, `!x`.
    Unary(UnaryOperator, Box<Expression>),
    /// `x + y`.
    Binary(BinaryOperator, Box<(Expression, Expression)>),
    /// `c ? x : y`.
    Conditional(Box<[Expression; 3]>),
    /// `name(...)`.
    Call(Box<Call>),
    /// `[...]`.
    Tuple(Vec<Expression>),
    /// `{...}`.
    Object(Vec<(Expression, Expression)>),
    /// `[for ...]`, `{for ...}`.
    For(Box<For>),
    /// `(x)`.
    Parenthesised(Box<Expression>),
    /// A value of the JSON form whose meaning a schema decides: a block or, if nobody asks, a template.
    Json(Undecided),
}

/// A value of the JSON form as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided(pub(crate) Arc<Node>);

/// `name(arguments...)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name with its namespace, such as `core::upper`.
    pub name: Identifier,
    /// Arguments.
    pub arguments: Vec<Expression>,
    /// Whether the last argument is expanded (`...`).
    pub expand_last: bool,
}

/// A `for` expression or, in a template, its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For {
    /// First of two names.
    pub key: Option<Identifier>,
    /// Name of the element.
    pub value: Identifier,
    /// What is gone through.
    pub collection: Expression,
    /// Key of each result, for objects.
    pub result_key: Option<Expression>,
    /// Each result.
    pub result: Expression,
    /// Which elements count.
    pub condition: Option<Expression>,
    /// `...` after the result.
    pub group: bool,
}

/// A string with sequences in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its parts; literal texts are decoded, trimmed and never adjacent.
    pub parts: Vec<Part>,
    /// Whether a lone interpolation stands for its value itself instead of a text.
    pub unwraps: bool,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String, Span),
    /// `${ x }`.
    Interpolation(Expression),
    /// `%{ if }`.
    If(Box<If>),
    /// `%{ for }`.
    For(Box<TemplateFor>),
}

/// `%{ if c } ... %{ else } ... %{ endif }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct If {
    /// Decides.
    pub condition: Expression,
    /// Parts when true.
    pub then: Vec<Part>,
    /// Parts when false.
    pub otherwise: Vec<Part>,
    /// The opening sequence.
    pub span: Span,
}

/// `%{ for k, v in c } ... %{ endfor }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFor {
    /// First of two names.
    pub key: Option<Identifier>,
    /// Name of the element.
    pub value: Identifier,
    /// What is gone through.
    pub collection: Expression,
    /// Parts for each element.
    pub parts: Vec<Part>,
    /// The opening sequence.
    pub span: Span,
}

impl Body {
    /// A body with nothing in it.
    pub(crate) fn empty(span: Span) -> Self {
        Self {
            attributes: Vec::new(),
            blocks: Vec::new(),
            span,
            open: Span {
                end: span.end.min(span.start.saturating_add(1)),
                ..span
            },
        }
    }

    /// The argument of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.name.name == name)
    }
}

impl Attribute {
    /// From the name to the end of the value.
    pub fn span(&self) -> Span {
        Span {
            end: self.value.span.end.max(self.name.span.end),
            ..self.name.span
        }
    }
}

impl Expression {
    /// One that could not be read, which has been reported.
    pub(crate) fn invalid(span: Span) -> Self {
        Self {
            kind: ExpressionKind::Invalid,
            span,
            height: 1,
        }
    }

    /// A tree without parentheses around it.
    pub fn without_parentheses(&self) -> &Self {
        let mut inner = self;
        while let ExpressionKind::Parenthesised(expression) = &inner.kind {
            inner = expression;
        }
        inner
    }

    /// The first token: where a value of the wrong type is shown.
    pub(crate) fn start(&self) -> Span {
        let first = |length| Span {
            end: self.span.end.min(self.span.start.saturating_add(length)),
            ..self.span
        };
        match &self.kind {
            ExpressionKind::Attribute(source, _) | ExpressionKind::Index(source, _) => {
                // A reference is one token, as far as it goes.
                let mut base = source;
                while let ExpressionKind::Attribute(inner, _) | ExpressionKind::Index(inner, _) =
                    &base.kind
                {
                    base = inner;
                }
                match base.kind {
                    ExpressionKind::Root(_) => self.span,
                    _ => base.start(),
                }
            }
            ExpressionKind::Splat(parts) | ExpressionKind::Binary(_, parts) => parts.0.start(),
            ExpressionKind::Conditional(parts) => {
                let [condition, _, _] = parts.as_ref();
                condition.start()
            }
            ExpressionKind::Call(call) => call.name.span,
            ExpressionKind::Template(template) => match template.parts.first() {
                Some(Part::Text(_, span)) => *span,
                Some(Part::Interpolation(inner)) => inner.start(),
                Some(Part::If(part)) => part.span,
                Some(Part::For(part)) => part.span,
                None => self.span,
            },
            ExpressionKind::Unary(..)
            | ExpressionKind::Tuple(_)
            | ExpressionKind::Object(_)
            | ExpressionKind::For(_) => first(1),
            ExpressionKind::Invalid
            | ExpressionKind::Literal(_)
            | ExpressionKind::Root(_)
            | ExpressionKind::Item
            | ExpressionKind::Parenthesised(_)
            | ExpressionKind::Json(_) => self.span,
        }
    }

    /// What a quoted text would be without its quotes, where that is an expression: references were once quoted.
    pub(crate) fn unquoted(&self) -> Option<Self> {
        let ExpressionKind::Template(template) = &self.kind else {
            return None;
        };
        let [Part::Text(text, span)] = template.parts.as_slice() else {
            return None;
        };
        // With escapes in it, the text has no simple place.
        if text.len() != span.end.saturating_sub(span.start) as usize {
            return None;
        }
        let excerpt = crate::text::Excerpt {
            text,
            source: span.source,
            start: span.start,
            escapes: &[],
        };
        let (expression, found) = crate::parser::expression_of(excerpt, 0);
        (!found.has_errors()).then_some(expression)
    }

    /// The name, if the expression is nothing but one.
    pub fn as_keyword(&self) -> Option<&Name> {
        match &self.kind {
            ExpressionKind::Root(name) => Some(name),
            _ => None,
        }
    }
}

//! Type constraints: `list(string)`, `object({ a = optional(number, 1) })` and their kin.
//!
//! A [`model::Variable`] holds only the type; defaults of optional attributes are put into the expressions that give a
//! variable its value, by [`Defaults::apply`].

use crate::diag::blocks as diag;
use crate::lower::{self, literal};
use crate::syntax::{Call, Expression, ExpressionKind};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use value::{BinaryOperator, Diagnostics, Expr, ExprKind, Name, ObjectType, Span, Type, Value};

/// A type with the defaults of its optional attributes.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) ty: Type,
    pub(crate) defaults: Defaults,
}

/// What is put in the place of optional attributes that are missing or null.
#[derive(Clone, Debug)]
pub(crate) enum Defaults {
    /// Nothing anywhere inside.
    None,
    /// In each element of a list or set.
    Elements(Box<Defaults>),
    /// In each element of a map.
    Values(Box<Defaults>),
    /// In each position of a tuple.
    Positions(Vec<Defaults>),
    /// In attributes.
    Attributes(BTreeMap<Name, AttributeDefault>),
}

/// One attribute of an object constraint.
#[derive(Clone, Debug)]
pub(crate) struct AttributeDefault {
    optional: bool,
    default: Option<Value>,
    inside: Defaults,
}

impl Constraint {
    /// No constraint at all.
    pub(crate) fn any() -> Self {
        Self {
            ty: Type::Any,
            defaults: Defaults::None,
        }
    }

    /// The expression with defaults put in, converted to the type.
    pub(crate) fn apply(&self, expr: Expr) -> Expr {
        lower::convert(self.defaults.apply(expr, 0), &self.ty)
    }

    /// Reads a type constraint. What is wrong is reported and counts as `any`.
    pub(crate) fn parse(expression: &Expression, diagnostics: &mut Diagnostics) -> Self {
        match &expression.kind {
            ExpressionKind::Invalid => Self::any(),
            ExpressionKind::Root(name) => Self::keyword(name, expression.span, diagnostics),
            ExpressionKind::Call(call) => Self::call(call, expression.span, diagnostics),
            ExpressionKind::Template(_) => {
                let detail = "Types are not quoted. Remove the quotes: type = string.";
                Self::refused(expression.span, detail, diagnostics)
            }
            _ => Self::refused(expression.span, FORMS, diagnostics),
        }
    }

    fn keyword(name: &str, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let ty = match name {
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "any" => Type::Any,
            // Shorthand that Terraform still reads.
            "list" => Type::list(Type::Any),
            "map" => Type::map(Type::Any),
            "set" | "object" | "tuple" => {
                let inside = match name {
                    "object" => "object({ name = string })",
                    "tuple" => "tuple([string, number])",
                    _ => "set(string)",
                };
                let detail =
                    alloc::format!("The type \"{name}\" needs to know what is in it: {inside}.");
                diagnostics.push(diag::invalid_type(span, &detail));
                Type::Any
            }
            _ => {
                let suggestion = crate::suggest::did_you_mean(name, KEYWORDS.iter().copied());
                let detail = alloc::format!("There is no type \"{name}\". {FORMS}");
                let mut found = diag::invalid_type(span, &detail);
                if let Some(text) = suggestion {
                    found = found.hint(text, None);
                }
                diagnostics.push(found);
                Type::Any
            }
        };
        Self {
            ty,
            defaults: Defaults::None,
        }
    }

    fn call(call: &Call, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let name = &*call.name.name;
        let given = Span {
            start: call.name.span.end,
            ..span
        };
        match name {
            "optional" => {
                let detail =
                    "optional(...) is only possible around the type of an attribute of an object.";
                return Self::refused(call.name.span, detail, diagnostics);
            }
            "string" | "number" | "bool" | "any" => {
                let detail = alloc::format!("The type \"{name}\" takes no arguments.");
                return Self::refused(given, &detail, diagnostics);
            }
            _ => {}
        }
        let [argument] = call.arguments.as_slice() else {
            let detail = alloc::format!("{name} takes one argument. {FORMS}");
            let surplus = call.arguments.get(1).zip(call.arguments.last());
            let place = surplus.map_or(given, |(first, last)| Span {
                end: last.span.end,
                ..first.span
            });
            return Self::refused(place, &detail, diagnostics);
        };
        match (name, &argument.kind) {
            ("list", _) => Self::parse(argument, diagnostics).collection(Type::list, false),
            ("set", _) => Self::parse(argument, diagnostics).collection(Type::set, false),
            ("map", _) => Self::parse(argument, diagnostics).collection(Type::map, true),
            ("tuple", ExpressionKind::Tuple(items)) => {
                let items = items.iter().map(|item| Self::parse(item, diagnostics));
                let (types, defaults): (Vec<_>, Vec<_>) =
                    items.map(|item| (item.ty, item.defaults)).unzip();
                let plain = defaults.iter().all(Defaults::is_none);
                Self {
                    ty: Type::tuple(types),
                    defaults: if plain {
                        Defaults::None
                    } else {
                        Defaults::Positions(defaults)
                    },
                }
            }
            ("object", ExpressionKind::Object(items)) => Self::object(items, diagnostics),
            ("tuple", _) => {
                let detail = "The types of a tuple stand in brackets: tuple([string, number]).";
                Self::refused(argument.span, detail, diagnostics)
            }
            ("object", _) => {
                let detail =
                    "The attributes of an object stand in braces: object({ name = string }).";
                Self::refused(argument.span, detail, diagnostics)
            }
            (name, _) => {
                let detail = alloc::format!("There is no type \"{name}(...)\". {FORMS}");
                let known = KEYWORDS.iter().copied();
                let mut found = diag::invalid_type(span, &detail);
                if let Some(text) = crate::suggest::did_you_mean(name, known) {
                    found = found.hint(text, None);
                }
                diagnostics.push(found);
                Self::any()
            }
        }
    }

    fn collection(self, make: fn(Type) -> Type, map: bool) -> Self {
        let defaults = match self.defaults {
            Defaults::None => Defaults::None,
            inside if map => Defaults::Values(Box::new(inside)),
            inside => Defaults::Elements(Box::new(inside)),
        };
        Self {
            ty: make(self.ty),
            defaults,
        }
    }

    fn object(items: &[(Expression, Expression)], diagnostics: &mut Diagnostics) -> Self {
        let mut attributes = BTreeMap::new();
        let mut optional = BTreeSet::new();
        let mut defaults = BTreeMap::new();
        let mut plain = true;
        for (key, value) in items {
            let Some(name) = key.as_keyword() else {
                let detail = "The attributes of an object type are bare names.";
                diagnostics.push(diag::invalid_type(key.span, detail));
                continue;
            };
            let (constraint, attribute) = Self::attribute(value, diagnostics);
            if attribute.optional {
                optional.insert(name.clone());
            }
            plain &= attribute.default.is_none() && attribute.inside.is_none();
            defaults.insert(name.clone(), attribute);
            if attributes.insert(name.clone(), constraint).is_some() {
                let detail = alloc::format!("The attribute \"{name}\" is there twice.");
                diagnostics.push(diag::invalid_type(key.span, &detail));
            }
        }
        Self {
            ty: Type::Object(Arc::new(ObjectType {
                attributes,
                optional,
            })),
            defaults: if plain {
                Defaults::None
            } else {
                Defaults::Attributes(defaults)
            },
        }
    }

    /// The type of an attribute, perhaps inside `optional(type, default)`.
    fn attribute(value: &Expression, diagnostics: &mut Diagnostics) -> (Type, AttributeDefault) {
        let call = match &value.kind {
            ExpressionKind::Call(call) if &*call.name.name == "optional" => call,
            _ => {
                let constraint = Self::parse(value, diagnostics);
                let attribute = AttributeDefault {
                    optional: false,
                    default: None,
                    inside: constraint.defaults,
                };
                return (constraint.ty, attribute);
            }
        };
        let (ty, default) = match call.arguments.as_slice() {
            [ty] => (ty, None),
            [ty, default] => (ty, Some(default)),
            _ => {
                let detail =
                    "optional takes a type and perhaps a default: optional(string, \"x\").";
                let given = Span {
                    start: call.name.span.end,
                    ..value.span
                };
                diagnostics.push(diag::invalid_type(given, detail));
                let none = AttributeDefault {
                    optional: true,
                    default: None,
                    inside: Defaults::None,
                };
                return (Type::Any, none);
            }
        };
        let constraint = Self::parse(ty, diagnostics);
        let default = default.and_then(|default| {
            let what = "The default of an optional attribute";
            let value = lower::given(default, what, diagnostics)?;
            let expr = constraint.apply(literal(value, default.span));
            match expr.evaluate(&crate::constant::Nothing) {
                Ok(value) => Some(value),
                Err(why) => {
                    let because = diag::because(&why);
                    let detail =
                        alloc::format!("The default is not of the attribute's type{because}.");
                    diagnostics.push(diag::invalid_type(default.span, &detail));
                    None
                }
            }
        });
        let attribute = AttributeDefault {
            optional: true,
            default: default.filter(|value| !value.is_null()),
            inside: constraint.defaults,
        };
        (constraint.ty, attribute)
    }

    fn refused(span: Span, detail: &str, diagnostics: &mut Diagnostics) -> Self {
        diagnostics.push(diag::invalid_type(span, detail));
        Self::any()
    }
}

const KEYWORDS: [&str; 9] = [
    "string", "number", "bool", "any", "list", "map", "set", "object", "tuple",
];

const FORMS: &str = "Types are string, number, bool, any, list(...), set(...), map(...), tuple([...]) and object({...}).";

impl Defaults {
    fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// An expression that computes the operand with defaults put in. Where the operand has not the expected form, it
    /// comes out as it is, and the conversion behind it says what is wrong.
    fn apply(&self, operand: Expr, depth: usize) -> Expr {
        if self.is_none() {
            return operand;
        }
        let span = operand.span;
        let name: Name = alloc::format!("given.{depth}").as_str().into();
        let item: Name = alloc::format!("item.{depth}").as_str().into();
        let at = |kind| Expr { kind, span };
        let given = || at(ExprKind::Iteration(name.clone()));
        let filled = match self {
            Self::None => given(),
            Self::Elements(inside) => at(ExprKind::ForTuple {
                key: None,
                value: item.clone(),
                collection: Box::new(given()),
                condition: None,
                result: Box::new(inside.apply(at(ExprKind::Iteration(item.clone())), depth + 1)),
            }),
            Self::Values(inside) => {
                let key: Name = alloc::format!("key.{depth}").as_str().into();
                at(ExprKind::ForObject {
                    key: Some(key.clone()),
                    value: item.clone(),
                    collection: Box::new(given()),
                    condition: None,
                    result_key: Box::new(at(ExprKind::Iteration(key))),
                    result_value: Box::new(
                        inside.apply(at(ExprKind::Iteration(item.clone())), depth + 1),
                    ),
                    group: false,
                })
            }
            Self::Positions(positions) => {
                let items = positions.iter().enumerate().map(|(position, inside)| {
                    let index = literal(Value::number(position as i64), span);
                    let source = at(ExprKind::Index(Box::new(given()), Box::new(index)));
                    inside.apply(source, depth + 1)
                });
                at(ExprKind::Tuple(items.collect()))
            }
            Self::Attributes(attributes) => {
                let items = attributes.iter().map(|(name, attribute)| {
                    let source = at(ExprKind::Attribute(Box::new(given()), name.clone()));
                    let value = attribute.apply(source, depth + 1);
                    (literal(Value::string(name), span), value)
                });
                at(ExprKind::Object(items.collect()))
            }
        };
        let attempt = call("try", alloc::vec![filled, given()], span);
        let null = literal(Value::null(Type::Any), span);
        let absent = at(ExprKind::Binary(
            BinaryOperator::Equal,
            Box::new(given()),
            Box::new(null.clone()),
        ));
        let result = at(ExprKind::Conditional(
            Box::new(absent),
            Box::new(null),
            Box::new(attempt),
        ));
        bind(name, operand, result)
    }
}

impl AttributeDefault {
    fn apply(&self, source: Expr, depth: usize) -> Expr {
        let span = source.span;
        if !self.optional {
            return self.inside.apply(source, depth);
        }
        let null = || literal(Value::null(Type::Any), span);
        let source = call("try", alloc::vec![source, null()], span);
        let Some(default) = &self.default else {
            return self.inside.apply(source, depth);
        };
        let name: Name = alloc::format!("optional.{depth}").as_str().into();
        let given = || Expr {
            kind: ExprKind::Iteration(name.clone()),
            span,
        };
        let absent = Expr {
            kind: ExprKind::Binary(BinaryOperator::Equal, Box::new(given()), Box::new(null())),
            span,
        };
        let filled = Expr {
            kind: ExprKind::Conditional(
                Box::new(absent),
                Box::new(literal(default.clone(), span)),
                Box::new(self.inside.apply(given(), depth)),
            ),
            span,
        };
        bind(name, source, filled)
    }
}

fn call(name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
    let kind = ExprKind::Call {
        name: name.into(),
        arguments,
        expand_last: false,
    };
    Expr { kind, span }
}

/// `[for name in [operand] : result][0]`: the operand is computed once, and `result` can use it several times.
pub(crate) fn bind(name: Name, operand: Expr, result: Expr) -> Expr {
    let span = operand.span;
    let at = |kind| Expr { kind, span };
    let sequence = at(ExprKind::ForTuple {
        key: None,
        value: name,
        collection: Box::new(at(ExprKind::Tuple(alloc::vec![operand]))),
        condition: None,
        result: Box::new(result),
    });
    let first = literal(Value::number(0), span);
    at(ExprKind::Index(Box::new(sequence), Box::new(first)))
}

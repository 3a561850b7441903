//! What the word under the cursor means: the declaration, function, argument or block it stands for.

use crate::blocks;
use crate::index::{Declared, File, Module};
use definition::syntax::{Block, Body, Expression, ExpressionKind, Identifier, Part, Template};
use value::{Name, Span};

/// What stands at a place.
#[derive(Debug)]
pub(crate) enum Found<'t> {
    /// Names of a traversal up to the one at the place.
    Trail(Vec<(Name, Span)>),
    /// The name of a call.
    Call(&'t Identifier),
    /// The name of an argument.
    Argument(&'t Identifier),
    /// The first word of a block.
    Kind(&'t Identifier),
    /// A label of a block, by position.
    Label(usize, Span),
}

/// A place with the blocks around it, outermost first.
#[derive(Debug)]
pub(crate) struct At<'t> {
    pub(crate) blocks: Vec<&'t Block>,
    pub(crate) found: Found<'t>,
}

/// What a traversal refers to.
pub(crate) enum Meaning<'m> {
    /// Something declared in this module, and the names behind it.
    Declared(Declared<'m>, Vec<Name>),
    /// An output of a called module: the call, and the output's name.
    Output(Declared<'m>, Name),
    /// A name that is the same everywhere, with what it stands for.
    Fixed(&'static str),
}

/// What stands at a byte of a file; none in white space, comments and constants.
pub(crate) fn at(file: &File, byte: u32) -> Option<At<'_>> {
    let mut blocks = Vec::new();
    let mut body = &file.body;
    loop {
        // Ends: blocks hold smaller blocks.
        if let Some(found) = in_arguments(body, byte) {
            return Some(At { blocks, found });
        }
        let around = |block: &&Block| block.header.start <= byte && byte <= block.body.span.end;
        let block = body.blocks.iter().find(around)?;
        if touches(block.kind.span, byte) {
            let found = Found::Kind(&block.kind);
            return Some(At { blocks, found });
        }
        let mut labels = block.labels.iter();
        let label = labels.position(|label| touches(label.span, byte));
        blocks.push(block);
        if let Some(label) = label {
            let span = block.labels.get(label)?.span;
            let found = Found::Label(label, span);
            return Some(At { blocks, found });
        }
        body = &block.body;
    }
}

fn touches(span: Span, byte: u32) -> bool {
    span.start <= byte && byte <= span.end
}

fn in_arguments(body: &Body, byte: u32) -> Option<Found<'_>> {
    let attribute = body
        .attributes
        .iter()
        .find(|attribute| touches(attribute.span(), byte))?;
    if touches(attribute.name.span, byte) {
        return Some(Found::Argument(&attribute.name));
    }
    in_expression(&attribute.value, byte)
}

fn in_expression(expression: &Expression, byte: u32) -> Option<Found<'_>> {
    if !touches(expression.span, byte) {
        return None;
    }
    match &expression.kind {
        ExpressionKind::Invalid
        | ExpressionKind::Literal(_)
        | ExpressionKind::Item
        | ExpressionKind::Json(_) => None,
        ExpressionKind::Root(_) => trail(expression).map(Found::Trail),
        ExpressionKind::Attribute(source, name) => {
            if touches(name.span, byte) {
                return trail(expression).map(Found::Trail);
            }
            in_expression(source, byte)
        }
        ExpressionKind::Index(source, key) => {
            in_expression(key, byte).or_else(|| in_expression(source, byte))
        }
        ExpressionKind::Splat(pair) | ExpressionKind::Binary(_, pair) => {
            in_expression(&pair.0, byte).or_else(|| in_expression(&pair.1, byte))
        }
        ExpressionKind::Unary(_, inner) | ExpressionKind::Parenthesised(inner) => {
            in_expression(inner, byte)
        }
        ExpressionKind::Conditional(parts) => {
            parts.iter().find_map(|part| in_expression(part, byte))
        }
        ExpressionKind::Call(call) => {
            if touches(call.name.span, byte) {
                return Some(Found::Call(&call.name));
            }
            call.arguments
                .iter()
                .find_map(|argument| in_expression(argument, byte))
        }
        ExpressionKind::Tuple(items) => items.iter().find_map(|item| in_expression(item, byte)),
        ExpressionKind::Object(items) => items.iter().find_map(|(key, value)| {
            // A bare key is a text, not a reference.
            let key = match &key.kind {
                ExpressionKind::Root(_) => None,
                _ => in_expression(key, byte),
            };
            key.or_else(|| in_expression(value, byte))
        }),
        ExpressionKind::For(each) => [
            Some(&each.collection),
            each.result_key.as_ref(),
            Some(&each.result),
            each.condition.as_ref(),
        ]
        .into_iter()
        .flatten()
        .find_map(|part| in_expression(part, byte)),
        ExpressionKind::Template(template) => in_template(template, byte),
    }
}

fn in_template(template: &Template, byte: u32) -> Option<Found<'_>> {
    template.parts.iter().find_map(|part| in_part(part, byte))
}

fn in_part(part: &Part, byte: u32) -> Option<Found<'_>> {
    match part {
        Part::Text(..) => None,
        Part::Interpolation(expression) => in_expression(expression, byte),
        Part::If(branch) => in_expression(&branch.condition, byte).or_else(|| {
            let mut parts = branch.then.iter().chain(&branch.otherwise);
            parts.find_map(|part| in_part(part, byte))
        }),
        Part::For(each) => in_expression(&each.collection, byte)
            .or_else(|| each.parts.iter().find_map(|part| in_part(part, byte))),
    }
}

/// The names of a traversal, keys left out.
fn trail(expression: &Expression) -> Option<Vec<(Name, Span)>> {
    match &expression.kind {
        ExpressionKind::Root(name) => Some(vec![(name.clone(), expression.span)]),
        ExpressionKind::Attribute(source, name) => {
            let mut names = trail(source)?;
            names.push((name.name.clone(), name.span));
            Some(names)
        }
        ExpressionKind::Index(source, _) => trail(source),
        ExpressionKind::Parenthesised(inner) => trail(inner),
        _ => None,
    }
}

/// What a trail means in a module.
pub(crate) fn resolve<'m>(module: &'m Module, trail: &[&str]) -> Option<Meaning<'m>> {
    let behind = |from: usize| -> Vec<Name> {
        let rest = trail.get(from..).unwrap_or_default();
        rest.iter().map(|name| Name::from(*name)).collect()
    };
    if let Some(says) = blocks::fixed(trail) {
        return Some(Meaning::Fixed(says));
    }
    match trail {
        ["var", name, ..] => {
            let declared = module.block("variable", &[name])?;
            Some(Meaning::Declared(declared, behind(2)))
        }
        ["local", name, ..] => Some(Meaning::Declared(module.local(name)?, behind(2))),
        ["module" | "stack", name, rest @ ..] => {
            let kind = trail.first().copied().unwrap_or("module");
            let call = module.block(kind, &[name])?;
            Some(match rest.first() {
                Some(output) => Meaning::Output(call, Name::from(*output)),
                None => Meaning::Declared(call, Vec::new()),
            })
        }
        [mode @ ("data" | "ephemeral"), kind, name, ..] => {
            let declared = module.block(mode, &[kind, name])?;
            Some(Meaning::Declared(declared, behind(3)))
        }
        [kind, name, ..] => {
            let declared = module.block("resource", &[kind, name])?;
            Some(Meaning::Declared(declared, behind(2)))
        }
        _ => None,
    }
}

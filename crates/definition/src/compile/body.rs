//! Reading bodies whose arguments and blocks are fixed by the language, not by a provider.

use crate::diag::blocks as diag;
use crate::lower;
use crate::syntax::{Attribute, Block, Body};
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use value::{Diagnostics, Name, Type, Value};

/// What a kind of block may contain.
pub(crate) struct Form<'a> {
    /// How the block is called in messages.
    pub(crate) whose: &'a str,
    pub(crate) arguments: &'a [&'a str],
    pub(crate) blocks: &'a [&'a str],
}

/// Reports every argument and block that the form does not have.
pub(crate) fn check(body: &Body, form: &Form<'_>, diagnostics: &mut Diagnostics) {
    for attribute in &body.attributes {
        let name = &*attribute.name.name;
        if !form.arguments.contains(&name) {
            let hint = form.blocks.contains(&name).then(|| {
                alloc::format!(
                    "\"{name}\" is a block: write {name} {{ ... }} without the equals sign."
                )
            });
            let span = attribute.name.span;
            diagnostics.push(diag::unknown_argument(
                span,
                name,
                form.whose,
                form.arguments,
                hint,
            ));
        }
    }
    for block in &body.blocks {
        let name = &*block.kind.name;
        if !form.blocks.contains(&name) {
            let hint = form.arguments.contains(&name).then(|| {
                alloc::format!("\"{name}\" is an argument: write {name} = ... with an equals sign.")
            });
            let span = block.kind.span;
            diagnostics.push(diag::unknown_block(
                span,
                name,
                form.whose,
                form.blocks,
                hint,
            ));
        }
    }
}

/// An argument that must be there.
pub(crate) fn required<'b>(
    body: &'b Body,
    name: &str,
    whose: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'b Attribute> {
    let attribute = body.attribute(name);
    if attribute.is_none() {
        diagnostics.push(diag::missing_argument(body.open, name, whose));
    }
    attribute
}

/// The only block of a kind, if there is one; more are reported.
pub(crate) fn single<'b>(
    body: &'b Body,
    kind: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'b Block> {
    let mut blocks = body.blocks.iter().filter(|block| &*block.kind.name == kind);
    let first = blocks.next()?;
    for block in blocks {
        diagnostics.push(diag::duplicate_block(block.header, kind, first.header));
    }
    Some(first)
}

/// A constant text argument; none when it is not set, null or wrong.
pub(crate) fn text(body: &Body, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let value = constant(body, name, &Type::String, diagnostics)?;
    value.as_str().map(ToString::to_string)
}

/// A constant truth value; none when it is not set or wrong.
pub(crate) fn switch(body: &Body, name: &str, diagnostics: &mut Diagnostics) -> Option<bool> {
    let attribute = body.attribute(name)?;
    let what = alloc::format!("\"{name}\"");
    let value = lower::constant(&attribute.value, &Type::Any, &what, diagnostics)?;
    let known = match value.as_str() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => value.as_bool(),
    };
    if known.is_none() {
        let span = attribute.value.start();
        diagnostics.push(diag::truth_value_required(span, name));
    }
    known
}

/// A constant truth value; false when it is not set.
pub(crate) fn flag(body: &Body, name: &str, diagnostics: &mut Diagnostics) -> bool {
    switch(body, name, diagnostics).unwrap_or(false)
}

/// A constant argument of a type; none when it is not set or wrong.
pub(crate) fn constant(
    body: &Body,
    name: &str,
    ty: &Type,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let attribute = body.attribute(name)?;
    let what = alloc::format!("\"{name}\"");
    lower::constant(&attribute.value, ty, &what, diagnostics)
}

/// The labels of a block when there are as many as its form has.
pub(crate) fn labels<'b>(
    block: &'b Block,
    form: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Vec<&'b Name>> {
    if block.labels.len() == form.len() {
        return Some(block.labels.iter().map(|label| &label.name).collect());
    }
    let superfluous = block.labels.get(form.len());
    let span = superfluous.map_or(block.body.open, |label| label.span);
    diagnostics.push(diag::wrong_labels(span, &block.kind.name, form));
    None
}

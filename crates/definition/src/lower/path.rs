//! Attributes and indexes behind a resource: whether its schema has what they lead to. Where a type is only known
//! with its value, nothing can be said.

use super::reference::{Step, StepKind};
use crate::diag::references as diag;
use crate::syntax::{Expression, ExpressionKind, Part};
use alloc::string::ToString as _;
use model::{BlockSchema, Nesting};
use value::{Diagnostic, Name, Type};

/// The first step that leads nowhere.
pub(super) fn check(what: &str, schema: &BlockSchema, steps: &[Step<'_>]) -> Option<Diagnostic> {
    let (first, rest) = steps.split_first()?;
    let StepKind::Attribute(id) = first.kind else {
        return None;
    };
    let ty = match schema.attributes.get(&id.name) {
        Some(attribute) => attribute.ty.clone(),
        None => match schema.blocks.get(&id.name) {
            Some(_) if rest.is_empty() => return None,
            Some(nested) => {
                let inner = nested.block.implied_type();
                match nested.nesting {
                    Nesting::Single | Nesting::Group => inner,
                    Nesting::List => Type::list(inner),
                    Nesting::Set => Type::set(inner),
                    Nesting::Map => Type::map(inner),
                }
            }
            None => {
                return Some(diag::unknown_attribute(first.own, what, &id.name, schema));
            }
        },
    };
    inside(&ty, rest)
}

fn inside(ty: &Type, steps: &[Step<'_>]) -> Option<Diagnostic> {
    let (step, rest) = steps.split_first()?;
    let name = match step.kind {
        StepKind::Attribute(id) => Some(id.name.clone()),
        StepKind::Index(key) => text(key),
    };
    let is_attribute = matches!(step.kind, StepKind::Attribute(_));
    match ty {
        Type::Any => None,
        Type::Object(object) => {
            let name = name?;
            match object.attributes.get(&name) {
                Some(inner) => inside(inner, rest),
                None => {
                    let known = object.attributes.keys().map(|name| &**name);
                    Some(diag::no_such_attribute(step.own, &name, known))
                }
            }
        }
        Type::Map(inner) => inside(inner, rest),
        Type::List(_) | Type::Set(_) | Type::Tuple(_) if is_attribute => {
            let name = name.unwrap_or_else(|| "".into());
            Some(diag::attribute_of_sequence(
                step.own,
                &ty.in_words().to_string(),
                &name,
            ))
        }
        Type::List(inner) => inside(inner, rest),
        Type::Set(_) => Some(diag::index_of_set(step.own)),
        Type::Tuple(_) => None,
        Type::Bool | Type::Number | Type::String if is_attribute => Some(
            diag::attribute_of_primitive(step.own, &ty.in_words().to_string()),
        ),
        Type::Bool | Type::Number | Type::String => Some(diag::index_of_primitive(
            step.own,
            &ty.in_words().to_string(),
        )),
    }
}

/// The text of a key that is nothing but text.
fn text(key: &Expression) -> Option<Name> {
    let ExpressionKind::Template(template) = &key.kind else {
        return None;
    };
    match template.parts.as_slice() {
        [Part::Text(text, _)] => Some(text.as_str().into()),
        _ => None,
    }
}

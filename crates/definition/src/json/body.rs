//! Nodes to bodies and blocks, by the forms of blocks.

use super::expression::expression;
use super::forms::{self, BlockForm, Form, Reading, Rest};
use super::read::{self, Node, NodeKind, Property};
use crate::diag::{json as diag, syntax::duplicate_argument};
use crate::limits::DIAGNOSTICS_PER_SOURCE_MAX;
use crate::parser;
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind, Identifier, Undecided};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use value::{Diagnostic, Diagnostics, Name, SourceId, Span};

/// The blocks of a module file (`*.tf.json`). The body holds what could be read, whatever the diagnostics say.
pub(crate) fn module_body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    file_body(text, source, &forms::FILE)
}

/// The blocks of a test file (`*.tftest.json`).
pub(crate) fn test_body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    file_body(text, source, &forms::TEST_FILE)
}

/// The blocks of a file of mocks (`*.tfmock.json`).
pub(crate) fn mock_body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    file_body(text, source, &forms::MOCK_FILE)
}

fn file_body(text: &str, source: SourceId, form: &Form) -> (Body, Diagnostics) {
    let (node, diagnostics) = read::read(text, source);
    let mut builder = Builder { diagnostics };
    let body = match node {
        Some(node) if is_container(&node) => builder.body(&node, form, 0),
        Some(node) => {
            let whole = Span {
                source,
                start: 0,
                end: text.len() as u32,
            };
            if node.kind != NodeKind::Invalid {
                builder.report(diag::root_object(node.span, node.in_words()));
            }
            Body::empty(whole)
        }
        None => Body::empty(Span {
            source,
            start: 0,
            end: text.len() as u32,
        }),
    };
    (body, builder.finish())
}

/// The arguments of a variables file (`*.tfvars.json`).
pub(crate) fn variables_body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    let (node, diagnostics) = read::read(text, source);
    let mut builder = Builder { diagnostics };
    let whole = Span {
        source,
        start: 0,
        end: text.len() as u32,
    };
    let mut body = Body::empty(whole);
    match node {
        Some(Node {
            kind: NodeKind::Object(properties),
            ..
        }) => {
            for property in &properties {
                builder.argument(property, Rest::Arguments(Reading::Plain), 1, &mut body);
            }
        }
        Some(node) if node.kind != NodeKind::Invalid => {
            builder.report(crate::diag::inputs::variables_object(
                node.span,
                node.in_words(),
            ));
        }
        _ => {}
    }
    (body, builder.finish())
}

/// Makes blocks of the properties that only a schema knows to be blocks. `is_block` says of a name whether it is one,
/// and then whether it has a label; all other properties are arguments.
///
/// A body in the native syntax comes back as it is.
pub(crate) fn decide<'b>(
    body: &'b Body,
    is_block: &dyn Fn(&str) -> Option<bool>,
    diagnostics: &mut Diagnostics,
) -> Cow<'b, Body> {
    let undecided =
        |attribute: &&Attribute| matches!(attribute.value.kind, ExpressionKind::Json(_));
    if !body
        .attributes
        .iter()
        .any(|attribute| undecided(&attribute))
    {
        return Cow::Borrowed(body);
    }
    let mut builder = Builder {
        diagnostics: Diagnostics::new(),
    };
    let mut decided = Body {
        attributes: Vec::with_capacity(body.attributes.len()),
        blocks: body.blocks.clone(),
        span: body.span,
        open: body.open,
    };
    let mut seen: BTreeMap<&Name, Span> = BTreeMap::new();
    for attribute in &body.attributes {
        let name = &attribute.name;
        if let ExpressionKind::Json(Undecided(node)) = &attribute.value.kind {
            if let Some(labelled) = is_block(&name.name) {
                let form = BlockForm {
                    labels: if labelled { &["key"] } else { &[] },
                    form: &forms::BY_SCHEMA,
                };
                builder.blocks(node, name, form, 1, &mut decided.blocks);
                continue;
            }
            if let Some(first) = seen.insert(&name.name, name.span) {
                builder.report(duplicate_argument(name.span, &name.name, first));
                continue;
            }
        }
        decided.attributes.push(attribute.clone());
    }
    diagnostics.extend(builder.finish());
    Cow::Owned(decided)
}

/// Whether a schema must say if this is an argument.
pub(crate) fn is_undecided(attribute: &Attribute) -> bool {
    matches!(attribute.value.kind, ExpressionKind::Json(_))
}

fn is_container(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Object(_) | NodeKind::Array(_))
}

struct Builder {
    diagnostics: Diagnostics,
}

impl Builder {
    fn finish(mut self) -> Diagnostics {
        self.diagnostics.0.sort_by_key(|found| found.span);
        self.diagnostics.0.truncate(DIAGNOSTICS_PER_SOURCE_MAX);
        self.diagnostics
    }

    fn report(&mut self, found: Diagnostic) {
        if self.diagnostics.0.len() < DIAGNOSTICS_PER_SOURCE_MAX * 2 {
            self.diagnostics.push(found);
        }
    }

    /// The inside of a block: an object, or several in an array, which count as one.
    fn body(&mut self, node: &Node, form: &Form, depth: usize) -> Body {
        let mut body = Body::empty(node.span);
        body.open = node.close();
        for property in self.members(node, None) {
            let name = &*property.name.content;
            let argument = form.arguments.iter().find(|(known, _)| *known == name);
            let block = form.blocks.iter().find(|(known, _)| *known == name);
            match (argument, block) {
                (Some((_, reading)), _) => {
                    let reading = Rest::Arguments(*reading);
                    self.argument(property, reading, depth + 1, &mut body);
                }
                (None, Some((_, block))) => {
                    let kind = identifier(property);
                    self.blocks(&property.value, &kind, *block, depth + 1, &mut body.blocks);
                }
                (None, None) => self.argument(property, form.rest, depth + 1, &mut body),
            }
        }
        body
    }

    fn argument(&mut self, property: &Property, rest: Rest, depth: usize, body: &mut Body) {
        // Whatever stands under this name is a comment.
        if property.name.content == "//" {
            return;
        }
        let name = identifier(property);
        let value = match rest {
            Rest::Undecided => Expression {
                kind: ExpressionKind::Json(Undecided(Arc::clone(&property.value))),
                span: property.value.span,
                height: property.value.height,
            },
            Rest::Arguments(reading) => {
                if let Some(first) = body.attribute(&name.name) {
                    let found = duplicate_argument(name.span, &name.name, first.name.span);
                    return self.report(found);
                }
                expression(&property.value, reading, depth, &mut self.diagnostics)
            }
        };
        body.attributes.push(Attribute { name, value });
    }

    /// The blocks that a property stands for: one level of objects for each label, and then one object or several.
    fn blocks(
        &mut self,
        node: &Node,
        kind: &Identifier,
        form: BlockForm,
        depth: usize,
        blocks: &mut Vec<Block>,
    ) {
        self.labelled(node, kind, form, (form.labels, &[]), depth, blocks);
    }

    fn labelled(
        &mut self,
        node: &Node,
        kind: &Identifier,
        form: BlockForm,
        (left, labels): (&[&str], &[Identifier]),
        depth: usize,
        blocks: &mut Vec<Block>,
    ) {
        let Some((label, left)) = left.split_first() else {
            return self.unlabelled(node, kind, form, labels, depth, blocks);
        };
        let before = self.diagnostics.0.len();
        let members = self.members(node, Some((&kind.name, label)));
        if members.is_empty()
            && self.diagnostics.0.len() == before
            && node.kind != NodeKind::Invalid
        {
            self.report(diag::label_missing(node.open(), &kind.name, label));
        }
        for property in members {
            let mut labels = labels.to_vec();
            labels.push(identifier(property));
            self.labelled(
                &property.value,
                kind,
                form,
                (left, &labels),
                depth + 1,
                blocks,
            );
        }
    }

    fn unlabelled(
        &mut self,
        node: &Node,
        kind: &Identifier,
        form: BlockForm,
        labels: &[Identifier],
        depth: usize,
        blocks: &mut Vec<Block>,
    ) {
        let several = match &node.kind {
            NodeKind::Null | NodeKind::Invalid => return,
            NodeKind::Array(items) => items.as_slice(),
            NodeKind::Object(_) => core::slice::from_ref(node),
            _ => {
                let found = diag::block_required(node.span, &kind.name, node.in_words());
                return self.report(found);
            }
        };
        for item in several {
            let body = self.body(item, form.form, depth);
            if is_container(item) {
                blocks.push(Block {
                    kind: kind.clone(),
                    labels: labels.to_vec(),
                    body,
                    header: item.open(),
                });
            }
        }
    }

    /// The properties of an object, or of all objects in an array; `label` says of what the names are labels.
    fn members<'n>(&mut self, node: &'n Node, label: Option<(&Name, &str)>) -> Vec<&'n Property> {
        let items = match &node.kind {
            NodeKind::Null | NodeKind::Invalid => return Vec::new(),
            NodeKind::Array(items) => items.as_slice(),
            _ => core::slice::from_ref(node),
        };
        let mut members = Vec::new();
        for item in items {
            match &item.kind {
                NodeKind::Object(properties) => members.extend(properties),
                NodeKind::Invalid => {}
                _ => {
                    let found = match label {
                        Some((kind, label)) => {
                            diag::labels_required(item.span, kind, label, item.in_words())
                        }
                        None => diag::object_required(item.span, item.in_words()),
                    };
                    self.report(found);
                }
            }
        }
        members
    }
}

fn identifier(property: &Property) -> Identifier {
    Identifier {
        name: parser::normalised(&property.name.content),
        span: property.name.span,
    }
}

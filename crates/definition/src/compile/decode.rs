//! Bodies whose form a provider's schema gives, to one object expression of the type that the schema implies.

use crate::diag::blocks as diag;
use crate::lower::{Lowerer, convert, literal};
use crate::syntax::{Block, Body};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use model::{Attribute, BlockSchema, NestedBlock, Nesting};
use value::{Diagnostics, Expr, ExprKind, Name, Span, Type, Value};

/// Decodes the body of one resource.
pub(crate) struct Decoder<'l, 'n, 'd> {
    pub(crate) lowerer: &'l mut Lowerer<'n>,
    pub(crate) diagnostics: &'l mut Diagnostics,
    /// The resource, for messages.
    pub(crate) whose: &'d str,
    /// What the outermost body may contain besides.
    pub(crate) is_meta_argument: &'d dyn Fn(&str) -> bool,
    pub(crate) is_meta_block: &'d dyn Fn(&str) -> bool,
}

/// A nested block as written: itself, or one for each element of a collection.
struct Item<'b> {
    dynamic: Option<&'b Block>,
    block: &'b Block,
}

impl Decoder<'_, '_, '_> {
    /// The outermost body.
    pub(crate) fn object(&mut self, body: &Body, schema: &BlockSchema, header: Span) -> Expr {
        match self.escaped(body) {
            Some(body) => self.body(&body, schema, header, false),
            None => self.body(body, schema, header, true),
        }
    }

    /// The body with what stands in a block `_`: there, names have the meaning that the schema gives them, even those
    /// that otherwise mean something to the language. None where there is no such block.
    fn escaped(&mut self, body: &Body) -> Option<Body> {
        let block = super::body::single(body, "_", self.diagnostics)?;
        super::body::labels(block, &[], self.diagnostics);
        let mut whole = body.clone();
        whole
            .attributes
            .retain(|attribute| !(self.is_meta_argument)(&attribute.name.name));
        whole.blocks.retain(|block| {
            let kind = &*block.kind.name;
            kind != "_" && !(self.is_meta_block)(kind)
        });
        for attribute in &block.body.attributes {
            let name = &attribute.name;
            if let Some(first) = whole.attribute(&name.name) {
                let first = first.name.span;
                let found = crate::diag::syntax::duplicate_argument(name.span, &name.name, first);
                self.diagnostics.push(found);
                continue;
            }
            whole.attributes.push(attribute.clone());
        }
        whole.blocks.extend(block.body.blocks.iter().cloned());
        Some(whole)
    }

    fn body(&mut self, body: &Body, schema: &BlockSchema, header: Span, outermost: bool) -> Expr {
        let is_block = |name: &str| {
            let nested = schema.blocks.get(name)?;
            Some(nested.nesting == Nesting::Map)
        };
        let decided = crate::json::decide(body, &is_block, self.diagnostics);
        let body = decided.as_ref();
        let schema = &*as_written(body, schema);
        self.unknown_arguments(body, schema, outermost);
        let mut items: BTreeMap<&str, Vec<Item<'_>>> = BTreeMap::new();
        for block in &body.blocks {
            if let Some((kind, item)) = self.item(block, schema, outermost) {
                items.entry(kind).or_default().push(item);
            }
        }
        let mut parts = Vec::new();
        for (name, attribute) in &schema.attributes {
            let key = literal(Value::string(name), header);
            let value = match body.attribute(name) {
                Some(set) if attribute.required || attribute.optional => {
                    self.lowerer.converted(&set.value, &attribute.ty)
                }
                Some(set) => {
                    let found = diag::not_configurable(set.name.span, name, self.whose);
                    self.diagnostics.push(found);
                    continue;
                }
                None => {
                    if attribute.required {
                        let found = diag::missing_argument(body.open, name, self.whose);
                        self.diagnostics.push(found);
                    }
                    literal(Value::null(attribute.ty.clone()), header)
                }
            };
            parts.push((key, value));
        }
        for (name, nested) in &schema.blocks {
            let items = items.remove(&**name).unwrap_or_default();
            self.count(name, nested, &items, body.open);
            let key = literal(Value::string(name), header);
            parts.push((key, self.nested(nested, &items, header)));
        }
        Expr {
            kind: ExprKind::Object(parts),
            span: header,
        }
    }

    fn unknown_arguments(&mut self, body: &Body, schema: &BlockSchema, outermost: bool) {
        for attribute in &body.attributes {
            let name = &*attribute.name.name;
            let known = schema.attributes.contains_key(name)
                || (outermost && (self.is_meta_argument)(name));
            if known {
                continue;
            }
            let hint = schema.blocks.contains_key(name).then(|| {
                alloc::format!(
                    "\"{name}\" is a block: write {name} {{ ... }} without the equals sign."
                )
            });
            let names: Vec<&str> = schema.attributes.keys().map(|name| &**name).collect();
            let span = attribute.name.span;
            let found = diag::unknown_argument(span, name, self.whose, &names, hint);
            self.diagnostics.push(found);
        }
    }

    /// Which kind of nested block a block gives; none when it is something else or has been reported.
    fn item<'b>(
        &mut self,
        block: &'b Block,
        schema: &BlockSchema,
        outermost: bool,
    ) -> Option<(&'b str, Item<'b>)> {
        let kind = &*block.kind.name;
        if outermost && (self.is_meta_block)(kind) {
            return None;
        }
        if kind == "dynamic" {
            return self.dynamic(block, schema);
        }
        let Some(nested) = schema.blocks.get(kind) else {
            self.unknown_block(block.kind.span, kind, schema);
            return None;
        };
        let labels: &[&str] = match nested.nesting {
            Nesting::Map => &["KEY"],
            _ => &[],
        };
        super::body::labels(block, labels, self.diagnostics)?;
        let item = Item {
            dynamic: None,
            block,
        };
        Some((kind, item))
    }

    fn unknown_block(&mut self, span: Span, kind: &str, schema: &BlockSchema) {
        let hint = schema.attributes.contains_key(kind).then(|| {
            alloc::format!("\"{kind}\" is an argument: write {kind} = ... with an equals sign.")
        });
        let names: Vec<&str> = schema.blocks.keys().map(|name| &**name).collect();
        let found = diag::unknown_block(span, kind, self.whose, &names, hint);
        self.diagnostics.push(found);
    }

    /// `dynamic "kind" { for_each, iterator, labels, content {} }`.
    fn dynamic<'b>(
        &mut self,
        block: &'b Block,
        schema: &BlockSchema,
    ) -> Option<(&'b str, Item<'b>)> {
        super::body::labels(block, &["BLOCK TYPE"], self.diagnostics)?;
        let kind = &block.labels.first()?.name;
        let Some(nested) = schema.blocks.get(kind) else {
            let span = block.labels.first().map_or(block.header, |l| l.span);
            self.unknown_block(span, kind, schema);
            return None;
        };
        let form = super::body::Form {
            whose: "A dynamic block",
            arguments: &["for_each", "iterator", "labels"],
            blocks: &["content"],
        };
        let inside = &block.body;
        super::body::check(inside, &form, self.diagnostics);
        let whose = "A dynamic block";
        let for_each = super::body::required(inside, "for_each", whose, self.diagnostics);
        if let (Some(labels), false) = (inside.attribute("labels"), nested.nesting == Nesting::Map)
        {
            let detail = alloc::format!("Blocks of type \"{kind}\" have no labels.");
            self.diagnostics
                .push(diag::invalid_dynamic(labels.name.span, &detail));
        }
        let Some(content) = super::body::single(inside, "content", self.diagnostics) else {
            let detail = "A dynamic block needs a content block, which says what each generated block contains.";
            self.diagnostics
                .push(diag::invalid_dynamic(block.header, detail));
            return None;
        };
        for_each?;
        let item = Item {
            dynamic: Some(block),
            block: content,
        };
        Some((kind, item))
    }

    /// How many blocks there may be, as far as that is certain before the collections are known.
    fn count(&mut self, name: &str, nested: &NestedBlock, items: &[Item<'_>], header: Span) {
        let mut certain = items.iter().filter(|item| item.dynamic.is_none());
        let least = certain.clone().count() as u64;
        let most = match nested.nesting {
            Nesting::Single | Nesting::Group => 1,
            _ => nested.max_items,
        };
        if most > 0 && least > most {
            let span = certain.next_back().map_or(header, |item| item.block.header);
            self.diagnostics
                .push(diag::too_many_blocks(span, name, self.whose, most));
        }
        if items.len() as u64 == least && least < nested.min_items {
            let min = nested.min_items;
            self.diagnostics
                .push(diag::too_few_blocks(header, name, self.whose, min));
        }
    }

    fn nested(&mut self, nested: &NestedBlock, items: &[Item<'_>], header: Span) -> Expr {
        let inner = nested.block.implied_type();
        let at = |kind| Expr { kind, span: header };
        let ty = match nested.nesting {
            Nesting::Single | Nesting::Group => return self.only(nested, items, inner, header),
            Nesting::List => Type::list(inner),
            Nesting::Set => Type::set(inner),
            Nesting::Map => Type::map(inner),
        };
        let map = nested.nesting == Nesting::Map;
        let mut pieces: Vec<Expr> = Vec::new();
        for item in items {
            if item.dynamic.is_some() {
                let generated = self.generated(nested, item, map);
                pieces.push(generated);
                continue;
            }
            let span = item.block.header;
            let value = self.body(&item.block.body, &nested.block, span, false);
            // Neighbours that are certain share one piece.
            match (pieces.last_mut().map(|piece| &mut piece.kind), map) {
                (Some(ExprKind::Tuple(values)), false) => values.push(value),
                (Some(ExprKind::Object(values)), true) => {
                    values.push((label_key(item.block), value));
                }
                (_, false) => pieces.push(at(ExprKind::Tuple(alloc::vec![value]))),
                (_, true) => {
                    let values = alloc::vec![(label_key(item.block), value)];
                    pieces.push(at(ExprKind::Object(values)));
                }
            }
        }
        let whole = match (pieces.len(), map) {
            (0, false) => at(ExprKind::Tuple(Vec::new())),
            (0, true) => at(ExprKind::Object(Vec::new())),
            (1, _) => pieces.remove(0),
            _ => at(ExprKind::Call {
                name: if map { "merge" } else { "concat" }.into(),
                arguments: pieces,
                expand_last: false,
            }),
        };
        // A list cannot hold elements of types that only become known later; such blocks stay a tuple.
        if has_any(&nested.block) {
            return whole;
        }
        convert(whole, &ty)
    }

    /// At most one block: an object, or null.
    fn only(&mut self, nested: &NestedBlock, items: &[Item<'_>], ty: Type, header: Span) -> Expr {
        match items.first() {
            None if nested.nesting == Nesting::Group => {
                let empty = Body::empty(header);
                self.body(&empty, &nested.block, header, false)
            }
            None => literal(Value::null(ty), header),
            Some(item) if item.dynamic.is_some() => {
                let generated = self.generated(nested, item, false);
                let kind = ExprKind::Call {
                    name: "one".into(),
                    arguments: alloc::vec![generated],
                    expand_last: false,
                };
                convert(Expr { kind, span: header }, &ty)
            }
            Some(item) => self.body(&item.block.body, &nested.block, item.block.header, false),
        }
    }

    /// The sequence (or, with labels, the map) of blocks that a `dynamic` block generates.
    fn generated(&mut self, nested: &NestedBlock, item: &Item<'_>, map: bool) -> Expr {
        let content = item.block;
        let dynamic = item.dynamic.unwrap_or(content);
        let span = dynamic.header;
        let inside = &dynamic.body;
        let Some(for_each) = inside.attribute("for_each") else {
            return literal(Value::unknown(Type::Any), span);
        };
        let collection = Box::new(self.lowerer.expression(&for_each.value));
        let iterator = self.iterator(dynamic);
        let diagnostics = &mut *self.diagnostics;
        let (whose, is_argument, is_block) =
            (self.whose, self.is_meta_argument, self.is_meta_block);
        let (key, value) = self.lowerer.with_dynamic(&iterator, |lowerer| {
            let key = map.then(|| dynamic_key(dynamic, lowerer, diagnostics));
            let mut decoder = Decoder {
                lowerer,
                diagnostics,
                whose,
                is_meta_argument: is_argument,
                is_meta_block: is_block,
            };
            let value = decoder.body(&content.body, &nested.block, content.header, false);
            (key, value)
        });
        let part = |part: &str| crate::lower::dynamic_name(&iterator, part);
        let kind = match key {
            Some(key) => ExprKind::ForObject {
                key: Some(part("key")),
                value: part("value"),
                collection,
                condition: None,
                result_key: Box::new(key),
                result_value: Box::new(value),
                group: false,
            },
            None => ExprKind::ForTuple {
                key: Some(part("key")),
                value: part("value"),
                collection,
                condition: None,
                result: Box::new(value),
            },
        };
        Expr { kind, span }
    }

    /// The name under which the content refers to the element: the label, unless `iterator` says otherwise.
    fn iterator(&mut self, dynamic: &Block) -> Name {
        let label = dynamic.labels.first().map(|label| label.name.clone());
        let Some(attribute) = dynamic.body.attribute("iterator") else {
            return label.unwrap_or_else(|| "each".into());
        };
        match attribute.value.as_keyword() {
            Some(name) => name.clone(),
            None => {
                let detail = "iterator is a bare name: iterator = item.";
                let span = attribute.value.span;
                self.diagnostics.push(diag::invalid_dynamic(span, detail));
                label.unwrap_or_else(|| "each".into())
            }
        }
    }
}

/// The schema that a body follows: an argument that is a list or set of objects may also be written as blocks of its
/// name, as providers made with the first framework have it (`ConfigMode`), and whoever does means blocks.
fn as_written<'s>(body: &Body, schema: &'s BlockSchema) -> Cow<'s, BlockSchema> {
    let mut schema = Cow::Borrowed(schema);
    for block in &body.blocks {
        let is_dynamic = &*block.kind.name == "dynamic";
        let label = block.labels.first().filter(|_| is_dynamic);
        let name = label.map_or(&block.kind.name, |label| &label.name);
        let Some((nesting, block)) = schema.attributes.get(name).and_then(blocks_of) else {
            continue;
        };
        let (min_items, max_items) = (0, 0);
        let changed = schema.to_mut();
        changed.attributes.remove(name);
        let nested = NestedBlock {
            nesting,
            block,
            min_items,
            max_items,
        };
        changed.blocks.insert(name.clone(), nested);
    }
    schema
}

/// The blocks that an argument may be written as.
fn blocks_of(attribute: &Attribute) -> Option<(Nesting, BlockSchema)> {
    if attribute.nested.is_some() || !(attribute.required || attribute.optional) {
        return None;
    }
    let (nesting, element) = match &attribute.ty {
        Type::List(element) => (Nesting::List, element),
        Type::Set(element) => (Nesting::Set, element),
        _ => return None,
    };
    let Type::Object(object) = &**element else {
        return None;
    };
    let members = object.attributes.iter();
    let attributes = members.map(|(name, ty)| (name.clone(), Attribute::optional(ty.clone(), "")));
    let block = BlockSchema {
        attributes: attributes.collect(),
        ..BlockSchema::default()
    };
    Some((nesting, block))
}

/// The key of a labelled block.
fn label_key(block: &Block) -> Expr {
    let label = block.labels.first();
    let name: String = label
        .map(|label| String::from(&*label.name))
        .unwrap_or_default();
    literal(
        Value::string(name),
        label.map_or(block.header, |label| label.span),
    )
}

/// The key of a generated block: the only item of `labels`.
fn dynamic_key(dynamic: &Block, lowerer: &mut Lowerer<'_>, diagnostics: &mut Diagnostics) -> Expr {
    let items = dynamic
        .body
        .attribute("labels")
        .map(|attribute| &attribute.value.kind);
    if let Some(crate::syntax::ExpressionKind::Tuple(items)) = items
        && let [label] = items.as_slice()
    {
        return lowerer.converted(label, &Type::String);
    }
    let detail = "These blocks have one label: write labels = [key] in the dynamic block.";
    diagnostics.push(diag::invalid_dynamic(dynamic.header, detail));
    literal(Value::string(""), dynamic.header)
}

/// Whether any attribute inside is of a type that only its value tells.
fn has_any(schema: &BlockSchema) -> bool {
    schema
        .attributes
        .values()
        .any(|attribute| attribute.ty.contains_any())
        || schema.blocks.values().any(|nested| has_any(&nested.block))
}

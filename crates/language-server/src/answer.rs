//! What is said about the word under the cursor: hover, where it is declared, and the outline of a file.

use crate::blocks;
use crate::document::{Encoding, range, uri_of};
use crate::functions;
use crate::index::{Declared, File, Module, What};
use crate::meaning::{self, At, Found, Meaning};
use crate::workspace::normal;
use definition::syntax::Block;
use lsp_types::{
    DocumentSymbol, Hover, HoverContents, Location, MarkupContent, MarkupKind, SymbolKind,
};
use model::{BlockSchema, ProviderSchema};
use std::path::PathBuf;
use value::{Name, Span};

/// The module around a text, and how to get at others.
pub(crate) struct View<'a> {
    pub(crate) module: &'a Module,
    pub(crate) directory: PathBuf,
    pub(crate) schemas: &'a [ProviderSchema],
    pub(crate) encoding: Encoding,
    /// What the module in another directory declares.
    pub(crate) other: &'a dyn Fn(PathBuf) -> Module,
}

impl View<'_> {
    /// What is shown for a byte of a file.
    pub(crate) fn hover(&self, file: &File, byte: u32) -> Option<Hover> {
        let at = meaning::at(file, byte)?;
        let (text, span) = match &at.found {
            Found::Trail(trail) => {
                let names: Vec<&str> = trail.iter().map(|(name, _)| &**name).collect();
                let span = trail.last()?.1;
                (self.about(meaning::resolve(self.module, &names)?)?, span)
            }
            Found::Call(name) => (
                functions::about(self.module, self.schemas, &name.name)?,
                name.span,
            ),
            Found::Argument(name) => (self.about_argument(&at, &name.name)?, name.span),
            Found::Kind(kind) => {
                let kinds = kinds(&at.blocks, Some(&kind.name));
                let says = match blocks::form(&kinds) {
                    Some(form) => form.says.to_owned(),
                    None => self.about_argument(&at, &kind.name)?,
                };
                (format!("**{}**\n\n{says}", kind.name), kind.span)
            }
            Found::Label(position, span) => (self.about_label(&at, *position)?, *span),
        };
        Some(Hover {
            contents: HoverContents::Markup(MarkupContent {
                kind: MarkupKind::Markdown,
                value: text,
            }),
            range: Some(range(&file.text, span.start, span.end, self.encoding)),
        })
    }

    /// Where the word at a byte is declared.
    pub(crate) fn declaration(&self, file: &File, byte: u32) -> Option<Location> {
        let at = meaning::at(file, byte)?;
        match &at.found {
            Found::Trail(trail) => {
                let names: Vec<&str> = trail.iter().map(|(name, _)| &**name).collect();
                match meaning::resolve(self.module, &names)? {
                    Meaning::Declared(declared, _) => self.location(declared.file, declared.name),
                    Meaning::Output(call, output) => {
                        let called = (self.other)(self.called(&call)?);
                        let declared = called.block("output", &[&output])?;
                        self.location(declared.file, declared.name)
                    }
                    Meaning::Fixed(_) => None,
                }
            }
            // An argument of a module call is a variable of the called module.
            Found::Argument(name) => {
                let called = (self.other)(self.called(&call_around(&at, self.module)?)?);
                let declared = called.block("variable", &[&name.name])?;
                self.location(declared.file, declared.name)
            }
            Found::Call(_) | Found::Kind(_) | Found::Label(..) => None,
        }
    }

    fn location(&self, file: &File, span: Span) -> Option<Location> {
        Some(Location {
            uri: uri_of(&file.path)?,
            range: range(&file.text, span.start, span.end, self.encoding),
        })
    }

    /// The directory of the module that a call names by a path.
    pub(crate) fn called(&self, call: &Declared<'_>) -> Option<PathBuf> {
        let source = call.text("source")?;
        let local = source == "."
            || source == ".."
            || source.starts_with("./")
            || source.starts_with("../");
        local.then(|| normal(&self.directory.join(source)))
    }

    /// The schema of the block that an object of a type is made from.
    pub(crate) fn schema(&self, mode: &str, kind: &str) -> Option<&BlockSchema> {
        self.schemas.iter().find_map(|schema| {
            let types = match mode {
                "resource" => &schema.resources,
                "data" => &schema.data,
                "ephemeral" => &schema.ephemeral,
                _ => return None,
            };
            types.get(kind).map(|one| &one.block)
        })
    }

    /// The schema of the innermost of nested blocks, where a provider describes it.
    pub(crate) fn nested_schema(&self, blocks: &[Vec<String>]) -> Option<&BlockSchema> {
        let (first, inner) = blocks.split_first()?;
        let [mode, kind, ..] = first.as_slice() else {
            return None;
        };
        let mut schema = self.schema(mode, kind)?;
        for words in inner {
            let name = match words.first()?.as_str() {
                // The content of a dynamic block is the block itself.
                "dynamic" => words.get(1)?.as_str(),
                "content" => continue,
                name => name,
            };
            schema = &schema.blocks.get(name)?.block;
        }
        Some(schema)
    }

    fn about(&self, meaning: Meaning<'_>) -> Option<String> {
        match meaning {
            Meaning::Fixed(says) => Some(says.to_owned()),
            Meaning::Declared(declared, rest) => self.about_declared(&declared, &rest),
            Meaning::Output(call, output) => {
                let called = (self.other)(self.called(&call)?);
                let declared = called.block("output", &[&output])?;
                Some(described(&declared))
            }
        }
    }

    fn about_declared(&self, declared: &Declared<'_>, rest: &[Name]) -> Option<String> {
        let What::Block(block) = declared.what else {
            return Some(described(declared));
        };
        let labels: Vec<&str> = block.labels.iter().map(|label| &*label.name).collect();
        if let ([attribute, ..], [kind, _]) = (rest, labels.as_slice())
            && let Some(schema) = self.schema(&block.kind.name, kind)
        {
            return about_attribute(schema, attribute);
        }
        Some(described(declared))
    }

    fn about_argument(&self, at: &At<'_>, name: &str) -> Option<String> {
        let words: Vec<Vec<String>> = at.blocks.iter().map(|block| words(block)).collect();
        if let Some(found) = self
            .nested_schema(&words)
            .and_then(|schema| about_attribute(schema, name))
        {
            return Some(found);
        }
        if let Some(call) = call_around(at, self.module)
            && let Some(directory) = self.called(&call)
            && let Some(variable) = (self.other)(directory).block("variable", &[name])
        {
            return Some(described(&variable));
        }
        let form = blocks::form(&kinds(&at.blocks, None))?;
        let (_, says) = form.arguments.iter().find(|(known, _)| *known == name)?;
        Some(format!("**{name}**\n\n{says}"))
    }

    fn about_label(&self, at: &At<'_>, position: usize) -> Option<String> {
        let block = at.blocks.last()?;
        let label = &*block.labels.get(position)?.name;
        let declares = position + 1 == block.labels.len();
        if let (0, false) = (position, declares) {
            let provider = self.schemas.iter().find(|schema| {
                schema.resources.contains_key(label) || schema.data.contains_key(label)
            })?;
            return Some(format!("**{label}**\n\nA type of {}.", provider.source));
        }
        let labels: Vec<&str> = block.labels.iter().map(|label| &*label.name).collect();
        let declared = self.module.block(&block.kind.name, &labels)?;
        Some(described(&declared))
    }
}

/// The module call that the innermost block is.
fn call_around<'m>(at: &At<'_>, module: &'m Module) -> Option<Declared<'m>> {
    let block = at.blocks.last()?;
    let name = &*block.labels.first()?.name;
    matches!(&*block.kind.name, "module" | "stack")
        .then(|| module.block(&block.kind.name, &[name]))
        .flatten()
}

fn kinds<'b>(around: &[&'b Block], last: Option<&'b str>) -> Vec<&'b str> {
    let around = around.iter().map(|block| &*block.kind.name);
    around.chain(last).collect()
}

/// Kind and labels of a block.
pub(crate) fn words(block: &Block) -> Vec<String> {
    let labels = block.labels.iter().map(|label| label.name.to_string());
    std::iter::once(block.kind.name.to_string())
        .chain(labels)
        .collect()
}

fn about_attribute(schema: &BlockSchema, name: &str) -> Option<String> {
    if schema.blocks.contains_key(name) {
        return Some(format!("**{name}**\n\nA nested block."));
    }
    let attribute = schema.attributes.get(name)?;
    let mut notes = Vec::new();
    match (attribute.required, attribute.optional, attribute.computed) {
        (true, ..) => notes.push("required"),
        (_, true, true) => notes.push("optional, filled in where it is not set"),
        (_, true, _) => notes.push("optional"),
        (_, _, true) => notes.push("known after apply"),
        _ => {}
    }
    if attribute.sensitive {
        notes.push("sensitive");
    }
    if attribute.write_only {
        notes.push("never written down");
    }
    Some(format!(
        "```hcl\n{name} = {}\n```\n{}\n\n{}",
        attribute.ty,
        notes.join(", "),
        attribute.description
    ))
}

/// A declaration in a few lines: what it is, its type, what its author says of it.
fn described(declared: &Declared<'_>) -> String {
    let block = match declared.what {
        What::Local(attribute) => {
            let value = declared.written(attribute.value.span).unwrap_or("");
            return format!(
                "```hcl\n{} = {}\n```",
                attribute.name.name,
                shortened(value)
            );
        }
        What::Block(block) => block,
    };
    let mut head = block.kind.name.to_string();
    for label in &block.labels {
        head.push_str(&format!(" {:?}", &*label.name));
    }
    let mut text = format!("```hcl\n{head}\n");
    for argument in ["type", "default", "value", "source", "version"] {
        if let Some(source) = declared.source_of(argument) {
            text.push_str(&format!("  {argument} = {}\n", shortened(source)));
        }
    }
    text.push_str("```");
    if let Some(description) = declared.text("description") {
        text.push_str(&format!("\n\n{description}"));
    }
    text
}

/// Source text short enough for a hint.
fn shortened(source: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    if source.chars().count() <= CHARACTERS_MAX {
        return source.to_owned();
    }
    let mut text: String = source.chars().take(CHARACTERS_MAX).collect();
    text.push_str(" ...");
    text
}

/// The blocks of a file, for the editor's outline.
#[expect(
    deprecated,
    reason = "the field `deprecated` must be named to make the struct"
)]
pub(crate) fn symbols(file: &File, encoding: Encoding) -> Vec<DocumentSymbol> {
    let blocks = file.body.blocks.iter();
    blocks
        .map(|block| {
            let kind = match &*block.kind.name {
                "variable" | "locals" => SymbolKind::VARIABLE,
                "output" => SymbolKind::PROPERTY,
                "module" | "stack" => SymbolKind::MODULE,
                "provider" | "terraform" => SymbolKind::NAMESPACE,
                _ => SymbolKind::OBJECT,
            };
            // The closing brace belongs to it.
            let end = block.body.span.end.saturating_add(1);
            let whole = range(&file.text, block.header.start, end, encoding);
            let name = range(&file.text, block.header.start, block.header.end, encoding);
            DocumentSymbol {
                name: words(block).join(" "),
                detail: None,
                kind,
                tags: None,
                deprecated: None,
                range: whole,
                selection_range: name,
                children: None,
            }
        })
        .collect()
}

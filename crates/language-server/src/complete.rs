//! What may be written at the cursor.

use crate::answer::View;
use crate::blocks::{self, Form};
use crate::functions;
use crate::index::Module;
use crate::limits::COMPLETIONS_MAX;
use crate::scan::{self, Context, Place, scan};
use lsp_types::{CompletionItem, CompletionItemKind};
use model::BlockSchema;
use value::Name;

/// Suggestions for the end of a text. The editor filters them by what is typed.
pub(crate) fn complete(view: &View<'_>, before: &str) -> Vec<CompletionItem> {
    let context = scan(before);
    let begun = scan::name_begun(before);
    let mut items = match &context.place {
        Place::Nothing => Vec::new(),
        Place::Expression { .. } if begun.contains("::") => {
            let offered = functions::offered(view.module, view.schemas, begun).into_iter();
            let items =
                offered.map(|(name, says)| item(&name, CompletionItemKind::FUNCTION, &says));
            items.collect()
        }
        Place::Statement => statements(view, &context),
        Place::Label(words) => labels(view, words),
        Place::Expression { trail, argument } => {
            let trail: Vec<&str> = trail.iter().map(String::as_str).collect();
            let mut items = members(view, &trail);
            if trail.is_empty() {
                items.extend(words(&context, argument));
            }
            items
        }
    };
    items.truncate(COMPLETIONS_MAX);
    items
}

fn item(label: &str, kind: CompletionItemKind, detail: &str) -> CompletionItem {
    CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
        ..CompletionItem::default()
    }
}

/// Arguments and blocks of the innermost block.
fn statements(view: &View<'_>, context: &Context) -> Vec<CompletionItem> {
    let kinds: Vec<&str> = context
        .blocks
        .iter()
        .filter_map(|words| words.first().map(String::as_str))
        .collect();
    if kinds.is_empty() {
        return blocks::TOP.iter().map(|form| block(form)).collect();
    }
    let mut items = Vec::new();
    if let Some(form) = blocks::form(&kinds) {
        let arguments = form.arguments.iter();
        items.extend(arguments.map(|(name, says)| item(name, CompletionItemKind::PROPERTY, says)));
        items.extend(form.blocks.iter().map(|form| block(form)));
    }
    if let Some(schema) = view.nested_schema(&context.blocks) {
        items.extend(arguments(schema));
    }
    if let [words] = context.blocks.as_slice()
        && let [kind, name] = words.as_slice()
        && matches!(kind.as_str(), "module" | "stack")
        && let Some(call) = view.module.block(kind, &[name])
        && let Some(directory) = view.called(&call)
    {
        let called = (view.other)(directory);
        items.extend(called.names("variable", &[]).map(|(name, declared)| {
            let about = declared.text("description").unwrap_or_default();
            item(name, CompletionItemKind::PROPERTY, &about)
        }));
    }
    items
}

fn block(form: &Form) -> CompletionItem {
    item(form.kind, CompletionItemKind::CLASS, form.says)
}

/// What a provider's block may be given.
fn arguments(schema: &BlockSchema) -> impl Iterator<Item = CompletionItem> {
    let attributes = schema
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.required || attribute.optional);
    let attributes = attributes.map(|(name, attribute)| {
        item(
            name,
            CompletionItemKind::PROPERTY,
            &attribute.ty.to_string(),
        )
    });
    let blocks = schema.blocks.keys();
    attributes.chain(blocks.map(|name| item(name, CompletionItemKind::CLASS, "block")))
}

/// Types of resources, where one is to be named.
fn labels(view: &View<'_>, words: &[String]) -> Vec<CompletionItem> {
    let [mode] = words else {
        return Vec::new();
    };
    let schemas = view.schemas.iter();
    schemas
        .flat_map(|schema| {
            let types = match mode.as_str() {
                "resource" => Some(&schema.resources),
                "data" => Some(&schema.data),
                "ephemeral" => Some(&schema.ephemeral),
                _ => None,
            };
            let names = types.into_iter().flat_map(|types| types.keys());
            names.map(|name| item(name, CompletionItemKind::CLASS, &schema.source))
        })
        .collect()
}

/// What may follow a trail and a dot; without a trail, what an expression can begin with.
fn members(view: &View<'_>, trail: &[&str]) -> Vec<CompletionItem> {
    let module = view.module;
    match trail {
        [] => beginnings(module),
        ["var"] => declared(module, "variable", &[]),
        ["local"] => module
            .locals()
            .filter_map(|one| {
                Some(item(
                    one.written(one.name)?,
                    CompletionItemKind::VARIABLE,
                    "",
                ))
            })
            .collect(),
        [kind @ ("module" | "stack")] => declared(module, kind, &[]),
        [mode @ ("data" | "ephemeral")] => module
            .kinds(mode)
            .into_iter()
            .map(|kind| item(kind, CompletionItemKind::CLASS, ""))
            .collect(),
        [mode @ ("data" | "ephemeral"), kind] => declared(module, mode, &[kind]),
        [kind @ ("module" | "stack"), name] => outputs(view, kind, name),
        [root] if blocks::FIXED.iter().any(|(fixed, ..)| fixed == root) => blocks::FIXED
            .iter()
            .filter(|(fixed, ..)| fixed == root)
            .map(|(_, name, says)| item(name, CompletionItemKind::FIELD, says))
            .collect(),
        [kind] => declared(module, "resource", &[kind]),
        [mode @ ("data" | "ephemeral"), kind, _, rest @ ..] => attributes(view, mode, kind, rest),
        [kind, _, rest @ ..] => attributes(view, "resource", kind, rest),
    }
}

/// Names of the blocks of a kind with these labels before their own.
fn declared(module: &Module, kind: &str, before: &[&str]) -> Vec<CompletionItem> {
    module
        .names(kind, before)
        .map(|(name, declared)| {
            let about = declared
                .text("description")
                .or_else(|| declared.source_of("type").map(str::to_owned))
                .unwrap_or_default();
            item(name, CompletionItemKind::VARIABLE, &about)
        })
        .collect()
}

fn outputs(view: &View<'_>, kind: &str, name: &str) -> Vec<CompletionItem> {
    let call = view.module.block(kind, &[name]);
    match call.and_then(|call| view.called(&call)) {
        Some(directory) => declared(&(view.other)(directory), "output", &[]),
        None => Vec::new(),
    }
}

fn attributes(view: &View<'_>, mode: &str, kind: &str, rest: &[&str]) -> Vec<CompletionItem> {
    let Some(mut schema) = view.schema(mode, kind) else {
        return Vec::new();
    };
    for name in rest {
        match schema.blocks.get(*name) {
            Some(nested) => schema = &nested.block,
            None => return Vec::new(),
        }
    }
    let attributes = schema
        .attributes
        .iter()
        .map(|(name, attribute)| item(name, CompletionItemKind::FIELD, &attribute.ty.to_string()));
    let blocks = schema
        .blocks
        .keys()
        .map(|name: &Name| item(name, CompletionItemKind::FIELD, "block"));
    attributes.chain(blocks).collect()
}

fn beginnings(module: &Module) -> Vec<CompletionItem> {
    let roots = blocks::ROOTS
        .iter()
        .map(|(name, says)| item(name, CompletionItemKind::KEYWORD, says));
    let types = module.kinds("resource");
    let types = types
        .into_iter()
        .map(|kind| item(kind, CompletionItemKind::CLASS, "resources of this module"));
    let functions = value::functions::functions().map(|function| {
        item(
            function.name,
            CompletionItemKind::FUNCTION,
            function.description,
        )
    });
    roots.chain(types).chain(functions).collect()
}

/// Words that only one argument has.
fn words(context: &Context, argument: &str) -> Vec<CompletionItem> {
    let inside = context.blocks.last().and_then(|words| words.first());
    let words: &[&str] = match (inside.map(String::as_str), argument) {
        (Some("variable"), "type") => &[
            "string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional",
        ],
        (Some("lifecycle"), "ignore_changes") => &["all"],
        (Some("provisioner"), "when") => &["create", "destroy"],
        (Some("provisioner"), "on_failure") => &["fail", "continue"],
        _ => &["true", "false", "null"],
    };
    words
        .iter()
        .map(|word| item(word, CompletionItemKind::KEYWORD, ""))
        .collect()
}

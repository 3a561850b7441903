//! What the tests of this room share: a project in memory, the providers it may use, and a readable form of what comes
//! out.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod blocks;
pub(crate) mod dump;
pub(crate) mod project;
pub(crate) mod snippets;

pub(crate) use project::Project;

use definition::{Compiled, LineIndex};
use model::{Attribute, BlockSchema, NestedBlock, Nesting, ProviderSchema, TypeSchema};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use value::functions::{Declaration, DeclaredParameter};
use value::{Severity, Span, Type};

/// A provider like Terraform's own, and one with every kind of attribute and nested block.
pub(crate) fn schemas() -> Vec<ProviderSchema> {
    let terraform_data = BlockSchema {
        attributes: BTreeMap::from([
            ("id".into(), Attribute::computed(Type::String, "")),
            ("input".into(), Attribute::optional(Type::Any, "")),
            ("output".into(), Attribute::computed(Type::Any, "")),
            (
                "triggers_replace".into(),
                Attribute::optional(Type::Any, ""),
            ),
        ]),
        blocks: BTreeMap::new(),
    };
    let remote_state = BlockSchema {
        attributes: BTreeMap::from([
            ("backend".into(), Attribute::required(Type::String, "")),
            ("config".into(), Attribute::optional(Type::Any, "")),
            ("defaults".into(), Attribute::optional(Type::Any, "")),
            ("outputs".into(), Attribute::computed(Type::Any, "")),
            ("workspace".into(), Attribute::optional(Type::String, "")),
        ]),
        blocks: BTreeMap::new(),
    };
    let rule = BlockSchema {
        attributes: BTreeMap::from([
            ("port".into(), Attribute::required(Type::Number, "")),
            ("note".into(), Attribute::optional(Type::String, "")),
        ]),
        blocks: BTreeMap::new(),
    };
    let nested = |nesting, max_items| NestedBlock {
        nesting,
        block: rule.clone(),
        min_items: 0,
        max_items,
    };
    let optional_group = BlockSchema {
        attributes: BTreeMap::from([("note".into(), Attribute::optional(Type::String, ""))]),
        blocks: BTreeMap::new(),
    };
    let group = NestedBlock {
        nesting: Nesting::Group,
        block: optional_group,
        min_items: 0,
        max_items: 0,
    };
    let at_least_one = NestedBlock {
        min_items: 1,
        ..nested(Nesting::List, 0)
    };
    let thing = BlockSchema {
        attributes: BTreeMap::from([
            ("name".into(), Attribute::required(Type::String, "")),
            ("size".into(), Attribute::optional(Type::Number, "")),
            (
                "tags".into(),
                Attribute::optional(Type::map(Type::String), ""),
            ),
            (
                "zone".into(),
                Attribute::optional_computed(Type::String, ""),
            ),
            ("id".into(), Attribute::computed(Type::String, "")),
        ]),
        blocks: BTreeMap::from([
            ("rule".into(), nested(Nesting::List, 3)),
            ("tag".into(), nested(Nesting::Set, 0)),
            ("only".into(), nested(Nesting::Single, 1)),
            ("entry".into(), nested(Nesting::Map, 0)),
            ("group".into(), group),
        ]),
    };
    let strict = BlockSchema {
        attributes: BTreeMap::new(),
        blocks: BTreeMap::from([("rule".into(), at_least_one)]),
    };
    let write_only = Attribute {
        write_only: true,
        ..Attribute::optional(Type::String, "")
    };
    let lock = BlockSchema {
        attributes: BTreeMap::from([
            ("name".into(), Attribute::optional(Type::String, "")),
            ("code".into(), write_only.clone()),
        ]),
        blocks: BTreeMap::new(),
    };
    let sealed = BlockSchema {
        attributes: BTreeMap::from([
            ("name".into(), Attribute::required(Type::String, "")),
            ("secret".into(), write_only),
        ]),
        blocks: BTreeMap::from([(
            "lock".into(),
            NestedBlock {
                nesting: Nesting::List,
                block: lock,
                min_items: 0,
                max_items: 0,
            },
        )]),
    };
    let token = BlockSchema {
        attributes: BTreeMap::from([
            ("length".into(), Attribute::optional(Type::Number, "")),
            ("value".into(), Attribute::computed(Type::String, "")),
        ]),
        blocks: BTreeMap::new(),
    };
    let provider = BlockSchema {
        attributes: BTreeMap::from([
            ("region".into(), Attribute::optional(Type::String, "")),
            ("token".into(), Attribute::optional(Type::String, "")),
            ("count".into(), Attribute::optional(Type::Number, "")),
        ]),
        blocks: BTreeMap::new(),
    };
    let parameter = |name: &str, ty| DeclaredParameter {
        name: name.to_owned(),
        ty,
        takes_null: false,
        takes_unknown: false,
        description: String::new(),
    };
    let parse = Declaration {
        parameters: vec![parameter("text", Type::String)],
        variadic: Some(parameter("limits", Type::Number)),
        returns: Type::object([("text".into(), Type::String)]),
        description: "The parts of a text.".to_owned(),
    };
    let ty = |block| TypeSchema { version: 0, block };
    vec![
        ProviderSchema {
            source: "terraform.io/builtin/terraform".into(),
            resources: BTreeMap::from([("terraform_data".into(), ty(terraform_data))]),
            data: BTreeMap::from([("terraform_remote_state".into(), ty(remote_state))]),
            ..ProviderSchema::default()
        },
        ProviderSchema {
            source: "registry.terraform.io/steadfast/test".into(),
            resources: BTreeMap::from([
                ("test_thing".into(), ty(thing.clone())),
                ("test_strict".into(), ty(strict)),
                ("test_sealed".into(), ty(sealed)),
            ]),
            provider,
            ephemeral: BTreeMap::from([("test_token".into(), ty(token))]),
            data: BTreeMap::from([("test_thing".into(), ty(thing))]),
            functions: BTreeMap::from([("parse".into(), parse)]),
        },
    ]
}

/// Everything that was found, one block of lines per finding.
pub(crate) fn diagnostics(compiled: &Compiled) -> String {
    let mut text = String::new();
    for found in compiled.diagnostics.iter() {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = place(compiled, found.span);
        writeln!(text, "{severity} {} {place}: {}", found.code, found.summary).unwrap();
        writeln!(text, "    {}", found.detail).unwrap();
        for hint in &found.hints {
            match hint.span {
                Some(span) => {
                    writeln!(text, "    - {} ({})", hint.text, place_of(compiled, span)).unwrap();
                }
                None => writeln!(text, "    - {}", hint.text).unwrap(),
            }
        }
    }
    text
}

fn place(compiled: &Compiled, span: Option<Span>) -> String {
    span.map_or("-".into(), |span| place_of(compiled, span))
}

fn place_of(compiled: &Compiled, span: Span) -> String {
    let source = compiled.sources.get(span.source.0 as usize).unwrap();
    let Ok(text) = std::str::from_utf8(&source.content) else {
        return format!("{}@{}", source.path, span.start);
    };
    assert!(span.start <= span.end && span.end as usize <= text.len());
    let index = LineIndex::new(text);
    let (start, end) = (
        index.position(text, span.start),
        index.position(text, span.end),
    );
    format!(
        "{}:{}:{}-{}:{}",
        source.path, start.line, start.column, end.line, end.column
    )
}

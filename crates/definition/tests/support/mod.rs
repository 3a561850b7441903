//! What the tests of this room share: a project in memory, the providers it may use, and a readable form of what comes
//! out.

pub(crate) mod blocks;
pub(crate) mod dump;

use definition::{Compiled, Files, Installed, LineIndex};
use model::{Attribute, BlockSchema, NestedBlock, Nesting, ProviderSchema, TypeSchema};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use value::{Severity, Span, Type};

/// A project in memory.
#[derive(Default)]
pub(crate) struct Project(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files for Project {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let prefix = match directory {
            "." => String::new(),
            directory => format!("{directory}/"),
        };
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: Vec<String> = names
            .filter(|name| !name.contains('/'))
            .map(str::to_string)
            .collect();
        (!names.is_empty()).then_some(names)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    /// From the file `installed.txt`, one call a line: its names, its directory, the source, and possibly a version.
    fn installed(&self, call: &str) -> Option<Installed> {
        let text = String::from_utf8(self.0.get("installed.txt")?.clone()).unwrap();
        for line in text.lines() {
            let mut words = line.split(' ').map(str::to_string);
            if words.next().as_deref() == Some(call) {
                return Some(Installed {
                    directory: words.next()?,
                    source: words.next()?,
                    version: words.next(),
                });
            }
        }
        None
    }
}

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
    let ty = |block| TypeSchema { version: 0, block };
    vec![
        ProviderSchema {
            source: "terraform.io/builtin/terraform".into(),
            resources: BTreeMap::from([("terraform_data".into(), ty(terraform_data))]),
            ..ProviderSchema::default()
        },
        ProviderSchema {
            source: "registry.terraform.io/steadfast/test".into(),
            resources: BTreeMap::from([
                ("test_thing".into(), ty(thing.clone())),
                ("test_strict".into(), ty(strict)),
            ]),
            data: BTreeMap::from([("test_thing".into(), ty(thing))]),
            ..ProviderSchema::default()
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

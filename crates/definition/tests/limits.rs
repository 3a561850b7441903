//! Input made to hurt: deep, long, wide, broken. Nothing may panic, overflow the stack or take more than linear time.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod support;

use definition::{Files, LineIndex, compile, parse_body, parse_expression, parse_template};
use proptest::prelude::*;
use std::path::Path;
use std::{fs, thread};
use support::Project;
use value::{Diagnostics, SourceId};

/// Smaller than any thread of the program has.
const STACK_BYTES: usize = 1024 * 1024;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(work).unwrap().join().unwrap();
}

fn project(text: &str) -> Project {
    Project([("main.tf".to_string(), text.as_bytes().to_vec())].into())
}

fn codes(diagnostics: &Diagnostics) -> Vec<&str> {
    diagnostics.iter().map(|found| &*found.code).collect()
}

#[test]
fn deep_nesting_is_refused_and_the_deepest_allowed_fits_on_a_small_stack() {
    on_a_small_stack(|| {
        let parts = [
            ("[", "]"),
            ("(", ")"),
            ("{a=", "}"),
            ("f(", ")"),
            ("-", ""),
            ("!(", ")"),
            ("\"${", "}\""),
            ("1 ? 1 : ", ""),
            ("1 || 1 && 1 == 1 < 1 + 1 * (", ")"),
            ("x[", "]"),
            ("[for x in ", ": x]"),
            ("\"%{if ", "}%{endif}\""),
            ("a.b[", "]"),
            ("\"%{if true}${", "}%{endif}\""),
        ];
        for (open, close) in parts {
            for depth in [20, 100, 254, 1_000, 20_000] {
                let text = format!(
                    "locals {{\n a = {}1{}\n}}\n",
                    open.repeat(depth),
                    close.repeat(depth)
                );
                let compiled = compile(&project(&text), &[], &support::schemas());
                let found = codes(&compiled.diagnostics);
                let refused = found.contains(&"SF0120");
                assert!(refused || depth < 1_000, "{open} {depth}: {found:?}");
            }
        }
        let chains = ["a.b", "a[0]", "1 + 1", "a.*", "a[*].b", "a || a"];
        for chain in chains {
            for n in [200, 100_000] {
                let text = format!("a{}", chain[1..].repeat(n));
                let (_, found) = parse_expression(&text, SourceId(0));
                assert!(n == 200 || found.has_errors(), "{chain}");
            }
        }
        let in_json = [
            ("[", "]"),
            ("{\"a\":", "}"),
            ("[{\"${", "}\":1}]"),
            ("{\"dynamic\":{\"a\":{\"content\":", "}}}"),
        ];
        for (open, close) in in_json {
            for depth in [20, 60, 120, 240, 20_000] {
                let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                for text in [
                    format!("{{\"locals\":{{\"a\":{deep}}}}}"),
                    format!(
                        "{{\"resource\":{{\"terraform_data\":{{\"a\":{{\"input\":{deep}}}}}}}}}"
                    ),
                    format!("{{\"resource\":{{\"terraform_data\":{{\"a\":{deep}}}}}}}"),
                    deep.clone(),
                ] {
                    let project = Project([("main.tf.json".to_string(), text.into_bytes())].into());
                    let compiled = compile(&project, &[], &support::schemas());
                    let found = codes(&compiled.diagnostics);
                    let refused = found.iter().any(|code| *code != "SF0133");
                    assert!(refused || depth < 1_000, "{open} {depth}: {found:?}");
                }
            }
        }
        let blocks = "a {\n".repeat(20_000);
        let (_, found) = parse_body(&blocks, SourceId(0));
        assert!(codes(&found).contains(&"SF0120"));
        let directives = "%{ if true }".repeat(20_000);
        let (_, found) = parse_template(&directives, SourceId(0));
        assert!(codes(&found).contains(&"SF0120"));
    });
}

#[test]
fn broken_text_takes_linear_time() {
    // Each of these took minutes if recovery went back over what it has seen. There is no clock here: a quadratic
    // parser simply never ends this test.
    for line in [
        "a = [\n",
        "a = (1 2\n",
        "a = \"${\n",
        "\"",
        "${",
        "a = {b = [(\n",
        "a = {b c\n",
        "%{",
        "<<A\n",
        "/*",
        "}\n",
        "a b c\n",
    ] {
        let text = line.repeat(60_000);
        let (_, found) = parse_body(&text, SourceId(0));
        assert!(!found.is_empty(), "{line}");
        let _ = parse_template(&text, SourceId(0));
    }
    for line in [
        "{", "[", "{\"a\":", "[1 2 ", "\"", "\"\\", "{\"a\" ", ",", ":", "[}", "{\"${\":", "{a:[",
        "\"a\n",
    ] {
        for open in [
            "",
            "{\"locals\":[",
            "{\"resource\":{\"terraform_data\":{\"a\":{\"input\":[",
        ] {
            let text = format!("{open}{}", line.repeat(60_000));
            let project = Project([("main.tf.json".to_string(), text.into_bytes())].into());
            let compiled = compile(&project, &[], &support::schemas());
            assert!(compiled.diagnostics.has_errors(), "{line}");
        }
    }
}

#[test]
fn a_source_that_is_too_large_is_refused() {
    let content = vec![b' '; definition::limits::SOURCE_BYTES_MAX + 1];
    let project = Project([("main.tf".to_string(), content)].into());
    let compiled = compile(&project, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0122"]);
}

#[test]
fn a_file_that_cannot_be_read_is_said() {
    struct Unreadable;
    impl Files for Unreadable {
        fn list(&self, _: &str) -> Option<Vec<String>> {
            Some(vec!["main.tf".into()])
        }
        fn read(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
    }
    let compiled = compile(&Unreadable, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0336"]);
}

#[test]
fn modules_that_multiply_are_refused() {
    let mut project = Project::default();
    for level in 0..20 {
        let directory = if level == 0 {
            String::new()
        } else {
            format!("m{level}/")
        };
        let next = level + 1;
        let source = if level == 0 {
            "./m1".into()
        } else {
            format!("../m{next}")
        };
        let text = format!(
            "module \"a\" {{ source = \"{source}\" }}\nmodule \"b\" {{ source = \"{source}\" }}\n"
        );
        project.0.insert(format!("{directory}main.tf"), text.into());
    }
    project
        .0
        .insert("m20/main.tf".into(), b"locals {}\n".to_vec());
    let compiled = compile(&project, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0337"]);
}

#[test]
fn a_cycle_of_a_hundred_thousand_is_named() {
    on_a_small_stack(|| {
        let n = 100_000;
        let locals: String = (0..n)
            .map(|at| format!("  l{at} = local.l{}\n", (at + 1) % n))
            .collect();
        let compiled = compile(&project(&format!("locals {{\n{locals}}}\n")), &[], &[]);
        assert_eq!(codes(&compiled.diagnostics), ["SF0322"]);
        assert_eq!(compiled.diagnostics.0[0].hints.len(), n);
    });
}

/// Texts of all cases, to be damaged.
fn corpus() -> Vec<Vec<u8>> {
    fn gather(path: &Path, texts: &mut Vec<Vec<u8>>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, texts);
            } else if path
                .extension()
                .is_some_and(|e| e == "tf" || e == "hcl" || e == "tftpl" || e == "json")
            {
                texts.push(fs::read(&path).unwrap());
            }
        }
    }
    let mut texts = Vec::new();
    gather(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"),
        &mut texts,
    );
    texts.sort();
    texts
}

/// Compiles a text in every role that a text can have. Places of findings must be places of the text.
fn survive(content: &[u8]) {
    for name in ["main.tf", "main.tf.json", "steadfast.hcl"] {
        let project = Project([(name.to_string(), content.to_vec())].into());
        let compiled = compile(&project, &[], &support::schemas());
        support::diagnostics(&compiled);
        if let Some(release) = &compiled.release {
            support::dump::release(release);
        }
    }
    if let Ok(text) = std::str::from_utf8(content) {
        let (_, found) = parse_template(text, SourceId(0));
        let _ = parse_expression(text, SourceId(0));
        let index = LineIndex::new(text);
        for span in found.iter().filter_map(|found| found.span) {
            assert!(text.is_char_boundary(span.start as usize));
            assert!(text.is_char_boundary(span.end as usize));
            index.position(text, span.end);
        }
    }
    let _ = definition::variables_file(content);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(content in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&content);
    }

    #[test]
    fn any_heap_of_tokens_is_survived(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60)
    ) {
        survive(tokens.concat().as_bytes());
    }

    #[test]
    fn damaged_projects_are_survived(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0usize..20,
        insert in prop::collection::vec(prop::sample::select(TOKENS), 0..3),
    ) {
        let corpus = corpus();
        let mut content = pick.get(&corpus).clone();
        let start = at.index(content.len() + 1);
        let end = (start + cut).min(content.len());
        content.splice(start..end, insert.concat().into_bytes());
        survive(&content);
    }
}

const TOKENS: &[&str] = &[
    "\n",
    " ",
    "a",
    "b",
    "1",
    "\"",
    "${",
    "%{",
    "}",
    "~",
    "{",
    "[",
    "]",
    "(",
    ")",
    "=",
    ":",
    ",",
    ".",
    "*",
    "?",
    "<<E\n",
    "<<-E\n",
    "E\n",
    "for ",
    "in ",
    "if ",
    "else",
    "endif",
    "endfor",
    "=>",
    "...",
    "#",
    "/*",
    "*/",
    "\\",
    "$",
    "$${",
    "-",
    "!",
    "&&",
    "||",
    "==",
    "resource",
    "\"terraform_data\"",
    "\"x\"",
    "locals",
    "dynamic",
    "\"rule\"",
    "content",
    "var.",
    "local.",
    "each.key",
    "count",
    "é",
    "\u{301}",
    "\r\n",
    "\t",
    "optional(",
    "object({",
    "type",
    "variable",
    "file(",
    "service",
    "artifact",
    "environment",
    "templatefile(",
    "null",
    "true",
    "::",
    "{\"locals\":",
    "\"a\":",
    "\"//\":",
    "\\u00e9",
    "\\\"",
    "1.5e3",
];

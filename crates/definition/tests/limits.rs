//! Input made to hurt: deep, long, wide, broken. Nothing may panic, overflow the stack or take more than linear time.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod support;

use definition::limits::{SOURCE_BYTES_MAX, TOKENS_PER_SOURCE_MAX};
use definition::{Files, compile, parse_body, parse_expression, parse_template};
use std::thread;
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
    let content = vec![b' '; SOURCE_BYTES_MAX + 1];
    let project = Project([("main.tf".to_string(), content)].into());
    let compiled = compile(&project, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0122"]);
    let tokens = "locals {\n  a = [".to_string() + &"1,".repeat(TOKENS_PER_SOURCE_MAX / 2 + 1);
    let (_, found) = parse_body(&tokens, SourceId(0));
    assert_eq!(codes(&found), ["SF0122"]);
    let values = "{\"locals\":{\"a\":[".to_string() + &"1,".repeat(TOKENS_PER_SOURCE_MAX);
    let project = Project([("main.tf.json".to_string(), values.into_bytes())].into());
    let compiled = compile(&project, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0122"]);
}

#[test]
fn a_file_that_nobody_reads_for_its_length_is_said() {
    struct Large;
    impl Files for Large {
        fn list(&self, _: &str) -> Option<Vec<String>> {
            Some(vec!["main.tf".into()])
        }
        fn read(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn length(&self, _: &str) -> Option<u64> {
            Some(100_000_000)
        }
    }
    let compiled = compile(&Large, &[], &[]);
    assert_eq!(codes(&compiled.diagnostics), ["SF0122"]);
}

#[test]
fn a_giant_heredoc_is_one_text() {
    let lines = "    some words of a line\n".repeat(200_000);
    let text = format!("locals {{\n  a = <<-EOT\n{lines}  EOT\n}}\n");
    let (body, found) = parse_body(&text, SourceId(0));
    assert!(found.is_empty());
    assert_eq!(body.blocks.len(), 1);
}

#[test]
fn references_that_multiply_are_refused_in_time() {
    // Each line is ten times the one before. Whoever writes them out needs 10^30 bytes.
    let lines: String = (1..30)
        .map(|at| {
            let before = format!("${{local.l{}}}", at - 1);
            format!("  l{at} = \"{}\"\n", before.repeat(10))
        })
        .collect();
    for last in [
        "file(local.l29)",
        "fileexists(local.l29)",
        "length(local.l29)",
    ] {
        let text = format!("locals {{\n  l0 = \"lol\"\n{lines}  last = {last}\n}}\n");
        let _ = compile(&project(&text), &[], &[]);
    }
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

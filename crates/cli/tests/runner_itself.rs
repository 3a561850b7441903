//! Tests of the tests: a runner of scripts that calls everything right would be worth nothing.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test, helpers included; the runner's own entrance is used by the scripts"
)]

mod runner;

use runner::expect::{Redactor, matches};
use runner::script::{Item, Script};

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn wildcards_match_what_they_should_and_nothing_else() {
    let cases = [
        ("a\nb", "a\nb", true),
        ("a\nb", "a", false),
        ("a", "a\nb", false),
        ("...", "", true),
        ("...\nb", "a\na\nb", true),
        ("a\n...\nc\n...", "a\nb\nc", true),
        ("a\n...\nd", "a\nb\nc", false),
        ("x [..] z", "x y z", true),
        ("x [..] z", "x y", false),
        ("[..]a[..]b", "aab", true),
        ("[..]a[..]b", "aabc", false),
        ("[DIR]/x", "[DIR]/x", true),
        ("a..b", "axxb", false),
    ];
    for (pattern, text, wanted) in cases {
        assert_eq!(
            matches(&lines(pattern), &lines(text)),
            wanted,
            "{pattern:?} against {text:?}"
        );
    }
}

#[test]
fn what_differs_from_run_to_run_is_named() {
    let redactor = Redactor::new("/tmp/x1");
    let digest = "0123456789abcdef".repeat(4);
    for (text, wanted) in [
        ("in /tmp/x1/a", "in [DIR]/a"),
        (&*format!("sha256:{digest}"), "sha256:[DIGEST]"),
        ("release 0123456789ab by", "release [DIGEST] by"),
        ("Run 0123456789abcdef waits", "Run [ID] waits"),
        ("at 2026-11-20 18:30:05 UTC", "at [TIME] UTC"),
        (
            "after 12 ms, 2.4 s and 3 min 20 s",
            "after [TIME], [TIME] and [TIME]",
        ),
        ("{\"at_ms\":1795113005000}", "{\"at_ms\":[MS]}"),
        ("http://127.0.0.1:40123/", "http://127.0.0.1:[PORT]/"),
        ("port 40123", "port [PORT]"),
        ("1 to add, 20 to change", "1 to add, 20 to change"),
        ("0c5a3b1e-1111-4222-8333-abcdefabcdef", "[UUID]"),
        ("(pid 4711)", "(pid [PID])"),
        ("é 1.5 x", "é 1.5 x"),
    ] {
        assert_eq!(redactor.line(text), wanted);
    }
}

#[test]
fn a_script_is_written_back_as_it_was_read() {
    let text = "Prose.\n\n  $ steadfast plan\n  a\n\n  b\n  ! wrong\n  ? 65\n\n  $ ls .\n\nMore prose.\n\n-- a.tf --\nx = 1\n-- b --\n";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.to_text(), text);
    let Item::Step(step) = &script.items[2] else {
        panic!("{:?}", script.items)
    };
    assert_eq!(step.command, "steadfast plan");
    assert_eq!(step.expected, ["a", "", "b", "! wrong", "? 65"]);
    assert_eq!(script.files["a.tf"], "x = 1\n");
    assert!(Script::parse("  output of nothing\n").is_err());
}

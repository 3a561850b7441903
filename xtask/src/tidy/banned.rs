//! Words that must not stand in code, each with what to do instead.

use super::Finding;
use super::floors;
use crate::source::{Source, closing, occurrences, word};
use crate::tree::Tree;

/// In code, tests included.
const UNFINISHED_CODE: &[(&str, &str)] = &[
    (
        "#[ignore",
        "a test that does not run proves nothing; skip aloud on a condition instead",
    ),
    (
        "#[should_panic",
        "assert on the error; a panic of another cause would pass too",
    ),
    ("todo!(", "finish it or leave it out"),
    ("unimplemented!(", "finish it or leave it out"),
    ("dbg!(", "remove it before it goes in"),
];

/// In comments and prose.
const UNFINISHED_WORDS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Rooms that are programs, or the simulator and the workshop.
const PRINTING_ROOMS: [&str; 3] = ["cli", "sim", "xtask"];

pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        for (needle, instead) in UNFINISHED_CODE {
            for line in source.lines_with(needle) {
                findings.push(Finding::new(path, line, format!("`{needle}`: {instead}")));
            }
        }
        for comment in &source.comments {
            findings.extend(unfinished_words(path, comment.line, &comment.text));
        }
    }
    let prose = tree
        .texts()
        .filter(|(path, _)| path.ends_with(".md") || path.ends_with(".toml"));
    for (path, text) in prose {
        for (index, line) in text.lines().enumerate() {
            findings.extend(unfinished_words(path, index + 1, line));
        }
    }
    findings
}

/// Words outside backticks: between them they are spoken about.
fn unfinished_words(path: &str, line: usize, text: &str) -> Vec<Finding> {
    let outside: Vec<&str> = text.split('`').step_by(2).collect();
    UNFINISHED_WORDS
        .into_iter()
        .filter(|needle| {
            outside
                .iter()
                .any(|part| occurrences(part, needle).next().is_some())
        })
        .map(|needle| {
            let what = format!("{needle}: finish it, leave it out, or make it an issue");
            Finding::new(path, line, what)
        })
        .collect()
}

pub(super) fn sleeping(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        for needle in ["thread::sleep", "time::sleep", "time::sleep_until"] {
            let lines = source.lines_with(needle).into_iter();
            for line in lines.filter(|line| source.is_test(*line)) {
                let what = format!(
                    "`{needle}` in a test: wait on a condition with a bound, or use paused time"
                );
                findings.push(Finding::new(path, line, what).unless_allowed(path));
            }
        }
    }
    findings
}

pub(super) fn formats(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house() {
        for (at, inside) in source.attributes() {
            let attribute = &source.code[inside];
            if occurrences(attribute, "serde").next().is_none() {
                continue;
            }
            for needle in ["flatten", "untagged"] {
                if occurrences(attribute, needle).next().is_some() {
                    let what = format!(
                        "serde({needle}): such a format cannot grow without guessing; tag it and nest it"
                    );
                    let line = source.line(at);
                    findings.push(Finding::new(path, line, what).unless_allowed(path));
                }
            }
        }
    }
    findings
}

pub(super) fn unbounded(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house() {
        let named = occurrences(&source.code, "unbounded_channel");
        // The channel of std that takes no argument is the one without a bound.
        let of_std = occurrences(&source.code, "channel").filter(|at| {
            let rest = source.code[at + "channel".len()..].trim_start();
            let call = match rest.strip_prefix("::<") {
                Some(generic) => generic.split_once('>').map_or("", |(_, rest)| rest),
                None => rest,
            };
            call.starts_with("()") && !source.code[..*at].ends_with("oneshot::")
        });
        for at in named.chain(of_std) {
            let line = source.line(at);
            if source.is_test(line) {
                continue;
            }
            let what =
                "a channel without a bound: name its bound in limits.rs and say why it is enough";
            findings.push(Finding::new(path, line, what).unless_allowed(path));
        }
    }
    findings
}

pub(super) fn loops(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree
        .house()
        .filter(|(room, ..)| floors::floor(room) == Some(4))
    {
        for at in occurrences(&source.code, "loop") {
            let line = source.line(at);
            let after = &source.code[at + "loop".len()..];
            let is_loop = after.trim_start().starts_with('{');
            if !is_loop || source.is_test(line) || has_comment_near(source, line) {
                continue;
            }
            let open = at + "loop".len() + (after.len() - after.trim_start().len());
            let body = closing(&source.code, open).map_or(after, |end| &source.code[open..end]);
            // A named maximum or a deadline in the body speaks for itself.
            if !body.contains("_MAX") && !body.contains("deadline") {
                let what = "a bare `loop` in a room that acts: say in a comment on it, above it or first in it what \
                            bounds it";
                findings.push(Finding::new(path, line, what));
            }
        }
    }
    findings
}

fn has_comment_near(source: &Source, line: usize) -> bool {
    source
        .comments
        .iter()
        .any(|comment| comment.line.abs_diff(line) <= 1)
}

pub(super) fn printing(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (room, path, source) in tree.house() {
        // A build script talks to cargo by printing.
        let is_no_library = path.contains("/examples/") || path.ends_with("/build.rs");
        if PRINTING_ROOMS.contains(&room) || is_no_library {
            continue;
        }
        for needle in [
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "process::exit",
        ] {
            for line in source.shipped_lines_with(needle) {
                let what = format!(
                    "`{}` in a library: return it, and let the edge say it",
                    word(needle)
                );
                findings.push(Finding::new(path, line, what).unless_allowed(path));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    const TEST: &str = "#[cfg(test)]\nmod tests {\n";

    #[test]
    fn unfinished_work_is_found_in_code_comments_and_prose() {
        expect(
            unfinished,
            &[
                (
                    "crates/a/src/lib.rs",
                    "fn f() { todo!() }\n// TODO later\n// says `TODO`\nconst S: &str = \"TODO dbg!(\";\n\
                     #[test]\n#[ignore = \"slow\"]\nfn t() {}\n",
                ),
                ("docs/a.md", "FIXME\nthe word `FIXME`\n"),
            ],
            &[
                ("crates/a/src/lib.rs:1", "todo!("),
                ("crates/a/src/lib.rs:2", "TODO"),
                ("crates/a/src/lib.rs:6", "#[ignore"),
                ("docs/a.md:1", "FIXME"),
            ],
        );
    }

    #[test]
    fn a_sleeping_test_is_found() {
        let text = format!(
            "fn f() {{ thread::sleep(d) }}\n{TEST}fn t() {{ std::thread::sleep(d); }}\n}}\n"
        );
        expect(
            sleeping,
            &[
                ("crates/a/src/lib.rs", &text),
                (
                    "crates/a/tests/it.rs",
                    "fn t() { tokio::time::sleep(d).await; }\n",
                ),
            ],
            &[
                ("crates/a/src/lib.rs:4", "thread::sleep"),
                ("crates/a/tests/it.rs:1", "time::sleep"),
            ],
        );
    }

    #[test]
    fn a_format_that_cannot_grow_is_found() {
        expect(
            formats,
            &[(
                "crates/model/src/a.rs",
                "#[derive(Serialize)]\n#[serde(rename_all = \"x\", untagged)]\nenum E {}\n\
                 struct S {\n    #[cfg_attr(x, serde(flatten))]\n    e: E,\n    flatten: u8,\n}\n",
            )],
            &[
                ("crates/model/src/a.rs:2", "serde(untagged)"),
                ("crates/model/src/a.rs:5", "serde(flatten)"),
            ],
        );
    }

    #[test]
    fn a_channel_without_a_bound_is_found() {
        expect(
            unbounded,
            &[(
                "crates/engine/src/lib.rs",
                "let a = mpsc::unbounded_channel();\nlet b = mpsc::channel::<u8>();\nlet c = channel();\n\
                 let d = mpsc::channel(8);\nlet e = oneshot::channel();\nlet f = mpsc::channel::<u8>(8);\n",
            )],
            &[
                ("crates/engine/src/lib.rs:1", "without a bound"),
                ("crates/engine/src/lib.rs:2", "without a bound"),
                ("crates/engine/src/lib.rs:3", "without a bound"),
            ],
        );
    }

    #[test]
    fn a_loop_without_a_word_about_its_bound_is_found_in_rooms_that_act() {
        let bounded = "fn f() {\n\n    loop {\n\n        if n > TRIES_MAX {\n            break;\n        }\n    }\n}\n";
        let bare = "fn f() {\n\n    loop {\n        work();\n    }\n}\n";
        let said =
            "fn f() {\n    // Ends with the stream.\n    loop {\n        work();\n    }\n}\n";
        expect(
            loops,
            &[
                ("crates/proxy/src/a.rs", bare),
                ("crates/proxy/src/b.rs", said),
                ("crates/proxy/src/c.rs", bounded),
                ("crates/decide/src/a.rs", bare),
            ],
            &[("crates/proxy/src/a.rs:3", "what bounds it")],
        );
    }

    #[test]
    fn a_library_that_prints_or_exits_is_found() {
        let text = format!(
            "fn f() {{\n    eprintln!();\n    std::process::exit(1);\n}}\n{TEST}fn t() {{ println!(); }}\n}}\n"
        );
        expect(
            printing,
            &[
                ("crates/host/src/lib.rs", &text),
                ("crates/cli/src/main.rs", &text),
                ("crates/host/build.rs", &text),
            ],
            &[
                ("crates/host/src/lib.rs:2", "`eprintln`"),
                ("crates/host/src/lib.rs:3", "`process`"),
            ],
        );
    }
}

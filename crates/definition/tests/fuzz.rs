//! Damaged input: whatever a text holds, it is read to its end, and what is found wrong in it has places in it.
//!
//! The corpus is every text of the test cases, every text of `tests/corpus` (small files that were hard at some time,
//! and one of each kind of bad input), and the modules of the conformance suites. Each run damages a few of them by a
//! seed. The bounded run below is part of the tests; for a longer one:
//!
//! ```text
//! FUZZ_RUNS=1000000 FUZZ_SEED=7 cargo test -p definition --release --test fuzz
//! ```
//!
//! A run that fails prints the seed and the damaged text. What is worth keeping goes into `tests/corpus`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is wrong"
)]

mod support;

use definition::{LineIndex, parse_expression, parse_template, source_text, validate};
use std::path::Path;
use std::{env, fs, panic};
use support::Project;
use value::{Diagnostics, SourceId, Span};

/// Damaged texts of a bounded run.
const RUNS: u64 = 2_000;

/// Longest damaged text in bytes: repetition must not make a run slow.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A small generator of numbers, the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift64; the state is never 0.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is at least 1.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn gather(path: &Path, texts: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, texts);
        } else if path.extension().is_none_or(|e| e != "expect") {
            texts.push(fs::read(&path).unwrap());
        }
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    gather(&here.join("tests/cases"), &mut texts);
    gather(&here.join("tests/corpus"), &mut texts);
    for suite in ["syntax", "ranges", "json"] {
        let place = here.join(format!("../../sim/conformance/{suite}.txt"));
        let text = fs::read_to_string(place).unwrap();
        let cases = text.split("\n-- ").skip(1);
        let modules = cases.filter_map(|case| case.split_once('\n'));
        let modules = modules.map(|(_, text)| text.split("\n=> ").next().unwrap_or(text));
        texts.extend(modules.map(|text| text.as_bytes().to_vec()));
    }
    texts.sort();
    texts.dedup();
    texts
}

/// One text of the corpus, damaged in one to four places.
fn damaged(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut text = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(4) {
        let start = chance.below(text.len() + 1);
        let end = (start + chance.below(24)).min(text.len());
        match chance.below(8) {
            0 => drop(text.drain(start..end)),
            1 => {
                let piece = TOKENS[chance.below(TOKENS.len())].as_bytes();
                text.splice(start..end, piece.iter().copied());
            }
            2 => {
                let piece = TOKENS[chance.below(TOKENS.len())].as_bytes();
                text.splice(start..start, piece.iter().copied());
            }
            3 => {
                let byte = chance.next() as u8;
                text.splice(start..start, [byte]);
            }
            4 => {
                let piece = text.get(start..end).unwrap_or_default().to_vec();
                let times = 1 + chance.below(200);
                text.splice(start..start, piece.repeat(times));
            }
            5 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                let piece = other.get(from..).unwrap_or_default();
                text.splice(start..end, piece.iter().copied());
            }
            6 => text.truncate(start),
            _ => {
                let moved: Vec<u8> = text.drain(start..end).collect();
                let to = chance.below(text.len() + 1);
                text.splice(to..to, moved);
            }
        }
        text.truncate(TEXT_BYTES_MAX);
    }
    text
}

/// Reads a text in every role that a text can have. Places of findings must be places of the text.
fn survive(content: &[u8]) {
    for name in ["main.tf", "main.tf.json", "override.tf", "steadfast.hcl"] {
        let project = Project(
            [
                (name.to_string(), content.to_vec()),
                ("base.tf".to_string(), b"locals {}\n".to_vec()),
            ]
            .into(),
        );
        let compiled = validate(&project, &[], &support::schemas());
        for source in &compiled.sources {
            let id = compiled.sources.iter().position(|s| s == source).unwrap();
            places(&source.content, SourceId(id as u32), &compiled.diagnostics);
        }
        support::diagnostics(&compiled);
        if let Some(release) = &compiled.release {
            support::dump::release(release);
        }
    }
    if let Ok(text) = source_text(content, SourceId(0)) {
        let (_, found) = parse_template(text, SourceId(0));
        places(content, SourceId(0), &found);
        let (_, found) = parse_expression(text, SourceId(0));
        places(content, SourceId(0), &found);
    }
    let _ = definition::variables_file(content);
}

fn places(content: &[u8], source: SourceId, found: &Diagnostics) {
    let text = String::from_utf8_lossy(content);
    let index = LineIndex::new(&text);
    let spans = found.iter().flat_map(|found| {
        let hints = found.hints.iter().map(|hint| hint.span);
        hints.chain([found.span]).flatten().collect::<Vec<Span>>()
    });
    for span in spans.filter(|span| span.source == source) {
        assert!(
            span.start <= span.end && span.end as usize <= content.len(),
            "{span:?}"
        );
        // What is no text at all has places of bytes.
        if std::str::from_utf8(content).is_ok() {
            assert!(text.is_char_boundary(span.start as usize), "{span:?}");
            assert!(text.is_char_boundary(span.end as usize), "{span:?}");
        }
        index.position(&text, span.end);
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn damaged_texts_are_survived() {
    let corpus = corpus();
    assert!(corpus.len() > 500, "{}", corpus.len());
    let (runs, first) = (number("FUZZ_RUNS", RUNS), number("FUZZ_SEED", 1));
    for seed in first..first + runs {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let text = damaged(&corpus, &mut chance);
        if let Err(reason) = panic::catch_unwind(|| survive(&text)) {
            eprintln!(
                "FUZZ_SEED={seed} FUZZ_RUNS=1 {:?}",
                String::from_utf8_lossy(&text)
            );
            panic::resume_unwind(reason);
        }
    }
}

#[test]
fn the_corpus_is_survived_as_it_is() {
    corpus().iter().for_each(|text| survive(text));
}

#[test]
fn heaps_of_tokens_are_survived() {
    let mut chance = Chance(number("FUZZ_SEED", 1) | 1);
    for _ in 0..number("FUZZ_RUNS", RUNS) / 4 {
        let n = chance.below(60);
        let text: String = (0..n).map(|_| TOKENS[chance.below(TOKENS.len())]).collect();
        survive(text.as_bytes());
        let bytes: Vec<u8> = (0..n).map(|_| chance.next() as u8).collect();
        survive(&bytes);
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

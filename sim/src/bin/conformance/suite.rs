//! The suites: one row each.
//!
//! Cases and recorded answers of a suite are files of the repository, under `sim/conformance/` unless a test of a room
//! reads the same ones: then they stay with that room.

use crate::oracle::Terraform;
use crate::{
    blocks, cases, console, expressions, format, language, plans, provider, signatures, testing,
};
use std::path::{Path, PathBuf};

/// A body of cases with recorded answers.
pub(crate) struct Suite {
    /// As it is called on the command line.
    pub(crate) name: &'static str,
    /// What it compares, in one line.
    pub(crate) what: &'static str,
    /// Where its cases are, from the root of the repository.
    pub(crate) place: &'static str,
    /// Differences that are known and being worked on: the ordinary test fails when there are more, and when there are
    /// fewer, so that the number only shrinks.
    pub(crate) known: usize,
    /// Compares all cases with their recorded answers.
    pub(crate) run: fn() -> Result<Outcome, String>,
    /// Writes the answers of the real program; how many they are.
    pub(crate) record: fn(&Terraform) -> Result<usize, String>,
    /// Writes our own words beside recorded complaints that they differ from; how many. None where that makes no sense.
    pub(crate) accept: Option<fn() -> Result<usize, String>>,
}

/// A suite of one place of case files (`language.rs`).
macro_rules! case_suite {
    ($name:literal, $what:literal, $place:literal, $known:literal) => {
        Suite {
            name: $name,
            what: $what,
            place: $place,
            known: $known,
            run: || language::run($place),
            record: |terraform| language::record($place, terraform),
            accept: Some(|| language::accept($place)),
        }
    };
}

/// All suites, in the order of the table.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "expressions",
        what: "constant expressions, by the JSON of their values",
        place: expressions::JSON_CASES,
        known: 0,
        run: expressions::run_json,
        record: expressions::record_json,
        accept: None,
    },
    Suite {
        name: "console",
        what: "constant expressions, by what the console prints or says is wrong",
        place: expressions::CONSOLE_CASES,
        known: 0,
        run: expressions::run_console,
        record: expressions::record_console,
        accept: None,
    },
    Suite {
        name: "console-lines",
        what: "values and types, line for line as the console prints them",
        place: console::PLACE,
        known: 0,
        run: console::run,
        record: console::record,
        accept: None,
    },
    Suite {
        name: "fmt",
        what: "whole files, formatted byte for byte",
        place: format::CORPUS,
        known: 0,
        run: format::run,
        record: format::record,
        accept: None,
    },
    Suite {
        name: "syntax",
        what: "what the native syntax and templates mean, by values and by what is refused",
        place: cases::SYNTAX,
        known: 0,
        run: cases::run_syntax,
        record: cases::record_syntax,
        accept: None,
    },
    Suite {
        name: "ranges",
        what: "faulty modules, by the places that validate -json shows",
        place: cases::RANGES,
        known: 0,
        run: cases::run_ranges,
        record: cases::record_ranges,
        accept: None,
    },
    Suite {
        name: "json",
        what: "the JSON form, by values and by the places of mistakes",
        place: cases::JSON,
        known: 0,
        run: cases::run_json,
        record: cases::record_json,
        accept: None,
    },
    Suite {
        name: "signatures",
        what: "names, parameters and results of all functions, and that each has cases",
        place: signatures::PLACE,
        known: 0,
        run: signatures::run,
        record: signatures::record,
        accept: None,
    },
    case_suite!(
        "functions",
        "calls of every function: values with their types and marks, unknowns, and each kind of mistake",
        "sim/conformance/language/functions",
        0
    ),
    case_suite!(
        "provider-functions",
        "calls of the functions of the provider that is built in",
        "sim/conformance/language/provider_functions.txt",
        0
    ),
    case_suite!(
        "drawn",
        "small forms of drawn expressions that once differed",
        "sim/conformance/language/drawn.txt",
        0
    ),
    Suite {
        name: "plans",
        what: "plans of whole configurations in two versions, member by member of their JSON",
        place: plans::PLACE,
        known: 0,
        run: plans::run,
        record: plans::record,
        accept: None,
    },
    Suite {
        name: "provider",
        what: "every call that a provider is asked in scenarios, with all that is sent",
        place: provider::PLACE,
        known: provider::KNOWN.len(),
        run: provider::run,
        record: provider::record,
        accept: None,
    },
    Suite {
        name: "blocks",
        what: "blocks of every kind in small projects, by the places of what is wrong in them",
        place: blocks::SNIPPETS,
        known: 0,
        run: blocks::run,
        record: blocks::record,
        accept: None,
    },
    Suite {
        name: "test",
        what: "test files in small projects, by what becomes of every run and what is complained of",
        place: testing::PLACE,
        known: 0,
        run: testing::run,
        record: testing::record,
        accept: Some(testing::accept),
    },
];

/// How a suite went.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Cases that gave what is recorded.
    pub(crate) passed: usize,
    /// The others, each told in a few lines: the case, what is recorded, what was given.
    pub(crate) differences: Vec<String>,
    /// Passed and total of each part, where the suite has parts.
    pub(crate) parts: Vec<(String, usize, usize)>,
}

impl Outcome {
    /// All cases.
    pub(crate) fn total(&self) -> usize {
        self.passed + self.differences.len()
    }

    /// Counts what a part of the suite came to.
    pub(crate) fn add(&mut self, name: &str, part: Self) {
        self.parts
            .push((name.to_owned(), part.passed, part.total()));
        self.passed += part.passed;
        self.differences.extend(part.differences);
    }

    /// Counts one case.
    pub(crate) fn compare(&mut self, case: &str, recorded: &str, given: &str) {
        if recorded == given {
            self.passed += 1;
        } else {
            self.differ(case, recorded, given);
        }
    }

    /// Counts one case that does not give what is recorded.
    pub(crate) fn differ(&mut self, case: &str, recorded: &str, given: &str) {
        let difference = format!("  {case}\n    recorded {recorded}\n    given    {given}");
        self.differences.push(difference);
    }
}

/// The suite of a name.
pub(crate) fn named(name: &str) -> Result<&'static Suite, String> {
    SUITES
        .iter()
        .find(|suite| suite.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            format!("there is no suite {name}; there are: {}", names.join(", "))
        })
}

/// A file of the repository.
pub(crate) fn path(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place)
}

/// Its text.
pub(crate) fn read(place: &str) -> Result<String, String> {
    std::fs::read_to_string(path(place)).map_err(|error| format!("cannot read {place}: {error}"))
}

/// Writes it anew.
pub(crate) fn write(place: &str, text: &str) -> Result<(), String> {
    std::fs::write(path(place), text).map_err(|error| format!("cannot write {place}: {error}"))
}

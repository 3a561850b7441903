//! Every script in `tests/scripts`, each in a directory of its own, several at once.
//!
//! A script is a text file: prose, commands with what they print and how they end, and the files they work on. Adding
//! one needs no Rust; `tests/runner/mod.rs` says how they are written. `cargo test -p cli --test scripts -- WORD` runs
//! those whose name contains WORD, and with `UPDATE_SCRIPTS=1` in the environment they are rewritten to what happened.
//! This file has a `main` of its own, because the same program, started as `service serve`, is the service that the
//! scripts deploy, and, as `serve-provider`, a provider that is scripted by data.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, helpers included"
)]

mod runner;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "serve") {
        return runner::service::serve(&words[1..]);
    }
    if words.first().is_some_and(|word| word == "serve-provider") {
        return runner::service::provide();
    }
    // What a test runner asks of a test binary: its tests by name, and one of them alone.
    let has = |option: &str| words.iter().any(|word| word == option);
    if has("--list") {
        let names = if has("--ignored") {
            Vec::new()
        } else {
            runner::names()
        };
        for name in names {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let exact = has("--exact");
    let only: Vec<String> = words
        .into_iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    runner::run_all(&only, exact)
}

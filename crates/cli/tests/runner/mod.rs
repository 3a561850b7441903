//! Runs scripts.
//!
//! A script begins with prose, which starts at the margin, and commands, which are indented by two spaces and begin
//! with `$`. Under each command stands what it prints on its standard output; then, after `! `, each line of its
//! standard error; then, after `? `, its exit code unless it is 0. `expect.rs` says how a line may be written that is
//! not the same every time. After the commands come the files of the script's directory, each after a line
//! `-- path --`.
//!
//! `$ steadfast ...` runs the program under test; with `&name` as its last word it goes on in the background, for
//! `wait name`. All other commands are those of `builtins.rs`. Words are separated by spaces and may be quoted; `$NAME`
//! is what `save` or `port` put there.

mod builtins;
pub(crate) mod expect;
mod machine;
pub(crate) mod process;
pub(crate) mod script;
pub(crate) mod service;

use builtins::Shell;
use script::{Item, Script};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Scripts run at the same time. They mostly wait.
const SCRIPTS_AT_ONCE: usize = 6;

/// How a script went.
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Names of all scripts.
pub(crate) fn names() -> Vec<String> {
    scripts().iter().map(|path| name_of(path)).collect()
}

fn scripts() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Runs all scripts whose names contain one of these words (or are one of them), or all.
pub(crate) fn run_all(only: &[String], exact: bool) -> ExitCode {
    let wanted = |path: &PathBuf| {
        let name = name_of(path);
        let is_meant = |word: &String| {
            if exact {
                name == *word
            } else {
                name.contains(word.as_str())
            }
        };
        only.is_empty() || only.iter().any(is_meant)
    };
    let paths: Vec<PathBuf> = scripts().into_iter().filter(wanted).collect();
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    let next = AtomicUsize::new(0);
    let counts = Mutex::new((0, 0, 0));
    std::thread::scope(|scope| {
        for _ in 0..SCRIPTS_AT_ONCE {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = name_of(path);
                    // A script that panics is a script that failed; the others go on.
                    let verdict = std::panic::catch_unwind(|| run_one(path, update))
                        .unwrap_or_else(|_| Verdict::Failed("the runner panicked".to_owned()));
                    let mut counts = counts.lock().unwrap();
                    match verdict {
                        Verdict::Passed => {
                            counts.0 += 1;
                            println!("script {name} ... ok");
                        }
                        Verdict::Skipped(why) => {
                            counts.1 += 1;
                            println!("script {name} ... SKIPPED: {why}");
                        }
                        Verdict::Failed(why) => {
                            counts.2 += 1;
                            println!("script {name} ... FAILED\n{why}");
                        }
                    }
                }
            });
        }
    });
    let (passed, skipped, failed) = counts.into_inner().unwrap();
    println!("\n{passed} scripts passed, {skipped} skipped, {failed} failed");
    let none = paths.is_empty() && only.is_empty();
    if failed > 0 || none {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn run_one(path: &Path, update: bool) -> Verdict {
    let text = std::fs::read_to_string(path).unwrap();
    let mut script = match Script::parse(&text) {
        Ok(script) => script,
        Err(what) => return Verdict::Failed(format!("    {what}\n")),
    };
    let mut shell = Shell::new(&script.files);
    let mut wrong = String::new();
    for item in &mut script.items {
        let Item::Step(step) = item else { continue };
        let actual = match shell.run(&step.command) {
            Ok(lines) => lines,
            Err(builtins::Stop::Skip(why)) => return Verdict::Skipped(why),
            Err(builtins::Stop::Wrong(why)) => {
                wrong.push_str(&format!("  $ {}\n    {why}\n", step.command));
                break;
            }
        };
        if expect::matches(&step.expected, &actual) {
            continue;
        }
        let difference = expect::difference(&step.expected, &actual);
        wrong.push_str(&format!("  $ {}\n{difference}", step.command));
        if update {
            step.expected = actual;
        } else {
            // What follows would only fail because this did.
            break;
        }
    }
    drop(shell);
    if update && script.to_text() != text {
        std::fs::write(path, script.to_text()).unwrap();
    }
    if wrong.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed(wrong)
    }
}

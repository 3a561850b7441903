//! The program `steadfast`: commands, what they show, and how they end.
//!
//! Each command is a file in `commands`; `session` opens book, engine and adapters for them, `render` turns everything
//! into text, `exit` says with which status each kind of trouble ends. Nothing is decided here.

mod args;
mod codes;
mod commands;
mod diag;
mod error;
mod exit;
mod files;
mod json;
mod key;
mod manual;
mod plugins;
mod project;
mod render;
mod session;
mod terraform_state;
mod workspace;

use clap::Parser as _;
use std::process::ExitCode;

/// The first descriptor after those that every process has.
const FIRST_INHERITED: i32 = 3;

fn main() -> ExitCode {
    // Whatever a shell left open (`> >(tee log)`) is for this command, not for the instances and shims that outlive it:
    // whoever waits for the end of a pipe would wait for them.
    close_fds::set_fds_cloexec(FIRST_INHERITED, &[]);
    let words = args::with_long_options(std::env::args_os());
    // The small processes beside instances begin before anything else: they must not hold what a command holds.
    if words.get(1).is_some_and(|word| word == "shim") {
        let code = runtime_local::shim::run(words.get(2..).unwrap_or_default());
        return ExitCode::from(u8::try_from(code).unwrap_or(exit::FAILED));
    }
    if words.get(1).is_some_and(|word| word == plugins::TETHER) {
        let Err(why) = plugin::become_tethered(words.get(2..).unwrap_or_default());
        anstream::eprintln!("{why}");
        return ExitCode::from(exit::FAILED);
    }
    let args = match args::Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors.
            let _ = error.print();
            if error.use_stderr()
                && let Some(instead) = manual::instead_of_terraform(&words)
            {
                anstream::eprintln!("\n{instead}");
            }
            return ExitCode::from(if error.use_stderr() {
                exit::USAGE
            } else {
                exit::OK
            });
        }
    };
    let json = args.json;
    match commands::run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.print(json);
            ExitCode::from(error.exit_code())
        }
    }
}

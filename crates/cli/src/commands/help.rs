//! `explain`, `completions`, and the hidden `proxy`.

use crate::args::Args;
use crate::codes;
use crate::error::CommandError;
use crate::exit;
use clap::CommandFactory as _;
use std::path::Path;

/// `explain`.
pub(crate) fn explain(code: Option<&str>) -> Result<u8, CommandError> {
    let Some(code) = code else {
        for (code, title) in codes::titles() {
            anstream::println!("{code}  {title}");
        }
        return Ok(exit::OK);
    };
    if code == "exit-codes" {
        anstream::print!("{}", exit::TABLE);
        return Ok(exit::OK);
    }
    match codes::page(code) {
        Some(page) => {
            anstream::print!("{page}");
            Ok(exit::OK)
        }
        None => Err(CommandError::Usage(format!(
            "there is no code {code}; `steadfast explain` without a code lists all of them"
        ))),
    }
}

/// `completions`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<u8, CommandError> {
    clap_complete::generate(
        shell,
        &mut Args::command(),
        "steadfast",
        &mut std::io::stdout(),
    );
    Ok(exit::OK)
}

/// The data plane of one environment, until it is told to stop.
pub(crate) fn proxy(directory: &Path) -> Result<u8, CommandError> {
    let options = proxy::Options {
        control_socket: directory.join("control.sock"),
        routes_file: directory.join("routes.json"),
        timeouts: proxy::limits::Timeouts::default(),
    };
    match proxy::serve(options) {
        Ok(()) => Ok(exit::OK),
        Err(error) => {
            let mut text = format!("the data plane cannot run: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            Err(CommandError::Failed(text))
        }
    }
}

//! The shim without the program around it, for the tests of this crate: after its first word, which stands for the
//! hidden subcommand. With `place` or `stop` as that word it is a control plane instead, to be killed by a test.

#![allow(
    clippy::unwrap_used,
    reason = "this is a test, in a process of its own"
)]

use contract::{Outcome, Runtime};
use runtime_local::{LocalRuntime, Options};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.split_first() {
        Some((verb, words)) if verb == "shim" => {
            ExitCode::from(u8::try_from(runtime_local::shim::run(words)).unwrap_or(1))
        }
        Some((verb, words)) => control_plane(verb == "place", words),
        None => ExitCode::FAILURE,
    }
}

fn control_plane(place: bool, words: &[OsString]) -> ExitCode {
    let [directory, spec, unpacked] = words else {
        return ExitCode::FAILURE;
    };
    let spec: model::InstanceSpec = serde_json::from_slice(&std::fs::read(spec).unwrap()).unwrap();
    let shim = vec![std::env::current_exe().unwrap().into(), "shim".into()];
    let runtime = LocalRuntime::new(Options::new(directory.into(), shim));
    let outcome = tokio::runtime::Runtime::new().unwrap().block_on(async {
        if place {
            runtime.place(&spec, unpacked.as_ref()).await
        } else {
            runtime.stop(&spec.instance, 10_000).await
        }
    });
    match outcome {
        Outcome::Placed { .. } | Outcome::Stopped => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

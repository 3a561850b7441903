//! The mock as a program, for tests that need a provider in a process of its own. Never shipped.

use std::io::Write as _;

fn main() -> std::process::ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let served = runtime.and_then(|runtime| {
        runtime.block_on(plugin::mock::program(&|line| {
            let mut out = std::io::stdout().lock();
            // Whoever started it reads this line or is gone.
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }))
    });
    match served {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {
            // As the runtime of a broken provider says it.
            let _ = writeln!(
                std::io::stderr(),
                "panic: the script says so\n\ngoroutine 1 [running]:"
            );
            std::process::ExitCode::from(2)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "terraform-provider-mock: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

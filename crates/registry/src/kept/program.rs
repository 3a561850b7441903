//! Programs that know how to open something: they are run, and what they print is taken.

use crate::Settings;
use crate::limits::{PROGRAM_MS_MAX, PROGRAM_SAYS_CHARS_MAX, PROGRAM_STDERR_BYTES_MAX};
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// A run of a program.
pub(super) struct Run<'a> {
    /// Its name, looked for on the PATH.
    pub(super) program: &'a str,
    pub(super) arguments: &'a [&'a str],
    /// Set beside the environment that there is.
    pub(super) variables: &'a [(&'a str, &'a str)],
    /// What must not be in what it says.
    pub(super) secrets: &'a [String],
    /// What to do where there is no such program.
    pub(super) otherwise: &'a str,
}

impl Run<'_> {
    /// What it prints.
    ///
    /// # Errors
    /// In words without a full stop: when it is not there, fails, or prints more than this.
    pub(super) async fn output(
        &self,
        settings: &Settings,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, String> {
        let Self {
            program, otherwise, ..
        } = self;
        let mut child = Command::new(program)
            .env_clear()
            .envs(settings.environment())
            .envs(self.variables.iter().copied())
            .args(self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    format!("the program {program} is needed and not on the PATH: {otherwise}")
                }
                _ => format!("the program {program} cannot be started: {error}"),
            })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let running = async {
            let printed = async {
                let printed = part(stdout, limit_bytes.saturating_add(1)).await;
                // Whoever prints without end is not waited for.
                (printed.len() as u64 <= limit_bytes).then_some(printed)
            };
            let (printed, said) = tokio::join!(printed, part(stderr, PROGRAM_STDERR_BYTES_MAX));
            let Some(printed) = printed else {
                return Err(format!("{program} printed more than {limit_bytes} bytes"));
            };
            match child.wait().await {
                Ok(status) if status.success() => Ok(printed),
                Ok(status) => Err(self.failed(&said, &status.to_string())),
                Err(error) => Err(format!("{program} cannot be waited for: {error}")),
            }
        };
        let limit = Duration::from_millis(PROGRAM_MS_MAX);
        let ended = tokio::time::timeout(limit, running).await;
        ended.unwrap_or_else(|_| Err(format!("{program} did not end within {PROGRAM_MS_MAX} ms")))
    }

    /// What it said, on one line.
    fn failed(&self, said: &[u8], status: &str) -> String {
        let mut said = String::from_utf8_lossy(said).into_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            said = said.replace(secret, "(secret)");
        }
        let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let said = lines.collect::<Vec<_>>().join("; ");
        let said: String = said.chars().take(PROGRAM_SAYS_CHARS_MAX).collect();
        match said.trim_end_matches('.') {
            "" => format!("{} ended with {status}", self.program),
            said => format!("{} failed: {said}", self.program),
        }
    }
}

/// The first bytes that come.
async fn part(stream: Option<impl AsyncRead + Unpin>, limit_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What breaks off is told by the exit status.
        let _ = stream.take(limit_bytes).read_to_end(&mut bytes).await;
    }
    bytes
}

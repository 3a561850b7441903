//! The real `terraform`, asked in directories of our own that are gone afterwards.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program on the PATH.
pub(crate) struct Terraform {
    version: String,
}

impl Terraform {
    /// None where there is none.
    pub(crate) fn on_path() -> Option<Self> {
        let output = Command::new("terraform")
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let version = said.get("terraform_version")?.as_str()?.to_owned();
        Some(Self { version })
    }

    /// As `Terraform 1.11.4`.
    pub(crate) fn version(&self) -> String {
        format!("Terraform {}", self.version)
    }

    /// Runs a command in a directory, with a text as its input. Nothing of this machine's settings reaches it.
    pub(crate) fn run(
        &self,
        directory: &Path,
        words: &[&str],
        input: &str,
    ) -> Result<Output, String> {
        Self::start(directory, words, input, None)
    }

    /// The same with providers that run already (`TF_REATTACH_PROVIDERS`).
    pub(crate) fn run_with(
        &self,
        directory: &Path,
        words: &[&str],
        running: &str,
    ) -> Result<Output, String> {
        Self::start(directory, words, "", Some(running))
    }

    fn start(
        directory: &Path,
        words: &[&str],
        input: &str,
        running: Option<&str>,
    ) -> Result<Output, String> {
        let running = running.map(|running| ("TF_REATTACH_PROVIDERS", running));
        let cannot = |error: std::io::Error| format!("cannot run terraform: {error}");
        let mut child = Command::new("terraform")
            .args(words)
            .current_dir(directory)
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .envs(running)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends early does not read to the end; what it says then is its answer.
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output().map_err(cannot)
    }

    /// What the console says to one expression: the value as it prints it, or all it complains of.
    pub(crate) fn console(
        &self,
        directory: &Path,
        expression: &str,
    ) -> Result<Result<String, String>, String> {
        let output = self.run(directory, &["console"], &format!("{expression}\n"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Ok(if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(complaint(&text(&output.stderr)))
        })
    }
}

/// What stands in the frames that diagnostics are drawn in, as one line: the title, then the detail.
fn complaint(drawn: &str) -> String {
    let drawn = uncoloured(drawn);
    let lines = drawn
        .lines()
        .map(|line| line.trim_start_matches(['╷', '│', '╵', ' ']).trim());
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A text without the escape sequences that colour it, which the console uses even where nobody sees them.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or("", |(_, after)| after);
    }
    plain
}

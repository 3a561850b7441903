//! Children of a script: started with their output in files, waited for with a bound, and ended for certain.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest time that one command may take, in seconds. Far above what any takes, for slow machines.
pub(crate) const COMMAND_SECONDS_MAX: u64 = 120;

/// Time between two looks, in milliseconds.
const LOOK_MS: u64 = 5;

/// What stands at the other end of a command's standard input.
#[derive(Clone, Debug, Default)]
pub(crate) enum Input {
    /// Nothing.
    #[default]
    Closed,
    /// This text, and then nothing.
    Text(String),
    /// Someone who does not answer.
    Silent,
}

/// A command that was started.
pub(crate) struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// What a command printed, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Started {
    /// Starts the program under test in a directory, with this environment and no other; if so told, with descriptor 9
    /// left open on a file.
    pub(crate) fn start(
        program: &Path,
        words: &[String],
        directory: &Path,
        env: &[(String, String)],
        stdin: &Input,
        files: &Path,
        leaked: bool,
    ) -> Self {
        let (stdout, stderr) = (files.with_extension("out"), files.with_extension("err"));
        let input = match stdin {
            Input::Text(text) => {
                let path = files.with_extension("in");
                std::fs::write(&path, text).unwrap();
                Stdio::from(File::open(path).unwrap())
            }
            Input::Closed => Stdio::null(),
            Input::Silent => Stdio::piped(),
        };
        let mut command = match leaked {
            // As a shell that has opened something and starts the program: only so can a descriptor be left open.
            true => {
                let mut shell = Command::new("/bin/sh");
                shell
                    .args(["-c", "exec \"$0\" \"$@\" 9>>leaked"])
                    .arg(program);
                shell
            }
            false => Command::new(program),
        };
        let child = command
            .args(words.iter().map(OsString::from))
            .current_dir(directory)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(input)
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> String {
        read(&self.stdout) + &read(&self.stderr)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; one that takes too long is killed.
    pub(crate) fn finish(mut self) -> Result<Output, String> {
        // `wait` would close what `Input::Silent` keeps open, so it comes last.
        let ended = wait_for(|| self.child.try_wait().unwrap().is_some());
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait().unwrap();
        let output = Output {
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
            code: code(status),
        };
        if !ended {
            return Err(format!(
                "still running after {COMMAND_SECONDS_MAX} s, and killed; it printed:\n{}{}",
                output.stdout, output.stderr
            ));
        }
        Ok(output)
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// The exit code, or 128 and the signal, as shells say it.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Looks until something is so, or until the bound.
pub(crate) fn wait_for(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(COMMAND_SECONDS_MAX);
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(LOOK_MS));
    }
    true
}

/// Sends a signal to one process, by its number.
pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(id.to_string())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok(), "there is no `kill` on this machine");
}

/// Ends what a script left running: processes whose command line or working directory lies in its directory.
pub(crate) fn end_all_in(directory: &Path) {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return;
    };
    let own = std::process::id();
    for entry in entries.flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let inside = std::fs::read_link(entry.path().join("cwd"))
            .is_ok_and(|current| current.starts_with(directory));
        if id != own && (inside || words.contains(&*directory.to_string_lossy())) {
            signal(id, "KILL");
        }
    }
}

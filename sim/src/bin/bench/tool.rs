//! The two programs that are measured, and the commands they are given.

use crate::measure::{self, Cost};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One command of the course.
pub(crate) struct Step {
    /// Its name in the table.
    pub name: &'static str,
    /// Its words, the same for both programs.
    pub words: &'static [&'static str],
    /// The exit code that shows that it did what is measured.
    pub code: i32,
}

/// Finds that everything is to be made.
pub(crate) const PLAN: Step = Step {
    name: "plan",
    words: &["plan", "-detailed-exitcode"],
    code: 2,
};

/// Makes everything.
pub(crate) const APPLY: Step = Step {
    name: "apply",
    words: &["apply", "-auto-approve"],
    code: 0,
};

/// Finds that there is nothing to do.
pub(crate) const PLAN_OF_NOTHING: Step = Step {
    name: "no-op plan",
    words: &["plan", "-detailed-exitcode"],
    code: 0,
};

/// The course: each step on what the one before left.
pub(crate) const STEPS: [Step; 5] = [
    PLAN,
    APPLY,
    PLAN_OF_NOTHING,
    Step {
        name: "update",
        words: &["apply", "-auto-approve", "-var", "revision=2"],
        code: 0,
    },
    Step {
        name: "destroy",
        words: &["destroy", "-auto-approve", "-var", "revision=2"],
        code: 0,
    },
];

/// A program that understands them.
pub(crate) struct Tool {
    binary: PathBuf,
    /// Whether a directory has to be initialised first.
    needs_init: bool,
    /// Whether it finds providers as the person who measures does.
    has_settings: bool,
}

impl Tool {
    /// Ours.
    pub(crate) fn steadfast(binary: PathBuf) -> Self {
        Self {
            binary,
            needs_init: false,
            has_settings: false,
        }
    }

    /// The `terraform` on the PATH; none where there is none.
    pub(crate) fn terraform() -> Option<Self> {
        let tool = Self {
            binary: PathBuf::from("terraform"),
            needs_init: true,
            has_settings: false,
        };
        tool.version().ok().map(|_| tool)
    }

    /// The same with providers that are installed as the settings of the person who measures say.
    pub(crate) fn with_providers(&self) -> Self {
        Self {
            binary: self.binary.clone(),
            needs_init: true,
            has_settings: true,
        }
    }

    /// What it says of itself, on one line.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn version(&self) -> Result<String, String> {
        let output = self.command(Path::new("."), &["version"]).output();
        let output = output.map_err(|error| self.trouble("start", &error))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// What has to be done in a fresh directory and is not measured.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn prepare(&self, directory: &Path) -> Result<(), String> {
        if !self.needs_init {
            return Ok(());
        }
        let output = self.command(directory, &["init", "-input=false"]).output();
        let output = output.map_err(|error| self.trouble("start", &error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "init fails: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }

    /// Runs a step and measures it.
    ///
    /// # Errors
    /// When it does not end as it should.
    pub(crate) fn measure(&self, step: &Step, directory: &Path) -> Result<Cost, String> {
        let log = directory.join("stderr.log");
        let errors = std::fs::File::create(&log).map_err(|error| self.trouble("log", &error))?;
        let mut command = self.command(directory, step.words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors);
        let measured = measure::run(&mut command);
        let (status, cost) = measured.map_err(|error| self.trouble("measure", &error))?;
        if status.code() == Some(step.code) {
            return Ok(cost);
        }
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let (name, words) = (self.binary.display(), step.words.join(" "));
        Err(format!(
            "{name} {words}: {status}, not {}\n{}",
            step.code,
            said.trim()
        ))
    }

    fn command(&self, directory: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        // Neither asks the network for news, and no settings of the user change what is measured.
        command
            .args(words)
            .current_dir(directory)
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("NO_COLOR", "1");
        if !self.has_settings {
            command.env("TF_CLI_CONFIG_FILE", "/dev/null");
        }
        command
    }

    fn trouble(&self, what: &str, error: &dyn std::fmt::Display) -> String {
        format!("cannot {what} {}: {error}", self.binary.display())
    }
}

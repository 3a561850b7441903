//! A program in a project of its own, from the first plan to the end of everything.

use super::Bench;
use super::case::Case;
use super::server::Server;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The provider and its configuration: addresses of the server come through the environment.
const PROVIDER: &str = r#"terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0.0"
    }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "conformance"
  secret_key                  = "conformance"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 2
}
"#;

/// Most of what a program said that is shown.
const SAID_MAX: usize = 1_500;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The one to compare with.
    Terraform,
    /// Ours.
    Steadfast,
}

/// What came of the stages that a program went through, until one was refused.
pub(crate) struct Life(pub(crate) Vec<Stage>);

/// One of them.
pub(crate) struct Stage {
    /// What was done.
    pub(crate) name: String,
    /// The plan or the objects, as `show -json` writes them; or why there are none.
    pub(crate) document: Result<Value, String>,
}

/// Our program, built from what is here as this one was.
pub(crate) fn built() -> Result<PathBuf, String> {
    let program = beside()?;
    let directory = program.parent().ok_or("it is not in a target directory")?;
    let target = directory
        .parent()
        .ok_or("it is not in a target directory")?;
    // The directory of a profile is called as the profile is, but for the one that nobody names.
    let profile = match directory.file_name() {
        Some(name) if name != "debug" => name,
        _ => OsStr::new("dev"),
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "--package", "cli"])
        .arg("--profile")
        .arg(profile)
        .arg("--target-dir")
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() {
        Ok(program)
    } else {
        Err(format!("the program could not be built ({status})"))
    }
}

/// Where our program is when it was built together with this one.
pub(crate) fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    // <target>/<profile>/<this program>, or <target>/<profile>/deps/<this test>
    let mut directory = own.parent().ok_or("it is nowhere")?;
    if directory.ends_with("deps") {
        directory = directory.parent().ok_or("it is nowhere")?;
    }
    Ok(directory.join("steadfast"))
}

/// Goes through everything with these cases.
pub(crate) fn life(bench: &Bench, program: Program, cases: &[Case]) -> Result<Life, String> {
    let cannot = |error: std::io::Error| format!("cannot make a project: {error}");
    let directory = tempfile::tempdir().map_err(cannot)?;
    let root = directory.path().join("project");
    let mut calls = String::new();
    for case in cases {
        std::fs::create_dir_all(root.join(&case.name)).map_err(cannot)?;
        calls += &format!("module \"{0}\" {{\n  source = \"./{0}\"\n}}\n", case.name);
    }
    let settings = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n",
        bench.mirror.display().to_string()
    );
    std::fs::write(directory.path().join("settings"), settings).map_err(cannot)?;
    std::fs::write(root.join("provider.tf"), PROVIDER).map_err(cannot)?;
    std::fs::write(root.join("main.tf"), calls).map_err(cannot)?;
    let project = Project {
        bench,
        program,
        root: &root,
        server: Server::start(bench)?,
    };
    let mut life = Life(Vec::new());
    // What is refused ends it, and stands at the end.
    let _ = project.live(cases, &mut life);
    Ok(life)
}

struct Project<'a> {
    bench: &'a Bench,
    program: Program,
    root: &'a Path,
    server: Server,
}

/// A stage was refused.
struct Refused;

impl Project<'_> {
    fn live(&self, cases: &[Case], life: &mut Life) -> Result<(), Refused> {
        self.write(cases, |case| &case.before, life)?;
        let made = self.done("init", &["init"]).map(|()| Value::Null);
        note(life, "init", made)?;
        self.plan("plan", &[], life)?;
        self.apply("objects", life)?;
        self.plan("plan again", &[], life)?;
        self.write(cases, |case| &case.after, life)?;
        self.plan("plan of the change", &[], life)?;
        self.apply("changed objects", life)?;
        self.plan("plan after the change", &[], life)?;
        self.plan("plan to destroy", &["-destroy"], life)?;
        self.apply("what is left", life)
    }

    fn write(
        &self,
        cases: &[Case],
        version: impl Fn(&Case) -> &String,
        life: &mut Life,
    ) -> Result<(), Refused> {
        for case in cases {
            let path = self.root.join(&case.name).join("main.tf");
            let written = std::fs::write(path, version(case));
            if let Err(error) = written {
                note(life, "write", Err(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Plans into a file, and shows it.
    fn plan(&self, name: &str, more: &[&str], life: &mut Life) -> Result<(), Refused> {
        let words = [&["plan", "-out=plan"], more].concat();
        let planned = self.done(name, &words).and_then(|()| self.shown(&["plan"]));
        note(life, name, planned)
    }

    /// Carries out the plan in the file, and shows what there is.
    fn apply(&self, name: &str, life: &mut Life) -> Result<(), Refused> {
        let applied = self.done(name, &["apply", "plan"]);
        note(life, name, applied.and_then(|()| self.shown(&[])))
    }

    fn shown(&self, what: &[&str]) -> Result<Value, String> {
        let words = match self.program {
            Program::Terraform => [&["show", "-json"], what].concat(),
            // Terraform shows everything to programs.
            Program::Steadfast => [&["show", "-json", "-show-sensitive"], what].concat(),
        };
        let text = self.run(&words)?;
        serde_json::from_str(&text).map_err(|error| format!("what is shown is no JSON: {error}"))
    }

    fn done(&self, name: &str, words: &[&str]) -> Result<(), String> {
        self.run(words)
            .map(drop)
            .map_err(|why| format!("{name}: {why}"))
    }

    fn run(&self, words: &[&str]) -> Result<String, String> {
        let program: &Path = match self.program {
            Program::Terraform => Path::new("terraform"),
            Program::Steadfast => &self.bench.steadfast,
        };
        let settings = self.root.with_file_name("settings");
        let output = Command::new(program)
            .args(words)
            .current_dir(self.root)
            .env("CHECKPOINT_DISABLE", "1")
            .env("NO_COLOR", "1")
            .env("TF_CLI_ARGS", "-no-color")
            .env("TF_CLI_CONFIG_FILE", settings)
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.chars().take(SAID_MAX).collect();
        Err(said.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn note(life: &mut Life, name: &str, document: Result<Value, String>) -> Result<(), Refused> {
    let refused = document.is_err();
    life.0.push(Stage {
        name: name.to_owned(),
        document,
    });
    if refused { Err(Refused) } else { Ok(()) }
}

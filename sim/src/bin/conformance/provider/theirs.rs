//! What terraform asks in a scenario.

use super::{Asked, SOURCE, Scenario, Step, lines, outside};
use crate::oracle::Terraform;
use plugin::Major;
use plugin::mock::{Mock, Script};
use std::collections::BTreeSet;
use std::path::Path;

/// Carries out all steps.
pub(crate) fn asked(terraform: &Terraform, scenario: &Scenario) -> Result<Asked, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let _inside = runtime.enter();
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mock = mock(scenario)?;
    let socket = directory.path().join("mock.sock");
    mock.serve_at(&socket).map_err(|error| error.to_string())?;
    let reattach = mock.reattach(SOURCE, &socket);
    let project = directory.path().join("project");
    std::fs::create_dir(&project).map_err(|error| error.to_string())?;
    for (name, text) in &scenario.texts {
        if name.ends_with(".tf") {
            put(&project, name, text)?;
        }
    }
    let mut asked = Asked::new();
    let mut is_begun = false;
    for step in &scenario.steps {
        if outside(&mock, step) {
            asked.push(BTreeSet::new());
            continue;
        }
        let words: &[&str] = match step {
            Step::Use(name) => {
                put(
                    &project,
                    "main.tf",
                    scenario.texts.get(name).map_or("", String::as_str),
                )?;
                asked.push(BTreeSet::new());
                continue;
            }
            Step::Plan => &["plan", "-no-color"],
            Step::Apply => &["apply", "-auto-approve", "-no-color"],
            _ => &["destroy", "-auto-approve", "-no-color"],
        };
        if !is_begun {
            is_begun = true;
            terraform.run_with(&project, &["init"], &reattach)?;
        }
        let output = terraform.run_with(&project, words, &reattach)?;
        asked.push(lines(&mock, step, output.status.success()));
    }
    Ok(asked)
}

/// The provider of a scenario.
pub(super) fn mock(scenario: &Scenario) -> Result<Mock, String> {
    let script = Script::parse(&scenario.script)
        .map_err(|error| format!("{error}: {:?}", std::error::Error::source(&error)))?;
    let major = Major::of(scenario.major).ok_or("there is no such protocol")?;
    Mock::new(script, major).map_err(|error| error.to_string())
}

fn put(directory: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = directory.join(name);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).map_err(|error| error.to_string())?;
    }
    std::fs::write(path, text).map_err(|error| error.to_string())
}

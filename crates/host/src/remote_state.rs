//! `terraform_remote_state`: the root outputs that another project left in its state file.
//!
//! Only the `local` backend is here: a file of version 4, read with every digit and every type that it names. Outputs
//! that are secret there keep their values, as Terraform has it; whoever uses them says what is secret here.

use crate::diag;
use crate::form;
use crate::limits::STATE_BYTES_MAX;
use contract::Answer;
use model::{BlockSchema, DataAnswer, DataQuestion};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use value::{Diagnostic, Diagnostics, Name, Type, Value};

/// What stands where nothing is configured.
const PATH_DEFAULT: &str = "terraform.tfstate";
const WORKSPACES_DEFAULT: &str = "terraform.tfstate.d";
const WORKSPACE_DEFAULT: &str = "default";

/// The only version of state files there is a reader for.
const VERSION: i64 = 4;

/// Answers a question about another project's outputs.
pub(crate) fn ask(project: &Path, block: &BlockSchema, question: &DataQuestion) -> Answer {
    match read(project, block, &question.config) {
        Ok(object) => Answer::Data(DataAnswer {
            object,
            diagnostics: Diagnostics::new(),
        }),
        Err(found) => Answer::Failed(found.about(question.address.to_string()).into()),
    }
}

fn read(project: &Path, block: &BlockSchema, config: &Value) -> Result<Value, Diagnostic> {
    form::check(block, config)?;
    let path = project.join(place(config)?);
    let text = content(&path)?;
    let state = value::json::parse(&text)
        .map_err(|error| diag::state_unreadable(&path, &error.to_string()))?;
    let version = state.get("version").and_then(Value::as_number);
    if version.and_then(value::Number::as_i64) != Some(VERSION) {
        return Err(diag::state_unreadable(
            &path,
            "it is not a state file of version 4",
        ));
    }
    let mut outputs: BTreeMap<Name, Value> = config
        .get("defaults")
        .and_then(Value::entries)
        .cloned()
        .unwrap_or_default();
    let written = state.get("outputs").and_then(Value::entries);
    for (name, output) in written.into_iter().flatten() {
        let value = typed(output)
            .map_err(|why| diag::state_unreadable(&path, &format!("its output {name:?} {why}")))?;
        outputs.insert(name.clone(), value);
    }
    Ok(form::with(config, [("outputs", Value::object(outputs))]))
}

/// The file that a configuration names, relative to the project.
fn place(config: &Value) -> Result<PathBuf, Diagnostic> {
    let backend = form::known(config, "backend").unwrap_or_default();
    if backend != "local" {
        return Err(diag::backend_unsupported(backend));
    }
    let settings = config.get("config");
    let setting = |name: &str, default: &str| {
        let set = settings.and_then(|settings| form::known(settings, name));
        set.unwrap_or(default).to_owned()
    };
    match form::known(config, "workspace").unwrap_or(WORKSPACE_DEFAULT) {
        WORKSPACE_DEFAULT => Ok(PathBuf::from(setting("path", PATH_DEFAULT))),
        workspace => Ok(PathBuf::from(setting("workspace_dir", WORKSPACES_DEFAULT))
            .join(workspace)
            .join(PATH_DEFAULT)),
    }
}

fn content(path: &Path) -> Result<String, Diagnostic> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(diag::state_absent(path));
        }
        Err(error) => return Err(diag::state_unreadable(path, &error.to_string())),
    };
    if size > STATE_BYTES_MAX {
        return Err(diag::too_large("The state file", size, STATE_BYTES_MAX));
    }
    std::fs::read_to_string(path).map_err(|error| diag::state_unreadable(path, &error.to_string()))
}

/// The value of an output, of the type that stands beside it.
fn typed(output: &Value) -> Result<Value, String> {
    let value = output.get("value").ok_or("has no value")?;
    let ty = match output.get("type") {
        Some(ty) => value::stored::read_type(ty).ok_or("has a type that nobody knows")?,
        None => Type::Any,
    };
    value::convert(value, &ty).map_err(|error| format!("is not of its type: {error}"))
}

//! `terraform_remote_state`: the root outputs that another project left in its state.
//!
//! The `local` backend is a file; what others keep is asked of [`States`]. A state of version 4 is read with every
//! digit and every type that it names. Outputs that are secret there keep their values, as Terraform has it; whoever
//! uses them says what is secret here.

use crate::diag;
use crate::form;
use crate::limits::STATE_BYTES_MAX;
use contract::{Answer, States};
use model::{BlockSchema, DataAnswer, DataQuestion};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use value::{Diagnostic, Diagnostics, Name, Type, Value};

/// The backend that is a file.
const LOCAL: &str = "local";

/// What stands where nothing is configured.
const PATH_DEFAULT: &str = "terraform.tfstate";
const WORKSPACES_DEFAULT: &str = "terraform.tfstate.d";
const WORKSPACE_DEFAULT: &str = "default";

/// The only version of state files there is a reader for.
const VERSION: i64 = 4;

/// Answers a question about another project's outputs.
pub(crate) async fn ask(
    project: &Path,
    states: Option<&dyn States>,
    block: &BlockSchema,
    question: &DataQuestion,
) -> Answer {
    match read(project, states, block, &question.config).await {
        Ok(object) => Answer::Data(DataAnswer {
            object,
            diagnostics: Diagnostics::new(),
        }),
        Err(found) => Answer::Failed(found.about(question.address.to_string()).into()),
    }
}

async fn read(
    project: &Path,
    states: Option<&dyn States>,
    block: &BlockSchema,
    config: &Value,
) -> Result<Value, Diagnostic> {
    form::check(block, config)?;
    let backend = form::known(config, "backend").unwrap_or_default();
    let (shown, text) = if backend == LOCAL {
        let path = project.join(file(config));
        let shown = format!("file {}", path.display());
        // Away from the threads that wait for replies.
        let reading = tokio::task::spawn_blocking(move || content(&path));
        let text = reading.await.map_err(|error| {
            diag::state_unreadable(&shown, &format!("reading broke off: {error}"))
        })?;
        (shown, text?)
    } else {
        let shown = format!("in the backend {backend:?}");
        let text = far(states, backend, config, &shown).await?;
        (shown, text)
    };
    let outputs = outputs(&shown, &text, config.get("defaults"))?;
    Ok(form::with(config, [("outputs", Value::object(outputs))]))
}

/// The root outputs in the text of a state, over those that stand in where it has none.
fn outputs(
    shown: &str,
    text: &str,
    defaults: Option<&Value>,
) -> Result<BTreeMap<Name, Value>, Diagnostic> {
    let state = value::json::parse(text)
        .map_err(|error| diag::state_unreadable(shown, &error.to_string()))?;
    let version = state.get("version").and_then(Value::as_number);
    if version.and_then(value::Number::as_i64) != Some(VERSION) {
        let why = "it is not a state of version 4";
        return Err(diag::state_unreadable(shown, why));
    }
    let defaults = defaults.and_then(Value::entries).cloned();
    let mut outputs = defaults.unwrap_or_default();
    let written = state.get("outputs").and_then(Value::entries);
    for (name, output) in written.into_iter().flatten() {
        let value = typed(output)
            .map_err(|why| diag::state_unreadable(shown, &format!("its output {name:?} {why}")))?;
        outputs.insert(name.clone(), value);
    }
    Ok(outputs)
}

fn workspace(config: &Value) -> &str {
    form::known(config, "workspace").unwrap_or(WORKSPACE_DEFAULT)
}

/// The file that a configuration names, relative to the project.
fn file(config: &Value) -> PathBuf {
    let settings = config.get("config");
    let setting = |name: &str, default: &str| {
        let set = settings.and_then(|settings| form::known(settings, name));
        set.unwrap_or(default).to_owned()
    };
    match workspace(config) {
        WORKSPACE_DEFAULT => PathBuf::from(setting("path", PATH_DEFAULT)),
        workspace => PathBuf::from(setting("workspace_dir", WORKSPACES_DEFAULT))
            .join(workspace)
            .join(PATH_DEFAULT),
    }
}

/// What a backend keeps that is not on this machine.
async fn far(
    states: Option<&dyn States>,
    backend: &str,
    config: &Value,
    shown: &str,
) -> Result<String, Diagnostic> {
    let Some(states) = states else {
        let why = format!("a backend of the kind {backend} is not read here");
        return Err(diag::state_away(backend, &why));
    };
    let null = Value::null(Type::Any);
    let settings = config.get("config").unwrap_or(&null);
    let found = states.state(backend, settings, workspace(config)).await;
    let found = found.map_err(|why| diag::state_away(backend, &why.to_string()))?;
    let bytes = found.ok_or_else(|| diag::state_absent(shown))?;
    String::from_utf8(bytes)
        .map_err(|_| diag::state_unreadable(shown, "it is not a text of Unicode"))
}

fn content(path: &Path) -> Result<String, Diagnostic> {
    let shown = format!("file {}", path.display());
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(diag::state_absent(&shown));
        }
        Err(error) => return Err(diag::state_unreadable(&shown, &error.to_string())),
    };
    if size > STATE_BYTES_MAX {
        return Err(diag::too_large("The state file", size, STATE_BYTES_MAX));
    }
    let text = std::fs::read_to_string(path);
    text.map_err(|error| diag::state_unreadable(&shown, &error.to_string()))
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

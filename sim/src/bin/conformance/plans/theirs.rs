//! What terraform makes of a pair.

use super::request::TAINT;
use super::{Answers, Files, Ids, Step, Texts};
use crate::oracle::Terraform;
use serde_json::Value;
use std::path::Path;

/// Plans and applies the first version, plans the second; with the ids that it drew for what it made.
pub(crate) fn answers(terraform: &Terraform, texts: &Texts) -> Result<(Answers, Ids), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = directory.path();
    write(root, &texts.first)?;
    let one = planned(terraform, root, &texts.first, &[])?;
    if let Step::Failed(_) = one {
        return Ok((Answers::until(one), Ids::new()));
    }
    let said = terraform.run(root, &["apply", "-input=false", "-no-color", "plan"], "")?;
    let ids = ids(root)?;
    if !said.status.success() {
        let second = Step::Failed(complaint(&said.stderr));
        let answers = Answers {
            first: one,
            applied: false,
            second,
        };
        return Ok((answers, ids));
    }
    for path in texts.first.keys() {
        std::fs::remove_file(root.join(path)).map_err(|error| error.to_string())?;
    }
    write(root, &texts.second)?;
    let second = asked(terraform, root, texts)?;
    let answers = Answers {
        first: one,
        applied: true,
        second,
    };
    Ok((answers, ids))
}

/// Plans the second version as it is asked for.
fn asked(terraform: &Terraform, root: &Path, texts: &Texts) -> Result<Step, String> {
    let mut options = Vec::new();
    if let Some(why) = got(terraform, root, &texts.second)? {
        return Ok(Step::Failed(why));
    }
    for line in &texts.request {
        let Some(address) = line.strip_prefix(TAINT) else {
            options.push(line.as_str());
            continue;
        };
        let said = terraform.run(root, &["taint", "-no-color", address], "")?;
        if !said.status.success() {
            return Ok(Step::Failed(complaint(&said.stderr)));
        }
    }
    planned(terraform, root, &texts.second, &options)
}

fn write(root: &Path, files: &Files) -> Result<(), String> {
    for (path, text) in files {
        let path = root.join(path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
        }
        std::fs::write(path, text).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn planned(
    terraform: &Terraform,
    root: &Path,
    files: &Files,
    options: &[&str],
) -> Result<Step, String> {
    if let Some(why) = got(terraform, root, files)? {
        return Ok(Step::Failed(why));
    }
    let mut words = vec!["plan", "-input=false", "-no-color", "-out=plan"];
    words.extend(options);
    let said = terraform.run(root, &words, "")?;
    if !said.status.success() {
        return Ok(Step::Failed(complaint(&said.stderr)));
    }
    let shown = terraform.run(root, &["show", "-json", "plan"], "")?;
    serde_json::from_slice(&shown.stdout)
        .map(Step::Planned)
        .map_err(|error| format!("{error}: {}", complaint(&shown.stderr)))
}

/// Gets the modules that are called; why that cannot be done.
fn got(terraform: &Terraform, root: &Path, files: &Files) -> Result<Option<String>, String> {
    if !files.values().any(|text| text.contains("module \"")) {
        return Ok(None);
    }
    let said = terraform.run(root, &["get", "-no-color"], "")?;
    Ok((!said.status.success()).then(|| complaint(&said.stderr)))
}

/// The titles and details of all that was wrong, on one line.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches(['╷', '│', '╵', ' ']).trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// The id of each object in the state, by its address.
fn ids(root: &Path) -> Result<Ids, String> {
    let text = std::fs::read(root.join("terraform.tfstate")).unwrap_or_default();
    if text.is_empty() {
        return Ok(Ids::new());
    }
    let state: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
    let text = |value: &Value, name: &str| {
        let found = value.get(name).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let mut ids = Ids::new();
    for resource in list(&state, "resources").unwrap_or_default() {
        let module = text(&resource, "module");
        let dot = if module.is_empty() { "" } else { "." };
        let block = format!(
            "{module}{dot}{}.{}",
            text(&resource, "type"),
            text(&resource, "name")
        );
        for instance in list(&resource, "instances").unwrap_or_default() {
            let key = instance.get("index_key");
            let key = key.map_or_else(String::new, |key| format!("[{key}]"));
            let attributes = instance.get("attributes").cloned().unwrap_or_default();
            ids.insert(format!("{block}{key}"), text(&attributes, "id"));
        }
    }
    Ok(ids)
}

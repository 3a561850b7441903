//! Many expressions put to the real program at once: each is the input of a `terraform_data` in a file of its own, and
//! one plan answers for all of them.
//!
//! An expression that is wrong keeps the plan from being made, so those that were complained of are left out and the
//! others asked again, until a plan is there.

use crate::answer::{Answer, Fault};
use crate::exact::exact;
use crate::oracle::Terraform;
use crate::ours::Fixtures;
use crate::planfile;
use std::collections::BTreeMap;
use std::path::Path;

/// Expressions in one plan.
const BATCH_CASES_MAX: usize = 400;

/// Plans of one batch: mistakes of syntax, of names and of values are told by different ones.
const ROUNDS_MAX: usize = 8;

/// The file of one case.
pub(crate) struct CaseSource {
    pub(crate) text: String,
    /// Where in it the expression begins.
    pub(crate) expression_at: usize,
    pub(crate) expression_length: usize,
}

/// The file that asks for an expression under a name.
pub(crate) fn case_source(name: &str, expression: &str) -> CaseSource {
    let before = format!("resource \"terraform_data\" \"{name}\" {{\n  input = ");
    CaseSource {
        expression_at: before.len(),
        expression_length: expression.len(),
        text: format!("{before}{expression}\n}}\n"),
    }
}

/// What the real program answers to each of the expressions.
pub(crate) fn ask(
    terraform: &Terraform,
    fixtures: &Fixtures,
    expressions: &[&str],
) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::with_capacity(expressions.len());
    for batch in expressions.chunks(BATCH_CASES_MAX) {
        answers.extend(ask_batch(terraform, fixtures, batch)?);
    }
    Ok(answers)
}

fn ask_batch(
    terraform: &Terraform,
    fixtures: &Fixtures,
    expressions: &[&str],
) -> Result<Vec<Answer>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = directory.path();
    let cannot = |error: std::io::Error| format!("cannot write a case: {error}");
    for (path, content) in &fixtures.files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(root)).map_err(cannot)?;
        std::fs::write(path, content).map_err(cannot)?;
    }
    let init = terraform.run(root, &["init", "-no-color", "-input=false"], "")?;
    if !init.status.success() {
        return Err(format!(
            "terraform init fails: {}",
            String::from_utf8_lossy(&init.stderr)
        ));
    }
    let sources: Vec<CaseSource> = expressions
        .iter()
        .enumerate()
        .map(|(index, expression)| case_source(&case_name(index), expression))
        .collect();
    for (index, source) in sources.iter().enumerate() {
        std::fs::write(case_path(root, index), &source.text).map_err(cannot)?;
    }
    let mut answers: BTreeMap<usize, Answer> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let words = ["plan", "-json", "-input=false", "-lock=false", "-out=plan"];
        let output = terraform.run(root, &words, "")?;
        if output.status.success() {
            let archive = std::fs::read(root.join("plan")).map_err(|error| error.to_string())?;
            for (address, value) in planfile::inputs(&archive)? {
                let name = address.strip_prefix("terraform_data.");
                if let Some(index) = name.and_then(case_index) {
                    answers.insert(index, Answer::Value(exact(&value)));
                }
            }
            let missing = || "the plan is silent about a case".to_owned();
            return (0..expressions.len())
                .map(|index| answers.remove(&index).ok_or_else(missing))
                .collect();
        }
        let found = faults(&output.stdout, &sources)?;
        for (index, faults) in found {
            std::fs::remove_file(case_path(root, index)).map_err(cannot)?;
            answers.insert(index, Answer::Faults(faults));
        }
    }
    Err("there are still complaints after many plans".to_owned())
}

fn case_name(index: usize) -> String {
    format!("case{index}")
}

fn case_index(name: &str) -> Option<usize> {
    name.strip_prefix("case")?.parse().ok()
}

fn case_path(root: &Path, index: usize) -> std::path::PathBuf {
    root.join(format!("{}.tf", case_name(index)))
}

/// What is complained of, by case.
fn faults(stdout: &[u8], sources: &[CaseSource]) -> Result<BTreeMap<usize, Vec<Fault>>, String> {
    let mut found: BTreeMap<usize, Vec<Fault>> = BTreeMap::new();
    for line in stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        let text = |path: &str| {
            let found = message.pointer(path).and_then(|value| value.as_str());
            found.unwrap_or_default().to_owned()
        };
        if text("/diagnostic/severity") != "error" {
            continue;
        }
        let (summary, detail) = (text("/diagnostic/summary"), text("/diagnostic/detail"));
        let file = text("/diagnostic/range/filename");
        // What has no range has an address at least, if only in its words.
        let address = text("/diagnostic/address") + " " + &summary;
        let address = address
            .split_once("terraform_data.")
            .map_or("", |(_, after)| after);
        let named = address.split(' ').next().unwrap_or_default();
        let index = case_index(file.strip_suffix(".tf").unwrap_or(named));
        let Some((index, source)) = index.and_then(|index| Some((index, sources.get(index)?)))
        else {
            return Err(format!(
                "a complaint about no case: {summary}: {detail} ({file})"
            ));
        };
        let byte = |path: &str| {
            message
                .pointer(path)
                .and_then(|value| value.as_u64())
                .map(|byte| byte as usize)
        };
        let place = byte("/diagnostic/range/start/byte").zip(byte("/diagnostic/range/end/byte"));
        found
            .entry(index)
            .or_default()
            .push(Fault::new(place, source, &summary, &detail));
    }
    if found.is_empty() {
        return Err(format!(
            "terraform plan fails: {}",
            String::from_utf8_lossy(stdout)
        ));
    }
    Ok(found)
}

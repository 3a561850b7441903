//! The table of functions beside what `terraform metadata functions -json` says of each: its parameters with their
//! types and whether they take null, and its result. Also that each has a file of cases.
//!
//! Only signatures are recorded. What a function is for is said in our own words in its table entry.

use crate::oracle::Terraform;
use crate::suite::{self, Outcome};
use value::functions::{ShownParameter, functions};

/// Signatures, one a line: `name(parameter type, parameter type?, parameter type...) type`.
pub(crate) const PLACE: &str = "sim/conformance/language/signatures.txt";

/// Where the cases of each function are, in a file of its name.
const CASES: &str = "sim/conformance/language/functions";

/// Cases that a function has at least.
const CASES_MIN: usize = 4;

/// Compares all signatures.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let recorded = suite::read(PLACE)?;
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split('(').next().unwrap_or_default();
        let own = functions().find(|function| function.name == name);
        let given = match own {
            None => "no such function".to_owned(),
            Some(function) => {
                let signature = function.signature();
                let mut parameters: Vec<String> =
                    signature.parameters.iter().map(parameter).collect();
                let variadic = signature.variadic.iter();
                parameters.extend(variadic.map(|last| parameter(last) + "..."));
                format!("{name}({}) {}", parameters.join(", "), signature.returns)
            }
        };
        outcome.compare(name, line, &given);
        let cases = suite::read(&format!("{CASES}/{name}.txt")).unwrap_or_default();
        let count = cases.lines().filter(|line| line.starts_with("> ")).count();
        if count < CASES_MIN {
            outcome.differ(
                name,
                &format!("at least {CASES_MIN} cases"),
                &count.to_string(),
            );
        }
    }
    Ok(outcome)
}

fn parameter(parameter: &ShownParameter) -> String {
    let mark = if parameter.nullable { "?" } else { "" };
    format!("{} {}{mark}", parameter.name, parameter.ty)
}

/// Asks for all signatures.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = terraform.run(directory.path(), &["metadata", "functions", "-json"], "")?;
    let said: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let signatures = said
        .get("function_signatures")
        .and_then(|all| all.as_object());
    let signatures = signatures.ok_or("there are no signatures")?;
    let mut lines = vec![
        "# Signatures of all functions, recorded; a question mark takes null, dots any number."
            .to_owned(),
    ];
    // Each is listed under its name with `core::` as well.
    let plain = signatures.iter().filter(|(name, _)| !name.contains("::"));
    for (name, signature) in plain {
        let one = |parameter: &serde_json::Value| {
            let mark = if parameter
                .get("is_nullable")
                .is_some_and(|mark| mark == true)
            {
                "?"
            } else {
                ""
            };
            let name = parameter
                .get("name")
                .and_then(|name| name.as_str())
                .unwrap_or_default();
            format!("{name} {}{mark}", type_text(parameter.get("type")))
        };
        let parameters = signature
            .get("parameters")
            .and_then(|all| all.as_array())
            .into_iter()
            .flatten();
        let mut parameters: Vec<String> = parameters.map(one).collect();
        if let Some(variadic) = signature.get("variadic_parameter") {
            parameters.push(one(variadic) + "...");
        }
        let returns = type_text(signature.get("return_type"));
        lines.push(format!("{name}({}) {returns}", parameters.join(", ")));
    }
    let (first, rest) = lines.split_at_mut(1);
    rest.sort();
    let text = [&*first, &*rest].concat().join("\n") + "\n";
    suite::write(PLACE, &text)?;
    Ok(rest.len())
}

/// A type as a constraint is written.
fn type_text(json: Option<&serde_json::Value>) -> String {
    let Some(json) = json else {
        return "nothing".to_owned();
    };
    match (json.as_str(), json.as_array().map(Vec::as_slice)) {
        (Some("dynamic"), _) => "any".to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, Some([kind, of])) => {
            let kind = kind.as_str().unwrap_or_default();
            format!("{kind}({})", type_text(Some(of)))
        }
        _ => json.to_string(),
    }
}

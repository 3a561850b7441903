//! `metadata functions`: the signatures of all functions, for editors and other programs.
//!
//! The form is that of `terraform metadata functions -json`; the descriptions are our own.

use crate::args::MetadataCommand;
use crate::error::CommandError;
use crate::exit;
use serde_json::{Map, Value, json};
use value::Type;
use value::functions::{Function, ShownParameter, functions};

/// The form of what is printed.
const FORMAT_VERSION: &str = "1.0";

/// What stands before a name to say that it is a function of the language.
const NAMESPACE: &str = "core::";

/// `metadata functions`. There is only one form, and it has to be asked for.
pub(crate) fn metadata(command: &MetadataCommand, json: bool) -> Result<u8, CommandError> {
    let MetadataCommand::Functions = command;
    if !json {
        return Err(CommandError::Usage(
            "signatures are printed for programs only; ask for them with `steadfast metadata functions -json`"
                .to_owned(),
        ));
    }
    anstream::println!("{}", signatures());
    Ok(exit::OK)
}

/// All signatures, each under its name and under its name with the namespace.
fn signatures() -> Value {
    let mut all = Map::new();
    for function in functions() {
        let signature = signature(function);
        all.insert(format!("{NAMESPACE}{}", function.name), signature.clone());
        all.insert(function.name.to_owned(), signature);
    }
    all.sort_keys();
    json!({ "format_version": FORMAT_VERSION, "function_signatures": all })
}

fn signature(function: &Function) -> Value {
    let signature = function.signature();
    let mut object = Map::new();
    object.insert("description".to_owned(), function.description.into());
    object.insert("return_type".to_owned(), type_json(&signature.returns));
    if !signature.parameters.is_empty() {
        let parameters = signature.parameters.iter().map(parameter).collect();
        object.insert("parameters".to_owned(), parameters);
    }
    if let Some(variadic) = &signature.variadic {
        object.insert("variadic_parameter".to_owned(), parameter(variadic));
    }
    Value::Object(object)
}

fn parameter(parameter: &ShownParameter) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), parameter.name.into());
    if !parameter.description.is_empty() {
        object.insert("description".to_owned(), parameter.description.into());
    }
    if parameter.nullable {
        object.insert("is_nullable".to_owned(), true.into());
    }
    object.insert("type".to_owned(), type_json(&parameter.ty));
    Value::Object(object)
}

/// A type as programs of the language write it: a word, or a list of a word and what it is of.
fn type_json(ty: &Type) -> Value {
    match ty {
        Type::Any => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!(["list", type_json(element)]),
        Type::Set(element) => json!(["set", type_json(element)]),
        Type::Map(element) => json!(["map", type_json(element)]),
        Type::Tuple(elements) => {
            json!(["tuple", elements.iter().map(type_json).collect::<Vec<_>>()])
        }
        Type::Object(object) => {
            let attributes = object.attributes.iter();
            let attributes: Map<String, Value> = attributes
                .map(|(name, ty)| (name.to_string(), type_json(ty)))
                .collect();
            json!(["object", attributes])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const RECORDED: &str = include_str!("../../../../sim/conformance/language/signatures.txt");

    /// A signature as it is recorded: `name(parameter type, parameter type?, parameter type...) type`.
    fn line(name: &str, signature: &Value) -> String {
        let one = |parameter: &Value| {
            let mark = if parameter["is_nullable"] == true {
                "?"
            } else {
                ""
            };
            let name = parameter["name"].as_str().unwrap();
            format!("{name} {}{mark}", type_text(&parameter["type"]))
        };
        let parameters = signature["parameters"].as_array();
        let mut parameters: Vec<String> = parameters.into_iter().flatten().map(one).collect();
        parameters.extend(
            signature
                .get("variadic_parameter")
                .map(|last| one(last) + "..."),
        );
        let returns = type_text(&signature["return_type"]);
        format!("{name}({}) {returns}", parameters.join(", "))
    }

    fn type_text(json: &Value) -> String {
        match json {
            Value::Array(parts) => {
                format!("{}({})", parts[0].as_str().unwrap(), type_text(&parts[1]))
            }
            word if word == "dynamic" => "any".to_owned(),
            word => word.as_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn all_signatures_are_the_recorded_ones() {
        let said = signatures();
        let all = said["function_signatures"].as_object().unwrap();
        let recorded: Vec<&str> = RECORDED
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(all.len(), 2 * recorded.len());
        for expected in recorded {
            let name = expected.split('(').next().unwrap();
            for name in [name.to_owned(), format!("{NAMESPACE}{name}")] {
                let given = line(&name, &all[&name]);
                assert_eq!(given.trim_start_matches(NAMESPACE), expected);
            }
        }
    }

    /// The document without what is said in words, in which only the presence of a description counts.
    fn wordless(mut document: Value) -> Value {
        fn blank(value: &mut Value) {
            match value {
                Value::Object(object) => {
                    for (name, inner) in object.iter_mut() {
                        if name == "description" && inner.is_string() {
                            *inner = "".into();
                        }
                        blank(inner);
                    }
                }
                Value::Array(items) => items.iter_mut().for_each(blank),
                _ => {}
            }
        }
        blank(&mut document);
        document
    }

    #[test]
    fn terraform_prints_the_same_but_for_the_words() {
        let asked = Command::new("terraform")
            .args(["metadata", "functions", "-json"])
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .output();
        let Ok(answer) = asked else {
            println!("skipped: there is no terraform on the PATH");
            return;
        };
        let theirs: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let text = |document: Value| wordless(document).to_string();
        assert_eq!(text(signatures()), text(theirs));
    }
}

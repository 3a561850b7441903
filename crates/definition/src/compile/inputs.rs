//! Values of root variables given from outside: variables files, environment variables, command-line options.

use super::constraint::Constraint;
use super::files::Files;
use super::load::{Definition, Loader};
use crate::diag::{blocks, inputs as diag};
use crate::lower::{self, literal};
use crate::parser;
use crate::syntax::Body;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use model::{Inputs, Release};
use value::{Diagnostics, Name, SourceId, Span, Type, Value};

/// A value, or a file of values, for root variables.
#[derive(Clone, Debug)]
pub enum Given {
    /// From the process environment: `TF_VAR_name`. Undeclared names are passed over, since the environment may serve
    /// several projects.
    Environment {
        /// The variable, without `TF_VAR_`.
        name: String,
        /// Its text.
        text: String,
    },
    /// From the command line: `-var name=text`. An undeclared name is an error.
    Option {
        /// The variable.
        name: String,
        /// Its text.
        text: String,
    },
    /// A variables file (`*.tfvars`). Undeclared names are warned of.
    File {
        /// Its path, for messages.
        path: String,
        /// Its content.
        content: Vec<u8>,
    },
    /// A value that some program made. An undeclared name is an error.
    Value {
        /// The variable.
        name: String,
        /// Its value.
        value: Value,
        /// Where it comes from, for messages.
        origin: String,
    },
    /// A value from a test file. Undeclared names are passed over, since the file may test several modules.
    Test {
        /// The variable.
        name: Name,
        /// Its value.
        value: Value,
        /// Where it is written.
        span: Span,
    },
}

/// What a definition is compiled for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is carried out.
    Apply,
    /// Everything is destroyed: what one object says of another is not looked at any more.
    Destroy,
    /// Somebody wants to know what is wrong with it. Variables may be without a value.
    Look,
}

/// One value with what messages need.
struct Candidate {
    name: Name,
    value: Result<Value, String>,
    origin: String,
    span: Option<Span>,
    refused: Option<bool>,
}

/// The values in a variables file.
///
/// # Errors
/// Diagnostics when it is no HCL, holds blocks, or refers to anything. Their spans point into source 0.
pub fn variables_file(content: &[u8]) -> Result<Inputs, Diagnostics> {
    let source = SourceId(0);
    let text = parser::source_text(content, source)?;
    let (body, mut diagnostics) = parser::parse_body(text, source);
    let values = values(&body, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let values = values.into_iter();
    Ok(values
        .filter_map(|(name, (value, _))| Some((name, value?)))
        .collect())
}

/// Values with their places; none where what is wrong has been reported.
fn values(body: &Body, diagnostics: &mut Diagnostics) -> BTreeMap<Name, (Option<Value>, Span)> {
    for block in &body.blocks {
        let found = diag::block_in_variables_file(block.header, &block.kind.name);
        diagnostics.push(found);
    }
    let mut values = BTreeMap::new();
    for attribute in &body.attributes {
        let what = "A value in a variables file";
        let value = lower::given(&attribute.value, what, diagnostics);
        let name = attribute.name.name.clone();
        values.insert(name, (value, attribute.value.span));
    }
    values
}

/// The value that is given for a variable, before its type is looked at; none when none is. What is wrong with the
/// others, and with files as a whole, is reported by [`apply`].
pub(super) fn given_value(
    root: &Definition,
    given: &[Given],
    wanted: &Name,
) -> Option<Result<Value, String>> {
    let from = |given: &Given| match given {
        Given::Environment { name, text } | Given::Option { name, text } if **name == **wanted => {
            Some(read_text(root, name, text))
        }
        Given::Value { name, value, .. } if **name == **wanted => Some(Ok(value.clone())),
        Given::Test { name, value, .. } if name == wanted => Some(Ok(value.clone())),
        Given::File { path, content } => {
            let source = SourceId(0);
            let text = parser::source_text(content, source).ok()?;
            let (body, _) = if path.ends_with(".json") {
                crate::json::variables_body(text, source)
            } else {
                parser::parse_body(text, source)
            };
            let (value, _) = values(&body, &mut Diagnostics::new()).remove(wanted)?;
            value.map(Ok)
        }
        Given::Environment { .. }
        | Given::Option { .. }
        | Given::Value { .. }
        | Given::Test { .. } => None,
    };
    given.iter().rev().find_map(from)
}

/// Values from outside as they are before anybody converts them: what the variables of tests can refer to. What cannot
/// be read is left out.
pub fn given_values(files: &dyn Files, given: &[Given]) -> Inputs {
    let mut loader = Loader::new(files, given);
    loader.load_root();
    let Some(root) = loader.definitions.first().cloned() else {
        return Inputs::new();
    };
    let mut candidates = Vec::new();
    for given in given {
        gather(&root, given, &mut loader, &mut candidates);
    }
    let known = candidates
        .into_iter()
        .filter_map(|candidate| Some((candidate.name, candidate.value.ok()?)));
    known.collect()
}

/// Checks all given values, converts them to the types of their variables and puts the winners into the release.
pub(super) fn apply(
    root: &Definition,
    constraints: &BTreeMap<Name, Constraint>,
    given: &[Given],
    purpose: Purpose,
    loader: &mut Loader<'_>,
    release: &mut Release,
) {
    let mut candidates = Vec::new();
    for given in given {
        gather(root, given, loader, &mut candidates);
    }
    let tested = loader.tested;
    let diagnostics = &mut loader.diagnostics;
    let mut named = BTreeSet::new();
    for candidate in candidates {
        let Some(constraint) = constraints.get(&candidate.name) else {
            // What is given to a test is for all the modules that it tests.
            if let Some(refused) = candidate.refused.filter(|_| !tested) {
                let known = root.variables.keys().map(|name| &**name);
                let (name, origin) = (&candidate.name, &candidate.origin);
                let found = diag::undeclared(name, origin, refused, candidate.span, known);
                diagnostics.push(found);
            }
            continue;
        };
        named.insert(candidate.name.clone());
        let variable = release
            .modules
            .first()
            .and_then(|module| module.variables.get(&candidate.name));
        let (nullable, declared) =
            variable.map_or((true, Span::default()), |v| (v.nullable, v.span));
        let name = candidate.name.clone();
        match convert(&candidate, constraint, nullable, declared) {
            Ok(value) => release.inputs.insert(name, value),
            Err(found) => {
                diagnostics.push(found);
                continue;
            }
        };
    }
    if purpose != Purpose::Look {
        missing(root, release, &named, diagnostics);
    }
}

fn gather(
    root: &Definition,
    given: &Given,
    loader: &mut Loader<'_>,
    candidates: &mut Vec<Candidate>,
) {
    match given {
        Given::Environment { name, text } => candidates.push(Candidate {
            value: read_text(root, name, text),
            origin: alloc::format!("the environment variable TF_VAR_{name}"),
            name: name.as_str().into(),
            span: None,
            refused: None,
        }),
        Given::Option { name, text } => candidates.push(Candidate {
            value: read_text(root, name, text),
            origin: alloc::format!("the option -var '{name}=...'"),
            name: name.as_str().into(),
            span: None,
            refused: Some(true),
        }),
        Given::Value {
            name,
            value,
            origin,
        } => candidates.push(Candidate {
            value: Ok(value.clone()),
            origin: origin.clone(),
            name: name.as_str().into(),
            span: None,
            refused: Some(true),
        }),
        Given::Test { name, value, span } => candidates.push(Candidate {
            name: name.clone(),
            value: Ok(value.clone()),
            origin: String::from("the test file"),
            span: Some(*span),
            refused: None,
        }),
        Given::File { path, content } => {
            let Some(body) = loader.add_text(path, content.clone()) else {
                return;
            };
            for (name, (value, span)) in values(&body, &mut loader.diagnostics) {
                candidates.push(Candidate {
                    name,
                    value: Ok(value.unwrap_or_else(|| Value::unknown(Type::Any))),
                    origin: path.clone(),
                    span: Some(span),
                    refused: Some(false),
                });
            }
        }
    }
}

/// What a text from the environment or command line stands for. For variables of primitive type, and for those without
/// a type, it is the text itself; for all others it is an expression (Terraform's rule).
fn read_text(root: &Definition, name: &str, text: &str) -> Result<Value, String> {
    let ty = root
        .variables
        .get(name)
        .and_then(|block| block.body.attribute("type"));
    let plain = match ty.map(|attribute| &attribute.value) {
        None => true,
        Some(ty) => ty
            .as_keyword()
            .is_some_and(|name| matches!(&**name, "string" | "number" | "bool")),
    };
    if plain {
        return Ok(Value::string(text));
    }
    let (expression, mut diagnostics) = parser::parse_expression(text, SourceId(0));
    let value = if diagnostics.has_errors() {
        None
    } else {
        let what = "A value given from outside";
        lower::given(&expression, what, &mut diagnostics)
    };
    value.ok_or_else(|| blocks::because(&diagnostics))
}

fn convert(
    candidate: &Candidate,
    constraint: &Constraint,
    nullable: bool,
    declared: Span,
) -> Result<Value, value::Diagnostic> {
    let (name, origin) = (&candidate.name, &candidate.origin);
    let value = match &candidate.value {
        Ok(value) => value,
        Err(why) => return Err(diag::invalid_text(name, origin, why)),
    };
    if value.is_null() && !nullable {
        let why = ": it is null, which nullable = false excludes";
        return Err(diag::invalid_value(
            name,
            origin,
            why,
            candidate.span,
            declared,
        ));
    }
    let expr = constraint.apply(literal(value.clone(), candidate.span.unwrap_or_default()));
    expr.evaluate(&crate::constant::Nothing).map_err(|why| {
        let why = blocks::because(&why);
        diag::invalid_value(name, origin, &why, candidate.span, declared)
    })
}

/// Reports variables that have no value anywhere they need one.
fn missing(
    root: &Definition,
    release: &Release,
    named: &BTreeSet<Name>,
    diagnostics: &mut Diagnostics,
) {
    for (name, variable) in &root.variables {
        // A default or value that was refused has been reported, and is not missing as well.
        if variable.body.attribute("default").is_some() || named.contains(name) {
            continue;
        }
        if release.environments.is_empty() {
            diagnostics.push(diag::missing_variable(variable.header, name));
            continue;
        }
        for (environment, block) in &release.environments {
            if !block.variables.contains_key(name) {
                let found = diag::missing_in_environment(variable.header, name, environment);
                diagnostics.push(found);
            }
        }
    }
}

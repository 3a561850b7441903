//! What we make of an expression: compiled in a project beside the fixtures, evaluated as while planning.
//!
//! Locals, variables and `terraform_data` of the fixtures stand for everything an expression can meet: what the real
//! program plans for such a resource (an identifier and an output that are not known yet, the output of the type of the
//! input) is told here in a few lines, so that no engine is needed.

use crate::answer::{Answer, Fault};
use definition::{Files, compile};
use model::{Attribute, BlockSchema, Module, ProviderSchema, Release, TypeSchema};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use value::functions::Circumstances;
use value::{
    Budget, Data, Diagnostics, Expr, Marks, Reference, Scope, Severity, Span, Type, Value,
};

/// The file that a case is compiled from, and what stands around its expression there.
const CASE: &str = "case.tf";

/// When all plans are made here.
const PLANNED_AT_MS: u64 = 1_767_225_600_000;

/// Files of the fixtures, by path from the root module.
pub(crate) struct Fixtures {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Fixtures {
    /// What is in a directory, with what is below it.
    pub(crate) fn read(directory: &std::path::Path) -> Result<Self, String> {
        let mut fixtures = Self {
            files: BTreeMap::new(),
        };
        fixtures
            .add(directory, "")
            .map_err(|error| format!("cannot read {}: {error}", directory.display()))?;
        Ok(fixtures)
    }

    fn add(&mut self, directory: &std::path::Path, prefix: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.add(&entry.path(), &format!("{name}/"))?;
            } else {
                self.files.insert(name, std::fs::read(entry.path())?);
            }
        }
        Ok(())
    }
}

/// The fixtures and one case, as the compiler reads them.
struct Project<'a> {
    fixtures: &'a Fixtures,
    case: &'a [u8],
}

impl Files for Project<'_> {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let prefix = match directory {
            "." => String::new(),
            directory => format!("{directory}/"),
        };
        let paths = self
            .fixtures
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> = paths
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect();
        if directory == "." {
            names.push(CASE.to_owned());
        }
        (!names.is_empty()).then_some(names)
    }

    fn directories(&self, directory: &str) -> Vec<String> {
        let prefix = match directory {
            "." => String::new(),
            directory => format!("{directory}/"),
        };
        let paths = self.fixtures.files.keys();
        let inside = paths.filter_map(|path| path.strip_prefix(&prefix)?.split_once('/'));
        let names: std::collections::BTreeSet<&str> = inside.map(|(name, _)| name).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn working_directory(&self) -> Option<String> {
        Some("/somewhere/project".to_owned())
    }

    fn home(&self) -> Option<String> {
        Some("/people/somebody".to_owned())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        if path == CASE {
            return Some(self.case.to_vec());
        }
        self.fixtures.files.get(path).cloned()
    }
}

/// The one provider of the fixtures.
fn schemas() -> Vec<ProviderSchema> {
    let attributes = [
        ("id", Attribute::computed(Type::String, "")),
        ("input", Attribute::optional(Type::Any, "")),
        ("output", Attribute::computed(Type::Any, "")),
        ("triggers_replace", Attribute::optional(Type::Any, "")),
    ];
    let block = BlockSchema {
        attributes: attributes
            .map(|(name, attribute)| (name.into(), attribute))
            .into(),
        blocks: BTreeMap::new(),
    };
    vec![ProviderSchema {
        source: "terraform.io/builtin/terraform".into(),
        resources: BTreeMap::from([("terraform_data".into(), TypeSchema { version: 0, block })]),
        ..ProviderSchema::default()
    }]
}

/// Answers questions with what we make of them.
pub(crate) struct Ours<'a> {
    fixtures: &'a Fixtures,
    schemas: Vec<ProviderSchema>,
    /// Values of references to fixtures, which no case can change: while validating, and while planning.
    known: [RefCell<BTreeMap<Reference, Value>>; 2],
}

impl<'a> Ours<'a> {
    pub(crate) fn new(fixtures: &'a Fixtures) -> Self {
        Self {
            fixtures,
            schemas: schemas(),
            known: Default::default(),
        }
    }

    /// The value of an expression, or what is wrong with it.
    pub(crate) fn answer(&self, expression: &str) -> Answer {
        let case = super::batch::case_source("case", expression);
        let project = Project {
            fixtures: self.fixtures,
            case: case.text.as_bytes(),
        };
        let compiled = compile(&project, &[], &self.schemas);
        let fault = |found: &Diagnostics| {
            let faults = found
                .iter()
                .filter(|found| found.severity == Severity::Error);
            Answer::Faults(
                faults
                    .map(|found| {
                        let place = found.span.and_then(|span| {
                            let source = compiled.sources.get(span.source.0 as usize)?;
                            (source.path == CASE)
                                .then_some((span.start as usize, span.end as usize))
                        });
                        Fault::new(place, &case, &found.summary, &found.detail)
                    })
                    .collect(),
            )
        };
        let Some(release) = &compiled.release else {
            return fault(&compiled.diagnostics);
        };
        let [validated, planned] = &self.known;
        let scope = |known, validating| FixtureScope {
            release,
            files: &compiled.files,
            late_files: &self.fixtures.files,
            circumstances: Circumstances::of_plan(PLANNED_AT_MS),
            known,
            validating,
            budget: Budget::default(),
        };
        let (validating, scope) = (scope(validated, true), scope(planned, false));
        let config = scope.root().and_then(|root| {
            let mut resources = root.resources.iter();
            resources.find(|resource| &*resource.name == "case")
        });
        let Some(config) = config else {
            return Answer::Faults(vec![Fault::nowhere("the case is not in the release")]);
        };
        // What is wrong whatever the world says is found before the world is asked, and then nothing else is.
        if let Err(found) = config.config.evaluate(&validating) {
            return fault(&found);
        }
        let value = match config.config.evaluate(&scope) {
            Ok(value) => value,
            Err(found) => return fault(&found),
        };
        match value.get("input") {
            Some(input) if input.marks_deep().contains(Marks::EPHEMERAL) => {
                Answer::Faults(vec![Fault::ephemeral(&case)])
            }
            Some(input) => Answer::Value(super::exact::exact(input)),
            None => Answer::Faults(vec![Fault::nowhere("the case has no input")]),
        }
    }
}

/// The fixtures, as a plan sees them.
struct FixtureScope<'a> {
    release: &'a Release,
    files: &'a BTreeMap<String, Vec<u8>>,
    /// Those that are read while planning, where it shows only then which are meant.
    late_files: &'a BTreeMap<String, Vec<u8>>,
    circumstances: Circumstances,
    known: &'a RefCell<BTreeMap<Reference, Value>>,
    /// Nothing is known yet of variables and resources.
    validating: bool,
    budget: Budget,
}

impl FixtureScope<'_> {
    fn root(&self) -> Option<&Module> {
        self.release.modules.first()
    }

    fn compute(&self, reference: &Reference) -> Result<Value, Diagnostics> {
        let nothing = || Diagnostics::new();
        let root = self.root().ok_or_else(nothing)?;
        match reference {
            Reference::Local(name) => root
                .locals
                .get(name)
                .ok_or_else(nothing)?
                .value
                .evaluate(self),
            Reference::Variable(name) => {
                let variable = root.variables.get(name).ok_or_else(nothing)?;
                let mut marks = Marks::NONE;
                if variable.sensitive {
                    marks = marks.union(Marks::SENSITIVE);
                }
                if &**name == "ephemeral" {
                    marks = marks.union(Marks::EPHEMERAL);
                }
                let value = match self.validating {
                    true => Value::unknown(variable.ty.clone()),
                    false => variable.default.clone().ok_or_else(nothing)?,
                };
                Ok(value.with_marks(marks))
            }
            Reference::Resource(..) if self.validating => Ok(Value::unknown(Type::Any)),
            Reference::Resource(kind, name) => {
                let mut resources = root.resources.iter();
                let wanted =
                    resources.find(|resource| resource.kind == *kind && resource.name == *name);
                let config = wanted.ok_or_else(nothing)?.config.evaluate(self)?;
                let mut attributes = config.entries().cloned().unwrap_or_default();
                let input = attributes
                    .get("input")
                    .cloned()
                    .unwrap_or(Value::null(Type::Any));
                let output = match input.data() {
                    Data::Null(_) => input.clone(),
                    _ => Value::unknown(input.ty()),
                };
                attributes.insert("id".into(), Value::unknown_not_null(Type::String));
                attributes.insert("output".into(), output);
                Ok(Value::object(attributes))
            }
            Reference::PathModule | Reference::PathRoot => Ok(Value::string(".")),
            Reference::Workspace => Ok(Value::string("default")),
            _ => Err(nothing()),
        }
    }
}

impl Scope for FixtureScope<'_> {
    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        if let Some(known) = self.known.borrow().get(reference) {
            return Ok(known.clone());
        }
        let value = self.compute(reference)?;
        self.known
            .borrow_mut()
            .insert(reference.clone(), value.clone());
        Ok(value)
    }

    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        Err(Diagnostics::new())
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        let late = || self.late_files.get(path);
        let content = self.files.get(path).or_else(late);
        content.map(|content| Arc::from(content.as_slice()))
    }

    fn template(&self, text: &str, _: &str) -> Option<Result<Expr, Diagnostics>> {
        Some(definition::template_expression(text, &|_, _| None))
    }

    fn variables(&self, text: &str) -> Option<Result<model::Inputs, Diagnostics>> {
        Some(definition::variables_file(text.as_bytes()))
    }

    fn circumstances(&self) -> Option<&Circumstances> {
        Some(&self.circumstances)
    }

    fn budget(&self) -> Option<&Budget> {
        Some(&self.budget)
    }
}

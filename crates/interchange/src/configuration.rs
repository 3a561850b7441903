//! The configuration of a plan: what is written, with constants and the names that expressions refer to, as
//! `terraform show -json PLANFILE` tells it. Policies ask it what a value is made of, long before the value is known.

use crate::references;
use crate::values::{self, Raw};
use crate::{Secrecy, state};
use decide::{LoadedRelease, Schemas};
use model::{
    Attribute, BlockSchema, Key, ModulePath, ModuleStep, NestedBlock, Nesting, Repetition,
};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use value::{Diagnostics, Expr, ExprKind, Name, Reference, Scope, Span, Type, Value};

/// What is written.
#[derive(Serialize)]
pub(crate) struct Configuration {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    provider_config: BTreeMap<String, ProviderConfig>,
    root_module: Module,
}

#[derive(Serialize)]
struct ProviderConfig {
    name: Name,
    full_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_constraint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<Name>,
    #[serde(skip_serializing_if = "String::is_empty")]
    module_address: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expressions: Body,
}

#[derive(Default, Serialize)]
struct Module {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<Name, Output>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    module_calls: BTreeMap<Name, Call>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<Name, Variable>,
}

#[derive(Serialize)]
struct Output {
    #[serde(skip_serializing_if = "is_false")]
    sensitive: bool,
    #[serde(skip_serializing_if = "is_false")]
    ephemeral: bool,
    expression: Expression,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
}

#[derive(Serialize)]
struct Resource {
    address: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: Name,
    name: Name,
    provider_config_key: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    provisioners: Vec<Provisioner>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expressions: Body,
    schema_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_expression: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_each_expression: Option<Expression>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Provisioner {
    #[serde(rename = "type")]
    kind: Name,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expressions: Body,
}

#[derive(Serialize)]
struct Call {
    source: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expressions: Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_expression: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_each_expression: Option<Expression>,
    module: Module,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_constraint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Variable {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Raw>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "is_false")]
    sensitive: bool,
    #[serde(skip_serializing_if = "is_false")]
    ephemeral: bool,
}

/// Arguments and nested blocks by name.
type Body = BTreeMap<Name, Part>;

enum Part {
    Argument(Expression),
    Block(Body),
    Blocks(Vec<Body>),
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Argument(expression) => expression.serialize(serializer),
            Self::Block(body) => body.serialize(serializer),
            Self::Blocks(bodies) => bodies.serialize(serializer),
        }
    }
}

/// A constant, or what is referred to; neither where functions are called of constants only.
#[derive(Serialize)]
struct Expression {
    #[serde(skip_serializing_if = "Option::is_none")]
    constant_value: Option<Raw>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls it by"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What a plan was made from is written so.
pub(crate) fn of(loaded: &LoadedRelease, schemas: &Schemas, secrecy: Secrecy) -> Configuration {
    let mut reader = Reader {
        loaded,
        schemas,
        secrecy,
        provider_config: BTreeMap::new(),
    };
    let root_module = reader.module(&Place::default());
    Configuration {
        root_module,
        provider_config: reader.provider_config,
    }
}

/// A module as it is called from the root, with the providers that have a configuration around it.
#[derive(Clone, Default)]
struct Place {
    definition: usize,
    path: ModulePath,
    /// By source address: the key of the default configuration in the outermost module that uses the provider.
    inherited: BTreeMap<String, String>,
}

struct Reader<'a> {
    loaded: &'a LoadedRelease,
    schemas: &'a Schemas,
    secrecy: Secrecy,
    provider_config: BTreeMap<String, ProviderConfig>,
}

impl Reader<'_> {
    fn module(&mut self, place: &Place) -> Module {
        let loaded = self.loaded;
        let Some(module) = loaded.release.modules.get(place.definition) else {
            return Module::default();
        };
        let place = &self.providers(place, module);
        let order = |one: &&model::Resource| (one.mode, one.kind.clone(), one.name.clone());
        let mut resources: Vec<&model::Resource> = module.resources.iter().collect();
        resources.sort_by_key(order);
        let calls = module.modules.iter();
        Module {
            outputs: module
                .outputs
                .iter()
                .map(|(name, one)| (name.clone(), self.output(one)))
                .collect(),
            resources: resources
                .into_iter()
                .map(|one| self.resource(place, one))
                .collect(),
            module_calls: calls
                .map(|(name, call)| (name.clone(), self.call(place, name, call)))
                .collect(),
            variables: module
                .variables
                .iter()
                .map(|(name, one)| (name.clone(), self.variable(one)))
                .collect(),
        }
    }

    fn call(&mut self, place: &Place, name: &Name, call: &model::ModuleCall) -> Call {
        let mut inside = place.clone();
        inside.definition = call.module as usize;
        inside.path.0.push(ModuleStep {
            name: name.clone(),
            key: Key::None,
        });
        for passed in call.providers.iter().filter(|one| one.alias.is_none()) {
            // What is handed in is configured where it comes from.
            let module = self.loaded.release.modules.get(place.definition);
            let required = module.and_then(|one| one.required_providers.get(&passed.from.local));
            let source = required.map_or_else(String::new, |one| one.source.clone());
            inside.inherited.entry(source).or_default();
        }
        let (count_expression, for_each_expression) = repetition(&call.repetition);
        let inputs = call.inputs.iter();
        let version = call.version.split(',').map(str::trim);
        Call {
            source: call.source.clone(),
            expressions: inputs
                .map(|(name, expr)| (name.clone(), Part::Argument(expression(expr))))
                .collect(),
            count_expression,
            for_each_expression,
            module: self.module(&inside),
            version_constraint: version.collect::<Vec<_>>().join(","),
            depends_on: references::named(&call.depends_on),
        }
    }

    /// Notes the configurations of a module, and the default ones that it implies and nobody hands in.
    fn providers(&mut self, place: &Place, module: &model::Module) -> Place {
        let mut place = place.clone();
        let version = |source: &str| {
            let mut all = module.required_providers.values();
            all.find(|one| one.source == source && !one.version.is_empty())
                .map(|one| one.version.clone())
        };
        for block in &module.providers {
            let key = key(&place.path, &block.local, block.alias.as_ref());
            let schema = self.schemas.get(&block.source);
            let expressions = schema
                .map(|schema| self.body(&block.config, &schema.provider))
                .unwrap_or_default();
            if block.alias.is_none() {
                place.inherited.insert(block.source.clone(), key.clone());
            }
            let config = ProviderConfig {
                name: block.local.clone(),
                full_name: block.source.clone(),
                version_constraint: version(&block.source),
                alias: block.alias.clone(),
                module_address: place.path.to_string(),
                expressions,
            };
            self.provider_config.insert(key, config);
        }
        let required = module.required_providers.iter();
        let required = required
            .filter(|(_, one)| one.aliases.is_empty())
            .map(|(local, one)| (local.clone(), one.source.clone()));
        let mut used: BTreeSet<(Name, String)> = required.collect();
        used.extend(module.resources.iter().map(|one| {
            let local = one.provider_config.local.clone();
            (local, one.provider.clone())
        }));
        let blocks = module.providers.iter().map(|block| &block.source);
        let sources = used.iter().map(|(_, source)| source).chain(blocks);
        let sources: BTreeSet<String> = sources.cloned().collect();
        for (local, source) in used {
            let key = key(&place.path, &local, None);
            let is_inherited = !place.path.0.is_empty() && place.inherited.contains_key(&source);
            if is_inherited || self.provider_config.contains_key(&key) {
                continue;
            }
            let config = ProviderConfig {
                name: local,
                full_name: source.clone(),
                version_constraint: version(&source),
                alias: None,
                module_address: place.path.to_string(),
                expressions: Body::new(),
            };
            self.provider_config.insert(key.clone(), config);
            place.inherited.entry(source).or_insert(key);
        }
        // A module that uses a provider hands it on, and no other does.
        place.inherited.retain(|source, _| sources.contains(source));
        place
    }

    fn resource(&self, place: &Place, resource: &model::Resource) -> Resource {
        let provider = &resource.provider;
        let reference = &resource.provider_config;
        let (path, block) = self.loaded.provider_of(&place.path, reference, provider);
        let provider_config_key = match block {
            Some(block) => key(&path, &block.local, block.alias.as_ref()),
            None => place.inherited.get(provider).cloned().unwrap_or_default(),
        };
        let schemas = self.schemas.get(provider);
        let schema = schemas.and_then(|all| all.types(resource.mode).get(&resource.kind));
        let (count_expression, for_each_expression) = repetition(&resource.repetition);
        let provisioners = resource.provisioners.iter();
        let prefix = match resource.mode {
            model::Mode::Managed => "",
            model::Mode::Data => "data.",
            model::Mode::Ephemeral => "ephemeral.",
        };
        Resource {
            address: format!("{prefix}{}.{}", resource.kind, resource.name),
            mode: state::mode(resource.mode),
            kind: resource.kind.clone(),
            name: resource.name.clone(),
            provider_config_key,
            provisioners: provisioners
                .map(|one| Provisioner {
                    kind: one.kind.clone(),
                    expressions: arguments(&one.config),
                })
                .collect(),
            expressions: schema
                .map(|schema| self.body(&resource.config, &schema.block))
                .unwrap_or_default(),
            schema_version: schema.map_or(0, |schema| schema.version),
            count_expression,
            for_each_expression,
            depends_on: references::named(&resource.depends_on),
        }
    }

    fn output(&self, output: &model::Output) -> Output {
        Output {
            sensitive: output.sensitive,
            ephemeral: output.ephemeral,
            expression: self.told(&output.value, output.sensitive),
            depends_on: references::named(&output.depends_on),
            description: output.description.clone(),
        }
    }

    fn variable(&self, variable: &model::Variable) -> Variable {
        let conceal = variable.sensitive && self.secrecy == Secrecy::Concealed;
        let default = variable.default.as_ref();
        Variable {
            default: default.map(|value| match conceal {
                true => values::raw(&Value::null(Type::Any)),
                false => values::raw(value),
            }),
            description: variable.description.clone(),
            sensitive: variable.sensitive,
            ephemeral: variable.ephemeral,
        }
    }

    /// An expression whose value may have to stay concealed.
    fn told(&self, expr: &Expr, sensitive: bool) -> Expression {
        let mut told = expression(expr);
        if sensitive && self.secrecy == Secrecy::Concealed && told.constant_value.is_some() {
            told.constant_value = Some(values::raw(&Value::null(Type::Any)));
        }
        told
    }

    /// The body that an object of a schema was written as.
    fn body(&self, object: &Expr, schema: &BlockSchema) -> Body {
        let mut body = Body::new();
        for (name, expr) in written(object) {
            let attribute = schema.attributes.get(&name);
            let part = match (attribute, schema.blocks.get(&name)) {
                (Some(attribute), _) => {
                    let sensitive = is_sensitive(attribute);
                    Some(Part::Argument(self.told(expr, sensitive)))
                }
                (None, Some(nested)) => self.nested(expr, nested),
                // Arguments that were written as blocks.
                (None, None) => Some(Part::Argument(expression(expr))),
            };
            body.extend(part.map(|part| (name, part)));
        }
        body
    }

    /// Nested blocks; none where only a `dynamic` block makes some.
    fn nested(&self, expr: &Expr, nested: &NestedBlock) -> Option<Part> {
        let schema = &nested.block;
        let mut blocks = Vec::new();
        let mut by_label = Body::new();
        for piece in pieces(unconverted(expr)) {
            match &piece.kind {
                ExprKind::Tuple(items) => {
                    blocks.extend(items.iter().map(|item| self.body(item, schema)));
                }
                ExprKind::Object(items) if nested.nesting == Nesting::Map => {
                    for (label, item) in items {
                        if let Some(label) = references::constant_text(label) {
                            let body = self.body(item, schema);
                            by_label.insert(label, Part::Block(body));
                        }
                    }
                }
                ExprKind::Object(_) => return Some(Part::Block(self.body(piece, schema))),
                _ => {}
            }
        }
        match nested.nesting {
            Nesting::List | Nesting::Set => (!blocks.is_empty()).then_some(Part::Blocks(blocks)),
            Nesting::Map => (!by_label.is_empty()).then_some(Part::Block(by_label)),
            Nesting::Single | Nesting::Group => None,
        }
    }
}

/// Whether anything of an argument is sensitive.
fn is_sensitive(attribute: &Attribute) -> bool {
    let inside = attribute.nested.iter();
    attribute.sensitive
        || inside
            .flat_map(|one| one.attributes.values())
            .any(is_sensitive)
}

/// The key of a configuration of a provider: unique among all modules.
fn key(path: &ModulePath, local: &str, alias: Option<&Name>) -> String {
    let module = match path.0.as_slice() {
        [] => String::new(),
        _ => format!("{path}:"),
    };
    match alias {
        Some(alias) => format!("{module}{local}.{alias}"),
        None => format!("{module}{local}"),
    }
}

/// `count` and `for_each`; not told where there is nothing to tell of them.
fn repetition(repetition: &Repetition) -> (Option<Expression>, Option<Expression>) {
    let told = |expr| {
        let told = expression(expr);
        let is_empty = told.constant_value.is_none() && told.references.is_empty();
        (!is_empty).then_some(told)
    };
    match repetition {
        Repetition::Once => (None, None),
        Repetition::Count(expr) => (told(expr), None),
        Repetition::ForEach(expr) => (None, told(expr)),
    }
}

fn expression(expr: &Expr) -> Expression {
    let expr = unconverted(expr);
    let value = expr.evaluate(&Written).ok();
    let value = value.filter(Value::is_wholly_known);
    Expression {
        constant_value: value.as_ref().map(values::raw),
        references: references::of(expr),
    }
}

/// A scope in which an expression has a value only if that is written in it: whatever is referred to may be anything,
/// and no function can be called. What is not chosen does not matter, nor which of two is chosen that are the same.
struct Written;

impl Scope for Written {
    fn resolve(&self, _: &Reference, _: Span) -> Result<Value, Diagnostics> {
        Ok(Value::unknown(Type::Any))
    }

    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        Ok(Value::unknown(Type::Any))
    }

    fn file(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }

    fn is_of_constants(&self) -> bool {
        true
    }
}

/// The arguments of an object without a schema.
fn arguments(object: &Expr) -> Body {
    written(object)
        .map(|(name, expr)| (name, Part::Argument(expression(expr))))
        .collect()
}

/// The members of an object of a schema that somebody wrote: the others are null at the place of the whole.
fn written(object: &Expr) -> impl Iterator<Item = (Name, &Expr)> {
    let members = match &object.kind {
        ExprKind::Object(members) => members.as_slice(),
        _ => &[],
    };
    let is_filled_in = |expr: &Expr, span: Span| match &expr.kind {
        ExprKind::Literal(value) => value.is_null() && expr.span == span,
        _ => false,
    };
    members
        .iter()
        .filter(move |(_, expr)| !is_filled_in(unconverted(expr), object.span))
        .filter_map(|(name, expr)| Some((references::constant_text(name)?, expr)))
}

/// What was written, without the conversion that a schema asks for.
fn unconverted(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Convert(inner, _) => unconverted(inner),
        _ => expr,
    }
}

/// The parts of which all nested blocks of one type are put together.
fn pieces(expr: &Expr) -> &[Expr] {
    match &expr.kind {
        ExprKind::Call { arguments, .. } => arguments,
        _ => core::slice::from_ref(expr),
    }
}

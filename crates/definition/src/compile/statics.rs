//! Files that expressions read: what can be known of their paths before the world is asked.
//!
//! A release carries every file it reads, so their contents must be found now. Values of variables and locals are
//! computed as far as they are known (resources count as unknown), and every expression that calls a function for files
//! is evaluated with them; whatever it reads on the way is taken along. A file that only shows itself later is not
//! carried: the release declares that it may ask for one then. Templates are read along, so that what is wrong in one
//! is said with its place in it.

use super::files::{self, Files, join};
use super::graph::{Node, Order};
use super::load::Source;
use crate::diag::blocks as diag;
use crate::limits::STATIC_INSTANCES_MAX;
use crate::lower::walk;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use model::{Module, ProviderRequirement, ProviderSchema, Release, Repetition};
use value::functions::{Declaration, LATE_FILE, TEMPLATE_ARGUMENT, declared_name};
use value::{Data, Diagnostics, Expr, Name, Reference, Scope, SourceId, Span, Type, Value};

/// Whether a function reads files or asks for something else of the machine.
fn reads_files(name: &str) -> bool {
    let name = name.strip_prefix("core::").unwrap_or(name);
    matches!(name, "templatefile" | "abspath" | "pathexpand") || name.starts_with("file")
}

/// Reads every file that expressions read.
pub(crate) fn read_files(
    files: &dyn Files,
    order: &Order,
    release: &mut Release,
    schemas: &[ProviderSchema],
    sources: &mut Vec<Source>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Vec<u8>> {
    let mut used = false;
    super::visit::release(release, &mut |expr| used |= walk::calls(expr, reads_files));
    if !used {
        return BTreeMap::new();
    }
    let required = |call: &super::graph::Call| {
        let module = release.modules.get(call.module);
        module
            .map(|one| one.required_providers.clone())
            .unwrap_or_default()
    };
    let reader = Reader {
        files,
        functions: release.functions.clone(),
        required: order.calls.iter().map(required).collect(),
        read: RefCell::default(),
        missing: RefCell::default(),
        reads_later: Cell::new(false),
        sources: RefCell::new(sources),
        found: RefCell::new(diagnostics),
    };
    let environments: Vec<Name> = release.environments.keys().cloned().collect();
    // First what is the same everywhere, then what each environment adds.
    let passes = core::iter::once(None).chain(environments.iter().map(Some));
    for environment in passes {
        let mut pass = Pass {
            reader: &reader,
            order,
            environment,
            known: BTreeMap::new(),
        };
        pass.run(release);
    }
    if reader.reads_later.get() {
        let late = late_file(schemas);
        release
            .functions
            .extend(late.map(|declared| (LATE_FILE.into(), declared)));
    }
    let read = reader.read.into_inner().into_iter();
    read.filter_map(|(path, content)| Some((path, content?.to_vec())))
        .collect()
}

/// The function that tells the content of files whose paths show themselves late, where a provider has it.
fn late_file(schemas: &[ProviderSchema]) -> Option<Declaration> {
    let (source, function) = declared_name(LATE_FILE)?;
    let schema = schemas.iter().find(|schema| schema.source == source)?;
    schema.functions.get(function).cloned()
}

/// Reads files once each and remembers them.
struct Reader<'a, 'f> {
    files: &'a dyn Files,
    /// Functions of providers, which answer nothing yet.
    functions: BTreeMap<Name, Declaration>,
    /// What the module of each call requires.
    required: Vec<BTreeMap<Name, ProviderRequirement>>,
    read: RefCell<BTreeMap<String, Option<Arc<[u8]>>>>,
    /// Files asked for in vain since this was last emptied.
    missing: RefCell<Vec<String>>,
    /// A file is read whose path shows itself only later.
    reads_later: Cell<bool>,
    /// Texts that findings point into: templates are added.
    sources: RefCell<&'f mut Vec<Source>>,
    found: RefCell<&'f mut Diagnostics>,
}

impl Reader<'_, '_> {
    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        if path.contains("//") {
            let content = self.told(path);
            let mut read = self.read.borrow_mut();
            return read.entry(path.to_string()).or_insert(content).clone();
        }
        let path = join(".", path);
        let content = self.content(&path);
        if content.is_none() {
            self.missing.borrow_mut().push(path.clone());
        }
        self.read.borrow_mut().insert(path, content.clone());
        content
    }

    fn content(&self, path: &str) -> Option<Arc<[u8]>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        files::read(self.files, path).map(Arc::from)
    }

    /// What is asked of the machine besides the content of files.
    fn told(&self, path: &str) -> Option<Arc<[u8]>> {
        let told = files::told(self.files, path)?;
        if let Some(directory) = path.strip_suffix("//") {
            // A directory is there, if not as a file: what that means is said by who asked.
            let directory = join(".", directory);
            self.missing
                .borrow_mut()
                .retain(|missing| *missing != directory);
        }
        Some(Arc::from(told.into_bytes()))
    }

    /// Reads a template, and reports once what is wrong in it.
    fn template(&self, text: &str, path: &str, call: usize) -> Result<Expr, Diagnostics> {
        let path = join(".", path);
        let known = self
            .sources
            .borrow()
            .iter()
            .position(|source| source.path == path);
        let source = SourceId(known.unwrap_or(self.sources.borrow().len()) as u32);
        let result = crate::template_in(text, source, &|provider, function| {
            self.function(call, provider, function)
        });
        if let Err(found) = &result {
            if known.is_none() {
                self.sources.borrow_mut().push(Source {
                    path,
                    content: text.as_bytes().to_vec(),
                });
            }
            found.iter().for_each(|found| self.report(found.clone()));
        }
        result
    }

    fn function(&self, call: usize, provider: &str, function: &str) -> Option<Name> {
        let required = self.required.get(call)?;
        model::function_name(required, &self.functions, provider, function)
    }

    /// Reports once what several calls or environments have in common.
    fn report(&self, found: value::Diagnostic) {
        let mut all = self.found.borrow_mut();
        if !all.0.contains(&found) {
            all.push(found);
        }
    }
}

/// What is known while compiling, seen from one call of a module.
struct StaticScope<'a, 'f> {
    known: &'a BTreeMap<(usize, Reference), Value>,
    reader: &'a Reader<'a, 'f>,
    call: usize,
    directory: &'a str,
    environment: Option<&'a Name>,
    /// `each.key` and `each.value`, or `count.index` as both.
    item: Option<(Value, Value)>,
}

impl Scope for StaticScope<'_, '_> {
    fn declared(&self, name: &str) -> Option<&Declaration> {
        self.reader.functions.get(name)
    }

    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        let unknown = || Value::unknown(Type::Any);
        Ok(match (reference, &self.item) {
            (Reference::PathModule, _) => Value::string(self.directory),
            (Reference::PathRoot, _) => Value::string("."),
            (Reference::EachKey | Reference::CountIndex, Some((key, _))) => key.clone(),
            (Reference::EachValue, Some((_, value))) => value.clone(),
            (Reference::EnvironmentName, _) => self.environment.map_or_else(unknown, Value::string),
            _ => self
                .known
                .get(&(self.call, reference.clone()))
                .cloned()
                .unwrap_or_else(unknown),
        })
    }

    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        Ok(Value::unknown(Type::Any))
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.reader.file(path)
    }

    fn reads_later(&self) {
        self.reader.reads_later.set(true);
    }

    fn template(&self, text: &str, name: &str) -> Option<Result<Expr, Diagnostics>> {
        // What is wrong with a text from elsewhere is said where it is given, which is not known here.
        if name == TEMPLATE_ARGUMENT {
            let find = |provider: &str, function: &str| {
                self.reader.function(self.call, provider, function)
            };
            return Some(crate::template_expression(text, &find));
        }
        Some(self.reader.template(text, name, self.call))
    }

    fn variables(&self, text: &str) -> Option<Result<BTreeMap<Name, Value>, Diagnostics>> {
        Some(crate::variables_file(text.as_bytes()))
    }
}

struct Pass<'a, 'f> {
    reader: &'a Reader<'a, 'f>,
    order: &'a Order,
    environment: Option<&'a Name>,
    /// Values of variables and locals by call; all a scope needs, since they come in the order of their needs.
    known: BTreeMap<(usize, Reference), Value>,
}

impl<'f> Pass<'_, 'f> {
    fn run(&mut self, release: &mut Release) {
        let order = self.order;
        for (call, node) in &order.nodes {
            let Some(module) = order.calls.get(*call).map(|call| call.module) else {
                continue;
            };
            match node {
                Node::Open => self.open(release, *call),
                Node::Close => {}
                Node::Output(_) | Node::Provider(_) | Node::Check(_) => {
                    let found = release.modules.get_mut(module);
                    let Some(module) = found else { continue };
                    let directory = module.directory.clone();
                    for expr in exprs_of(module, node) {
                        self.once(*call, &directory, expr);
                    }
                }
                Node::Variable(name) => self.variable(release, *call, name),
                Node::Local(name) => {
                    let found = release.modules.get_mut(module);
                    let Some(module) = found else { continue };
                    let directory = module.directory.clone();
                    if let Some(local) = module.locals.get_mut(name) {
                        let value = self.value(*call, &directory, None, &local.value);
                        self.known
                            .insert((*call, Reference::Local(name.clone())), value);
                    }
                }
                Node::Resource(at) => {
                    if let Some(module) = release.modules.get_mut(module) {
                        self.resource(*call, module, *at);
                    }
                }
            }
        }
        self.statements(release);
        for service in release.services.values_mut() {
            let exprs = [&mut service.replicas, &mut service.port];
            for expr in exprs.into_iter().chain(service.env.values_mut()) {
                self.once(0, ".", expr);
            }
        }
    }

    /// What is said in imports and of removed resources.
    fn statements(&mut self, release: &mut Release) {
        let order = self.order;
        if let Some(root) = release.modules.first_mut() {
            for import in &mut root.imports {
                for expr in import_exprs(import) {
                    self.once(0, ".", expr);
                }
            }
        }
        for (index, module) in release.modules.iter_mut().enumerate() {
            let call = order.calls.iter().position(|call| call.module == index);
            let directory = module.directory.clone();
            let provisioners = module
                .removed
                .iter_mut()
                .flat_map(|removed| &mut removed.provisioners);
            let exprs =
                provisioners.flat_map(|p| core::iter::once(&mut p.config).chain(&mut p.connection));
            for expr in exprs {
                self.once(call.unwrap_or_default(), &directory, expr);
            }
        }
    }

    /// A variable of the root has its given value or default, one of a called module what the call sets.
    fn variable(&mut self, release: &mut Release, call: usize, name: &Name) {
        let parent = self.order.calls.get(call).and_then(|c| c.parent.clone());
        let module = self.order.calls.get(call).map_or(0, |call| call.module);
        let default = release
            .modules
            .get(module)
            .and_then(|module| module.variables.get(name))
            .and_then(|variable| variable.default.clone());
        let value = match parent {
            None => self.root_variable(release, name).or(default),
            Some((parent, block)) => {
                let module = self.order.calls.get(parent).map_or(0, |call| call.module);
                let found = release.modules.get_mut(module);
                found.and_then(|module| {
                    let directory = module.directory.clone();
                    let block = module.modules.get_mut(&block)?;
                    let item = match &block.repetition {
                        Repetition::Once => None,
                        _ => Some((Value::unknown(Type::Any), Value::unknown(Type::Any))),
                    };
                    let Some(expr) = block.inputs.get_mut(name) else {
                        return default;
                    };
                    Some(self.value(parent, &directory, item, expr))
                })
            }
        };
        if let Some(value) = value {
            let key = (call, Reference::Variable(name.clone()));
            self.known.insert(key, value);
        }
        let Some(module) = release.modules.get_mut(module) else {
            return;
        };
        let directory = module.directory.clone();
        if let Some(variable) = module.variables.get_mut(name) {
            for condition in &mut variable.validations {
                self.once(call, &directory, &mut condition.condition);
                self.once(call, &directory, &mut condition.error_message);
            }
        }
    }

    /// What says how many instances of a call there are.
    fn open(&mut self, release: &mut Release, call: usize) {
        let parent = self.order.calls.get(call).and_then(|c| c.parent.clone());
        let Some((parent, block)) = parent else {
            return;
        };
        let module = self.order.calls.get(parent).map_or(0, |call| call.module);
        let Some(module) = release.modules.get_mut(module) else {
            return;
        };
        let directory = module.directory.clone();
        if let Some(block) = module.modules.get_mut(&block)
            && let Repetition::Count(expr) | Repetition::ForEach(expr) = &mut block.repetition
        {
            self.once(parent, &directory, expr);
        }
    }

    /// None when there is only the default.
    fn root_variable(&mut self, release: &Release, name: &Name) -> Option<Value> {
        let in_environment = |environment: &Name| {
            let block = release.environments.get(environment)?;
            block.variables.get(name)
        };
        if let Some(given) = release.inputs.get(name) {
            return Some(given.clone());
        }
        match self.environment {
            Some(environment) => {
                let expr = in_environment(environment)?;
                Some(self.value(0, ".", None, expr))
            }
            None => {
                let differs = release
                    .environments
                    .keys()
                    .any(|e| in_environment(e).is_some());
                differs.then(|| Value::unknown(Type::Any))
            }
        }
    }

    fn resource(&mut self, call: usize, module: &mut Module, at: usize) {
        let directory = module.directory.clone();
        let Some(resource) = module.resources.get_mut(at) else {
            return;
        };
        let lifecycle = &mut resource.lifecycle;
        let conditions = lifecycle
            .preconditions
            .iter_mut()
            .chain(&mut lifecycle.postconditions);
        let conditions = conditions.flat_map(|c| [&mut c.condition, &mut c.error_message]);
        let provisioners = resource
            .provisioners
            .iter_mut()
            .flat_map(|p| core::iter::once(&mut p.config).chain(&mut p.connection));
        let health = lifecycle.health.iter_mut().map(|health| &mut health.target);
        let settings = lifecycle
            .prevent_destroy
            .iter_mut()
            .chain(health)
            .chain(&mut resource.provider_config.key);
        let exprs = core::iter::once(&mut resource.config)
            .chain(conditions)
            .chain(provisioners)
            .chain(settings);
        let exprs: Vec<&mut Expr> = exprs.filter(|e| walk::calls(e, reads_files)).collect();
        let items = self.items(call, &directory, &resource.repetition);
        for expr in exprs {
            for item in &items {
                self.value(call, &directory, item.clone(), expr);
            }
        }
    }

    /// What `each` or `count` is for every instance, as far as that is known; a single unknown one otherwise.
    fn items(
        &mut self,
        call: usize,
        directory: &str,
        repetition: &Repetition,
    ) -> Vec<Option<(Value, Value)>> {
        let unknown = || Value::unknown(Type::Any);
        let expr = match repetition {
            Repetition::Once => return alloc::vec![None],
            Repetition::Count(expr) | Repetition::ForEach(expr) => expr,
        };
        let value = self.value(call, directory, None, expr);
        match value.data() {
            Data::Number(number) => {
                let count = number
                    .as_i64()
                    .unwrap_or(0)
                    .min(STATIC_INSTANCES_MAX as i64);
                let indexes = (0..count).map(Value::number);
                indexes.map(|index| Some((index.clone(), index))).collect()
            }
            Data::Map(_, items) | Data::Object(items) => items
                .iter()
                .take(STATIC_INSTANCES_MAX)
                .map(|(key, value)| Some((Value::string(key), value.clone())))
                .collect(),
            Data::Set(_, items) => items
                .iter()
                .take(STATIC_INSTANCES_MAX)
                .map(|item| Some((item.clone(), item.clone())))
                .collect(),
            _ => alloc::vec![Some((unknown(), unknown()))],
        }
    }

    /// An expression that is evaluated only for the files it reads.
    fn once(&mut self, call: usize, directory: &str, expr: &mut Expr) {
        if walk::calls(expr, reads_files) {
            self.value(call, directory, None, expr);
        }
    }

    /// The value as far as it is known. What is wrong with it is said when it is needed; only files that are missing
    /// are reported now, because nobody can add them later.
    fn value(
        &mut self,
        call: usize,
        directory: &str,
        item: Option<(Value, Value)>,
        expr: &Expr,
    ) -> Value {
        let scope = self.scope(call, directory, item);
        self.reader.missing.borrow_mut().clear();
        match expr.evaluate(&scope) {
            Ok(value) => value,
            Err(found) => {
                let missing = core::mem::take(&mut *self.reader.missing.borrow_mut());
                if let Some(path) = missing.last() {
                    // Something else may be wrong besides.
                    let about = found.iter().find(|found| found.detail.contains(&**path));
                    let place = about.or(found.0.first()).and_then(|found| found.span);
                    let report = diag::file_not_found(place.unwrap_or(expr.span), path);
                    self.reader.report(report);
                }
                Value::unknown(Type::Any)
            }
        }
    }

    fn scope<'s>(
        &'s self,
        call: usize,
        directory: &'s str,
        item: Option<(Value, Value)>,
    ) -> StaticScope<'s, 'f> {
        StaticScope {
            known: &self.known,
            reader: self.reader,
            call,
            directory,
            environment: self.environment,
            item,
        }
    }
}

/// The expressions of an output, provider configuration or check.
fn exprs_of<'m>(module: &'m mut Module, node: &Node) -> Vec<&'m mut Expr> {
    match node {
        Node::Provider(at) => match module.providers.get_mut(*at) {
            Some(provider) => core::iter::once(&mut provider.config)
                .chain(&mut provider.for_each)
                .collect(),
            None => Vec::new(),
        },
        Node::Check(name) => match module.checks.get_mut(name) {
            Some(check) => check
                .assertions
                .iter_mut()
                .flat_map(|c| [&mut c.condition, &mut c.error_message])
                .collect(),
            None => Vec::new(),
        },
        Node::Output(name) => match module.outputs.get_mut(name) {
            Some(output) => {
                let conditions = output.preconditions.iter_mut();
                let conditions = conditions.flat_map(|c| [&mut c.condition, &mut c.error_message]);
                core::iter::once(&mut output.value)
                    .chain(conditions)
                    .collect()
            }
            None => Vec::new(),
        },
        Node::Open | Node::Variable(_) | Node::Local(_) | Node::Resource(_) | Node::Close => {
            Vec::new()
        }
    }
}

fn import_exprs(import: &mut model::Import) -> impl Iterator<Item = &mut Expr> {
    let keys = import.module.iter_mut().filter_map(|(_, key)| key.as_mut());
    core::iter::once(&mut import.id)
        .chain(&mut import.identity)
        .chain(&mut import.for_each)
        .chain(&mut import.key)
        .chain(keys)
}

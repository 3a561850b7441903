//! Evaluates the expressions of a release: references to variables, locals, outputs, resources and modules, with
//! `count` and `for_each` expanded.
//!
//! Values are computed when asked for and remembered once they cannot change any more. The evaluator knows objects
//! only through a function from address to value, so planning (planned objects) and applying (real objects) share it.

use crate::LoadedRelease;
use crate::diag;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use model::{Address, Condition, Key, Mode, ModulePath, Repetition, Resource, ResourceAddress};
use value::{Data, Diagnostics, Expr, Marks, Name, Reference, Scope, Span, Type, Value};

/// Most values between one value and another it depends on.
const DEPTH_MAX: u32 = 256;

/// Answers with the object at an address, planned or real.
pub(crate) type Objects<'a> = &'a dyn Fn(&Address) -> Option<Value>;

/// A place where expressions are evaluated: a module instance and perhaps a resource instance in it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Module instance.
    pub module: u32,
    /// Instance key, for `count.index` and `each.key`.
    pub key: Key,
    /// `each.value`.
    pub each: Option<Value>,
    /// `self`.
    pub this: Option<Value>,
}

/// One instance of a repeated block.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub key: Key,
    pub each: Option<Value>,
}

/// Something an evaluation looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// One object.
    Instance(Address),
    /// All objects of a block in a module instance.
    Whole(ResourceAddress),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Memo {
    Variable(Name),
    Local(Name),
    Output(Name),
    Whole(Mode, Name, Name),
    Repetition(Mode, Name, Name),
}

#[derive(Debug)]
struct ModuleInstance {
    node: u32,
    path: ModulePath,
    parent: Option<u32>,
    key: Key,
    each: Option<Value>,
    /// What the repetition of its call looked at.
    uses: Arc<BTreeSet<Use>>,
}

/// Instances that a module call made: key and module instance of each.
type Called = Arc<Vec<(Key, u32)>>;

/// A value and what was looked at to compute it.
type Remembered = (Value, Arc<BTreeSet<Use>>);

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Evaluator {
    loaded: Arc<LoadedRelease>,
    environment: Name,
    modules: RefCell<Vec<ModuleInstance>>,
    expanded: RefCell<BTreeMap<(u32, Name), Called>>,
    memo: RefCell<BTreeMap<(u32, Memo), Remembered>>,
    used: RefCell<BTreeSet<Use>>,
    depth: Cell<u32>,
    ports: RefCell<BTreeMap<Name, u16>>,
    /// While planning every value is final when it is first computed, unknown ones too.
    planning: bool,
}

impl Evaluator {
    pub(crate) fn new(loaded: Arc<LoadedRelease>, environment: Name, planning: bool) -> Self {
        let root = ModuleInstance {
            node: 0,
            path: ModulePath::default(),
            parent: None,
            key: Key::None,
            each: None,
            uses: Arc::default(),
        };
        Self {
            loaded,
            environment,
            modules: RefCell::new(Vec::from([root])),
            expanded: RefCell::default(),
            memo: RefCell::default(),
            used: RefCell::default(),
            depth: Cell::new(0),
            ports: RefCell::default(),
            planning,
        }
    }

    pub(crate) fn loaded(&self) -> &Arc<LoadedRelease> {
        &self.loaded
    }

    /// Says which ports services have, for `service.NAME.port`.
    pub(crate) fn set_ports(&self, ports: BTreeMap<Name, u16>) {
        *self.ports.borrow_mut() = ports;
    }

    /// Evaluates an expression at a place.
    pub(crate) fn evaluate(
        &self,
        expr: &Expr,
        place: &Place,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        expr.evaluate(&EvaluationScope {
            evaluator: self,
            objects,
            place,
        })
    }

    /// Evaluates in the root module, with files beside those of the release.
    pub(crate) fn evaluate_with_files(
        &self,
        expr: &Expr,
        objects: Objects<'_>,
        files: &dyn Fn(&str) -> Option<Arc<[u8]>>,
    ) -> Result<Value, Diagnostics> {
        let place = self.root();
        let scope = EvaluationScope {
            evaluator: self,
            objects,
            place: &place,
        };
        expr.evaluate(&WithFiles { scope, files })
    }

    /// Evaluates at a place and says what was looked at on the way.
    pub(crate) fn evaluate_noting(
        &self,
        expr: &Expr,
        place: &Place,
        objects: Objects<'_>,
    ) -> (Result<Value, Diagnostics>, BTreeSet<Use>) {
        self.noting(|| self.evaluate(expr, place, objects))
    }

    /// Does something and says what was looked at on the way.
    pub(crate) fn noting<T>(&self, what: impl FnOnce() -> T) -> (T, BTreeSet<Use>) {
        let outer = core::mem::take(&mut *self.used.borrow_mut());
        let result = what();
        let used = core::mem::replace(&mut *self.used.borrow_mut(), outer);
        self.used.borrow_mut().extend(used.iter().cloned());
        (result, used)
    }

    /// What the `count` or `for_each` of the calls around a module instance looked at: everything in it waits for that.
    pub(crate) fn module_uses(&self, module: u32) -> BTreeSet<Use> {
        let modules = self.modules.borrow();
        let mut uses = BTreeSet::new();
        let mut at = Some(module);
        while let Some(instance) = at.and_then(|at| modules.get(at as usize)) {
            uses.extend(instance.uses.iter().cloned());
            at = instance.parent;
        }
        uses
    }

    /// The root module instance, outside any resource.
    pub(crate) fn root(&self) -> Place {
        Place {
            module: 0,
            key: Key::None,
            each: None,
            this: None,
        }
    }

    /// Path of a module instance.
    pub(crate) fn path(&self, module: u32) -> ModulePath {
        self.modules
            .borrow()
            .get(module as usize)
            .map(|one| one.path.clone())
            .unwrap_or_default()
    }

    fn node_of(&self, module: u32) -> u32 {
        self.modules
            .borrow()
            .get(module as usize)
            .map_or(0, |one| one.node)
    }

    /// The node and place of a resource instance; none when its block or instance is no longer written.
    pub(crate) fn place_of(
        &self,
        address: &Address,
        objects: Objects<'_>,
    ) -> Result<Option<(u32, Place)>, Diagnostics> {
        let mut module = 0;
        for step in &address.resource.module.0 {
            let called = self.called(module, &step.name, objects)?;
            match called.iter().find(|(key, _)| *key == step.key) {
                Some((_, found)) => module = *found,
                None => return Ok(None),
            }
        }
        let node = self.node_of(module);
        let block = &address.resource;
        let Some(resource) = self.resource(node, block.mode, &block.kind, &block.name) else {
            return Ok(None);
        };
        let place = Place {
            module,
            key: Key::None,
            each: None,
            this: None,
        };
        let instance = self.single(resource, &place, &address.key, objects)?;
        Ok(instance.map(|one| {
            (
                node,
                Place {
                    key: one.key,
                    each: one.each,
                    ..place
                },
            )
        }))
    }

    /// The instance of a block with this key, without expanding the others.
    fn single(
        &self,
        resource: &Resource,
        place: &Place,
        key: &Key,
        objects: Objects<'_>,
    ) -> Result<Option<Instance>, Diagnostics> {
        let (Repetition::Count(expr) | Repetition::ForEach(expr)) = &resource.repetition else {
            return Ok((*key == Key::None).then_some(Instance {
                key: Key::None,
                each: None,
            }));
        };
        let memo = Memo::Repetition(resource.mode, resource.kind.clone(), resource.name.clone());
        let value = self.remembered(place.module, memo, expr.span, || {
            self.evaluate(expr, place, objects)
        })?;
        let each = match (key, value.data()) {
            (Key::Index(_), _) => None,
            (Key::Name(name), Data::Map(_, items) | Data::Object(items)) => match items.get(name) {
                Some(value) => Some(value.clone()),
                None => return Ok(None),
            },
            (Key::Name(name), _) => Some(Value::string(name)),
            (Key::None, _) => return Ok(None),
        };
        Ok(Some(Instance {
            key: key.clone(),
            each,
        }))
    }

    /// All instances of the module at a node of the tree, in order.
    pub(crate) fn module_instances(
        &self,
        node: u32,
        objects: Objects<'_>,
    ) -> Result<Vec<u32>, Diagnostics> {
        let Some((parent, name)) = self.loaded.node(node).parent.clone() else {
            return Ok(Vec::from([0]));
        };
        let mut all = Vec::new();
        for caller in self.module_instances(parent, objects)? {
            all.extend(
                self.called(caller, &name, objects)?
                    .iter()
                    .map(|(_, module)| *module),
            );
        }
        Ok(all)
    }

    /// The instances that a module instance's call makes.
    fn called(
        &self,
        caller: u32,
        name: &Name,
        objects: Objects<'_>,
    ) -> Result<Called, Diagnostics> {
        if let Some(known) = self.expanded.borrow().get(&(caller, name.clone())) {
            return Ok(known.clone());
        }
        let node = self.node_of(caller);
        let Some(child) = self.loaded.node(node).children.get(name).copied() else {
            return Err(diag::not_available(&format!("module.{name}"), Span::default()).into());
        };
        let Some(call) = self.loaded.module(node).modules.get(name) else {
            return Err(diag::not_available(&format!("module.{name}"), Span::default()).into());
        };
        let path = self.path(caller);
        let place = Place {
            module: caller,
            key: Key::None,
            each: None,
            this: None,
        };
        let shown = path.child(name.clone(), Key::None);
        let (instances, uses) =
            self.noting(|| self.expand(&call.repetition, &place, &shown, call.span, objects));
        let (instances, uses) = (instances?, Arc::new(uses));
        let mut made = Vec::with_capacity(instances.len());
        let mut modules = self.modules.borrow_mut();
        for instance in instances {
            made.push((instance.key.clone(), modules.len() as u32));
            modules.push(ModuleInstance {
                node: child,
                path: path.child(name.clone(), instance.key.clone()),
                parent: Some(caller),
                key: instance.key,
                each: instance.each,
                uses: uses.clone(),
            });
        }
        drop(modules);
        let made = Arc::new(made);
        self.expanded
            .borrow_mut()
            .insert((caller, name.clone()), made.clone());
        Ok(made)
    }

    /// The instances that `count` or `for_each` ask for.
    pub(crate) fn expand(
        &self,
        repetition: &Repetition,
        place: &Place,
        address: &dyn core::fmt::Display,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Vec<Instance>, Diagnostics> {
        match repetition {
            Repetition::Once => Ok(Vec::from([Instance {
                key: Key::None,
                each: None,
            }])),
            Repetition::Count(expr) => {
                let value = self.evaluate(expr, place, objects)?;
                expand_count(&value, address, expr.span)
            }
            Repetition::ForEach(expr) => {
                let value = self.evaluate(expr, place, objects)?;
                expand_for_each(&value, address, expr.span)
            }
        }
        .map_err(|mut diagnostics: Diagnostics| {
            for diagnostic in &mut diagnostics.0 {
                diagnostic.span.get_or_insert(span);
            }
            diagnostics
        })
    }

    fn remembered(
        &self,
        module: u32,
        memo: Memo,
        span: Span,
        compute: impl FnOnce() -> Result<Value, Diagnostics>,
    ) -> Result<Value, Diagnostics> {
        let key = (module, memo);
        if let Some((value, used)) = self.memo.borrow().get(&key) {
            self.used.borrow_mut().extend(used.iter().cloned());
            return Ok(value.clone());
        }
        if self.depth.get() >= DEPTH_MAX {
            return Err(diag::too_deep(span).into());
        }
        self.depth.set(self.depth.get() + 1);
        let outer = core::mem::take(&mut *self.used.borrow_mut());
        let result = compute();
        let used = core::mem::replace(&mut *self.used.borrow_mut(), outer);
        self.used.borrow_mut().extend(used.iter().cloned());
        self.depth.set(self.depth.get() - 1);
        let value = result?;
        if self.planning || value.is_wholly_known() {
            self.memo
                .borrow_mut()
                .insert(key, (value.clone(), Arc::new(used)));
        }
        Ok(value)
    }

    /// Value of a variable in a module instance.
    pub(crate) fn variable(
        &self,
        module: u32,
        name: &Name,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        self.remembered(module, Memo::Variable(name.clone()), span, || {
            let node = self.node_of(module);
            let Some(variable) = self.loaded.module(node).variables.get(name) else {
                return Err(diag::not_available(&format!("var.{name}"), span).into());
            };
            let given = self.given(module, name, objects)?;
            let value = match given {
                Some((value, at)) if !value.is_null() || variable.nullable => {
                    value::convert(&value, &variable.ty)
                        .map_err(|error| diag::variable_unfit(name, &error.to_string(), at))?
                }
                _ => variable
                    .default
                    .clone()
                    .unwrap_or_else(|| Value::null(variable.ty.clone())),
            };
            Ok(if variable.sensitive {
                value.with_marks(Marks::SENSITIVE)
            } else {
                value
            })
        })
    }

    /// The value given to a variable from outside its module, and where.
    fn given(
        &self,
        module: u32,
        name: &Name,
        objects: Objects<'_>,
    ) -> Result<Option<(Value, Span)>, Diagnostics> {
        let node = self.node_of(module);
        let Some((_, call)) = self.loaded.call(node) else {
            if let Some(value) = self.loaded.inputs.get(name) {
                return Ok(Some((value.clone(), Span::default())));
            }
            let environment = self.loaded.release.environments.get(&self.environment);
            let Some(expr) = environment.and_then(|one| one.variables.get(name)) else {
                return Ok(None);
            };
            return Ok(Some((
                self.evaluate(expr, &self.root(), objects)?,
                expr.span,
            )));
        };
        let Some(expr) = call.inputs.get(name) else {
            return Ok(None);
        };
        let place = {
            let modules = self.modules.borrow();
            let Some(instance) = modules.get(module as usize) else {
                return Ok(None);
            };
            Place {
                module: instance.parent.unwrap_or(0),
                key: instance.key.clone(),
                each: instance.each.clone(),
                this: None,
            }
        };
        Ok(Some((self.evaluate(expr, &place, objects)?, expr.span)))
    }

    fn local(
        &self,
        module: u32,
        name: &Name,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        self.remembered(module, Memo::Local(name.clone()), span, || {
            let node = self.node_of(module);
            let Some(local) = self.loaded.module(node).locals.get(name) else {
                return Err(diag::not_available(&format!("local.{name}"), span).into());
            };
            let place = Place {
                module,
                key: Key::None,
                each: None,
                this: None,
            };
            self.evaluate(&local.value, &place, objects)
        })
    }

    /// Value of an output of a module instance.
    pub(crate) fn output(
        &self,
        module: u32,
        name: &Name,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        self.remembered(module, Memo::Output(name.clone()), span, || {
            let node = self.node_of(module);
            let Some(output) = self.loaded.module(node).outputs.get(name) else {
                return Err(diag::not_available(&format!("the output `{name}`"), span).into());
            };
            let place = Place {
                module,
                key: Key::None,
                each: None,
                this: None,
            };
            self.check(
                &output.preconditions,
                "Output precondition",
                &format!("output.{name}"),
                &place,
                objects,
            )?;
            let value = self.evaluate(&output.value, &place, objects)?;
            Ok(if output.sensitive {
                value.with_marks(Marks::SENSITIVE)
            } else {
                value
            })
        })
    }

    /// Checks conditions; those that are not known yet are left for later.
    pub(crate) fn check(
        &self,
        conditions: &[Condition],
        what: &str,
        address: &str,
        place: &Place,
        objects: Objects<'_>,
    ) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::new();
        for condition in conditions {
            let value = match self.evaluate(&condition.condition, place, objects) {
                Ok(value) => value,
                Err(diagnostics) => {
                    found.extend(diagnostics);
                    continue;
                }
            };
            if !value.is_known() {
                continue;
            }
            let holds = value::convert(&value, &Type::Bool)
                .ok()
                .and_then(|value| value.as_bool());
            match holds {
                Some(true) => {}
                Some(false) => {
                    let message = self
                        .evaluate(&condition.error_message, place, objects)
                        .ok()
                        .and_then(|message| said(&message))
                        .unwrap_or_else(|| String::from("The condition does not hold."));
                    found.push(diag::condition_failed(
                        what,
                        &message,
                        address,
                        condition.span,
                    ));
                }
                None => found.push(diag::condition_invalid(what, address, condition.span)),
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// The resource block of this name at a node of the tree.
    pub(crate) fn resource(
        &self,
        node: u32,
        mode: Mode,
        kind: &Name,
        name: &Name,
    ) -> Option<&Resource> {
        let resources = &self.loaded.module(node).resources;
        let at = resources
            .binary_search_by(|one| (one.mode, &one.kind, &one.name).cmp(&(mode, kind, name)))
            .ok()?;
        resources.get(at)
    }

    fn whole(
        &self,
        module: u32,
        (mode, kind, name): (Mode, &Name, &Name),
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        self.remembered(
            module,
            Memo::Whole(mode, kind.clone(), name.clone()),
            span,
            || {
                let node = self.node_of(module);
                let resource = self.found(node, mode, kind, name, span)?;
                let address = ResourceAddress {
                    module: self.path(module),
                    mode,
                    kind: kind.clone(),
                    name: name.clone(),
                };
                let place = Place {
                    module,
                    key: Key::None,
                    each: None,
                    this: None,
                };
                let instances = self.expand(
                    &resource.repetition,
                    &place,
                    &address,
                    resource.span,
                    objects,
                )?;
                self.used.borrow_mut().insert(Use::Whole(address.clone()));
                let object = |key: &Key| {
                    let address = Address {
                        resource: address.clone(),
                        key: key.clone(),
                    };
                    objects(&address).unwrap_or_else(|| Value::unknown(Type::Any))
                };
                Ok(match &resource.repetition {
                    Repetition::Once => object(&Key::None),
                    Repetition::Count(_) => Value::tuple(
                        instances
                            .iter()
                            .map(|instance| object(&instance.key))
                            .collect(),
                    ),
                    Repetition::ForEach(_) => Value::object(
                        instances
                            .iter()
                            .filter_map(|instance| match &instance.key {
                                Key::Name(name) => Some((name.clone(), object(&instance.key))),
                                Key::None | Key::Index(_) => None,
                            })
                            .collect(),
                    ),
                })
            },
        )
    }

    fn found(
        &self,
        node: u32,
        mode: Mode,
        kind: &Name,
        name: &Name,
        span: Span,
    ) -> Result<&Resource, Diagnostics> {
        self.resource(node, mode, kind, name)
            .ok_or_else(|| diag::not_available(&format!("{kind}.{name}"), span).into())
    }

    fn one(
        &self,
        module: u32,
        (mode, kind, name): (Mode, &Name, &Name),
        key: &Value,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        let node = self.node_of(module);
        let resource = self.found(node, mode, kind, name, span)?;
        let path = self.path(module);
        let block = ResourceAddress {
            module: path,
            mode,
            kind: kind.clone(),
            name: name.clone(),
        };
        let Some(wanted) = key_of(key, &resource.repetition) else {
            // Not known yet, or not a key of this block: the whole collection says what is wrong, or stays unknown.
            if key.is_known() {
                let shown = format!("{block}");
                return Err(diag::no_such_instance(&shown, "of that kind", &[], span).into());
            }
            self.used.borrow_mut().insert(Use::Whole(block));
            return Ok(Value::unknown(Type::Any));
        };
        let address = Address {
            resource: block,
            key: wanted,
        };
        if let Some(object) = objects(&address) {
            let marks = key.marks();
            self.used.borrow_mut().insert(Use::Instance(address));
            return Ok(object.with_marks(marks));
        }
        let place = Place {
            module,
            key: Key::None,
            each: None,
            this: None,
        };
        let instances = self.expand(
            &resource.repetition,
            &place,
            &address.resource,
            resource.span,
            objects,
        )?;
        if instances.iter().any(|instance| instance.key == address.key) {
            self.used.borrow_mut().insert(Use::Instance(address));
            return Ok(Value::unknown(Type::Any));
        }
        let known: Vec<String> = instances
            .iter()
            .map(|instance| instance.key.to_string())
            .collect();
        Err(diag::no_such_instance(
            &address.resource.to_string(),
            &address.key.to_string(),
            &known,
            span,
        )
        .into())
    }

    /// All outputs of a module instance.
    fn all_outputs(
        &self,
        module: u32,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        let node = self.node_of(module);
        let mut outputs = BTreeMap::new();
        for name in self.loaded.module(node).outputs.keys() {
            outputs.insert(name.clone(), self.output(module, name, span, objects)?);
        }
        Ok(Value::object(outputs))
    }

    fn module_value(
        &self,
        caller: u32,
        name: &Name,
        key: Option<&Value>,
        output: Option<&Name>,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        let called = self.called(caller, name, objects)?;
        let node = self.node_of(caller);
        let repetition = self
            .loaded
            .module(node)
            .modules
            .get(name)
            .map_or(&Repetition::Once, |call| &call.repetition);
        let of = |module: u32| match output {
            Some(output) => self.output(module, output, span, objects),
            None => self.all_outputs(module, span, objects),
        };
        if let Some(key) = key {
            let wanted = key_of(key, repetition);
            let found = called
                .iter()
                .find(|(have, _)| Some(have) == wanted.as_ref());
            return match found {
                Some((_, module)) => of(*module),
                None if !key.is_known() => Ok(Value::unknown(Type::Any)),
                None => {
                    let known: Vec<String> =
                        called.iter().map(|(key, _)| key.to_string()).collect();
                    let shown =
                        wanted.map_or_else(|| String::from("of that kind"), |key| key.to_string());
                    Err(
                        diag::no_such_instance(&format!("module.{name}"), &shown, &known, span)
                            .into(),
                    )
                }
            };
        }
        match (repetition, called.first()) {
            (Repetition::Once, Some((_, module))) => of(*module),
            (Repetition::Once, None) => {
                Err(diag::not_available(&format!("module.{name}"), span).into())
            }
            _ if output.is_some() => {
                Err(diag::several_instances(&format!("module.{name}"), span).into())
            }
            (Repetition::Count(_), _) => {
                let all: Result<Vec<Value>, Diagnostics> =
                    called.iter().map(|(_, module)| of(*module)).collect();
                Ok(Value::tuple(all?))
            }
            (Repetition::ForEach(_), _) => {
                let mut all = BTreeMap::new();
                for (key, module) in called.iter() {
                    if let Key::Name(key) = key {
                        all.insert(key.clone(), of(*module)?);
                    }
                }
                Ok(Value::object(all))
            }
        }
    }
}

/// A scope that knows files beside those of the release.
struct WithFiles<'a> {
    scope: EvaluationScope<'a>,
    files: &'a dyn Fn(&str) -> Option<Arc<[u8]>>,
}

impl Scope for WithFiles<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        self.scope.resolve(reference, span)
    }

    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        self.scope.instance(reference, key, span)
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.scope.file(path).or_else(|| (self.files)(path))
    }

    fn budget(&self) -> Option<&value::Budget> {
        self.scope.budget()
    }
}

struct EvaluationScope<'a> {
    evaluator: &'a Evaluator,
    objects: Objects<'a>,
    place: &'a Place,
}

impl Scope for EvaluationScope<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        let (evaluator, objects, module) = (self.evaluator, self.objects, self.place.module);
        let missing = |what: &str| Err(diag::not_available(what, span).into());
        match reference {
            Reference::Variable(name) => evaluator.variable(module, name, span, objects),
            Reference::Local(name) => evaluator.local(module, name, span, objects),
            Reference::Resource(kind, name) => {
                evaluator.whole(module, (Mode::Managed, kind, name), span, objects)
            }
            Reference::Data(kind, name) => {
                evaluator.whole(module, (Mode::Data, kind, name), span, objects)
            }
            Reference::Ephemeral(kind, name) => {
                evaluator.whole(module, (Mode::Ephemeral, kind, name), span, objects)
            }
            Reference::Module(name) => {
                evaluator.module_value(module, name, None, None, span, objects)
            }
            Reference::ModuleOutput(name, output) => {
                evaluator.module_value(module, name, None, Some(output), span, objects)
            }
            Reference::EachKey => match &self.place.key {
                Key::Name(name) => Ok(Value::string(name)),
                Key::None | Key::Index(_) => missing("each.key"),
            },
            Reference::EachValue => self
                .place
                .each
                .clone()
                .map_or_else(|| missing("each.value"), Ok),
            Reference::CountIndex => match &self.place.key {
                Key::Index(index) => Ok(Value::number(*index as i64)),
                Key::None | Key::Name(_) => missing("count.index"),
            },
            Reference::PathModule => {
                let node = evaluator.node_of(module);
                Ok(Value::string(&evaluator.loaded.module(node).directory))
            }
            Reference::PathRoot | Reference::PathCwd => Ok(Value::string(".")),
            Reference::Workspace => Ok(Value::string("default")),
            Reference::SelfObject => self.place.this.clone().map_or_else(|| missing("self"), Ok),
            Reference::EnvironmentName => Ok(Value::string(&evaluator.environment)),
            Reference::ServicePort(name) => match evaluator.ports.borrow().get(name) {
                Some(port) => Ok(Value::number(i64::from(*port))),
                None => Ok(Value::unknown(Type::Number)),
            },
        }
    }

    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        let (evaluator, objects, module) = (self.evaluator, self.objects, self.place.module);
        match reference {
            Reference::Resource(kind, name) => {
                evaluator.one(module, (Mode::Managed, kind, name), key, span, objects)
            }
            Reference::Data(kind, name) => {
                evaluator.one(module, (Mode::Data, kind, name), key, span, objects)
            }
            Reference::Ephemeral(kind, name) => {
                evaluator.one(module, (Mode::Ephemeral, kind, name), key, span, objects)
            }
            Reference::Module(name) => {
                evaluator.module_value(module, name, Some(key), None, span, objects)
            }
            Reference::ModuleOutput(name, output) => {
                evaluator.module_value(module, name, Some(key), Some(output), span, objects)
            }
            Reference::Variable(_)
            | Reference::Local(_)
            | Reference::EachKey
            | Reference::EachValue
            | Reference::CountIndex
            | Reference::PathModule
            | Reference::PathRoot
            | Reference::PathCwd
            | Reference::Workspace
            | Reference::SelfObject
            | Reference::EnvironmentName
            | Reference::ServicePort(_) => Err(diag::not_available("an instance key", span).into()),
        }
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.evaluator.loaded.files.get(path).cloned()
    }
}

/// The instance key that a value stands for in a block with this repetition.
fn key_of(value: &Value, repetition: &Repetition) -> Option<Key> {
    match repetition {
        Repetition::Once => None,
        Repetition::Count(_) => {
            let number = value::convert(value, &Type::Number).ok()?;
            u64::try_from(number.as_number()?.as_i64()?)
                .ok()
                .map(Key::Index)
        }
        Repetition::ForEach(_) => {
            let text = value::convert(value, &Type::String).ok()?;
            text.as_str().map(|text| Key::Name(Name::from(text)))
        }
    }
}

fn expand_count(
    value: &Value,
    address: &dyn core::fmt::Display,
    span: Span,
) -> Result<Vec<Instance>, Diagnostics> {
    let invalid = |why: &str| Err(diag::count_invalid(address, why, span).into());
    if !value.is_known() {
        return Err(diag::count_unknown(address, "count", span).into());
    }
    if value.marks().contains(Marks::SENSITIVE) {
        return invalid("is sensitive, and the number of instances cannot be kept secret");
    }
    if value.is_null() {
        return invalid("is null");
    }
    let Ok(number) = value::convert(value, &Type::Number) else {
        return invalid("is not a number");
    };
    let Some(count) = number.as_number().and_then(value::Number::as_i64) else {
        return invalid("is not a whole number");
    };
    if count < 0 {
        return invalid("is negative");
    }
    if count > crate::limits::INSTANCES_MAX {
        return invalid("is greater than 1,000,000");
    }
    Ok((0..count as u64)
        .map(|index| Instance {
            key: Key::Index(index),
            each: None,
        })
        .collect())
}

fn expand_for_each(
    value: &Value,
    address: &dyn core::fmt::Display,
    span: Span,
) -> Result<Vec<Instance>, Diagnostics> {
    let invalid = |why: &str| Err(diag::for_each_invalid(address, why, span).into());
    if value.marks().contains(Marks::SENSITIVE) {
        return invalid("is sensitive, and instance keys cannot be kept secret");
    }
    match value.data() {
        Data::Unknown(_) => Err(diag::count_unknown(address, "for_each", span).into()),
        Data::Null(_) => invalid("is null"),
        Data::Map(_, items) | Data::Object(items) => Ok(items
            .iter()
            .map(|(name, value)| Instance {
                key: Key::Name(name.clone()),
                each: Some(value.clone()),
            })
            .collect()),
        Data::Set(_, items) => {
            let mut instances = Vec::with_capacity(items.len());
            for item in items.iter() {
                match item.as_str() {
                    Some(text) => instances.push(Instance {
                        key: Key::Name(Name::from(text)),
                        each: Some(item.clone()),
                    }),
                    None if !item.is_known() => {
                        return Err(diag::count_unknown(address, "for_each", span).into());
                    }
                    None => return invalid("is a set of something other than strings"),
                }
            }
            Ok(instances)
        }
        Data::Bool(_) | Data::Number(_) | Data::String(_) => invalid("is a single value"),
        Data::List(..) | Data::Tuple(_) => {
            invalid("is a list, whose elements have no lasting names; convert it with toset()")
        }
    }
}

/// The text of an error message, as far as it may be shown.
fn said(message: &Value) -> Option<String> {
    if message.marks_deep().contains(Marks::SENSITIVE) {
        return Some(String::from(
            "The condition does not hold. Its error message contains a sensitive value, so it is not shown.",
        ));
    }
    message.as_str().map(String::from)
}

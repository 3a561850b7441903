//! Evaluates the expressions of a release: references to variables, locals, outputs, resources and modules, with
//! `count` and `for_each` expanded.
//!
//! Values are computed when asked for and remembered once they cannot change any more. The evaluator knows objects
//! only through a function from address to value, so planning (planned objects) and applying (real objects) share it.
//!
//! Variables, locals and outputs are here; `expand` makes instances of repeated blocks, `object` gives resources,
//! `module` the outputs of calls, `provider` configurations of providers, `calls` what functions of providers answered,
//! `condition` judges conditions, and `scope` is what an expression sees of all this.

mod calls;
mod condition;
mod expand;
mod module;
mod object;
mod provider;
mod scope;

pub use calls::is_ephemeral;
pub(crate) use condition::{Judged, Judging};
use scope::{EvaluationScope, WithFiles};

use crate::LoadedRelease;
use crate::diag;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use model::{Address, Key, Mode, ModulePath, Output, PlanMode, ResourceAddress, RunOptions};
use value::functions::Circumstances;
use value::{Diagnostics, Expr, Marks, Name, Span, Value};

/// Most values between one value and another it depends on.
const DEPTH_MAX: u32 = 256;

/// A value that looked at more objects of one block than this is taken to have looked at all of them: what is noted
/// for it, and again for everything that uses it, then stays small.
const INSTANCES_NOTED_MAX: usize = 16;

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

impl Place {
    /// A module instance, outside any resource.
    pub(crate) fn of(module: u32) -> Self {
        Self {
            module,
            key: Key::None,
            each: None,
            this: None,
        }
    }
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

impl ModuleInstance {
    fn root() -> Self {
        Self {
            node: 0,
            path: ModulePath::default(),
            parent: None,
            key: Key::None,
            each: None,
            uses: Arc::default(),
        }
    }
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
    workspace: Name,
    modules: RefCell<Vec<ModuleInstance>>,
    expanded: RefCell<BTreeMap<(u32, Name), Called>>,
    memo: RefCell<BTreeMap<(u32, Memo), Remembered>>,
    used: RefCell<BTreeSet<Use>>,
    depth: Cell<u32>,
    ports: RefCell<BTreeMap<Name, u16>>,
    calls: RefCell<calls::Calls>,
    /// While planning every value is final when it is first computed, unknown ones too.
    planning: bool,
    /// When the run began and what it draws from, where there is a run.
    began: Option<Began>,
    /// The objects that there are, where not everything that is written is made ([`makes_all`]): then they and what is
    /// made are the instances of their blocks.
    there: Option<BTreeSet<Address>>,
}

/// What functions of time and chance are given: the same whenever the run is looked at again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began {
    /// When the run began.
    pub at_ms: i64,
    /// Its seed.
    pub seed: u64,
}

/// Whether a run makes every object that is written, not only some of them and not only notes of what there is.
pub(crate) fn makes_all(options: &RunOptions) -> bool {
    let chooses = !options.targets.is_empty() || !options.excludes.is_empty();
    match options.mode {
        PlanMode::RefreshOnly => false,
        PlanMode::Normal => !chooses,
        PlanMode::Destroy => true,
    }
}

impl Evaluator {
    pub(crate) fn new(loaded: Arc<LoadedRelease>, options: &RunOptions, planning: bool) -> Self {
        Self {
            loaded,
            environment: Name::from(options.environment.as_str()),
            workspace: Name::from(match options.workspace.as_str() {
                "" => "default",
                name => name,
            }),
            modules: RefCell::new(Vec::from([ModuleInstance::root()])),
            expanded: RefCell::default(),
            memo: RefCell::default(),
            used: RefCell::default(),
            depth: Cell::new(0),
            ports: RefCell::default(),
            calls: RefCell::default(),
            planning,
            began: None,
            there: None,
        }
    }

    /// One that evaluates the same and has computed nothing yet.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            loaded: self.loaded.clone(),
            environment: self.environment.clone(),
            workspace: self.workspace.clone(),
            modules: RefCell::new(Vec::from([ModuleInstance::root()])),
            expanded: RefCell::default(),
            memo: RefCell::default(),
            used: RefCell::default(),
            depth: Cell::new(0),
            ports: self.ports.clone(),
            planning: self.planning,
            began: self.began,
            there: self.there.clone(),
            calls: RefCell::default(),
        }
    }

    /// Whether another one evaluates the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.loaded, &other.loaded) && self.planning == other.planning
    }

    /// Says when the run began and what it draws from.
    pub(crate) fn with_began(mut self, began: Option<Began>) -> Self {
        self.began = began;
        self
    }

    /// Says which objects there are, where not everything that is written is made.
    pub(crate) fn with_those_there(mut self, there: Option<BTreeSet<Address>>) -> Self {
        self.there = there;
        self
    }

    /// Says when the run began and what it draws from, afterwards.
    pub(crate) fn set_began(&mut self, began: Began) {
        self.began = Some(began);
    }

    /// What is drawn while an expression is evaluated at a place follows from the seed of the run, the expression and
    /// the place, so that it is the same when it is evaluated again.
    fn circumstances(&self, expr: &Expr, place: &Place) -> Circumstances {
        let Some(began) = self.began else {
            return Circumstances::default();
        };
        let at_ms = u64::try_from(began.at_ms).unwrap_or_default();
        let mut circumstances = Circumstances::of_plan(at_ms);
        if !self.planning {
            let span = expr.span;
            let path = self.path(place.module);
            let drawn_for = format!(
                "{}/{path}/{:?}/{}/{}/{}",
                began.seed, place.key, span.source.0, span.start, span.end
            );
            circumstances.applied_at_ms = Some(at_ms);
            circumstances.seed = Some(model::Digest::of(drawn_for.as_bytes()).0);
        }
        circumstances
    }

    /// Forgets what was computed: it lacked something that is known from here on.
    pub(crate) fn forget(&self) {
        self.memo.borrow_mut().clear();
        self.expanded.borrow_mut().clear();
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
            circumstances: self.circumstances(expr, place),
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
            circumstances: self.circumstances(expr, &place),
        };
        expr.evaluate(&WithFiles { scope, files })
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
        Place::of(0)
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
        let n_holes = self.n_holes();
        let result = compute();
        let used = core::mem::replace(&mut *self.used.borrow_mut(), outer);
        self.used.borrow_mut().extend(used.iter().cloned());
        self.depth.set(self.depth.get() - 1);
        let value = result?;
        // What lacks the answer of a call is computed again once it is there; a plan begins anew for that.
        if self.planning || (value.is_wholly_known() && self.n_holes() == n_holes) {
            self.memo
                .borrow_mut()
                .insert(key, (value.clone(), Arc::new(coarse(used))));
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
                None if variable.ephemeral && variable.default.is_none() && module == 0 => {
                    return Err(diag::ephemeral_missing(name, variable.span).into());
                }
                _ => variable
                    .default
                    .clone()
                    .unwrap_or_else(|| Value::null(variable.ty.clone())),
            };
            let mut marks = Marks::NONE;
            if variable.sensitive {
                marks = marks.union(Marks::SENSITIVE);
            }
            if variable.ephemeral {
                marks = marks.union(Marks::EPHEMERAL);
            }
            Ok(value.with_marks(marks))
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

    /// Value of a local value in a module instance.
    pub(crate) fn local(
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
            let place = Place::of(module);
            self.evaluate(&local.value, &place, objects)
        })
    }

    /// Value of a root output as it may be written down; none for one that may not.
    pub(crate) fn root_output(
        &self,
        name: &Name,
        output: &Output,
        objects: Objects<'_>,
    ) -> Result<Option<Value>, Diagnostics> {
        let value = self.output(0, name, output.span, objects)?;
        let marks = value.marks_deep();
        if output.ephemeral {
            return Ok(None);
        }
        if marks.contains(Marks::EPHEMERAL) {
            return Err(diag::output_ephemeral(name, output.span).into());
        }
        if marks.contains(Marks::SENSITIVE) && !output.sensitive {
            return Err(diag::output_sensitive(name, output.span).into());
        }
        Ok(Some(value))
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
            let place = Place::of(module);
            let judging = Judging::output(&self.path(module), name);
            self.judge(&output.preconditions, &judging, &place, objects)
                .into_result()?;
            let value = self.evaluate(&output.value, &place, objects)?;
            Ok(if output.sensitive {
                value.with_marks(Marks::SENSITIVE)
            } else {
                value
            })
        })
    }
}

/// The same with many objects of one block taken for all of it.
fn coarse(used: BTreeSet<Use>) -> BTreeSet<Use> {
    if used.len() <= INSTANCES_NOTED_MAX {
        return used;
    }
    let mut counts: BTreeMap<ResourceAddress, usize> = BTreeMap::new();
    for one in &used {
        if let Use::Instance(address) = one {
            *counts.entry(address.resource.clone()).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count > INSTANCES_NOTED_MAX);
    if counts.is_empty() {
        return used;
    }
    used.into_iter()
        .map(|one| {
            if let Use::Instance(address) = &one
                && counts.contains_key(&address.resource)
            {
                Use::Whole(address.resource.clone())
            } else {
                one
            }
        })
        .collect()
}
#[cfg(test)]
mod tests {
    use super::*;
    use model::{Digest, Module, Release};
    use value::{ExprKind, SourceId};

    fn evaluator(planning: bool, began: Option<Began>) -> Evaluator {
        let release = Release {
            modules: Vec::from([Module::default()]),
            ..Release::default()
        };
        let loaded = LoadedRelease::new(Digest::of(b""), release, BTreeMap::new()).unwrap();
        Evaluator::new(Arc::new(loaded), &RunOptions::default(), planning).with_began(began)
    }

    fn call(name: &str, at: u32) -> Expr {
        let span = Span {
            source: SourceId(0),
            start: at,
            end: at + 6,
        };
        let kind = ExprKind::Call {
            name: Name::from(name),
            arguments: Vec::new(),
            expand_last: false,
        };
        Expr { kind, span }
    }

    /// Decision 0013: what is drawn follows from the run, the expression and the place, so that a replay, or the engine
    /// after a crash, gives the same; a plan draws nothing.
    #[test]
    fn time_and_chance_follow_from_the_run() {
        let began = Began {
            at_ms: 1_700_000_000_000,
            seed: 7,
        };
        let value = |evaluator: &Evaluator, expr: &Expr, key: Key| {
            let place = Place {
                key,
                ..evaluator.root()
            };
            evaluator.evaluate(expr, &place, &|_| None).unwrap()
        };
        let apply = evaluator(false, Some(began));
        let again = evaluator(false, Some(began));
        let first = value(&apply, &call("uuid", 0), Key::None);
        assert_eq!(value(&again, &call("uuid", 0), Key::None), first);
        assert_ne!(value(&again, &call("uuid", 10), Key::None), first);
        assert_ne!(value(&again, &call("uuid", 0), Key::Index(1)), first);
        let now = Value::string("2023-11-14T22:13:20Z");
        assert_eq!(value(&apply, &call("timestamp", 0), Key::None), now);
        let plan = evaluator(true, Some(began));
        assert_eq!(value(&plan, &call("plantimestamp", 0), Key::None), now);
        assert!(!value(&plan, &call("timestamp", 0), Key::None).is_known());
        assert!(!value(&plan, &call("uuid", 0), Key::None).is_known());
    }
}

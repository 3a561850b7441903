//! Every expression computed once with nothing known: what is wrong whatever the values will be is found before anybody
//! plans.
//!
//! As Terraform validates: variables are unknown values of their types, resources and outputs of modules are unknown
//! altogether, each definition is looked at once and not once per call. Marks are real, so that sensitive and ephemeral
//! values are seen where they must not be. Beyond that, the keys of instances are known where they are written in so
//! many words.

use super::address::known_keys;
use super::graph::{Node, Order};
use super::inputs::Purpose;
use crate::diag::{ephemeral, trial as diag};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use model::{
    BlockSchema, Condition, Key, Mode, Module, ModuleCall, ProviderSchema, Release, Repetition,
    Resource,
};
use value::functions::Declaration;
use value::{
    Data, Diagnostic, Diagnostics, Expr, ExprKind, Marks, Name, Reference, Scope, Span, Type, Value,
};

/// A configuration as far as it is known before anybody plans, for its provider to look at.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The block, as people name it, in the first call of its module.
    pub address: String,
    /// Source address of the provider.
    pub provider: String,
    /// The type that it is of; none for the provider's own.
    pub of: Option<(Mode, Name)>,
    /// The object that the type's schema implies.
    pub config: Value,
}

/// What all definitions have in common.
pub(super) struct Trial<'t> {
    release: &'t Release,
    schemas: &'t [ProviderSchema],
    /// Content of the files that expressions read.
    read: &'t BTreeMap<String, Vec<u8>>,
    found: Diagnostics,
    configurations: Vec<Configuration>,
    purpose: Purpose,
}

/// What is known in one definition.
struct Known<'t> {
    trial: &'t Release,
    module: &'t Module,
    /// The beginning of addresses in the call as which it is looked at.
    place: String,
    read: &'t BTreeMap<String, Vec<u8>>,
    locals: BTreeMap<Name, Value>,
    /// Keys of resources and module calls with repetition, as far as they are known.
    keys: BTreeMap<Reference, BTreeSet<Key>>,
    /// There may be no instance of the module, so that nothing in it is ever computed.
    never: bool,
}

/// What an expression sees.
struct Here<'k> {
    known: &'k Known<'k>,
    /// The expression that is computed, for the places of keys.
    expr: &'k Expr,
    /// There may be no instances here, so that nothing will ever be computed: the keys of others do not matter.
    never: bool,
}

/// Computes everything in the order of its needs; what is wrong, and the configurations that have nothing wrong.
pub(super) fn run(
    release: &Release,
    order: &Order,
    schemas: &[ProviderSchema],
    read: &BTreeMap<String, Vec<u8>>,
    purpose: Purpose,
) -> (Diagnostics, Vec<Configuration>) {
    let mut trial = Trial {
        release,
        schemas,
        read,
        found: Diagnostics::new(),
        configurations: Vec::new(),
        purpose,
    };
    let first = first_calls(release, order);
    let mut definitions: BTreeMap<usize, Known<'_>> = BTreeMap::new();
    for (call, node) in &order.nodes {
        if let Node::Open = node {
            // What a call says stands in the definition of its caller.
            let parent = order.calls.get(*call).and_then(|call| call.parent.as_ref());
            let Some((parent, name)) = parent else {
                continue;
            };
            let Some(module) = order.calls.get(*parent).map(|call| call.module) else {
                continue;
            };
            if first.get(&module) == Some(parent)
                && let Some(known) = trial.known(&mut definitions, order, *parent)
                && let Some(block) = known.module.modules.get(name)
            {
                trial.repetition_of_call(known, name, block);
            }
            continue;
        }
        let Some(module) = order.calls.get(*call).map(|call| call.module) else {
            continue;
        };
        if first.get(&module) == Some(call)
            && let Some(known) = trial.known(&mut definitions, order, *call)
        {
            trial.node(known, module, node);
        }
    }
    for (index, known) in &definitions {
        for (name, call) in &known.module.modules {
            trial.call(known, name, call);
        }
        if *index == 0 {
            trial.imports(known);
        }
    }
    (trial.found, trial.configurations)
}

/// For each definition the call as which it is looked at: the one that is least in doubt to have instances.
fn first_calls(release: &Release, order: &Order) -> BTreeMap<usize, usize> {
    let mut first: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    // How many calls on the way there are repeated; a call comes after the one that it stands in.
    let mut repeated: Vec<usize> = Vec::with_capacity(order.calls.len());
    for (at, call) in order.calls.iter().enumerate() {
        let doubts = call.parent.as_ref().map_or(0, |(parent, name)| {
            let before = repeated.get(*parent).copied().unwrap_or_default();
            let caller = order.calls.get(*parent).map(|caller| caller.module);
            let caller = caller.and_then(|caller| release.modules.get(caller));
            let block = caller.and_then(|caller| caller.modules.get(name));
            before + usize::from(block.is_some_and(|one| one.repetition != Repetition::Once))
        });
        repeated.push(doubts);
        let best = first.entry(call.module).or_insert((doubts, at));
        *best = (*best).min((doubts, at));
    }
    let first = first.into_iter();
    first.map(|(module, (_, at))| (module, at)).collect()
}

/// How addresses in a call begin.
fn place_of(order: &Order, call: usize) -> String {
    let caller = |at: usize| order.calls.get(at)?.parent.as_ref();
    let steps = core::iter::successors(caller(call), |(parent, _)| caller(*parent));
    let mut names: Vec<&Name> = steps.map(|(_, name)| name).collect();
    names.reverse();
    let names = names.iter();
    names.map(|name| format!("module.{name}.")).collect()
}

/// Whether a call may have no instances, or one that it stands in.
fn may_be_absent(definitions: &BTreeMap<usize, Known<'_>>, order: &Order, call: usize) -> bool {
    let caller = |at: usize| order.calls.get(at)?.parent.as_ref();
    let mut steps = core::iter::successors(caller(call), |(parent, _)| caller(*parent));
    steps.any(|(parent, name)| {
        let module = order.calls.get(*parent).map(|parent| parent.module);
        let known = module.and_then(|module| definitions.get(&module));
        let keys = known.and_then(|known| known.keys.get(&Reference::Module(name.clone())));
        keys.is_none_or(BTreeSet::is_empty)
    })
}

impl<'t> Trial<'t> {
    /// What is known in the definition that a call is of; its callers have been looked at by then.
    fn known<'d>(
        &self,
        definitions: &'d mut BTreeMap<usize, Known<'t>>,
        order: &Order,
        call: usize,
    ) -> Option<&'d mut Known<'t>> {
        let index = order.calls.get(call)?.module;
        let module = self.release.modules.get(index)?;
        if !definitions.contains_key(&index) {
            let never = may_be_absent(definitions, order, call);
            let known = Known {
                trial: self.release,
                module,
                place: place_of(order, call),
                read: self.read,
                locals: BTreeMap::new(),
                keys: BTreeMap::new(),
                never,
            };
            definitions.insert(index, known);
        }
        definitions.get_mut(&index)
    }

    fn node(&mut self, known: &mut Known<'_>, index: usize, node: &Node) {
        let module = known.module;
        match node {
            Node::Open | Node::Close => {}
            Node::Variable(name) => {
                if let Some(variable) = module.variables.get(name) {
                    self.conditions(known, &variable.validations, false);
                }
            }
            Node::Local(name) => {
                if let Some(local) = module.locals.get(name) {
                    let value = self.value(known, &local.value, false);
                    let value = value.unwrap_or_else(|| Value::unknown(Type::Any));
                    known.locals.insert(name.clone(), value);
                }
            }
            Node::Resource(at) => {
                if let Some(resource) = module.resources.get(*at) {
                    self.resource(known, resource);
                }
            }
            Node::Output(name) => {
                if let Some(output) = module.outputs.get(name) {
                    self.output(known, index, name, output);
                }
            }
            Node::Provider(at) => {
                if let Some(provider) = module.providers.get(*at) {
                    if let Some(for_each) = &provider.for_each {
                        self.keys_of(known, &Repetition::ForEach(for_each.clone()));
                    }
                    if let Some(config) = self.value(known, &provider.config, false) {
                        self.configurations.push(Configuration {
                            address: format!("{}provider.{}", known.place, provider.local),
                            provider: provider.source.clone(),
                            of: None,
                            config,
                        });
                    }
                }
            }
            Node::Check(name) => {
                if let Some(check) = module.checks.get(name) {
                    self.conditions(known, &check.assertions, false);
                }
            }
        }
    }

    fn report(&mut self, found: Diagnostic) {
        let is_past = self.purpose == Purpose::Destroy && diag::is_of_instances(&found);
        if !is_past && !self.found.0.contains(&found) {
            self.found.push(found);
        }
    }

    /// The value as far as it is known; none when it has none, which is reported.
    fn value(&mut self, known: &Known<'_>, expr: &Expr, never: bool) -> Option<Value> {
        match expr.evaluate(&Here { known, expr, never }) {
            Ok(value) => Some(value),
            Err(found) => {
                found.0.into_iter().for_each(|one| self.report(one));
                None
            }
        }
    }

    fn conditions(&mut self, known: &Known<'_>, conditions: &[Condition], never: bool) {
        for condition in conditions {
            self.value(known, &condition.condition, never);
            let message = &condition.error_message;
            if self
                .value(known, message, never)
                .is_some_and(|value| value.is_null())
            {
                self.report(diag::no_error_message(message.span));
            }
        }
    }

    /// The keys of the instances, where they are known; what is wrong with them is reported.
    fn keys_of(&mut self, known: &Known<'_>, repetition: &Repetition) -> Option<BTreeSet<Key>> {
        let (expr, argument) = match repetition {
            Repetition::Once => return Some(BTreeSet::from([Key::None])),
            Repetition::Count(expr) => (expr, "count"),
            Repetition::ForEach(expr) => (expr, "for_each"),
        };
        let value = self.value(known, expr, false)?;
        if value.marks_deep().contains(Marks::EPHEMERAL) {
            self.report(ephemeral::in_repetition(expr.span, argument));
            return None;
        }
        match known_keys(&value, repetition) {
            Ok(keys) => keys,
            Err(why) => {
                self.report(diag::invalid_repetition(expr.span, why));
                None
            }
        }
    }

    fn repetition_of_call(&mut self, known: &mut Known<'_>, name: &Name, block: &ModuleCall) {
        if let Some(keys) = self.keys_of(known, &block.repetition) {
            known.keys.insert(Reference::Module(name.clone()), keys);
        }
    }

    fn call(&mut self, known: &Known<'_>, name: &Name, call: &ModuleCall) {
        let keys = known.keys.get(&Reference::Module(name.clone()));
        let never = keys.is_none_or(BTreeSet::is_empty);
        let Some(callee) = self.release.modules.get(call.module as usize) else {
            return;
        };
        for (name, expr) in &call.inputs {
            let Some(variable) = callee.variables.get(name) else {
                continue;
            };
            // What has no value fits or does not for other reasons.
            let written = match &expr.kind {
                ExprKind::Convert(inner, _) => inner,
                _ => expr,
            };
            if self.value(known, written, never).is_none() {
                continue;
            }
            let value = match expr.evaluate(&Here { known, expr, never }) {
                Ok(value) => value,
                Err(why) => {
                    let why = crate::diag::blocks::because(&why);
                    self.report(diag::invalid_input(expr.span, name, &why, variable.span));
                    continue;
                }
            };
            if value.is_null() && !variable.nullable && variable.default.is_none() {
                self.report(diag::null_input(expr.span, name, variable.span));
            }
            if value.marks_deep().contains(Marks::EPHEMERAL) && !variable.ephemeral {
                self.report(ephemeral::in_variable(expr.span, name, variable.span));
            }
        }
        for passed in &call.providers {
            if let Some(key) = &passed.from.key {
                self.value(known, key, false);
            }
        }
    }

    fn output(&mut self, known: &Known<'_>, index: usize, name: &str, output: &model::Output) {
        self.conditions(known, &output.preconditions, false);
        let Some(value) = self.value(known, &output.value, false) else {
            return;
        };
        let marks = value.marks_deep();
        let is_ephemeral = marks.contains(Marks::EPHEMERAL);
        // An ephemeral output of the root has been refused already.
        if is_ephemeral && !output.ephemeral {
            self.report(ephemeral::in_output(output.value.span, name));
        } else if output.ephemeral && !is_ephemeral && index > 0 {
            self.report(ephemeral::required_in_output(output.value.span, name));
        }
        if index == 0 && marks.contains(Marks::SENSITIVE) && !output.sensitive {
            self.report(diag::sensitive_output(output.span, name));
        }
    }

    fn resource(&mut self, known: &mut Known<'_>, resource: &Resource) {
        let keys = self.keys_of(known, &resource.repetition);
        let never = keys.as_ref().is_none_or(BTreeSet::is_empty);
        if let Some(keys) = keys {
            known.keys.insert(reference_to(resource), keys);
        }
        let schema = self.schema_of(resource);
        if let Some(config) = self.config(known, resource, schema, never) {
            let (mode, kind) = (resource.mode, &resource.kind);
            self.configurations.push(Configuration {
                address: known.place.clone()
                    + &crate::diag::references::resource_address(mode, kind, &resource.name),
                provider: resource.provider.clone(),
                of: Some((mode, kind.clone())),
                config,
            });
        }
        if let Some(key) = &resource.provider_config.key {
            self.value(known, key, never);
        }
        let lifecycle = &resource.lifecycle;
        if let Some(expr) = &lifecycle.prevent_destroy {
            self.value(known, expr, never);
        }
        if let Some(health) = &lifecycle.health {
            self.value(known, &health.target, never);
        }
        self.conditions(known, &lifecycle.preconditions, never);
        self.conditions(known, &lifecycle.postconditions, never);
        for provisioner in &resource.provisioners {
            for expr in core::iter::once(&provisioner.config).chain(&provisioner.connection) {
                self.value(known, expr, never);
            }
        }
    }

    fn schema_of(&self, resource: &Resource) -> Option<&'t BlockSchema> {
        let schema = self
            .schemas
            .iter()
            .find(|schema| schema.source == resource.provider)?;
        let types = schema.types(resource.mode);
        types.get(&resource.kind).map(|schema| &schema.block)
    }

    /// The object that is configured; none where something is wrong in it.
    fn config(
        &mut self,
        known: &Known<'_>,
        resource: &Resource,
        schema: Option<&BlockSchema>,
        never: bool,
    ) -> Option<Value> {
        let ExprKind::Object(parts) = &resource.config.kind else {
            return None;
        };
        let mut config = BTreeMap::new();
        for (key, expr) in parts {
            let Some(value) = self.value(known, expr, never) else {
                continue;
            };
            let kept =
                resource.mode != Mode::Ephemeral && value.marks_deep().contains(Marks::EPHEMERAL);
            let ExprKind::Literal(name) = &key.kind else {
                continue;
            };
            let name = name.as_str().unwrap_or_default();
            if kept && schema.is_some_and(|schema| keeps_ephemeral(schema, name, &value)) {
                let (kind, own) = (&resource.kind, &resource.name);
                let mode = resource.mode;
                let whose = crate::diag::references::resource_address(mode, kind, own);
                self.report(ephemeral::in_argument(expr.span, &whose, name));
            }
            config.insert(Name::from(name), value);
        }
        (config.len() == parts.len()).then(|| Value::object(config))
    }

    fn imports(&mut self, known: &Known<'_>) {
        for import in &known.module.imports {
            if let Some(for_each) = &import.for_each {
                self.value(known, for_each, false);
            }
            for expr in import.identity.iter().chain(&import.key) {
                self.value(known, expr, false);
            }
            for key in import.module.iter().filter_map(|(_, key)| key.as_ref()) {
                self.value(known, key, false);
            }
            let Some(id) = self.value(known, &import.id, false) else {
                continue;
            };
            let null = id.is_null() && import.identity.is_none();
            // Where no id is written, that has been reported.
            if (null && import.id.span != import.span) || id.as_str() == Some("") {
                self.report(diag::no_import_id(import.id.span));
            }
        }
    }
}

impl Known<'_> {
    /// Marks that all values of a reference have.
    fn marks(&self, reference: &Reference) -> Marks {
        match reference {
            Reference::Ephemeral(..) => Marks::EPHEMERAL,
            // Terraform marks such a value by what it is made of: `sensitive` of the output says only how it is shown.
            Reference::ModuleOutput(call, output) => {
                let callee = self.module.modules.get(call);
                let callee = callee.and_then(|c| self.trial.modules.get(c.module as usize));
                match callee.and_then(|module| module.outputs.get(output)) {
                    Some(output) if output.ephemeral => Marks::EPHEMERAL,
                    _ => Marks::NONE,
                }
            }
            _ => Marks::NONE,
        }
    }

    fn variable(&self, name: &Name) -> Value {
        let Some(variable) = self.module.variables.get(name) else {
            return Value::unknown(Type::Any);
        };
        let ty = variable.ty.clone();
        let mut value = if variable.nullable {
            Value::unknown(ty)
        } else {
            Value::unknown_not_null(ty)
        };
        for (set, mark) in [
            (variable.sensitive, Marks::SENSITIVE),
            (variable.ephemeral, Marks::EPHEMERAL),
        ] {
            if set {
                value = value.with_marks(mark);
            }
        }
        value
    }

    /// All outputs of a call, or of each of its instances.
    fn outputs(&self, call: &Name) -> Value {
        let Some(block) = self.module.modules.get(call) else {
            return Value::unknown(Type::Any);
        };
        if block.repetition != Repetition::Once {
            return Value::unknown(Type::Any);
        }
        let callee = self.trial.modules.get(block.module as usize);
        let names = callee.into_iter().flat_map(|module| module.outputs.keys());
        let outputs = names.map(|name| {
            let reference = Reference::ModuleOutput(call.clone(), name.clone());
            let value = Value::unknown(Type::Any).with_marks(self.marks(&reference));
            (name.clone(), value)
        });
        Value::object(outputs.collect())
    }
}

impl Scope for Here<'_> {
    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        let known = self.known;
        Ok(match reference {
            Reference::Variable(name) => known.variable(name),
            Reference::Local(name) => match known.locals.get(name) {
                Some(value) => value.clone(),
                None => Value::unknown(Type::Any),
            },
            Reference::Module(name) => known.outputs(name),
            Reference::EachKey | Reference::PathCwd | Reference::Workspace => {
                Value::unknown_not_null(Type::String)
            }
            Reference::Applying => Value::unknown_not_null(Type::Bool).with_marks(Marks::EPHEMERAL),
            Reference::CountIndex => Value::unknown_not_null(Type::Number),
            Reference::PathModule => Value::string(&known.module.directory),
            Reference::PathRoot => Value::string("."),
            Reference::Resource(..)
            | Reference::Data(..)
            | Reference::Ephemeral(..)
            | Reference::ModuleOutput(..)
            | Reference::EachValue
            | Reference::SelfObject
            | Reference::EnvironmentName
            | Reference::ServicePort(_) => {
                Value::unknown(Type::Any).with_marks(known.marks(reference))
            }
        })
    }

    fn declared(&self, name: &str) -> Option<&Declaration> {
        self.known.trial.functions.get(name)
    }

    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        let known = self.known;
        let whole = match reference {
            Reference::ModuleOutput(call, _) => &Reference::Module(call.clone()),
            other => other,
        };
        if let Some(keys) = known
            .keys
            .get(whole)
            .filter(|_| !self.never && !known.never)
            && let Some(key) = instance_key(key, keys)
            && !keys.contains(&key)
        {
            let place = key_place(self.expr, span).unwrap_or(span);
            return Err(diag::no_such_instance(place, whole, &key, keys).into());
        }
        Ok(Value::unknown(Type::Any).with_marks(known.marks(reference)))
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        // Two slashes in a row ask for something else than content, under that very name.
        let content = match path.contains("//") {
            true => self.known.read.get(path),
            false => self.known.read.get(&super::files::join(".", path)),
        };
        content.map(|content| Arc::from(content.as_slice()))
    }

    fn template(&self, text: &str, _: &str) -> Option<Result<Expr, Diagnostics>> {
        let required = &self.known.module.required_providers;
        let declared = &self.known.trial.functions;
        let find = |provider: &str, function: &str| {
            model::function_name(required, declared, provider, function)
        };
        Some(crate::template_expression(text, &find))
    }

    fn variables(&self, text: &str) -> Option<Result<BTreeMap<Name, Value>, Diagnostics>> {
        Some(crate::variables_file(text.as_bytes()))
    }
}

/// The key that a value chooses; none where that is not known. A number chooses an index even where it is written as a
/// text, and the other way round, as Terraform converts them.
fn instance_key(value: &Value, keys: &BTreeSet<Key>) -> Option<Key> {
    let numbers = !keys.iter().any(|key| matches!(key, Key::Name(_)));
    match value.data() {
        Data::Number(number) if numbers => {
            let index = number.as_i64().and_then(|index| u64::try_from(index).ok());
            Some(Key::Index(index.unwrap_or(u64::MAX)))
        }
        Data::Number(_) => Some(Key::Name(value.render().as_str().into())),
        Data::String(text) if numbers => Some(match text.parse() {
            Ok(index) => Key::Index(index),
            Err(_) => Key::Name(text.clone()),
        }),
        Data::String(text) => Some(Key::Name(text.clone())),
        _ => None,
    }
}

/// Where the key of the instance at a place is written, with its brackets.
fn key_place(expr: &Expr, at: Span) -> Option<Span> {
    let place = RefCell::new(None);
    expr.references(&mut |_, key, span| {
        if span == at
            && let Some(key) = key
        {
            *place.borrow_mut() = Some(Span {
                start: key.span.start.saturating_sub(1),
                end: key.span.end.saturating_add(1),
                ..key.span
            });
        }
    });
    place.into_inner()
}

fn reference_to(resource: &Resource) -> Reference {
    let (kind, name) = (resource.kind.clone(), resource.name.clone());
    match resource.mode {
        Mode::Managed => Reference::Resource(kind, name),
        Mode::Data => Reference::Data(kind, name),
        Mode::Ephemeral => Reference::Ephemeral(kind, name),
    }
}

/// Whether an argument with ephemeral values in it keeps any of them: all but write-only arguments do.
fn keeps_ephemeral(schema: &BlockSchema, name: &str, value: &Value) -> bool {
    if let Some(attribute) = schema.attributes.get(name) {
        return !attribute.write_only;
    }
    let Some(nested) = schema.blocks.get(name) else {
        return true;
    };
    if value.marks().contains(Marks::EPHEMERAL) {
        return true;
    }
    let inside = |block: &Value| match block.entries() {
        _ if block.marks().contains(Marks::EPHEMERAL) => true,
        Some(entries) => entries.iter().any(|(name, value)| {
            value.marks_deep().contains(Marks::EPHEMERAL)
                && keeps_ephemeral(&nested.block, name, value)
        }),
        None => false,
    };
    match value.data() {
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.iter().any(inside),
        Data::Map(_, items) => items.values().any(inside),
        _ => inside(value),
    }
}

/// As keys are listed for people.
pub(crate) fn keys_text(keys: &BTreeSet<Key>) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = keys
        .iter()
        .take(SHOWN)
        .map(|key| key.to_string().trim_matches(['[', ']']).to_string())
        .collect();
    let more = if keys.len() > SHOWN { ", ..." } else { "" };
    alloc::format!("{}{more}", shown.join(", "))
}

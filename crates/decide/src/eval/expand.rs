//! Instances: what `count` and `for_each` of resources and module calls come to.

use super::{Called, Evaluator, Instance, Memo, ModuleInstance, Objects, Place};
use crate::diag;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Address, Key, ModulePath, Repetition, Resource};
use value::{Data, Diagnostics, Marks, Name, Span, Type, Value};

impl Evaluator {
    /// The node and place of a resource instance; none when its block or instance is no longer written.
    pub(crate) fn place_of(
        &self,
        address: &Address,
        objects: Objects<'_>,
    ) -> Result<Option<(u32, Place)>, Diagnostics> {
        let Some(place) = self.place_in(&address.resource.module, objects)? else {
            return Ok(None);
        };
        let module = place.module;
        let node = self.node_of(module);
        let block = &address.resource;
        let Some(resource) = self.resource(node, block.mode, &block.kind, &block.name) else {
            return Ok(None);
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

    /// The place of a module instance; none when there is none of that path.
    pub(crate) fn place_in(
        &self,
        path: &ModulePath,
        objects: Objects<'_>,
    ) -> Result<Option<Place>, Diagnostics> {
        let mut module = 0;
        for step in &path.0 {
            let called = self.called(module, &step.name, objects)?;
            match instance_of(&called, &step.key) {
                Some(found) => module = found,
                None => return Ok(None),
            }
        }
        Ok(Some(Place::of(module)))
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
    pub(super) fn called(
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
        let place = Place::of(caller);
        let shown = path.child(name.clone(), Key::None);
        let n_holes = self.n_holes();
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
        if self.planning || self.n_holes() == n_holes {
            self.expanded
                .borrow_mut()
                .insert((caller, name.clone()), made.clone());
        }
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
}

/// The module instance of a call that has this key. Instances are in the order of their keys.
pub(super) fn instance_of(called: &Called, key: &Key) -> Option<u32> {
    let at = called.binary_search_by(|(have, _)| have.cmp(key)).ok()?;
    called.get(at).map(|(_, module)| *module)
}

/// The instance key that a value stands for in a block with this repetition.
pub(super) fn key_of(value: &Value, repetition: &Repetition) -> Option<Key> {
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
    // A sensitive number may be used, as in Terraform: it tells how many, and nothing else of what it came from.
    if value.marks().contains(Marks::EPHEMERAL) {
        return invalid("is ephemeral, and the number of instances is written down");
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
    if value.marks().contains(Marks::EPHEMERAL) {
        return invalid("is ephemeral, and instance keys are written down");
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

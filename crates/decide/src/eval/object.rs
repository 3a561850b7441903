//! Resources as expressions see them: one object, or all objects of a block.

use super::expand::key_of;
use super::{Evaluator, Memo, Objects, Place, Use};
use crate::diag;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Address, Key, Mode, Repetition, Resource, ResourceAddress, Retry};
use value::{Diagnostics, Name, Span, Type, Value};

impl Evaluator {
    /// The resource block of this name at a node of the tree.
    pub(crate) fn resource(
        &self,
        node: u32,
        mode: Mode,
        kind: &Name,
        name: &Name,
    ) -> Option<&Resource> {
        self.loaded.resource(node, mode, kind, name)
    }

    /// The resource block that an object belongs to; none when it is no longer written.
    pub(crate) fn written(&self, address: &Address) -> Option<&Resource> {
        self.loaded.resource_of(&address.resource)
    }

    /// How calls about an object are tried again, where that is written.
    pub(crate) fn retry(&self, address: &Address) -> Option<&Retry> {
        self.written(address)?.lifecycle.retry.as_ref()
    }

    pub(super) fn whole(
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
                let keys = self.keys(module, resource, &address, objects)?;
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
                    Repetition::Count(_) => Value::tuple(keys.iter().map(object).collect()),
                    Repetition::ForEach(_) => Value::object(
                        keys.iter()
                            .filter_map(|key| match key {
                                Key::Name(name) => Some((name.clone(), object(key))),
                                Key::None | Key::Index(_) => None,
                            })
                            .collect(),
                    ),
                })
            },
        )
    }

    /// The keys of the instances of a block, in order: those that are written, or, where not all of them are made,
    /// those that are there. Counting has no gaps.
    fn keys(
        &self,
        module: u32,
        resource: &Resource,
        block: &ResourceAddress,
        objects: Objects<'_>,
    ) -> Result<Vec<Key>, Diagnostics> {
        let repetition = &resource.repetition;
        let place = Place::of(module);
        let written = self.expand(repetition, &place, block, resource.span, objects)?;
        let written = written.into_iter().map(|instance| instance.key);
        let Some(there) = self.there.as_ref().filter(|_| block.mode == Mode::Managed) else {
            return Ok(written.collect());
        };
        let of = |key: Key| Address {
            resource: block.clone(),
            key,
        };
        let there = there.range(of(Key::None)..);
        let there = there.take_while(|address| address.resource == *block);
        let there = there.map(|address| address.key.clone());
        let there: BTreeSet<Key> = written
            .chain(there)
            .filter(|key| objects(&of(key.clone())).is_some())
            .collect();
        let indices = there.iter().filter_map(|key| match key {
            Key::Index(index) => Some(*index),
            Key::None | Key::Name(_) => None,
        });
        Ok(match repetition {
            Repetition::Once => Vec::from([Key::None]),
            Repetition::Count(_) => {
                let length = indices.max().map_or(0, |last| last.saturating_add(1));
                let length = length.min(crate::limits::INSTANCES_MAX.unsigned_abs());
                (0..length).map(Key::Index).collect()
            }
            Repetition::ForEach(_) => there.into_iter().collect(),
        })
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

    pub(super) fn one(
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
                self.used.borrow_mut().insert(Use::Whole(block.clone()));
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
        let keys = self.keys(module, resource, &address.resource, objects)?;
        if keys.contains(&address.key) {
            self.used.borrow_mut().insert(Use::Instance(address));
            return Ok(Value::unknown(Type::Any));
        }
        // Even who says what else is meant where it is not there (`try`) looks at it.
        let whole = Use::Whole(address.resource.clone());
        self.used.borrow_mut().insert(whole);
        let known: Vec<String> = keys.iter().map(ToString::to_string).collect();
        Err(diag::no_such_instance(
            &address.resource.to_string(),
            &address.key.to_string(),
            &known,
            span,
        )
        .into())
    }
}

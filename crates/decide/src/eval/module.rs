//! Module calls as expressions see them: outputs of one instance, or of all.

use super::expand::{instance_of, key_of};
use super::{Evaluator, Objects, Use};
use crate::diag;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Key, Repetition, ResourceAddress};
use value::{Diagnostics, Name, Span, Type, Value};

impl Evaluator {
    /// All outputs of a module instance. Whoever looks at all of it waits for everything in it.
    fn all_outputs(
        &self,
        module: u32,
        span: Span,
        objects: Objects<'_>,
    ) -> Result<Value, Diagnostics> {
        let node = self.node_of(module);
        self.use_everything(module, objects)?;
        let mut outputs = BTreeMap::new();
        for name in self.loaded.module(node).outputs.keys() {
            outputs.insert(name.clone(), self.output(module, name, span, objects)?);
        }
        Ok(Value::object(outputs))
    }

    fn use_everything(&self, module: u32, objects: Objects<'_>) -> Result<(), Diagnostics> {
        let node = self.node_of(module);
        for resource in &self.loaded.module(node).resources {
            let address = ResourceAddress {
                module: self.path(module),
                mode: resource.mode,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
            };
            self.used.borrow_mut().insert(Use::Whole(address));
        }
        for name in self.loaded.node(node).children.keys() {
            for (_, called) in self.called(module, name, objects)?.iter() {
                self.use_everything(*called, objects)?;
            }
        }
        Ok(())
    }

    pub(super) fn module_value(
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
            let found = wanted.as_ref().and_then(|key| instance_of(&called, key));
            return match found {
                Some(module) => of(module),
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

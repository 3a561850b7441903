//! `import`: objects that exist already and are taken over.

use super::pass::Pass;
use crate::diag;
use crate::eval::{Instance, Place};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use model::{Address, Import, Key, Mode, ModulePath, Repetition, Resource, ResourceAddress};
use value::{Diagnostics, Expr, Marks, Name, Type, Value};

impl Pass {
    /// What is to be taken over into a block: address and id of each.
    pub(super) fn imports_of(
        &self,
        node: u32,
        resource: &Resource,
    ) -> Result<BTreeMap<Address, String>, Diagnostics> {
        let mut found = BTreeMap::new();
        if resource.mode != Mode::Managed || self.options.mode == model::PlanMode::Destroy {
            return Ok(found);
        }
        let loaded = self.evaluator.loaded();
        for import in &loaded.module(0).imports {
            let block = (&import.kind, &import.name);
            if block != (&resource.kind, &resource.name) || self.node_of(import) != Some(node) {
                continue;
            }
            for instance in self.import_instances(import)? {
                let place = Place {
                    key: instance.key,
                    each: instance.each,
                    ..Place::of(0)
                };
                let address = self.import_address(import, &place)?;
                let id = self.import_id(import, &place)?;
                if found.insert(address.clone(), id).is_some() {
                    return Err(diag::imported_twice(&address, import.span).into());
                }
            }
        }
        for (address, id) in &self.options.imports {
            let block = (&address.resource.kind, &address.resource.name);
            if block == (&resource.kind, &resource.name)
                && loaded.node_at(&address.resource.module) == Some(node)
            {
                found.insert(address.clone(), id.clone());
            }
        }
        Ok(found)
    }

    /// The node of the module that an import leads into.
    fn node_of(&self, import: &Import) -> Option<u32> {
        let loaded = self.evaluator.loaded();
        import.module.iter().try_fold(0, |node, (name, _)| {
            loaded.node(node).children.get(name).copied()
        })
    }

    fn import_instances(&self, import: &Import) -> Result<Vec<Instance>, Diagnostics> {
        let repetition = import
            .for_each
            .clone()
            .map_or(Repetition::Once, Repetition::ForEach);
        let place = Place::of(0);
        self.evaluator
            .expand(&repetition, &place, &"import", import.span, &self.objects())
    }

    fn import_address(&self, import: &Import, place: &Place) -> Result<Address, Diagnostics> {
        let mut module = ModulePath::default();
        for (name, key) in &import.module {
            module = module.child(name.clone(), self.import_key(key.as_ref(), place)?);
        }
        let resource = ResourceAddress {
            module,
            mode: Mode::Managed,
            kind: import.kind.clone(),
            name: import.name.clone(),
        };
        Ok(Address {
            resource,
            key: self.import_key(import.key.as_ref(), place)?,
        })
    }

    fn import_key(&self, key: Option<&Expr>, place: &Place) -> Result<Key, Diagnostics> {
        let Some(expr) = key else {
            return Ok(Key::None);
        };
        let value = self.evaluator.evaluate(expr, place, &self.objects())?;
        let number = value.as_number().and_then(value::Number::as_i64);
        match (
            value.as_str(),
            number.and_then(|one| u64::try_from(one).ok()),
        ) {
            (Some(text), _) => Ok(Key::Name(Name::from(text))),
            (None, Some(index)) => Ok(Key::Index(index)),
            (None, None) => Err(diag::import_invalid("the instance key", expr.span).into()),
        }
    }

    fn import_id(&self, import: &Import, place: &Place) -> Result<String, Diagnostics> {
        let invalid = |why: &str| Err(diag::import_invalid(why, import.id.span).into());
        let value: Value = self
            .evaluator
            .evaluate(&import.id, place, &self.objects())?;
        if !value.is_known() {
            return invalid("the id is known only after apply");
        }
        if value.marks().contains(Marks::SENSITIVE) || value.marks().contains(Marks::EPHEMERAL) {
            return invalid("the id is a secret, and ids are shown");
        }
        match value::convert(&value, &Type::String).ok().as_ref() {
            Some(text) => match text.as_str() {
                Some("") => invalid("the id is empty"),
                Some(text) => Ok(String::from(text)),
                None => invalid("the id is null"),
            },
            None => invalid("the id is no text"),
        }
    }
}

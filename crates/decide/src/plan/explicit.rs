//! `depends_on`: of a resource, and of the module calls around it.

use super::graph;
use super::pass::Pass;
use crate::eval::Use;
use alloc::collections::BTreeSet;
use model::{Mode, ModulePath, ResourceAddress};
use value::{Expr, ExprKind, Reference};

impl Pass {
    /// Adds what `depends_on` names, of the resource and of the module calls around it.
    pub(super) fn explicit(
        &self,
        node: u32,
        module: u32,
        depends_on: &[Expr],
        uses: &mut BTreeSet<Use>,
    ) {
        let loaded = self.evaluator.loaded();
        let (mut node, mut path) = (node, self.evaluator.path(module));
        for expr in depends_on {
            self.explicit_one(node, &path, expr, uses);
        }
        while let Some((parent, call)) = loaded.call(node) {
            path.0.pop();
            for expr in &call.depends_on {
                self.explicit_one(parent, &path, expr, uses);
            }
            node = parent;
        }
    }

    fn explicit_one(&self, node: u32, path: &ModulePath, expr: &Expr, uses: &mut BTreeSet<Use>) {
        let loaded = self.evaluator.loaded();
        if let Some(child) = graph::module_named(loaded, node, expr) {
            self.everything_in(child, path, uses);
            return;
        }
        let (ExprKind::Reference(reference) | ExprKind::Instance(reference, _)) = &expr.kind else {
            return;
        };
        let (mode, kind, name) = match reference {
            Reference::Resource(kind, name) => (Mode::Managed, kind, name),
            Reference::Data(kind, name) => (Mode::Data, kind, name),
            Reference::Ephemeral(kind, name) => (Mode::Ephemeral, kind, name),
            Reference::Variable(_)
            | Reference::Local(_)
            | Reference::Module(_)
            | Reference::ModuleOutput(..)
            | Reference::EachKey
            | Reference::EachValue
            | Reference::CountIndex
            | Reference::PathModule
            | Reference::PathRoot
            | Reference::PathCwd
            | Reference::Workspace
            | Reference::Applying
            | Reference::SelfObject
            | Reference::EnvironmentName
            | Reference::ServicePort(_) => return,
        };
        uses.insert(Use::Whole(ResourceAddress {
            module: path.clone(),
            mode,
            kind: kind.clone(),
            name: name.clone(),
        }));
    }

    /// Every resource of every instance of a module under a path, and of the modules in it.
    fn everything_in(&self, node: u32, under: &ModulePath, uses: &mut BTreeSet<Use>) {
        let loaded = self.evaluator.loaded();
        let module = loaded.module(node);
        let instances = self
            .evaluator
            .module_instances(node, &self.objects())
            .unwrap_or_default();
        for instance in instances {
            let path = self.evaluator.path(instance);
            if !path.0.starts_with(&under.0) {
                continue;
            }
            for resource in &module.resources {
                uses.insert(Use::Whole(ResourceAddress {
                    module: path.clone(),
                    mode: resource.mode,
                    kind: resource.kind.clone(),
                    name: resource.name.clone(),
                }));
            }
        }
        for child in loaded.node(node).children.values() {
            self.everything_in(*child, under, uses);
        }
    }
}

//! Going through all expressions of a release.

use model::{Condition, Module, Provisioner, Release, Repetition};
use value::Expr;

/// Calls `found` for every expression.
pub(super) fn release(release: &Release, found: &mut dyn FnMut(&Expr)) {
    for one in &release.modules {
        module(one, found);
    }
    for service in release.services.values() {
        found(&service.replicas);
        found(&service.port);
        service.env.values().for_each(&mut *found);
    }
    for environment in release.environments.values() {
        environment.variables.values().for_each(&mut *found);
    }
}

fn module(module: &Module, found: &mut dyn FnMut(&Expr)) {
    for variable in module.variables.values() {
        conditions(&variable.validations, found);
    }
    module.locals.values().for_each(|local| found(&local.value));
    for provider in &module.providers {
        found(&provider.config);
        provider.for_each.iter().for_each(&mut *found);
    }
    for resource in &module.resources {
        self::resource(resource, found);
    }
    for call in module.modules.values() {
        repetition(&call.repetition, found);
        call.inputs.values().for_each(&mut *found);
    }
    for output in module.outputs.values() {
        found(&output.value);
        conditions(&output.preconditions, found);
    }
    for check in module.checks.values() {
        conditions(&check.assertions, found);
    }
    for import in &module.imports {
        let keys = import.module.iter().filter_map(|(_, key)| key.as_ref());
        core::iter::once(&import.id)
            .chain(&import.identity)
            .chain(&import.for_each)
            .chain(&import.key)
            .chain(keys)
            .for_each(&mut *found);
    }
    for removed in &module.removed {
        provisioners(&removed.provisioners, found);
    }
}

fn resource(resource: &model::Resource, found: &mut dyn FnMut(&Expr)) {
    found(&resource.config);
    repetition(&resource.repetition, found);
    resource.provider_config.key.iter().for_each(&mut *found);
    let lifecycle = &resource.lifecycle;
    lifecycle.prevent_destroy.iter().for_each(&mut *found);
    if let Some(health) = &lifecycle.health {
        found(&health.target);
    }
    conditions(&lifecycle.preconditions, found);
    conditions(&lifecycle.postconditions, found);
    provisioners(&resource.provisioners, found);
}

fn repetition(repetition: &Repetition, found: &mut dyn FnMut(&Expr)) {
    match repetition {
        Repetition::Once => {}
        Repetition::Count(expr) | Repetition::ForEach(expr) => found(expr),
    }
}

fn conditions(conditions: &[Condition], found: &mut dyn FnMut(&Expr)) {
    for condition in conditions {
        found(&condition.condition);
        found(&condition.error_message);
    }
}

fn provisioners(provisioners: &[Provisioner], found: &mut dyn FnMut(&Expr)) {
    for provisioner in provisioners {
        found(&provisioner.config);
        provisioner.connection.iter().for_each(&mut *found);
    }
}

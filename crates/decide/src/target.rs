//! What a service shall run: its block with every expression computed for one environment.

use crate::apply::objects;
use crate::run::Run;
use crate::{Memo, World, diag};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Digest, Release, Service, Target, Version};
use value::{Diagnostics, Expr, Name, Reference, Type, Value};

/// Services in an order in which each comes after those it depends on; circles are broken by name.
pub(crate) fn order(release: &Release) -> Vec<Name> {
    let mut order: Vec<Name> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in release.services.keys() {
        // Depth first with a list of our own, so that a long chain is no deep recursion.
        let mut stack: Vec<(Name, bool)> = Vec::from([(name.clone(), false)]);
        while let Some((name, expanded)) = stack.pop() {
            if expanded {
                order.push(name);
                continue;
            }
            let Some(service) = release.services.get(&name) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            stack.push((name, true));
            stack.extend(needs(service).into_iter().map(|need| (need, false)));
        }
    }
    order
}

/// The services that a service depends on: those it names and those whose port it uses.
pub(crate) fn needs(service: &Service) -> BTreeSet<Name> {
    let mut needs: BTreeSet<Name> = service.depends_on.iter().cloned().collect();
    let exprs = service
        .env
        .values()
        .chain([&service.port, &service.replicas]);
    for expr in exprs {
        expr.references(&mut |reference, _, _| {
            if let Reference::ServicePort(name) = reference {
                needs.insert(name.clone());
            }
        });
    }
    needs
}

/// Computes the target of a service; none while a port it needs is not known.
pub(crate) fn target(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    name: &Name,
) -> Result<Option<Target>, Diagnostics> {
    let release = &run.loaded.release;
    let Some(service) = release.services.get(name) else {
        return Ok(None);
    };
    let Some(artifact) = release.built.get(&service.artifact).copied() else {
        return Err(diag::artifact_missing(name, &service.artifact, service.span).into());
    };
    let command = release
        .artifacts
        .get(&service.artifact)
        .map(|artifact| artifact.run.clone())
        .unwrap_or_default();
    let mut computing = Computing {
        world,
        run,
        memo,
        name,
        trouble: Diagnostics::new(),
        waits: false,
    };
    let replicas = computing.number("replicas", &service.replicas, 1, 1_000);
    let port = computing.number("port", &service.port, 0, 65_535);
    let mut env = BTreeMap::new();
    for (key, expr) in &service.env {
        if let Some(text) = computing.text(key, expr) {
            env.insert(key.clone(), text);
        }
    }
    if computing.waits {
        return Ok(None);
    }
    if computing.trouble.has_errors() {
        return Err(computing.trouble);
    }
    let mut rollout = service.rollout.clone();
    let environment = release.environments.get(&world.environment);
    if let Some(kind) = environment.and_then(|environment| environment.rollout) {
        rollout.kind = kind;
    }
    let version = version(&artifact, &command, &env, service);
    Ok(Some(Target {
        version,
        release: run.loaded.digest,
        artifact,
        run: command,
        env,
        replicas: replicas as u32,
        port: port as u16,
        health: service.health.clone(),
        rollout,
        stop_grace_ms: service.stop_grace_ms,
        memory_bytes_max: service.memory_bytes_max,
    }))
}

/// The name of all that an instance runs with.
fn version(
    artifact: &Digest,
    run: &[String],
    env: &BTreeMap<Name, String>,
    service: &Service,
) -> Version {
    let parts = model::encode(&(
        artifact,
        run,
        env,
        &service.health.path,
        service.memory_bytes_max,
    ));
    Version(Digest::of_parts("steadfast.version.1", &[&parts]))
}

struct Computing<'a> {
    world: &'a World,
    run: &'a Run,
    memo: &'a mut Memo,
    name: &'a Name,
    trouble: Diagnostics,
    waits: bool,
}

impl Computing<'_> {
    fn value(&mut self, what: &str, expr: &Expr, ty: &Type) -> Option<Value> {
        let evaluator = self.memo.evaluator(self.world, self.run);
        let objects = objects(self.world, self.run);
        let value = evaluator.evaluate(expr, &evaluator.root(), &objects);
        if evaluator.has_open_calls() {
            self.waits = true;
            return None;
        }
        let value = match value {
            Ok(value) => value,
            Err(diagnostics) => {
                self.trouble.extend(diagnostics);
                return None;
            }
        };
        if !value.is_wholly_known() {
            self.waits = true;
            return None;
        }
        match value::convert(&value, ty) {
            Ok(value) if !value.is_null() => Some(value),
            Ok(_) => {
                self.trouble
                    .push(diag::target_invalid(self.name, what, "is null", expr.span));
                None
            }
            Err(error) => {
                let why = alloc::format!("is not suitable: {error}");
                self.trouble
                    .push(diag::target_invalid(self.name, what, &why, expr.span));
                None
            }
        }
    }

    fn number(&mut self, what: &str, expr: &Expr, lowest: i64, highest: i64) -> i64 {
        let Some(value) = self.value(what, expr, &Type::Number) else {
            return lowest;
        };
        match value.as_number().and_then(value::Number::as_i64) {
            Some(number) if (lowest..=highest).contains(&number) => number,
            _ => {
                let why = alloc::format!("must be a whole number from {lowest} to {highest}");
                self.trouble
                    .push(diag::target_invalid(self.name, what, &why, expr.span));
                lowest
            }
        }
    }

    fn text(&mut self, key: &str, expr: &Expr) -> Option<String> {
        let what = alloc::format!("env.{key}");
        self.value(&what, expr, &Type::String)?
            .as_str()
            .map(ToString::to_string)
    }
}

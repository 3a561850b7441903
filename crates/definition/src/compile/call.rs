//! `module` and `stack` blocks: calls of other definitions.

use super::body;
use super::load::CallBlock;
use super::module::{Compiler, declared_at};
use crate::diag::blocks as diag;
use crate::lower::Lowerer;
use alloc::vec::Vec;
use model::ModuleCall;
use value::Name;

/// Arguments of a module block that are no variables of the module, and therefore cannot name one.
pub(crate) const RESERVED: &[&str] = &[
    "source",
    "version",
    "providers",
    "count",
    "for_each",
    "lifecycle",
    "depends_on",
    "locals",
];

/// Arguments of a module block that have a meaning of their own.
const META_ARGUMENTS: [&str; 6] = [
    "source",
    "version",
    "providers",
    "count",
    "for_each",
    "depends_on",
];

/// The call of the definition at `target` by the one at `index`.
pub(crate) fn compile(
    compiler: &mut Compiler<'_>,
    (index, name): (usize, &str),
    call: &CallBlock,
    target: usize,
    lowerer: &mut Lowerer<'_>,
) -> Option<ModuleCall> {
    let block = &call.block;
    let inside = &block.body;
    let kind = if call.stack { "stack" } else { "module" };
    let whose = alloc::format!("{kind} \"{name}\"");
    let callee = compiler.definitions.get(target)?;
    for inner in &inside.blocks {
        let span = inner.kind.span;
        let found = diag::unknown_block(span, &inner.kind.name, &whose, &[], None);
        compiler.diagnostics.push(found);
    }
    let outer = lowerer.context();
    let (repetition, inner) = compiler.repetition(inside, lowerer);
    lowerer.set_context(inner);
    let constraints = compiler.constraints.get(target);
    let mut inputs = alloc::collections::BTreeMap::new();
    for attribute in &inside.attributes {
        let argument = &attribute.name.name;
        if META_ARGUMENTS.contains(&&**argument) {
            continue;
        }
        let Some(constraint) = constraints.and_then(|all| all.get(argument)) else {
            let known: Vec<&str> = callee.variables.keys().map(|name| &**name).collect();
            let found = diag::unknown_argument(attribute.name.span, argument, &whose, &known, None);
            compiler.diagnostics.push(found);
            continue;
        };
        if let Some(declaration) = callee.variables.get(argument)
            && let Some(why) = deprecation(&declaration.body)
        {
            let declared = declaration.header;
            let found = diag::deprecated_variable(attribute.name.span, argument, &why, declared);
            compiler.diagnostics.push(found);
        }
        let value = lowerer.expression(&attribute.value);
        let argument: Name = argument.clone();
        inputs.insert(argument, constraint.apply(value));
    }
    let providers = compiler.passed_providers(index, call, target, lowerer);
    compiler.check_own_configurations(call, target);
    lowerer.set_context(outer);
    for (variable, declaration) in &callee.variables {
        let optional = declaration.body.attribute("default").is_some();
        if !optional && inside.attribute(variable).is_none() {
            let declared = declared_at(callee, variable).unwrap_or(block.header);
            let found = diag::missing_input(inside.open, variable, &whose, declared);
            compiler.diagnostics.push(found);
        }
    }
    let wanted = call.resolved.wanted.as_ref();
    let (source, version) = wanted
        .map(|wanted| wanted.written.clone())
        .unwrap_or_default();
    Some(ModuleCall {
        source,
        version,
        module: target as u32,
        repetition,
        inputs,
        providers,
        depends_on: compiler.depends_on(inside, lowerer),
        span: block.header,
    })
}

/// What is said to those who still use something.
pub(crate) fn deprecation(inside: &crate::syntax::Body) -> Option<alloc::string::String> {
    let mut nobody = value::Diagnostics::new();
    body::text(inside, "deprecated", &mut nobody)
}

//! `module` and `stack` blocks: calls of other definitions.

use super::load::CallBlock;
use super::module::{Compiler, declared_at};
use crate::diag::blocks as diag;
use crate::lower::{Context, Lowerer};
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

/// The call of the definition at `target`.
pub(crate) fn compile(
    compiler: &mut Compiler<'_>,
    name: &str,
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
        let found = diag::unknown_block(inner.header, &inner.kind.name, &whose, &[], None);
        compiler.diagnostics.push(found);
    }
    if let Some(attribute) = inside.attribute("providers") {
        let what = alloc::format!("\"providers\" in a {kind} block");
        compiler
            .diagnostics
            .push(diag::not_yet(attribute.name.span, &what));
    }
    let outer: Context = lowerer.context();
    let (repetition, inner) = compiler.repetition(inside, lowerer);
    lowerer.set_context(inner);
    let constraints = compiler.constraints.get(target);
    let mut inputs = alloc::collections::BTreeMap::new();
    for attribute in &inside.attributes {
        let argument = &attribute.name.name;
        if RESERVED.contains(&&**argument) {
            continue;
        }
        let Some(constraint) = constraints.and_then(|all| all.get(argument)) else {
            let known: Vec<&str> = callee.variables.keys().map(|name| &**name).collect();
            let found = diag::unknown_argument(attribute.name.span, argument, &whose, &known, None);
            compiler.diagnostics.push(found);
            continue;
        };
        let value = lowerer.expression(&attribute.value);
        let argument: Name = argument.clone();
        inputs.insert(argument, constraint.apply(value));
    }
    lowerer.set_context(outer);
    for (variable, declaration) in &callee.variables {
        let optional = declaration.body.attribute("default").is_some();
        if !optional && inside.attribute(variable).is_none() {
            let declared = declared_at(callee, variable).unwrap_or(block.header);
            let found = diag::missing_input(block.header, variable, &whose, declared);
            compiler.diagnostics.push(found);
        }
    }
    Some(ModuleCall {
        module: target as u32,
        repetition,
        inputs,
        providers: Vec::new(),
        depends_on: compiler.depends_on(inside, lowerer),
        span: block.header,
    })
}

//! What can be said of blocks while a file could not be read as a whole.
//!
//! Names that seem to be missing may stand in what was not read, and values may depend on it. So only what a block says
//! by itself is looked at: which arguments and blocks it has, what is given twice, what must be constant. This is also
//! what the language this one follows tells beside mistakes of syntax.

use super::load::Definition;
use super::module::Compiler;
use crate::diag::{self, Code};
use alloc::vec::Vec;
use value::{Diagnostic, Diagnostics, Span};

/// Findings that depend on nothing but the block they are about.
const OF_BLOCKS: &[Code] = &[
    diag::UNKNOWN_BLOCK,
    diag::UNKNOWN_ARGUMENT,
    diag::MISSING_ARGUMENT,
    diag::WRONG_LABELS,
    diag::INVALID_NAME,
    diag::DUPLICATE_BLOCK,
    diag::CONSTANT_REQUIRED,
    diag::INVALID_TYPE,
    diag::INVALID_DEFAULT,
    diag::COUNT_AND_FOR_EACH,
    diag::INVALID_LIFECYCLE,
    diag::INVALID_REQUIREMENT,
    diag::EXPERIMENTS,
    diag::OLD_FORM,
    diag::INVALID_PROVISIONER,
    diag::INVALID_STATEMENT,
    diag::INVALID_CHECK,
    diag::INVALID_CONDITION,
    diag::INVALID_PROVIDER_BLOCK,
    diag::UNSUPPORTED_VERSION,
    diag::INVALID_VERSION,
    diag::REFERENCE_REQUIRED,
    diag::WRONG_JSON_VALUE,
    diag::LABEL_MISSING,
];

/// A constant that does not fit, which `value` finds: the summary of its code.
const UNSUITABLE_TYPE: &str = "Unsuitable value type";

/// Adds all findings of that kind to those of reading, and takes away what is only there because of another mistake.
/// Called modules and providers are left alone: what they want of a block is found when everything can be read.
pub(super) fn add_findings(definitions: &[Definition], found: &mut Diagnostics) {
    let alone: Vec<Definition> = definitions.iter().map(alone).collect();
    let mut compiler = Compiler::new(&alone, &[]);
    for index in 0..alone.len() {
        let names = compiler.names(index);
        let _ = compiler.module(index, &names);
    }
    let of_blocks = compiler.diagnostics.0.into_iter().filter(|one| {
        let code = &*one.code;
        one.summary == UNSUITABLE_TYPE
            || OF_BLOCKS.iter().any(|Code(of_block, _)| *of_block == code)
    });
    let mistakes: Vec<Span> = found
        .iter()
        .filter(|one| is_of_reading(one))
        .filter_map(|one| one.span)
        .collect();
    // What is said of something that holds a mistake of reading is a consequence of that.
    let is_consequence = |one: &Diagnostic| {
        !is_of_reading(one)
            && one
                .span
                .is_some_and(|span| mistakes.iter().any(|mistake| covers(span, *mistake)))
    };
    found.0.extend(of_blocks);
    found.0.retain(|one| !is_consequence(one));
}

/// Whether a finding says that the text could not be read.
fn is_of_reading(one: &Diagnostic) -> bool {
    one.code.starts_with("SF01")
}

fn alone(definition: &Definition) -> Definition {
    let mut alone = definition.clone();
    for call in alone.calls.values_mut() {
        call.target = None;
    }
    alone
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.source == inner.source && outer.start <= inner.start && inner.start <= outer.end
}

//! Source text to release: the lexer, parser and compiler of the language.
//!
//! [`compile`] takes the files of a project (through the [`Files`] seam: this room never touches a disk), values from
//! outside and the schemas of providers, and gives one immutable [`model::Release`] or diagnostics, many at a time.
//! [`parse_body`] and [`parse_expression`] give the tree alone, for tools that look at text. What the world looks like
//! is unknown here, and nothing is decided.
//!
//! The way of a text: `lexer` (tokens) -> `parser` (the tree of [`syntax`]) -> `lower` (expressions with their names
//! resolved) and `compile` (blocks with their meaning). Every finding is made in `diag`, one function each.

#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod compile;
mod console;
mod constant;
mod delivery;
mod diag;
mod format;
mod json;
mod lexer;
pub mod limits;
mod lower;
mod outline;
mod parser;
mod source;
mod suggest;
pub mod syntax;
mod testing;
mod text;
mod version;

pub use compile::{
    Backend, Compiled, Configuration, DELIVERY_FILE, Dependency, DependencyKind, Files, Given,
    Installed, NeededTypes, RELEASE_FORMAT, Reached, ReachedCall, ReadBackend, Source,
    TERRAFORM_VERSION, answer, backend, compile, compile_to_destroy, compile_under_test,
    contracted, dependencies, given_values, is_backend_read, is_inside, reach, requirements,
    validate, variables_file,
};
pub use console::{Asked, Completions, Console, ValueOf, is_unfinished};
pub use constant::Nothing;
pub use delivery::environments;
pub use diag::CODES;
pub use format::format;
pub use outline::Outline;
pub use parser::{parse_body, parse_expression, parse_template, source_text};
pub use source::{DEFAULT_HOST, ModuleSource, RegistrySource, RemoteSource};
pub use testing::{
    Assertion, Expected, Results, TEST_FILE_ENDINGS, TestCommand, TestFile, TestPlanOptions,
    TestRun, UnderTest,
};
pub use text::{LineIndex, Position};
pub use value::is_identifier;
pub use version::{Constraints, Version};

use value::{Diagnostics, Expr, FindFunction, SourceId, TextReader};

/// What reads texts that only show themselves while a release is evaluated.
pub const TEXTS: TextReader = TextReader {
    template: template_expression,
    variables: |text| variables_file(text.as_bytes()),
};

/// Compiles a single expression that refers to nothing, as `console` and tests need it.
///
/// # Errors
/// All diagnostics found; their spans point into source 0.
pub fn constant_expression(text: &str) -> Result<Expr, Diagnostics> {
    let (expression, mut diagnostics) = parse_expression(text, SourceId(0));
    let roots = lower::Roots::Constant("The expression");
    let mut lowerer = lower::Lowerer::new(roots, lower::Context::default());
    if !diagnostics.has_errors() {
        let expr = lowerer.expression(&expression);
        diagnostics.extend(lowerer.diagnostics);
        if !diagnostics.has_errors() {
            return Ok(expr);
        }
    }
    Err(diagnostics)
}

/// Reads a text as a template whose variables are attributes of what `value::functions::TEMPLATE_VARIABLES` names, in a
/// module that finds functions of providers in this way.
///
/// # Errors
/// All diagnostics found; their spans point into source 0.
pub fn template_expression(text: &str, find: &FindFunction<'_>) -> Result<Expr, Diagnostics> {
    template_in(text, SourceId(0), find)
}

/// The same for a text that is a source.
pub(crate) fn template_in(
    text: &str,
    source: SourceId,
    find: &FindFunction<'_>,
) -> Result<Expr, Diagnostics> {
    let (template, mut diagnostics) = parse_template(text, source);
    let roots = lower::Roots::Template(find);
    let mut lowerer = lower::Lowerer::new(roots, lower::Context::default());
    let span = value::Span {
        source,
        start: 0,
        end: u32::try_from(text.len()).unwrap_or(u32::MAX),
    };
    let body = lowerer.template(&template, span);
    diagnostics.extend(lowerer.diagnostics);
    if diagnostics.has_errors() {
        Err(diagnostics)
    } else {
        Ok(body)
    }
}

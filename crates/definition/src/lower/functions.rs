//! Names of functions: those of the language with and without `core::`, and those of providers.
//!
//! What functions do is `value`'s; here a name that nobody knows is found while compiling.

use crate::diag::{blocks, references as diag};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;
use model::{ProviderRequirement, ProviderSchema};
use value::functions::{
    Declaration, TERRAFORM_PROVIDER, function, function_names, provider_function_name,
    terraform_function_names,
};
use value::{Diagnostic, FindFunction, Name, Span};

/// The providers whose functions can be called somewhere.
#[derive(Default)]
pub(crate) struct Providers<'a> {
    /// Those that the module requires, by local name.
    required: BTreeMap<Name, ProviderRequirement>,
    schemas: &'a [ProviderSchema],
    /// Functions that were called, by the names that compiled expressions have for them.
    called: RefCell<BTreeMap<Name, Declaration>>,
}

impl<'a> Providers<'a> {
    pub(crate) fn new(
        required: BTreeMap<Name, ProviderRequirement>,
        schemas: &'a [ProviderSchema],
    ) -> Self {
        Self {
            required,
            schemas,
            called: RefCell::default(),
        }
    }

    /// The functions of providers that were called so far.
    pub(crate) fn called(&self) -> BTreeMap<Name, Declaration> {
        self.called.borrow().clone()
    }

    /// Takes all functions for called that the module could call: what a template calls shows itself later.
    fn offer_all(&self) {
        let mut called = self.called.borrow_mut();
        for requirement in self.required.values() {
            let mut schemas = self.schemas.iter();
            let Some(schema) = schemas.find(|one| one.source == requirement.source) else {
                continue;
            };
            for (function, declared) in &schema.functions {
                let name = provider_function_name(&schema.source, function);
                called.entry(name).or_insert_with(|| declared.clone());
            }
        }
    }

    /// A function of the provider that the module calls `local`.
    fn function(&self, local: &str, function: &str, span: Span) -> Result<Name, Diagnostic> {
        let Some(requirement) = self.required.get(local) else {
            return Err(diag::provider_not_required(span, local, function));
        };
        let source = &requirement.source;
        let name = provider_function_name(source, function);
        if source == TERRAFORM_PROVIDER {
            if terraform_function_names().any(|known| known == function) {
                return Ok(name);
            }
            let known = terraform_function_names();
            return Err(diag::not_a_provider_function(span, local, function, known));
        }
        let Some(schema) = self.schemas.iter().find(|one| one.source == *source) else {
            let known: Vec<&str> = self.schemas.iter().map(|one| one.source.as_str()).collect();
            return Err(blocks::unknown_provider(span, source, &known));
        };
        let Some(declared) = schema.functions.get(function) else {
            let known = schema.functions.keys().map(|one| &**one);
            return Err(diag::not_a_provider_function(span, local, function, known));
        };
        let mut called = self.called.borrow_mut();
        called
            .entry(name.clone())
            .or_insert_with(|| declared.clone());
        Ok(name)
    }
}

/// How a name of the language may begin, and how one of a provider does.
const LANGUAGE: &str = "core::";
const PROVIDER: &str = "provider::";

/// The functions of providers that can be called somewhere.
#[derive(Clone, Copy)]
pub(crate) enum Offered<'a> {
    /// None at all.
    Nothing,
    /// Those of the providers that a module requires.
    Module(&'a Providers<'a>),
    /// Those that the module of a template finds.
    Template(&'a FindFunction<'a>),
}

/// The name by which a compiled expression calls a function.
///
/// # Errors
/// What is wrong with a name that names no function.
pub(crate) fn resolve(name: &Name, span: Span, offered: Offered<'_>) -> Result<Name, Diagnostic> {
    if let Some(rest) = name.strip_prefix(PROVIDER) {
        return match rest.split_once("::") {
            Some((provider, function))
                if !provider.is_empty() && !function.is_empty() && !function.contains("::") =>
            {
                match offered {
                    Offered::Module(providers) => providers.function(provider, function, span),
                    Offered::Template(find) => find(provider, function)
                        .ok_or_else(|| diag::provider_not_required(span, provider, function)),
                    Offered::Nothing => Err(diag::provider_function_here(span)),
                }
            }
            _ => Err(diag::malformed_function(
                span,
                name,
                "A function of a provider is written provider::NAME::FUNCTION.",
            )),
        };
    }
    let own = name.strip_prefix(LANGUAGE).unwrap_or(name);
    if own.contains("::") {
        let detail = "Only core:: and provider::NAME:: can stand before the name of a function.";
        return Err(diag::malformed_function(span, name, detail));
    }
    if let Offered::Module(providers) = offered
        && reads_templates(own)
    {
        providers.offer_all();
    }
    match function(own) {
        Some(_) => Ok(name.clone()),
        None => Err(diag::unknown_function(span, own, function_names())),
    }
}

/// Whether a function takes a text for a template.
fn reads_templates(name: &str) -> bool {
    matches!(name, "templatefile" | "templatestring")
}

/// Whether a function makes something of arguments that cannot be computed.
pub(crate) fn tolerates_failure(name: &str) -> bool {
    matches!(name.strip_prefix(LANGUAGE).unwrap_or(name), "try" | "can")
}

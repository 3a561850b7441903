//! Names of functions: those of the language with and without `core::`, and those of providers.
//!
//! What functions do is `value`'s; here a name that nobody knows is found while compiling.

use crate::diag::references as diag;
use alloc::collections::BTreeMap;
use model::ProviderRequirement;
use value::functions::{
    TERRAFORM_PROVIDER, function, function_names, provider_function_name, terraform_function_names,
};
use value::{Diagnostic, Name, Span};

/// Required providers by local name.
type Requirements = BTreeMap<Name, ProviderRequirement>;

/// How a name of the language may begin, and how one of a provider does.
const LANGUAGE: &str = "core::";
const PROVIDER: &str = "provider::";

/// The name by which a compiled expression calls a function. `providers` are those that the module requires; none where
/// functions of providers cannot be called.
///
/// # Errors
/// What is wrong with a name that names no function.
pub(crate) fn resolve(
    name: &Name,
    span: Span,
    providers: Option<&Requirements>,
) -> Result<Name, Diagnostic> {
    if let Some(rest) = name.strip_prefix(PROVIDER) {
        return match rest.split_once("::") {
            Some((provider, function))
                if !provider.is_empty() && !function.is_empty() && !function.contains("::") =>
            {
                of_provider(provider, function, span, providers)
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
    match function(own) {
        Some(_) => Ok(name.clone()),
        None => Err(diag::unknown_function(span, own, function_names())),
    }
}

/// A function of the provider that the module calls `local`.
fn of_provider(
    local: &str,
    function: &str,
    span: Span,
    providers: Option<&Requirements>,
) -> Result<Name, Diagnostic> {
    let Some(providers) = providers else {
        return Err(diag::provider_function_here(span));
    };
    let Some(requirement) = providers.get(local) else {
        return Err(diag::provider_not_required(span, local, function));
    };
    if requirement.source != TERRAFORM_PROVIDER {
        return Err(diag::provider_function(span, local, function));
    }
    if terraform_function_names().all(|known| known != function) {
        let known = terraform_function_names();
        return Err(diag::not_a_provider_function(span, local, function, known));
    }
    Ok(provider_function_name(&requirement.source, function))
}

/// Whether a function makes something of arguments that cannot be computed.
pub(crate) fn tolerates_failure(name: &str) -> bool {
    matches!(name.strip_prefix(LANGUAGE).unwrap_or(name), "try" | "can")
}

//! SF0343 to SF0346 and SF0362: configurations of providers, and where they are named.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn name_in_upper_case(span: Span, name: &str, lower: &str) -> Diagnostic {
    let detail = format!(
        "Local names of providers are written in lower case. Write \"{lower}\" instead of \"{name}\"."
    );
    error(INVALID_PROVIDER_BLOCK, detail, span)
}

pub(crate) fn reserved_name(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "A provider block has no \"{name}\": the name is kept for the language. If the provider itself has an argument of that name, put it into a block _ {{ ... }}."
    );
    error(INVALID_PROVIDER_BLOCK, detail, span)
}

pub(crate) fn for_each_without_alias(span: Span, local: &str) -> Diagnostic {
    let detail = format!(
        "Several configurations need a name to choose them by. Add an alias: alias = \"by_key\", and write provider = {local}.by_key[KEY]."
    );
    error(INVALID_PROVIDER_BLOCK, detail, span)
}

pub(crate) fn configured_twice(span: Span, what: &str, first: Span) -> Diagnostic {
    let detail = format!(
        "The provider {what} is already configured in this module. Give one of the two another alias, or remove it."
    );
    error(DUPLICATE_DECLARATION, detail, span).hint("first configured here", Some(first))
}

pub(crate) fn version_in_block(span: Span) -> Diagnostic {
    let detail = "Which versions of a provider can be used is said in the required_providers of a terraform block, where all of a module's requirements are seen together. This one is not used.";
    warning(OLD_FORM, detail, span)
}

pub(crate) fn invalid_reference(span: Span) -> Diagnostic {
    let detail = "A configuration of a provider is named by the provider's local name and an alias, without quotes: aws.west. With for_each in the configuration a key follows: aws.by_region[\"eu\"].";
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn providers_object(span: Span) -> Diagnostic {
    let detail = "providers is an object: names of configurations inside of the module, and after the equals sign those of this module: providers = { aws = aws.west }.";
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn not_configured(
    span: Span,
    local: &str,
    alias: &str,
    called: bool,
    known: &[String],
) -> Diagnostic {
    let what = format!("{local}.{alias}");
    let detail = if called {
        format!(
            "This module has no configuration {what}, and those of its callers are not visible in it. Require it with configuration_aliases = [{what}] in required_providers, and hand it in where the module is called: providers = {{ {what} = ... }}."
        )
    } else {
        format!(
            "There is no configuration {what}. Declare it: provider \"{local}\" {{ alias = \"{alias}\" }}."
        )
    };
    let suggestion = did_you_mean(&what, known.iter().map(String::as_str));
    suggest(error(MISSING_CONFIGURATION, detail, span), suggestion)
}

pub(crate) fn key_without_for_each(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "The configuration {what} has no for_each, so there is only one of it and no key to choose by. Remove the key."
    );
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn key_missing(span: Span, what: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The configuration {what} has for_each, so there may be several of it. Choose one: {what}[KEY]."
    );
    error(INVALID_PROVIDER_REFERENCE, detail, span).hint("it is declared here", Some(declared))
}

pub(crate) fn handed_in_twice(span: Span, what: &str) -> Diagnostic {
    let detail = format!("A configuration is already handed in as {what}. Remove one of the two.");
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn not_handed_in(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "The called module requires a configuration {what} of its callers. Add it to the call: providers = {{ {what} = ... }}."
    );
    error(MISSING_CONFIGURATION, detail, span)
}

pub(crate) fn alias_not_expected(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "The called module expects no configuration {what}. Remove the line, or add configuration_aliases = [{what}] to its required_providers."
    );
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn not_expected(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "The called module uses no provider {what}, as far as is known: neither its required_providers nor its resources name it. Remove the line, or require the provider there."
    );
    warning(PROVIDER_NOT_EXPECTED, detail, span)
}

pub(crate) fn other_provider(span: Span, what: &str, inside: &str, outside: &str) -> Diagnostic {
    let detail = format!(
        "Inside of the module {what} means the provider {inside}, and this is a configuration of {outside}. Say in the required_providers of both modules which provider is meant."
    );
    error(INVALID_PROVIDER_REFERENCE, detail, span)
}

pub(crate) fn own_configuration(span: Span, what: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The called module configures {what} itself, so nothing can be handed in for it. Remove the line, or the block in the module."
    );
    error(INVALID_PROVIDER_REFERENCE, detail, span).hint("configured here", Some(declared))
}

pub(crate) fn repeated_with_own(span: Span, argument: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The called module, or one that it calls, configures a provider itself. Such a module can have no {argument}: its provider is needed to destroy what it made, even when the instance is gone. Configure the provider outside and hand it in (providers), or remove {argument}."
    );
    error(REPEATED_WITH_PROVIDERS, detail, span)
        .hint("the provider is configured here", Some(declared))
}

pub(crate) fn empty_in_module(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "An empty block in a called module only says that a configuration {what} is handed in. Today that is said in required_providers, with configuration_aliases for one that has an alias. Remove the block."
    );
    warning(OLD_FORM, detail, span)
}

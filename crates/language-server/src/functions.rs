//! Functions: what is shown of one, and which of a provider can be called in a module.

use crate::index::Module;
use model::{ProviderRequirement, ProviderSchema};
use std::collections::BTreeMap;
use value::Name;
use value::functions::{
    Declaration, Function, Kind, Returns, TERRAFORM_PROVIDER, function, provider_function_name,
    terraform_function_names,
};

/// How the name of a function of a provider begins.
const PROVIDER: &str = "provider::";

/// What is shown of a function that a module calls by this name.
pub(crate) fn about(module: &Module, schemas: &[ProviderSchema], name: &str) -> Option<String> {
    let Some((local, called)) = of_provider(name) else {
        return function(name.strip_prefix("core::").unwrap_or(name)).map(signature);
    };
    let source = source_of(module, local)?;
    if source == TERRAFORM_PROVIDER {
        return function(&provider_function_name(TERRAFORM_PROVIDER, called)).map(signature);
    }
    let schema = schemas.iter().find(|schema| schema.source == source);
    let declared = schema?.functions.get(called)?;
    Some(declared_signature(name, declared))
}

/// How a name that was begun with `provider::` can go on, with what each function does.
pub(crate) fn offered(
    module: &Module,
    schemas: &[ProviderSchema],
    begun: &str,
) -> Vec<(String, String)> {
    let Some(rest) = begun.strip_prefix(PROVIDER) else {
        return Vec::new();
    };
    let Some((local, _)) = rest.split_once("::") else {
        // As most modules write it.
        let short = |source: &str| {
            let rest = source.strip_prefix(definition::DEFAULT_HOST);
            let rest = rest.and_then(|rest| rest.strip_prefix('/'));
            rest.unwrap_or(source).to_owned()
        };
        let names = required(module).into_iter();
        return names
            .map(|(local, one)| (format!("{local}::"), short(&one.source)))
            .collect();
    };
    let Some(source) = source_of(module, local) else {
        return Vec::new();
    };
    if source == TERRAFORM_PROVIDER {
        let names = terraform_function_names().map(|name| {
            let known = function(&provider_function_name(TERRAFORM_PROVIDER, name));
            let says = known.map_or("", |known| known.description);
            (name.to_owned(), says.to_owned())
        });
        return names.collect();
    }
    let schema = schemas.iter().find(|schema| schema.source == source);
    let functions = schema.into_iter().flat_map(|schema| &schema.functions);
    functions
        .map(|(name, declared)| (name.to_string(), declared.description.clone()))
        .collect()
}

/// The local name of a provider and the name of its function.
fn of_provider(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PROVIDER)?.split_once("::")
}

/// Where a provider is from that a module requires under a name.
fn source_of(module: &Module, local: &str) -> Option<String> {
    let found = required(module).remove(local)?;
    Some(found.source)
}

/// The providers that a module requires, by local name.
fn required(module: &Module) -> BTreeMap<Name, ProviderRequirement> {
    definition::requirements(module.files.iter().map(|file| &file.body))
}

/// What a function takes and gives, and what it does.
fn signature(function: &Function) -> String {
    let kind = |kind: Kind| kind.to_type().to_string();
    let mut parameters: Vec<String> = function
        .parameters
        .iter()
        .map(|one| format!("{}: {}", one.name, kind(one.ty)))
        .collect();
    if let Some(variadic) = &function.variadic {
        parameters.push(format!("{}...: {}", variadic.name, kind(variadic.ty)));
    }
    let returns = match function.returns {
        Returns::Fixed(one) => kind(one),
        Returns::Follows(_) => "any".to_owned(),
    };
    shown(function.name, &parameters, &returns, function.description)
}

fn declared_signature(name: &str, declared: &Declaration) -> String {
    let parameters = declared.parameters.iter();
    let mut parameters: Vec<String> = parameters
        .map(|one| format!("{}: {}", one.name, one.ty))
        .collect();
    if let Some(variadic) = &declared.variadic {
        parameters.push(format!("{}...: {}", variadic.name, variadic.ty));
    }
    let returns = declared.returns.to_string();
    shown(name, &parameters, &returns, &declared.description)
}

fn shown(name: &str, parameters: &[String], returns: &str, says: &str) -> String {
    let parameters = parameters.join(", ");
    format!("```hcl\n{name}({parameters}) -> {returns}\n```\n{says}")
}

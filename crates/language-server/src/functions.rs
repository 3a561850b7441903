//! Functions: what is shown of one, and which of a provider can be called in a module.

use crate::index::Module;
use definition::syntax::ExpressionKind;
use model::ProviderSchema;
use value::functions::{
    Declaration, Function, Kind, Returns, TERRAFORM_PROVIDER, function, provider_function_name,
    terraform_function_names,
};

/// How the name of a function of a provider begins.
const PROVIDER: &str = "provider::";

/// Where a provider is from when its module does not say.
const DEFAULT_NAMESPACE: &str = "hashicorp";

/// What is shown of a function that a module calls by this name.
pub(crate) fn about(module: &Module, schemas: &[ProviderSchema], name: &str) -> Option<String> {
    let Some((local, called)) = of_provider(name) else {
        return function(name.strip_prefix("core::").unwrap_or(name)).map(signature);
    };
    let source = source_of(module, local)?;
    if is_of(TERRAFORM_PROVIDER, &source) {
        return function(&provider_function_name(TERRAFORM_PROVIDER, called)).map(signature);
    }
    let schema = schemas.iter().find(|schema| is_of(&schema.source, &source));
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
        let names = required(module).into_iter();
        return names
            .map(|(local, source)| (format!("{local}::"), source))
            .collect();
    };
    let Some(source) = source_of(module, local) else {
        return Vec::new();
    };
    if is_of(TERRAFORM_PROVIDER, &source) {
        let names = terraform_function_names().map(|name| {
            let known = function(&provider_function_name(TERRAFORM_PROVIDER, name));
            let says = known.map_or("", |known| known.description);
            (name.to_owned(), says.to_owned())
        });
        return names.collect();
    }
    let schema = schemas.iter().find(|schema| is_of(&schema.source, &source));
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
    let mut all = required(module).into_iter();
    let (_, source) = all.find(|(name, _)| name == local)?;
    Some(source)
}

/// The providers that a module requires: local names and sources as written.
fn required(module: &Module) -> Vec<(String, String)> {
    let files = module.files.iter();
    let settings = files.flat_map(|file| {
        let blocks = file.body.blocks.iter();
        let blocks = blocks.filter(|block| &*block.kind.name == "terraform");
        let inside = blocks.flat_map(|block| &block.body.blocks);
        let inside = inside.filter(|block| &*block.kind.name == "required_providers");
        inside.flat_map(move |block| block.body.attributes.iter().map(move |one| (file, one)))
    });
    let all = settings.map(|(file, one)| {
        let ExpressionKind::Object(items) = &one.value.kind else {
            return (one.name.name.to_string(), default_source(&one.name.name));
        };
        let named =
            |key: &ExpressionKind| matches!(key, ExpressionKind::Root(name) if &**name == "source");
        let item = items.iter().find(|(key, _)| named(&key.kind));
        let span = item.map(|(_, value)| value.span);
        let text = span.and_then(|span| file.text.get(span.start as usize..span.end as usize));
        let source = text.map(|text| text.trim_matches('"').to_owned());
        let local = one.name.name.to_string();
        let source = source.unwrap_or_else(|| default_source(&local));
        (local, source)
    });
    all.collect()
}

fn default_source(local: &str) -> String {
    format!("{DEFAULT_NAMESPACE}/{local}")
}

/// Whether a whole address is what was written, which may leave its beginning out.
fn is_of(whole: &str, written: &str) -> bool {
    let before = whole.strip_suffix(written);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
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

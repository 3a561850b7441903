//! Providers: which one a local name or a resource type means.

use super::settings::{Requirements, default_source};
use crate::syntax::{Body, Expression, ExpressionKind};
use alloc::string::String;
use model::ProviderSchema;
use value::Name;

/// The provider of a resource.
pub(crate) struct FoundProvider<'a> {
    /// Its source address.
    pub(crate) source: String,
    /// What it offers, unless it is unknown.
    pub(crate) schema: Option<&'a ProviderSchema>,
}

/// The provider that a local name stands for in a module with these requirements. A name that is not required means
/// the provider of that name that this program has, else one of the usual registry.
pub(crate) fn named<'a>(
    schemas: &'a [ProviderSchema],
    requirements: &Requirements,
    local: &str,
) -> FoundProvider<'a> {
    let own = |schema: &&ProviderSchema| schema.source.rsplit('/').next() == Some(local);
    let source = match requirements.get(local) {
        Some(requirement) => requirement.source.clone(),
        None => match schemas.iter().find(own) {
            Some(schema) => schema.source.clone(),
            None => default_source(local),
        },
    };
    let schema = schemas.iter().find(|schema| schema.source == source);
    FoundProvider { source, schema }
}

/// Which provider a type belongs to: the one named by `provider`, else the one that the type's name begins with.
pub(crate) fn of_type<'a>(
    schemas: &'a [ProviderSchema],
    requirements: &Requirements,
    kind: &str,
    inside: &Body,
) -> FoundProvider<'a> {
    let written = inside
        .attribute("provider")
        .and_then(|attribute| configuration_name(&attribute.value));
    let local = match written {
        Some((local, _)) => local,
        None => implied(kind),
    };
    named(schemas, requirements, local)
}

/// The local name that the name of a type begins with.
pub(crate) fn implied(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

/// `aws` or `aws.west`: the local name and the alias.
pub(crate) fn configuration_name(expression: &Expression) -> Option<(&Name, Option<&Name>)> {
    match &expression.kind {
        ExpressionKind::Root(local) => Some((local, None)),
        ExpressionKind::Attribute(source, alias) => Some((source.as_keyword()?, Some(&alias.name))),
        _ => None,
    }
}

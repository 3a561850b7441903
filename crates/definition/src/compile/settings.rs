//! `terraform` blocks: which providers a module requires, under which local names, and settings that are read for
//! Terraform's sake.

use super::body;
use super::load::Definition;
use crate::diag::{blocks as diag, settings as found};
use crate::lower;
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind};
use crate::version::{Constraints, Version};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::ProviderRequirement;
use value::{Diagnostics, Name, Span, Type};

/// What `required_providers` says, by local name.
pub(crate) type Requirements = BTreeMap<Name, ProviderRequirement>;

/// The Terraform whose language this is: what `required_version` is compared with.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// Kinds of backend that Terraform has.
const BACKENDS: [&str; 12] = [
    "azurerm",
    "consul",
    "cos",
    "gcs",
    "http",
    "inmem",
    "kubernetes",
    "local",
    "oss",
    "pg",
    "remote",
    "s3",
];

/// Reads and checks the settings of a definition.
pub(super) fn read(definition: &Definition, diagnostics: &mut Diagnostics) -> Requirements {
    let mut requirements = Requirements::new();
    let mut seen = Seen::default();
    for block in &definition.settings {
        body::labels(block, &[], diagnostics);
        let form = body::Form {
            whose: "A terraform block",
            arguments: &["required_version", "experiments"],
            blocks: &["required_providers", "backend", "cloud", "provider_meta"],
        };
        body::check(&block.body, &form, diagnostics);
        if let Some(attribute) = block.body.attribute("required_version") {
            required_version(attribute, diagnostics);
        }
        if let Some(attribute) = block.body.attribute("experiments") {
            experiments(attribute, diagnostics);
        }
        for inner in &block.body.blocks {
            setting(inner, &mut seen, &mut requirements, diagnostics);
        }
    }
    requirements
}

/// Whether the module can be read by what stands for Terraform here.
fn required_version(attribute: &Attribute, diagnostics: &mut Diagnostics) {
    let what = "\"required_version\"";
    let Some(value) = lower::constant(&attribute.value, &Type::String, what, diagnostics) else {
        return;
    };
    let Some(text) = value.as_str() else {
        return;
    };
    let span = attribute.value.span;
    match (Constraints::parse(text), Version::parse(TERRAFORM_VERSION)) {
        (Err(why), _) => diagnostics.push(found::invalid_version(span, &why)),
        (Ok(wanted), Ok(own)) if !wanted.allow(&own) => {
            let whole = Span {
                end: span.end,
                ..attribute.name.span
            };
            diagnostics.push(found::unsupported_version(whole, text, TERRAFORM_VERSION));
        }
        _ => {}
    }
}

/// A version constraint of a provider, as it is written.
fn version(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = text(expression, "A version constraint", diagnostics)?;
    match Constraints::parse(&text) {
        Ok(constraints) => Some(constraints.to_string()),
        Err(why) => {
            diagnostics.push(found::invalid_version(expression.span, &why));
            None
        }
    }
}

/// Where each setting that may stand only once was first met.
#[derive(Default)]
struct Seen<'b> {
    required_providers: Option<Span>,
    backend: Option<&'b Block>,
    metas: BTreeMap<&'b str, Span>,
}

fn setting<'b>(
    block: &'b Block,
    seen: &mut Seen<'b>,
    requirements: &mut Requirements,
    diagnostics: &mut Diagnostics,
) {
    match &*block.kind.name {
        "required_providers" => {
            body::labels(block, &[], diagnostics);
            if let Some(first) = seen.required_providers {
                let kind = "required_providers";
                diagnostics.push(diag::duplicate_block(block.header, kind, first));
            }
            seen.required_providers.get_or_insert(block.header);
            required_providers(block, requirements, diagnostics);
        }
        "backend" | "cloud" => backend(block, seen, diagnostics),
        "provider_meta" => {
            if body::labels(block, &["NAME"], diagnostics).is_none() {
                return;
            }
            let label = block.labels.first().map_or("", |label| &*label.name);
            if let Some(first) = seen.metas.insert(label, block.header) {
                let what = alloc::format!("provider_meta \"{label}\"");
                diagnostics.push(diag::duplicate(block.header, &what, first));
                return;
            }
            diagnostics.push(found::provider_meta_ignored(block.header, label));
        }
        _ => {}
    }
}

fn backend<'b>(block: &'b Block, seen: &mut Seen<'b>, diagnostics: &mut Diagnostics) {
    let kind = &*block.kind.name;
    let labels: &[&str] = if kind == "backend" { &["TYPE"] } else { &[] };
    if body::labels(block, labels, diagnostics).is_none() {
        return;
    }
    if let Some(first) = seen.backend {
        let report = if *first.kind.name == *kind {
            diag::duplicate_block(block.header, kind, first.header)
        } else {
            found::backend_and_cloud(block.header, first.header)
        };
        diagnostics.push(report);
        return;
    }
    seen.backend = Some(block);
    match block.labels.first() {
        Some(label) if !BACKENDS.contains(&&*label.name) => {
            diagnostics.push(found::unknown_backend(label.span, &label.name, &BACKENDS));
        }
        Some(label) if super::backend::is_backend_read(&label.name) => {}
        Some(_) => diagnostics.push(diag::backend_ignored(block.header, "backend")),
        None => diagnostics.push(diag::backend_ignored(block.header, "cloud workspace")),
    }
}

/// Experiments belong to alpha releases of Terraform; there are none here.
fn experiments(attribute: &Attribute, diagnostics: &mut Diagnostics) {
    let none = matches!(&attribute.value.kind, ExpressionKind::Tuple(items) if items.is_empty());
    if !none {
        diagnostics.push(found::experiments(attribute.name.span));
    }
}

/// The providers that the bodies of a module's files require, by local name, as far as that can be read: for whoever
/// looks while it is being written. What is wrong with it is said when the module is compiled.
pub fn requirements<'b>(
    bodies: impl IntoIterator<Item = &'b Body>,
) -> BTreeMap<Name, ProviderRequirement> {
    let mut nobody = Diagnostics::new();
    let mut found = Requirements::new();
    let all = bodies.into_iter().flat_map(|body| &body.blocks);
    for block in all.filter(|block| &*block.kind.name == "terraform") {
        let inside = block.body.blocks.iter();
        for block in inside.filter(|block| &*block.kind.name == "required_providers") {
            required_providers(block, &mut found, &mut nobody);
        }
    }
    found
}

fn required_providers(
    block: &Block,
    requirements: &mut Requirements,
    diagnostics: &mut Diagnostics,
) {
    for inner in &block.body.blocks {
        let whose = "A required_providers block";
        let kind = &inner.kind.name;
        let hint = alloc::format!("Write {kind} = {{ source = \"...\", version = \"...\" }}.");
        let report = diag::unknown_block(inner.kind.span, kind, whose, &[], Some(hint));
        diagnostics.push(report);
    }
    for attribute in &block.body.attributes {
        let local = attribute.name.name.clone();
        let lower = local.to_lowercase();
        if *lower != *local {
            let detail = alloc::format!(
                "Local names of providers are written in lower case. Write {lower} instead of {local}."
            );
            diagnostics.push(found::invalid_requirement(attribute.name.span, &detail));
            continue;
        }
        let requirement = requirement(&local, &attribute.value, diagnostics);
        requirements.insert(local, requirement);
    }
}

/// One entry: a version constraint, or an object with `source`, `version` and `configuration_aliases`.
fn requirement(
    local: &Name,
    value: &Expression,
    diagnostics: &mut Diagnostics,
) -> ProviderRequirement {
    let mut requirement = ProviderRequirement {
        source: default_source(local),
        ..ProviderRequirement::default()
    };
    let items = match &value.without_parentheses().kind {
        ExpressionKind::Object(items) => items,
        ExpressionKind::Template(_) => {
            requirement.version = version(value, diagnostics).unwrap_or_default();
            return requirement;
        }
        ExpressionKind::Invalid => return requirement,
        _ => {
            let detail = alloc::format!(
                "An entry is an object, such as {local} = {{ source = \"hashicorp/{local}\", version = \"~> 1.0\" }}."
            );
            diagnostics.push(found::invalid_requirement(value.span, &detail));
            return requirement;
        }
    };
    for (key, value) in items {
        let name = match key.as_keyword() {
            Some(name) => name.clone(),
            None => match text(key, "The name of a setting", diagnostics) {
                Some(name) => name.as_str().into(),
                None => continue,
            },
        };
        match &*name {
            "source" => {
                if let Some(written) = text(value, "\"source\"", diagnostics) {
                    match source_address(&written) {
                        Ok(source) => requirement.source = source,
                        Err(why) => {
                            diagnostics.push(found::invalid_requirement(value.span, &why));
                        }
                    }
                }
            }
            "version" => {
                requirement.version = version(value, diagnostics).unwrap_or_default();
            }
            "configuration_aliases" => {
                requirement.aliases = aliases(local, value, diagnostics);
            }
            other => {
                let known = ["source", "version", "configuration_aliases"];
                let whose = "An entry of required_providers";
                let hint = "To configure a provider, use a provider block.";
                let near = crate::suggest::nearest(other, known);
                let hint = near.is_none().then(|| hint.into());
                let report = diag::unknown_argument(key.span, other, whose, &known, hint);
                diagnostics.push(report);
            }
        }
    }
    requirement
}

/// A constant text that is not null.
fn text(expression: &Expression, what: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let value = lower::constant(expression, &Type::Any, what, diagnostics)?;
    let text = value.as_str().map(ToString::to_string);
    if text.is_none() {
        let detail = alloc::format!("{what} is a text in quotes.");
        diagnostics.push(found::invalid_requirement(expression.span, &detail));
    }
    text
}

/// `configuration_aliases`: names such as `aws.west`. The default configuration may be named, too; it is always handed
/// in and so adds nothing.
fn aliases(local: &str, value: &Expression, diagnostics: &mut Diagnostics) -> Vec<Name> {
    let ExpressionKind::Tuple(items) = &value.kind else {
        if value.kind != ExpressionKind::Invalid {
            let detail = alloc::format!(
                "configuration_aliases is a sequence of names of configurations: [{local}.west]."
            );
            diagnostics.push(found::invalid_requirement(value.span, &detail));
        }
        return Vec::new();
    };
    let mut aliases = Vec::new();
    for item in items {
        let Some((of, alias)) = super::provider::configuration_name(item) else {
            let detail = alloc::format!(
                "Only names of configurations of this provider can stand here, without quotes: {local}.west."
            );
            diagnostics.push(found::invalid_requirement(item.span, &detail));
            continue;
        };
        if **of != *local {
            let detail = alloc::format!(
                "The aliases of an entry begin with its own name: {local}.{}. To require aliases of {of}, write them in the entry {of}.",
                alias.map_or("west", |alias| &**alias)
            );
            diagnostics.push(found::invalid_requirement(value.span, &detail));
            continue;
        }
        aliases.extend(alias.cloned());
    }
    aliases
}

/// The address of the provider that a local name means where nothing else is said.
pub(super) fn default_source(local: &str) -> String {
    match local {
        "terraform" => "terraform.io/builtin/terraform".into(),
        other => alloc::format!("registry.terraform.io/hashicorp/{other}"),
    }
}

/// An address in full: `[HOST/]NAMESPACE/TYPE`, in lower case.
///
/// # Errors
/// Why it is none, as sentences.
fn source_address(written: &str) -> Result<String, String> {
    let parts: Vec<&str> = written.split('/').collect();
    if parts.len() > 3 || parts.iter().any(|part| part.is_empty()) {
        return Err(alloc::format!(
            "The source \"{written}\" is not of the form HOST/NAMESPACE/TYPE, of which the host and the namespace may be left out: hashicorp/aws."
        ));
    }
    let mut names = parts.iter().rev();
    let kind = names.next().copied().unwrap_or_default();
    let namespace = names.next().copied().unwrap_or("hashicorp");
    let host = names.next().copied().unwrap_or("registry.terraform.io");
    for (part, what) in [(kind, "type"), (namespace, "namespace")] {
        if let Some(why) = refuse_part(part) {
            return Err(alloc::format!(
                "The {what} \"{part}\" in the source \"{written}\" {why}."
            ));
        }
    }
    let valid_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':');
    if !host.contains('.') && !host.contains(':') && host != "localhost"
        || !host.chars().all(valid_host)
    {
        return Err(alloc::format!(
            "The host \"{host}\" in the source \"{written}\" is no name of a host: it contains a dot, such as registry.terraform.io."
        ));
    }
    let kind = kind.to_lowercase();
    for prefix in ["terraform-provider-", "terraform-"] {
        if let Some(rest) = kind.strip_prefix(prefix) {
            return Err(alloc::format!(
                "The names of providers have no prefix \"{prefix}\": that is how their repositories are called. Write {namespace}/{rest}."
            ));
        }
    }
    Ok(alloc::format!(
        "{}/{}/{kind}",
        host.to_lowercase(),
        namespace.to_lowercase()
    ))
}

/// Why a part of an address cannot be one.
fn refuse_part(part: &str) -> Option<&'static str> {
    if part.contains("--") {
        return Some("has two dashes in a row");
    }
    let valid = |c: char| c.is_alphanumeric() || c == '-';
    if !part.chars().all(valid) || part.starts_with('-') || part.ends_with('-') {
        return Some("holds something else than letters, digits and dashes between them");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        for (written, full) in [
            ("aws", "registry.terraform.io/hashicorp/aws"),
            ("Foo/Bar", "registry.terraform.io/foo/bar"),
            (
                "terraform.io/builtin/terraform",
                "terraform.io/builtin/terraform",
            ),
            ("localhost:8080/a/b", "localhost:8080/a/b"),
        ] {
            assert_eq!(source_address(written), Ok(full.into()), "{written}");
        }
        for written in [
            "",
            "/",
            "a/b/c/d",
            "host/a/b",
            "a/b_c",
            "a--b/c",
            "-/c",
            "hashicorp/terraform-aws",
            "a.b/c",
        ] {
            assert!(source_address(written).is_err(), "{written}");
        }
    }
}

//! The readable form of what stands beside resources: providers, what was moved or removed, imports, checks.

use super::dump::{conditions, show};
use model::{
    Endpoint, Import, Mode, Module, OnFailure, PassedProvider, ProviderRef, Provisioner, When,
};
use std::fmt::Write as _;

/// What a module requires and configures.
pub(crate) fn providers(text: &mut String, module: &Module) {
    for (local, required) in &module.required_providers {
        write!(text, "  requires {local} = {}", required.source).unwrap();
        if !required.version.is_empty() {
            write!(text, " {}", required.version).unwrap();
        }
        if !required.aliases.is_empty() {
            write!(text, " with {}", required.aliases.join(", ")).unwrap();
        }
        writeln!(text).unwrap();
    }
    for provider in &module.providers {
        let reference = ProviderRef {
            local: provider.local.clone(),
            alias: provider.alias.clone(),
            key: None,
        };
        let source = &provider.source;
        writeln!(text, "  provider {} of {source}", configuration(&reference)).unwrap();
        if let Some(for_each) = &provider.for_each {
            writeln!(text, "    for_each {}", show(for_each)).unwrap();
        }
        writeln!(text, "    {}", show(&provider.config)).unwrap();
    }
}

/// What is said of objects apart from the blocks that declare them.
pub(crate) fn statements(text: &mut String, module: &Module) {
    for moved in &module.moved {
        let (from, to) = (endpoint(&moved.from), endpoint(&moved.to));
        writeln!(text, "  moved {from} -> {to}").unwrap();
    }
    for import in &module.imports {
        self::import(text, import);
    }
    for removed in &module.removed {
        let verb = if removed.destroy { "destroy" } else { "forget" };
        writeln!(text, "  removed {}: {verb}", endpoint(&removed.from)).unwrap();
        provisioners(text, &removed.provisioners);
    }
    for (name, check) in &module.checks {
        writeln!(text, "  check {name}").unwrap();
        if let Some((kind, name)) = &check.data {
            writeln!(text, "    reads data.{kind}.{name}").unwrap();
        }
        conditions(text, "assert", &check.assertions);
    }
}

fn import(text: &mut String, import: &Import) {
    let mut to = String::new();
    let key = |key: &Option<value::Expr>| {
        let shown = key.as_ref().map(|key| format!("[{}]", show(key)));
        shown.unwrap_or_default()
    };
    for (name, instance) in &import.module {
        write!(to, "module.{name}{}.", key(instance)).unwrap();
    }
    let (kind, name) = (&import.kind, &import.name);
    write!(to, "{kind}.{name}{}", key(&import.key)).unwrap();
    writeln!(text, "  import {} to {to}", show(&import.id)).unwrap();
    if let Some(for_each) = &import.for_each {
        writeln!(text, "    for_each {}", show(for_each)).unwrap();
    }
    if let Some(provider) = &import.provider {
        writeln!(text, "    with {}", configuration(provider)).unwrap();
    }
}

/// `provisioner` blocks.
pub(crate) fn provisioners(text: &mut String, provisioners: &[Provisioner]) {
    for provisioner in provisioners {
        let when = match provisioner.when {
            When::Create => "after creation",
            When::Destroy => "before destruction",
        };
        let otherwise = match provisioner.on_failure {
            OnFailure::Fail => "",
            OnFailure::Continue => ", go on if it fails",
        };
        writeln!(text, "    run {} {when}{otherwise}", provisioner.kind).unwrap();
        writeln!(text, "      {}", show(&provisioner.config)).unwrap();
        if let Some(connection) = &provisioner.connection {
            writeln!(text, "      over {}", show(connection)).unwrap();
        }
    }
}

/// `providers` of a module call.
pub(crate) fn passed(text: &mut String, passed: &[PassedProvider]) {
    for passed in passed {
        let inside = ProviderRef {
            local: passed.local.clone(),
            alias: passed.alias.clone(),
            key: None,
        };
        let from = configuration(&passed.from);
        writeln!(text, "    hands in {} = {from}", configuration(&inside)).unwrap();
    }
}

/// `aws.west["a"]`.
pub(crate) fn configuration(reference: &ProviderRef) -> String {
    let mut text = reference.local.to_string();
    if let Some(alias) = &reference.alias {
        write!(text, ".{alias}").unwrap();
    }
    if let Some(key) = &reference.key {
        write!(text, "[{}]", show(key)).unwrap();
    }
    text
}

fn endpoint(endpoint: &Endpoint) -> String {
    let mut text = endpoint.module.to_string();
    if let Some(resource) = &endpoint.resource {
        if !text.is_empty() {
            text.push('.');
        }
        let mode = match resource.mode {
            Mode::Managed => "",
            Mode::Data => "data.",
            Mode::Ephemeral => "ephemeral.",
        };
        let (kind, name, key) = (&resource.kind, &resource.name, &resource.key);
        write!(text, "{mode}{kind}.{name}{key}").unwrap();
    }
    text
}

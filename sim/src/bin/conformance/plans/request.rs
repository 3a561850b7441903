//! What somebody asks for when the second version is planned: options of the plan, and objects that were marked as
//! damaged before.
//!
//! One line each, as a person types it: `-replace=ADDRESS`, `-target=ADDRESS`, `-destroy`, `-refresh-only`,
//! `-refresh=false`, and `taint ADDRESS`.

use model::{
    Address, Endpoint, EndpointResource, Key, Mode, ModulePath, PlanMode, ResourceAddress,
    RunOptions,
};

/// How a line begins that is an order of its own, given before the plan.
pub(crate) const TAINT: &str = "taint ";

/// What the options of a request mean to us.
///
/// # Errors
/// A line that nobody can mean.
pub(crate) fn options(lines: &[String], of: RunOptions) -> Result<RunOptions, String> {
    let mut options = of;
    for line in lines.iter().filter(|line| !line.starts_with(TAINT)) {
        let unknown = || format!("an option that is none: {line}");
        match line.split_once('=') {
            None if line == "-destroy" => options.mode = PlanMode::Destroy,
            None if line == "-refresh-only" => options.mode = PlanMode::RefreshOnly,
            Some(("-refresh", "false")) => options.refresh = false,
            Some(("-replace", text)) => options.replace.push(address(text)?),
            Some(("-target", text)) => options.targets.push(endpoint(text)?),
            _ => return Err(unknown()),
        }
    }
    Ok(options)
}

/// The objects that were marked as damaged.
///
/// # Errors
/// What is no address.
pub(crate) fn tainted(lines: &[String]) -> Result<Vec<Address>, String> {
    let marked = lines.iter().filter_map(|line| line.strip_prefix(TAINT));
    marked.map(address).collect()
}

fn address(text: &str) -> Result<Address, String> {
    let endpoint = endpoint(text)?;
    let resource = endpoint.resource.ok_or(format!("no object: {text}"))?;
    Ok(Address {
        resource: ResourceAddress {
            module: endpoint.module,
            mode: resource.mode,
            kind: resource.kind,
            name: resource.name,
        },
        key: resource.key,
    })
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let none = || format!("no address: {text}");
    let mut module = ModulePath::default();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix("module.") {
        let (name, key, after) = step(after).ok_or_else(none)?;
        module = module.child(name.into(), key);
        rest = after;
    }
    if rest.is_empty() {
        let resource = None;
        return Ok(Endpoint { module, resource });
    }
    let (kind, after) = rest.split_once('.').ok_or_else(none)?;
    let (name, key, _) = step(after).ok_or_else(none)?;
    let resource = Some(EndpointResource {
        mode: Mode::Managed,
        kind: kind.into(),
        name: name.into(),
        key,
    });
    Ok(Endpoint { module, resource })
}

/// A name, its key, and what follows after a dot.
fn step(text: &str) -> Option<(&str, Key, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(inside) = rest.strip_prefix('[') else {
        return Some((name, Key::None, rest.strip_prefix('.').unwrap_or(rest)));
    };
    let (key, after) = inside.split_once(']')?;
    let key = match key.strip_prefix('"') {
        Some(quoted) => Key::Name(quoted.strip_suffix('"')?.into()),
        None => Key::Index(key.parse().ok()?),
    };
    Some((name, key, after.strip_prefix('.').unwrap_or(after)))
}

//! `graph`: what depends on what, in the DOT language or as JSON.
//!
//! What is declared comes from `definition::dependencies`, what would be done from a plan. For resources the text is
//! the one that `terraform graph` prints.

use super::apply;
use crate::args::{GraphArgs, GraphType, Planning, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::session::Session;
use definition::{Dependency, DependencyKind, contracted, dependencies};
use model::{Mode, Plan, PlanMode, Verb, Work};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Version of the form of the JSON object.
const FORMAT_VERSION: &str = "1.0";

/// Something in the picture.
struct Node {
    /// Unlike that of any other.
    id: String,
    /// Within its module.
    label: String,
    /// Its kind, as data names it.
    kind: &'static str,
    /// The module it stands in: `module.m.module.n`, empty for the root.
    module: String,
    /// Positions of what it needs.
    needs: Vec<usize>,
}

/// `graph`.
pub(crate) fn graph(
    session: &Session,
    args: &GraphArgs,
    as_json: bool,
) -> Result<u8, CommandError> {
    let (name, nodes) = match args.of {
        GraphType::Resources => ("resources", declared(session, &args.variables, true)?),
        GraphType::Plan => ("plan", declared(session, &args.variables, false)?),
        GraphType::PlanRefreshOnly => (
            "plan-refresh-only",
            declared(session, &args.variables, false)?,
        ),
        GraphType::Apply => (
            "apply",
            planned(session, &args.variables, PlanMode::Normal, as_json)?,
        ),
        GraphType::PlanDestroy => (
            "plan-destroy",
            planned(session, &args.variables, PlanMode::Destroy, as_json)?,
        ),
    };
    if as_json {
        anstream::println!("{}", data(name, &nodes));
    } else {
        anstream::print!("{}", picture(&nodes, args.of));
    }
    Ok(exit::OK)
}

/// What the definition declares.
fn declared(
    session: &Session,
    variables: &Variables,
    only_resources: bool,
) -> Result<Vec<Node>, CommandError> {
    let schemas = session.schemas(variables)?;
    let (definition, _) = session.project.compile_loosely(variables, &schemas)?;
    let all = dependencies(&definition.release)
        .map_err(|found| CommandError::definition(found, definition.sources.clone()))?;
    let is_resource = |one: &Dependency| matches!(one.kind, DependencyKind::Resource(_));
    let is_kept: Vec<bool> = all
        .iter()
        .map(|one| !only_resources || is_resource(one))
        .collect();
    let needs: Vec<Vec<usize>> = all.iter().map(|one| one.needs.clone()).collect();
    let nodes = all
        .into_iter()
        .zip(contracted(&needs, &is_kept))
        .map(|(one, needs)| Node {
            kind: kind(one.kind),
            module: one
                .module
                .iter()
                .map(|name| format!("module.{name}"))
                .collect::<Vec<_>>()
                .join("."),
            id: one.address,
            label: one.name,
            needs,
        });
    Ok(kept(nodes.collect(), &is_kept))
}

/// What a plan would do, without the steps that only wait for others.
fn planned(
    session: &Session,
    variables: &Variables,
    mode: PlanMode,
    as_json: bool,
) -> Result<Vec<Node>, CommandError> {
    let planning = Planning {
        variables: variables.clone(),
        refresh: true,
        refresh_only: false,
        replace: Vec::new(),
        target: Vec::new(),
        exclude: Vec::new(),
        parallelism: None,
    };
    let plan = apply::previewed(session, &planning, mode, as_json)?
        .preview
        .plan;
    let is_kept: Vec<bool> = plan
        .steps
        .iter()
        .map(|step| step.work != Work::Join)
        .collect();
    let needs: Vec<Vec<usize>> = plan
        .steps
        .iter()
        .map(|step| step.after.iter().map(|at| *at as usize).collect())
        .collect();
    let nodes = contracted(&needs, &is_kept);
    let nodes = nodes
        .into_iter()
        .enumerate()
        .map(|(at, needs)| step(&plan, at, needs));
    Ok(kept(nodes.collect(), &is_kept))
}

fn step(plan: &Plan, at: usize, needs: Vec<usize>) -> Node {
    let work = plan.steps.get(at).map(|step| step.work);
    let (change, word) = match work {
        Some(Work::Change { change, verb }) => {
            let word = match verb {
                Verb::Create => "create",
                Verb::Update => "update",
                Verb::Delete => "delete",
            };
            (Some(change), word)
        }
        Some(Work::Read { change }) => {
            let planned = plan.changes.get(change as usize);
            let opens = planned.is_some_and(|one| one.action == model::Action::Open);
            (Some(change), if opens { "open" } else { "read" })
        }
        Some(Work::Check { change }) => (Some(change), "check"),
        Some(Work::Provision { change, .. }) => (Some(change), "provision"),
        Some(Work::Probe { change }) => (Some(change), "health"),
        Some(Work::Join) | None => (None, ""),
    };
    let which = match work {
        Some(Work::Provision { provisioner, .. }) => format!(" {provisioner}"),
        _ => String::new(),
    };
    let change = change.and_then(|change| plan.changes.get(change as usize));
    let address = change.map(|change| &change.address);
    let module = address
        .map(|address| address.resource.module.to_string())
        .unwrap_or_default();
    let whole = address.map(ToString::to_string).unwrap_or_default();
    let old = if change.is_some_and(|change| change.deposed) {
        "old "
    } else {
        ""
    };
    let label = whole.strip_prefix(&format!("{module}.")).unwrap_or(&whole);
    Node {
        id: format!("{whole} ({old}{word}{which})"),
        label: format!("{label} ({old}{word}{which})"),
        kind: word,
        module,
        needs,
    }
}

/// Only the nodes that stay, with their numbers made anew.
fn kept(nodes: Vec<Node>, is_kept: &[bool]) -> Vec<Node> {
    let numbers: BTreeMap<usize, usize> = is_kept
        .iter()
        .enumerate()
        .filter(|(_, kept)| **kept)
        .enumerate()
        .map(|(to, (from, _))| (from, to))
        .collect();
    let nodes = nodes
        .into_iter()
        .zip(is_kept)
        .filter(|(_, kept)| **kept)
        .map(|(node, _)| Node {
            needs: node
                .needs
                .iter()
                .filter_map(|need| numbers.get(need).copied())
                .collect(),
            ..node
        });
    nodes.collect()
}

fn kind(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Module => "module",
        DependencyKind::ModuleEnd => "module_end",
        DependencyKind::Variable => "variable",
        DependencyKind::Local => "local",
        DependencyKind::Output => "output",
        DependencyKind::Check => "check",
        DependencyKind::Provider => "provider",
        DependencyKind::Resource(Mode::Managed) => "resource",
        DependencyKind::Resource(Mode::Data) => "data",
        DependencyKind::Resource(Mode::Ephemeral) => "ephemeral",
    }
}

/// All pairs, as identifiers: who needs whom.
fn edges(nodes: &[Node]) -> impl Iterator<Item = (&str, &str)> {
    nodes.iter().flat_map(move |node| {
        let needed = node.needs.iter().filter_map(move |need| nodes.get(*need));
        needed.map(|needed| (node.id.as_str(), needed.id.as_str()))
    })
}

fn data(name: &str, nodes: &[Node]) -> serde_json::Value {
    let edges: Vec<serde_json::Value> = edges(nodes)
        .map(|(from, to)| json!({ "from": from, "to": to }))
        .collect();
    let nodes: Vec<serde_json::Value> = nodes
        .iter()
        .map(|node| json!({ "id": node.id, "kind": node.kind, "module": node.module, "label": node.label }))
        .collect();
    json!({ "format_version": FORMAT_VERSION, "type": name, "nodes": nodes, "edges": edges })
}

fn picture(nodes: &[Node], of: GraphType) -> String {
    let mut out = String::from(
        "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n",
    );
    if nodes.is_empty() {
        out.push_str(match of {
            GraphType::Resources => {
                "  /* There are no resources here; -type=plan shows everything else. */\n"
            }
            GraphType::Plan | GraphType::PlanRefreshOnly => "  /* Nothing is declared here. */\n",
            GraphType::Apply | GraphType::PlanDestroy => "  /* There is nothing to do. */\n",
        });
    }
    let mut modules: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for node in nodes {
        let of_module = modules.entry(&node.module).or_default();
        if of_module.is_empty() {
            order.push(&node.module);
        }
        of_module.push(node);
    }
    // Writing to a text cannot fail.
    for module in order {
        let indent = if module.is_empty() { "  " } else { "    " };
        if !module.is_empty() {
            let name = quoted(&format!("cluster_{module}"));
            let _ = writeln!(
                out,
                "  subgraph {name} {{\n    label = {}\n    fontname = \"sans-serif\"",
                quoted(module)
            );
        }
        for node in modules.get(module).into_iter().flatten() {
            let shape = shape(node.kind);
            let _ = writeln!(
                out,
                "{indent}{} [label={}{shape}];",
                quoted(&node.id),
                quoted(&node.label)
            );
        }
        if !module.is_empty() {
            out.push_str("  }\n");
        }
    }
    for (from, to) in edges(nodes) {
        let _ = writeln!(out, "  {} -> {};", quoted(from), quoted(to));
    }
    out.push_str("}\n");
    out
}

/// What is no object of its own looks like what it is.
fn shape(kind: &str) -> &'static str {
    match kind {
        "variable" | "output" | "check" => ", shape=note",
        "local" => ", shape=ellipse",
        "module" | "module_end" | "provider" => ", shape=diamond",
        _ => "",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

//! What needs what in a release, for people who look: [`dependencies`], and [`contracted`] to leave things out.

use super::graph::{self, Node};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use model::{Mode, Release};
use value::Diagnostics;

/// One thing that is declared, or the beginning or end of a module call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Address without instance keys: `module.m.var.x`.
    pub address: String,
    /// What it is.
    pub kind: DependencyKind,
    /// The calls it stands in, from the root: `["m"]`.
    pub module: Vec<String>,
    /// Address within its module.
    pub name: String,
    /// What it needs directly, by position.
    pub needs: Vec<usize>,
}

/// What a [`Dependency`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// `count`, `for_each` and `depends_on` of a module call: everything inside waits for it.
    Module,
    /// Everything inside of a module call is done.
    ModuleEnd,
    /// Input variable.
    Variable,
    /// Local value.
    Local,
    /// Output.
    Output,
    /// `check` block.
    Check,
    /// Configuration of a provider.
    Provider,
    /// Resource, data source or ephemeral resource.
    Resource(Mode),
}

/// Everything that a release declares, in every call of a module, by module and address. The root module itself is
/// left out.
///
/// # Errors
/// When there are more module calls than are allowed.
pub fn dependencies(release: &Release) -> Result<Vec<Dependency>, Diagnostics> {
    let nodes = graph::needs(release)?;
    let is_kept: Vec<bool> = nodes
        .iter()
        .map(|node| !(node.module.is_empty() && matches!(node.node, Node::Open | Node::Close)))
        .collect();
    let needs: Vec<Vec<usize>> = nodes.iter().map(|node| node.needs.clone()).collect();
    let needs = contracted(&needs, &is_kept);
    let mut found: Vec<(usize, Dependency)> = nodes
        .into_iter()
        .zip(needs)
        .enumerate()
        .filter(|(at, _)| is_kept.get(*at) == Some(&true))
        .map(|(at, (node, needs))| (at, dependency(release, node, needs)))
        .collect();
    found.sort_by(|(_, one), (_, other)| order(one).cmp(&order(other)));
    let mut places = alloc::vec![0; is_kept.len()];
    for (to, (from, _)) in found.iter().enumerate() {
        if let Some(place) = places.get_mut(*from) {
            *place = to;
        }
    }
    let renumbered = |needs: Vec<usize>| -> Vec<usize> {
        let needs = needs
            .into_iter()
            .filter_map(|need| places.get(need).copied());
        needs.collect::<BTreeSet<usize>>().into_iter().collect()
    };
    let found = found.into_iter().map(|(_, one)| Dependency {
        needs: renumbered(one.needs),
        ..one
    });
    Ok(found.collect())
}

/// Calls before what is in other calls, data sources before resources, each by name.
fn order(one: &Dependency) -> (&[String], u8, &str) {
    let rank = match one.kind {
        DependencyKind::Resource(Mode::Data) => 0,
        DependencyKind::Resource(_) => 1,
        DependencyKind::Variable => 2,
        DependencyKind::Local => 3,
        DependencyKind::Output => 4,
        DependencyKind::Check => 5,
        DependencyKind::Provider => 6,
        DependencyKind::Module => 7,
        DependencyKind::ModuleEnd => 8,
    };
    (&one.module, rank, &one.name)
}

fn dependency(release: &Release, node: graph::Needs, needs: Vec<usize>) -> Dependency {
    let module: Vec<String> = node
        .module
        .iter()
        .map(|name| String::from(&**name))
        .collect();
    let definition = release.modules.get(node.definition);
    let (kind, name) = match &node.node {
        Node::Open => (DependencyKind::Module, String::from("(call)")),
        Node::Close => (DependencyKind::ModuleEnd, String::from("(end)")),
        Node::Variable(name) => (DependencyKind::Variable, alloc::format!("var.{name}")),
        Node::Local(name) => (DependencyKind::Local, alloc::format!("local.{name}")),
        Node::Output(name) => (DependencyKind::Output, alloc::format!("output.{name}")),
        Node::Check(name) => (DependencyKind::Check, alloc::format!("check.{name}")),
        Node::Provider(at) => {
            let provider = definition.and_then(|module| module.providers.get(*at));
            let name = provider.map(|provider| match &provider.alias {
                Some(alias) => alloc::format!("provider.{}.{alias}", provider.local),
                None => alloc::format!("provider.{}", provider.local),
            });
            (DependencyKind::Provider, name.unwrap_or_default())
        }
        Node::Resource(at) => {
            let resource = definition.and_then(|module| module.resources.get(*at));
            let mode = resource.map_or(Mode::Managed, |resource| resource.mode);
            let name = resource.map(|resource| {
                crate::diag::references::resource_address(mode, &resource.kind, &resource.name)
            });
            (DependencyKind::Resource(mode), name.unwrap_or_default())
        }
    };
    let mut address = String::new();
    for call in &module {
        address.push_str("module.");
        address.push_str(call);
        address.push('.');
    }
    match kind {
        DependencyKind::Module => {
            address.pop();
        }
        DependencyKind::ModuleEnd => {
            address.pop();
            address.push_str(" (end)");
        }
        _ => address.push_str(&name),
    }
    Dependency {
        address,
        kind,
        module,
        name,
        needs,
    }
}

/// The same relation among those that are kept, as few pairs as say it: whoever needed something through what is left
/// out needs it directly, and what follows from others is not said again. `needs` must be free of cycles; the answer
/// has the same positions, with nothing for those left out.
pub fn contracted(needs: &[Vec<usize>], is_kept: &[bool]) -> Vec<Vec<usize>> {
    let keeps = |at: usize| is_kept.get(at).copied().unwrap_or(false);
    let mut direct: Vec<Vec<usize>> = alloc::vec![Vec::new(); needs.len()];
    for (at, found) in direct.iter_mut().enumerate().filter(|(at, _)| keeps(*at)) {
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = needs.get(at).cloned().unwrap_or_default();
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            if keeps(next) {
                found.push(next);
            } else {
                open.extend(needs.get(next).into_iter().flatten());
            }
        }
    }
    let heights = heights(&direct);
    let height = |at: &usize| heights.get(*at).copied().unwrap_or(0);
    let mut reduced = direct.clone();
    for found in &mut reduced {
        // What is high may need what is low, never the other way round: from above, each target that was not reached
        // by one before it is needed for itself.
        found.sort_by_key(|at| (core::cmp::Reverse(height(at)), *at));
        let mut reached = BTreeSet::new();
        found.retain(|target| {
            if reached.contains(target) {
                return false;
            }
            let mut open = alloc::vec![*target];
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(direct.get(next).into_iter().flatten());
                }
            }
            true
        });
        found.sort_unstable();
    }
    reduced
}

/// The longest way down from each.
fn heights(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut heights: Vec<Option<usize>> = alloc::vec![None; needs.len()];
    for root in 0..needs.len() {
        let mut path = alloc::vec![(root, 0usize)];
        while let Some((node, position)) = path.last_mut() {
            let node = *node;
            if heights.get(node).copied().flatten().is_some() {
                path.pop();
                continue;
            }
            match needs.get(node).and_then(|needs| needs.get(*position)) {
                Some(next) => {
                    *position += 1;
                    path.push((*next, 0));
                }
                None => {
                    let below = needs.get(node).into_iter().flatten();
                    let below = below.filter_map(|next| heights.get(*next).copied().flatten());
                    let height = below.map(|height| height + 1).max().unwrap_or(0);
                    if let Some(place) = heights.get_mut(node) {
                        *place = Some(height);
                    }
                    path.pop();
                }
            }
        }
    }
    heights.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::v1::*;
    use std::vec;

    #[test]
    fn what_is_left_out_is_gone_through_and_what_follows_is_not_said_twice() {
        // 0 needs 1 and 3, 1 needs 2, 2 needs 3.
        let needs = [vec![1, 3], vec![2], vec![3], vec![]];
        let all = contracted(&needs, &[true; 4]);
        assert_eq!(all, [vec![1], vec![2], vec![3], vec![]]);
        let without = contracted(&needs, &[true, false, true, true]);
        assert_eq!(without, [vec![2], vec![], vec![3], vec![]]);
    }
}

//! From changes to steps: what must be done before what.
//!
//! The rules, with `make` for create or update and `delete` for destroy (Terraform's `docs/destroying.md`):
//! - an object is made after what it refers to was made;
//! - it is deleted after everything that referred to it was deleted, or, if it goes for good or is replaced by a new
//!   one first, after everything that referred to it was updated;
//! - a replacement deletes first and makes then, unless `create_before_destroy` turns it round, which spreads to
//!   everything the resource depends on.

use super::planner::Draft;
use crate::diag;
use crate::eval::Use;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Action, ResourceAddress, Step, Verb, Work};
use value::Diagnostic;

/// Turns replacements round where `create_before_destroy` asks for it, here or further down.
pub(crate) fn spread_create_before_destroy(drafts: &mut [Draft]) {
    let mut by_resource: BTreeMap<ResourceAddress, Vec<usize>> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        by_resource
            .entry(draft.change.address.resource.clone())
            .or_default()
            .push(at);
    }
    let mut queue: Vec<usize> = (0..drafts.len())
        .filter(|at| {
            drafts
                .get(*at)
                .is_some_and(|draft| draft.change.create_before_destroy)
        })
        .collect();
    while let Some(at) = queue.pop() {
        let Some(draft) = drafts.get(at) else {
            continue;
        };
        let used: BTreeSet<&ResourceAddress> = draft.uses.iter().map(resource_of).collect();
        let targets: Vec<usize> = used
            .into_iter()
            .filter_map(|resource| by_resource.get(resource))
            .flatten()
            .copied()
            .collect();
        for target in targets {
            let Some(draft) = drafts.get_mut(target) else {
                continue;
            };
            if !draft.change.create_before_destroy {
                draft.change.create_before_destroy = true;
                queue.push(target);
            }
        }
    }
    for draft in drafts {
        if draft.change.create_before_destroy && draft.change.action == Action::DeleteThenCreate {
            draft.change.action = Action::CreateThenDelete;
        }
    }
}

fn resource_of(used: &Use) -> &ResourceAddress {
    match used {
        Use::Instance(address) => &address.resource,
        Use::Whole(resource) => resource,
    }
}

/// The steps of all changes in an order that can be carried out front to back.
///
/// # Errors
/// When there is no such order.
pub(crate) fn steps(drafts: &[Draft]) -> Result<Vec<Step>, Diagnostic> {
    let built = |updates_first: bool| {
        let mut builder = Builder {
            updates_first,
            ..Builder::default()
        };
        builder.add_work(drafts);
        builder.order_makes(drafts);
        builder.order_deletes(drafts);
        builder.sorted(drafts)
    };
    // What is replaced may have to be gone before the updates that a removal would wait for: then the removal does not
    // wait for them.
    built(true).or_else(|_| built(false))
}

#[derive(Default)]
struct Builder {
    /// What goes for good waits until everything that referred to it was updated.
    updates_first: bool,
    work: Vec<Work>,
    after: Vec<BTreeSet<u32>>,
    make: BTreeMap<usize, u32>,
    delete: BTreeMap<usize, u32>,
    by_resource: BTreeMap<ResourceAddress, Vec<usize>>,
    made: BTreeMap<ResourceAddress, Option<u32>>,
}

impl Builder {
    fn node(&mut self, work: Work) -> u32 {
        self.work.push(work);
        self.after.push(BTreeSet::new());
        (self.work.len() - 1) as u32
    }

    fn wait(&mut self, who: u32, whom: u32) {
        if who != whom
            && let Some(after) = self.after.get_mut(who as usize)
        {
            after.insert(whom);
        }
    }

    fn add_work(&mut self, drafts: &[Draft]) {
        for (at, draft) in drafts.iter().enumerate() {
            let (delete, make) = match draft.change.action {
                Action::NoOp => (false, None),
                Action::Create => (false, Some(Verb::Create)),
                Action::Update => (false, Some(Verb::Update)),
                Action::Delete => (true, None),
                Action::DeleteThenCreate | Action::CreateThenDelete => (true, Some(Verb::Create)),
            };
            let change = at as u32;
            if delete {
                let node = self.node(Work::Change {
                    change,
                    verb: Verb::Delete,
                });
                self.delete.insert(at, node);
            }
            if let Some(verb) = make {
                let node = self.node(Work::Change { change, verb });
                self.make.insert(at, node);
            }
            if !draft.change.deposed {
                self.by_resource
                    .entry(draft.change.address.resource.clone())
                    .or_default()
                    .push(at);
            }
        }
    }

    /// The step after which all instances of a resource are made; none when nothing is made of it.
    fn all_made(&mut self, resource: &ResourceAddress) -> Option<u32> {
        if let Some(known) = self.made.get(resource) {
            return *known;
        }
        let members = self.by_resource.get(resource).cloned().unwrap_or_default();
        let makes: Vec<u32> = members
            .iter()
            .filter_map(|at| self.make.get(at))
            .copied()
            .collect();
        let join = match makes.as_slice() {
            [] => None,
            [one] => Some(*one),
            several => {
                let join = self.node(Work::Join);
                for make in several {
                    self.wait(join, *make);
                }
                Some(join)
            }
        };
        self.made.insert(resource.clone(), join);
        join
    }

    fn order_makes(&mut self, drafts: &[Draft]) {
        for (at, draft) in drafts.iter().enumerate() {
            let (make, delete) = (self.make.get(&at).copied(), self.delete.get(&at).copied());
            if let (Some(make), Some(delete)) = (make, delete) {
                if draft.change.action == Action::CreateThenDelete {
                    self.wait(delete, make);
                } else {
                    self.wait(make, delete);
                }
            }
            let Some(make) = make else { continue };
            for used in &draft.uses {
                let before = match used {
                    Use::Instance(address) => drafts
                        .binary_search_by(|one| {
                            (&one.change.address, one.change.deposed).cmp(&(address, false))
                        })
                        .ok()
                        .and_then(|at| self.make.get(&at).copied()),
                    Use::Whole(resource) => self.all_made(resource),
                };
                if let Some(before) = before {
                    self.wait(make, before);
                }
            }
        }
    }

    fn order_deletes(&mut self, drafts: &[Draft]) {
        // Who refers to a resource: as the book has it for what exists, as planned for what will.
        let mut referrers: BTreeMap<&ResourceAddress, BTreeSet<usize>> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            let now = draft.uses.iter().map(resource_of);
            for resource in draft.prior_dependencies.iter().chain(now) {
                if *resource != draft.change.address.resource {
                    referrers.entry(resource).or_default().insert(at);
                }
            }
        }
        for (resource, members) in self.by_resource.clone() {
            let deleted: Vec<usize> = members
                .into_iter()
                .filter(|at| self.delete.contains_key(at))
                .collect();
            let Some(referring) = referrers.get(&resource) else {
                continue;
            };
            self.order_delete(drafts, &deleted, referring);
        }
    }

    fn order_delete(&mut self, drafts: &[Draft], deleted: &[usize], referring: &BTreeSet<usize>) {
        if deleted.is_empty() {
            return;
        }
        let deletes: Vec<u32> = referring
            .iter()
            .filter_map(|at| self.delete.get(at))
            .copied()
            .collect();
        let updates: Vec<u32> = referring
            .iter()
            .filter(|at| !self.delete.contains_key(at))
            .filter_map(|at| self.make.get(at))
            .copied()
            .collect();
        let makes: Vec<u32> = referring
            .iter()
            .filter_map(|at| self.make.get(at))
            .copied()
            .collect();
        let after_deletes = self.joined(&deletes);
        let mut after_updates = None;
        let mut after_makes = None;
        for at in deleted {
            let (Some(delete), Some(draft)) = (self.delete.get(at).copied(), drafts.get(*at))
            else {
                continue;
            };
            if let Some(join) = after_deletes {
                self.wait(delete, join);
            }
            let further = match draft.change.action {
                Action::Delete if !self.updates_first => None,
                Action::Delete => *after_updates.get_or_insert_with(|| self.joined(&updates)),
                Action::CreateThenDelete => *after_makes.get_or_insert_with(|| self.joined(&makes)),
                Action::NoOp | Action::Create | Action::Update | Action::DeleteThenCreate => None,
            };
            if let Some(join) = further {
                self.wait(delete, join);
            }
        }
    }

    fn joined(&mut self, members: &[u32]) -> Option<u32> {
        match members {
            [] => None,
            [one] => Some(*one),
            several => {
                let join = self.node(Work::Join);
                for member in several {
                    self.wait(join, *member);
                }
                Some(join)
            }
        }
    }

    /// Numbers the steps so that each comes after all it waits for (Kahn, smallest number first).
    fn sorted(self, drafts: &[Draft]) -> Result<Vec<Step>, Diagnostic> {
        let mut waits: Vec<usize> = self.after.iter().map(BTreeSet::len).collect();
        let mut wakes: Vec<Vec<u32>> = alloc::vec![Vec::new(); self.work.len()];
        for (who, after) in self.after.iter().enumerate() {
            for whom in after {
                if let Some(wakes) = wakes.get_mut(*whom as usize) {
                    wakes.push(who as u32);
                }
            }
        }
        let mut ready: BTreeSet<u32> = waits
            .iter()
            .enumerate()
            .filter(|(_, waits)| **waits == 0)
            .map(|(at, _)| at as u32)
            .collect();
        let mut number: BTreeMap<u32, u32> = BTreeMap::new();
        let mut steps = Vec::with_capacity(self.work.len());
        while let Some(at) = ready.pop_first() {
            let (Some(work), Some(after)) =
                (self.work.get(at as usize), self.after.get(at as usize))
            else {
                continue;
            };
            let mut after: Vec<u32> = after
                .iter()
                .filter_map(|whom| number.get(whom))
                .copied()
                .collect();
            after.sort_unstable();
            number.insert(at, steps.len() as u32);
            steps.push(Step { work: *work, after });
            for who in wakes.get(at as usize).into_iter().flatten() {
                if let Some(waits) = waits.get_mut(*who as usize) {
                    *waits -= 1;
                    if *waits == 0 {
                        ready.insert(*who);
                    }
                }
            }
        }
        if steps.len() == self.work.len() {
            return Ok(steps);
        }
        let members: Vec<String> = self
            .work
            .iter()
            .enumerate()
            .filter(|(at, _)| !number.contains_key(&(*at as u32)))
            .filter_map(|(_, work)| match work {
                Work::Change { change, .. } => drafts.get(*change as usize),
                Work::Join => None,
            })
            .take(10)
            .map(|draft| draft.change.address.to_string())
            .collect();
        Err(diag::step_cycle(&members))
    }
}

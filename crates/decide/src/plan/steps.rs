//! From changes to steps: what must be done before what.
//!
//! The rules, with `make` for create, update or read and `delete` for destroy (Terraform's `docs/destroying.md`):
//! - an object is made after what it refers to was made, also when what it refers to stays as it is and refers to more;
//! - it is deleted after everything that referred to it was deleted, or, if it goes for good or is replaced by a new
//!   one first, after everything that referred to it was updated;
//! - a replacement deletes first and makes then, unless `create_before_destroy` turns it round, which spreads to
//!   everything the resource depends on;
//! - data sources of checks are read after everything else.

use super::ephemeral::opens_only;
use super::pass::Draft;
use crate::diag;
use crate::eval::Use;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Action, Mode, ResourceAddress, Step, Verb, Work};
use value::Diagnostic;

/// Turns replacements round where the new object is made first.
pub(crate) fn turn_round(drafts: &mut [Draft]) {
    for draft in drafts {
        if draft.change.create_before_destroy && draft.change.action == Action::DeleteThenCreate {
            draft.change.action = Action::CreateThenDelete;
        }
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
        builder.order_opened(drafts);
        builder.order_nested(drafts);
        builder.sorted(drafts)
    };
    // What is replaced may have to be gone before the updates that a removal would wait for: then the removal does not
    // wait for them.
    built(true).or_else(|_| built(false))
}

/// The first and the last of several nodes, each of which waits for the one before.
#[derive(Clone, Copy, Debug)]
struct Chain {
    first: u32,
    last: u32,
}

#[derive(Default)]
struct Builder {
    /// What goes for good waits until everything that referred to it was updated.
    updates_first: bool,
    work: Vec<Work>,
    after: Vec<BTreeSet<u32>>,
    make: BTreeMap<usize, Chain>,
    delete: BTreeMap<usize, Chain>,
    /// Of what stays as it is: a join that waits for what it refers to.
    pass: BTreeMap<usize, u32>,
    by_resource: BTreeMap<ResourceAddress, Vec<usize>>,
    made: BTreeMap<ResourceAddress, Option<u32>>,
}

impl Builder {
    fn node(&mut self, work: Work) -> u32 {
        self.work.push(work);
        self.after.push(BTreeSet::new());
        (self.work.len() - 1) as u32
    }

    fn chain(&mut self, works: &[Work]) -> Option<Chain> {
        let mut chain: Option<Chain> = None;
        for work in works {
            let node = self.node(*work);
            chain = Some(match chain {
                Some(Chain { first, last }) => {
                    self.wait(node, last);
                    Chain { first, last: node }
                }
                None => Chain {
                    first: node,
                    last: node,
                },
            });
        }
        chain
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
            let change = at as u32;
            let of = |verb| Work::Change { change, verb };
            let run = |provisioners: &[u32]| -> Vec<Work> {
                let all = provisioners.iter();
                all.map(|one| Work::Provision {
                    change,
                    provisioner: *one,
                })
                .collect()
            };
            let (after_make, before_delete) = &draft.provisioners;
            let (delete, make) = match draft.change.action {
                Action::NoOp | Action::Forget => (false, None),
                Action::Read | Action::Open => (false, Some(Work::Read { change })),
                Action::Create => (false, Some(of(Verb::Create))),
                Action::Update => (false, Some(of(Verb::Update))),
                Action::Delete => (true, None),
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    (true, Some(of(Verb::Create)))
                }
            };
            if delete {
                let mut works = run(before_delete);
                works.push(of(Verb::Delete));
                if let Some(chain) = self.chain(&works) {
                    self.delete.insert(at, chain);
                }
            }
            let mut works: Vec<Work> = make.into_iter().collect();
            if matches!(
                make,
                Some(Work::Change {
                    verb: Verb::Create,
                    ..
                })
            ) {
                works.extend(run(after_make));
            }
            if draft.change.unjudged {
                works.push(Work::Check { change });
            }
            if draft.change.probed {
                works.push(Work::Probe { change });
            }
            if let Some(chain) = self.chain(&works) {
                self.make.insert(at, chain);
            } else if draft.change.action == Action::NoOp && !draft.uses.is_empty() {
                let join = self.node(Work::Join);
                self.pass.insert(at, join);
            }
            if !draft.change.deposed {
                self.by_resource
                    .entry(draft.change.address.resource.clone())
                    .or_default()
                    .push(at);
            }
        }
    }

    /// The node after which an object is as planned; none when it already is.
    fn made_at(&self, at: usize) -> Option<u32> {
        let make = self.make.get(&at).map(|chain| chain.last);
        make.or_else(|| self.pass.get(&at).copied())
    }

    /// The node after which all instances of a resource are as planned; none when they already are.
    fn all_made(&mut self, resource: &ResourceAddress) -> Option<u32> {
        if let Some(known) = self.made.get(resource) {
            return *known;
        }
        let members = self.by_resource.get(resource).cloned().unwrap_or_default();
        let makes: Vec<u32> = members.iter().filter_map(|at| self.made_at(*at)).collect();
        let join = self.joined(&makes);
        self.made.insert(resource.clone(), join);
        join
    }

    fn order_makes(&mut self, drafts: &[Draft]) {
        for (at, draft) in drafts.iter().enumerate() {
            let (make, delete) = (self.make.get(&at).copied(), self.delete.get(&at).copied());
            if let (Some(make), Some(delete)) = (make, delete) {
                if draft.change.action == Action::CreateThenDelete {
                    self.wait(delete.first, make.last);
                } else {
                    self.wait(make.first, delete.last);
                }
            }
            let first = make.map(|chain| chain.first);
            let Some(first) = first.or_else(|| self.pass.get(&at).copied()) else {
                continue;
            };
            for used in &draft.uses {
                if let Some(before) = self.before(drafts, used) {
                    self.wait(first, before);
                }
            }
        }
    }

    /// The node after which what was looked at is as planned.
    fn before(&mut self, drafts: &[Draft], used: &Use) -> Option<u32> {
        match used {
            Use::Instance(address) => drafts
                .binary_search_by(|one| {
                    (&one.change.address, one.change.deposed).cmp(&(address, false))
                })
                .ok()
                .and_then(|at| self.made_at(at)),
            Use::Whole(resource) => self.all_made(resource),
        }
    }

    /// What is destroyed needs its provider, and so what that is configured with.
    fn order_opened(&mut self, drafts: &[Draft]) {
        for (at, draft) in drafts.iter().enumerate() {
            let Some(delete) = self.delete.get(&at).copied() else {
                continue;
            };
            for used in &draft.uses {
                if used.block().mode == Mode::Ephemeral
                    && let Some(before) = self.before(drafts, used)
                {
                    self.wait(delete.first, before);
                }
            }
        }
    }

    fn order_deletes(&mut self, drafts: &[Draft]) {
        // Who refers to a resource: as the book has it for what exists, as planned for what will.
        let mut referrers: BTreeMap<&ResourceAddress, BTreeSet<usize>> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            let now = draft.uses.iter().map(Use::block);
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
        let last =
            |chains: &BTreeMap<usize, Chain>, at: &usize| chains.get(at).map(|chain| chain.last);
        let deletes: Vec<u32> = referring
            .iter()
            .filter_map(|at| last(&self.delete, at))
            .collect();
        let updates: Vec<u32> = referring
            .iter()
            .filter(|at| !self.delete.contains_key(at))
            .filter_map(|at| last(&self.make, at))
            .collect();
        let makes: Vec<u32> = referring
            .iter()
            .filter_map(|at| last(&self.make, at))
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
                self.wait(delete.first, join);
            }
            let further = match draft.change.action {
                Action::Delete if !self.updates_first => None,
                Action::Delete => *after_updates.get_or_insert_with(|| self.joined(&updates)),
                Action::CreateThenDelete => *after_makes.get_or_insert_with(|| self.joined(&makes)),
                Action::NoOp
                | Action::Create
                | Action::Update
                | Action::DeleteThenCreate
                | Action::Read
                | Action::Forget
                | Action::Open => None,
            };
            if let Some(join) = further {
                self.wait(delete.first, join);
            }
        }
    }

    /// What belongs to checks comes after everything that does not.
    fn order_nested(&mut self, drafts: &[Draft]) {
        let nested = |at: &usize| drafts.get(*at).is_some_and(|draft| draft.nested);
        let waiting: Vec<u32> = self
            .make
            .iter()
            .filter(|(at, _)| nested(at))
            .map(|(_, chain)| chain.first)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let others: Vec<u32> = self
            .make
            .iter()
            .chain(&self.delete)
            .filter(|(at, _)| !nested(at))
            .map(|(_, chain)| chain.last)
            .collect();
        if let Some(all) = self.joined(&others) {
            for who in waiting {
                self.wait(who, all);
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

    /// Nodes that something waits for that does work.
    fn needed(&self) -> Vec<bool> {
        let mut needed = alloc::vec![false; self.work.len()];
        let mut open: Vec<u32> = self
            .work
            .iter()
            .enumerate()
            .filter(|(_, work)| **work != Work::Join)
            .map(|(at, _)| at as u32)
            .collect();
        while let Some(at) = open.pop() {
            match needed.get_mut(at as usize) {
                Some(needed) if !*needed => *needed = true,
                _ => continue,
            }
            open.extend(self.after.get(at as usize).into_iter().flatten());
        }
        needed
    }

    /// Numbers the steps so that each comes after all it waits for (Kahn, smallest number first). Joins that wait for
    /// less than two others are passed over.
    fn sorted(self, drafts: &[Draft]) -> Result<Vec<Step>, Diagnostic> {
        let needed = self.needed();
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
        // The step of each node that is done; none where there is nothing to wait for.
        let mut number: BTreeMap<u32, Option<u32>> = BTreeMap::new();
        let mut steps: Vec<Step> = Vec::with_capacity(self.work.len());
        while let Some(at) = ready.pop_first() {
            let (Some(work), Some(after)) =
                (self.work.get(at as usize), self.after.get(at as usize))
            else {
                continue;
            };
            let after: BTreeSet<u32> = after
                .iter()
                .filter_map(|whom| number.get(whom).copied().flatten())
                .collect();
            let step = match (work, after.len()) {
                (Work::Join, 0 | 1) => after.first().copied(),
                (Work::Join, _) if needed.get(at as usize) != Some(&true) => None,
                _ => {
                    steps.push(Step {
                        work: *work,
                        after: after.into_iter().collect(),
                    });
                    Some(steps.len() as u32 - 1)
                }
            };
            number.insert(at, step);
            for who in wakes.get(at as usize).into_iter().flatten() {
                if let Some(waits) = waits.get_mut(*who as usize) {
                    *waits -= 1;
                    if *waits == 0 {
                        ready.insert(*who);
                    }
                }
            }
        }
        if number.len() == self.work.len() {
            if steps.iter().all(|step| opens_only(drafts, &step.work)) {
                steps.clear();
            }
            return Ok(steps);
        }
        let mut members: Vec<String> = self
            .work
            .iter()
            .enumerate()
            .filter(|(at, _)| !number.contains_key(&(*at as u32)))
            .filter_map(|(_, work)| change_of(work))
            .filter_map(|change| drafts.get(change as usize))
            .map(|draft| draft.change.address.to_string())
            .collect();
        members.dedup();
        members.truncate(10);
        Err(diag::step_cycle(&members))
    }
}

/// The change that a step is about.
fn change_of(work: &Work) -> Option<u32> {
    match work {
        Work::Join => None,
        Work::Change { change, .. }
        | Work::Read { change }
        | Work::Check { change }
        | Work::Provision { change, .. }
        | Work::Probe { change } => Some(*change),
    }
}

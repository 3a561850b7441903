//! Taking back a run: what it did ([`done_by`]), how that is asked for ([`options`]), and whether a plan does that and
//! nothing else, without losing data that nobody gave up.
//!
//! It is a targeted apply of what was in force before the run; where the run only made objects, a targeted destroy. So
//! there is no second way of undoing things, and what is taken back is planned, shown, carried out and resumed like
//! anything else (`docs/decisions/0030-taking-back-a-run.md`).

use crate::{Entry, LoadedRelease, diag, holds_data};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use model::{
    ActionId, Address, Command, Digest, Effect, Endpoint, Event, Inquiry, Mode, Origin, Outcome,
    Plan, PlanMode, RunId, RunOptions, TakeBack,
};
use value::{Diagnostics, Expr, ExprKind};

/// What a run did to objects, as far as the book knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which run.
    pub run: RunId,
    /// The release that it carried out.
    pub release: Digest,
    /// Objects that it made, changed or destroyed.
    pub changed: BTreeSet<Address>,
    /// The newest run after it that changed one of them, and the first of those.
    pub later: Option<(RunId, Address)>,
    /// It moved services: those are taken back by going back to a release.
    pub delivered: bool,
}

/// What stood before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The release in force.
    pub in_force: Option<Digest>,
    /// Objects that were there.
    pub objects: BTreeSet<Address>,
}

/// What a run did; none when the book has no such run.
pub fn done_by(entries: &mut dyn Iterator<Item = &Entry>, run: RunId) -> Option<Done> {
    let mut done: Option<Done> = None;
    let mut about: BTreeMap<(RunId, ActionId), Address> = BTreeMap::new();
    for entry in entries {
        if let Event::Submitted {
            run: id, release, ..
        } = &entry.event
            && *id == run
        {
            done = Some(Done {
                run,
                release: *release,
                changed: BTreeSet::new(),
                later: None,
                delivered: false,
            });
        }
        if let Event::Targeted { run: id, .. } = &entry.event
            && *id == run
            && let Some(done) = &mut done
        {
            done.delivered = true;
        }
        if let Event::Intended {
            run,
            action,
            effect: Effect::Change(change),
            ..
        } = &entry.event
        {
            about.insert((*run, *action), change.address.clone());
        }
        let (Some((by, action)), Some(done)) = (took_effect(&entry.event), &mut done) else {
            continue;
        };
        let Some(address) = about.get(&(by, action)) else {
            continue;
        };
        if by == run {
            done.changed.insert(address.clone());
        } else if done.changed.contains(address) {
            // The newest run, and of several objects the first by address: which of them ended last is chance.
            let known = done.later.take().filter(|(later, _)| *later == by);
            let known = known.map(|(_, first)| first);
            let first = known.into_iter().chain([address.clone()]).min();
            done.later = first.map(|first| (by, first));
        }
    }
    done
}

/// The action that an entry says took effect, and its run.
fn took_effect(event: &Event) -> Option<(RunId, ActionId)> {
    let (Event::Finished {
        run,
        action,
        outcome,
        ..
    }
    | Event::Inquired {
        run,
        action,
        inquiry: Inquiry::Found(outcome),
        ..
    }
    | Event::Commanded {
        command:
            Command::Resolve {
                run,
                action,
                inquiry: Inquiry::Found(outcome),
            },
        ..
    }) = event
    else {
        return None;
    };
    let changed = matches!(outcome, Outcome::Changed { .. } | Outcome::Partial { .. });
    changed.then_some((*run, *action))
}

/// The release to carry out, and how, for what a run did to be taken back.
pub fn options(
    base: RunOptions,
    done: &Done,
    before: &Before,
    releases: &[&LoadedRelease],
    allowed: Vec<Address>,
) -> (Digest, RunOptions) {
    let made = |address: &&Address| !before.objects.contains(*address);
    let made: Vec<Address> = done.changed.iter().filter(made).cloned().collect();
    let is_marked = |address: &&Address| releases.iter().any(|one| marks(one, address));
    // Where nothing was there before, nothing needs to be brought back to what it was.
    let (release, mode) = match before.in_force {
        Some(release) if made.len() < done.changed.len() => (release, PlanMode::Normal),
        Some(_) | None => (done.release, PlanMode::Destroy),
    };
    let take_back = TakeBack {
        to: before.in_force,
        changed: done.changed.iter().cloned().collect(),
        marked: done.changed.iter().filter(is_marked).cloned().collect(),
        made,
        allowed,
    };
    let options = RunOptions {
        mode,
        refresh: true,
        targets: done.changed.iter().map(Endpoint::from).collect(),
        origin: Origin::Rollback(done.run),
        take_back: Some(take_back),
        ..base
    };
    (release, options)
}

/// Whether a release marks an object as not to be destroyed, or as holding data. Anything but a clear "no" does.
fn marks(loaded: &LoadedRelease, address: &Address) -> bool {
    let resource = loaded.resource_of(&address.resource);
    resource.is_some_and(|resource| {
        let lifecycle = &resource.lifecycle;
        let prevents = lifecycle.prevent_destroy.as_ref();
        let prevents = prevents.is_some_and(|expr| !is_false(expr));
        prevents || lifecycle.holds_data
    })
}

/// Whether an expression is written as `false`.
fn is_false(expr: &Expr) -> bool {
    let mut inner = expr;
    if let ExprKind::Convert(converted, _) = &expr.kind {
        inner = converted;
    }
    matches!(&inner.kind, ExprKind::Literal(value) if value.as_bool() == Some(false))
}

/// What speaks against a plan that takes a run back: that it does something else, leaves something of it, or destroys
/// what is marked or known to hold data and was not given up by name.
pub(crate) fn refused(plan: &Plan, take_back: &TakeBack) -> Diagnostics {
    let mut found = Diagnostics::new();
    for change in &plan.changes {
        let address = &change.address;
        if address.resource.mode != Mode::Managed {
            continue;
        }
        if !change.is_nothing() && !take_back.changed.contains(address) {
            found.push(diag::takes_back_more(address));
            continue;
        }
        let goes = change.destroys() && change.action == model::Action::Delete;
        if take_back.made.contains(address) && !change.deposed && !goes {
            found.push(diag::takes_back_less(address));
        }
        let holds =
            take_back.marked.contains(address) || holds_data::is_known(&address.resource.kind);
        if change.destroys() && holds && !take_back.allowed.contains(address) {
            found.push(diag::data_in_the_way(address));
        }
    }
    for imported in &plan.imported {
        found.push(diag::takes_back_more(&imported.address));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString as _};
    use model::{Action, Key, ModulePath, PlannedChange, ResourceAddress};

    fn address(kind: &str, name: &str) -> Address {
        let resource = ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: kind.into(),
            name: name.into(),
        };
        Address {
            resource,
            key: Key::None,
        }
    }

    /// The codes that speak against a plan that does this, of a run that made `a`, `s` and `m` (marked), and changed
    /// `u`.
    fn against(changes: &[(Address, Action)], allowed: &[Address]) -> Vec<String> {
        let (made, changed) = (address("thing", "a"), address("thing", "u"));
        let (store, marked) = (address("aws_s3_bucket", "s"), address("thing", "m"));
        let take_back = TakeBack {
            to: None,
            changed: [&made, &changed, &store, &marked].map(Clone::clone).into(),
            made: [&made, &store, &marked].map(Clone::clone).into(),
            marked: Vec::from([marked]),
            allowed: allowed.into(),
        };
        let changes = changes.iter().map(|(address, action)| {
            PlannedChange::new(address.clone(), "example.com/thing", *action)
        });
        let plan = Plan {
            changes: changes.collect(),
            ..Plan::default()
        };
        let found = refused(&plan, &take_back);
        found.iter().map(|one| one.code.to_string()).collect()
    }

    #[test]
    fn a_plan_takes_back_what_the_run_did_and_no_more() {
        let (made, changed) = (address("thing", "a"), address("thing", "u"));
        let other = address("thing", "other");
        let whole = [
            (made.clone(), Action::Delete),
            (changed.clone(), Action::Update),
        ];
        assert!(against(&whole, &[]).is_empty());
        assert!(against(&[(other.clone(), Action::NoOp)], &[]).is_empty());
        for action in [Action::Update, Action::Delete, Action::Create] {
            assert_eq!(against(&[(other.clone(), action)], &[]), ["SF0940"]);
        }
        for action in [Action::NoOp, Action::Update, Action::DeleteThenCreate] {
            assert_eq!(against(&[(made.clone(), action)], &[]), ["SF0941"]);
        }
    }

    #[test]
    fn what_is_marked_or_known_to_hold_data_goes_only_when_it_is_named() {
        for holds in [address("aws_s3_bucket", "s"), address("thing", "m")] {
            let plan = [(holds.clone(), Action::Delete)];
            assert_eq!(against(&plan, &[]), ["SF0942"]);
            assert_eq!(against(&plan, &[address("thing", "u")]), ["SF0942"]);
            assert!(against(&plan, &[holds]).is_empty());
        }
    }
}

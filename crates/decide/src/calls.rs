//! Functions of providers while a plan is carried out: what is called comes before what depends on its answer.
//!
//! Expressions are evaluated as if every call had been answered; what turns out to lack an answer is not decided yet,
//! and the call is asked instead. There is no bound on how often: each time a call of the run is answered for good,
//! and an expression has so many calls as it has.

use crate::run::Run;
use crate::{Decision, Held, Memo, World, apply, held};
use alloc::vec::Vec;
use model::{ActionId, Address, Effect, Event};

/// Decisions with those that depend on a call without an answer left out, and the calls in their place.
pub(crate) fn first(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    mut decisions: Vec<Decision>,
) -> Vec<Decision> {
    if run.loaded.release.functions.is_empty() {
        return decisions;
    }
    let mut all = memo.open_calls(run);
    if !all.is_empty() {
        // How the run ends was computed without them.
        let closes = |one: &Decision| matches!(one, Decision::Record(Event::Closed { .. }));
        decisions.retain(|one| !closes(one));
    }
    for decision in decisions {
        // What is computed again when it is handed out has its calls, too.
        match &decision {
            Decision::Ask { question, .. } => {
                let _ = held::asked(world, memo, &mut Held::default(), question);
                configure(world, memo, question.provider(), question.address());
            }
            Decision::Inquire { action, effect, .. }
            | Decision::Record(Event::Intended { action, effect, .. }) => {
                hand_out(world, memo, *action, effect);
            }
            Decision::Record(_) | Decision::Plan | Decision::Call { .. } | Decision::WakeAt(_) => {}
        }
        let open = memo.open_calls(run);
        if open.is_empty() {
            all.push(decision);
        } else {
            all.extend(open);
        }
    }
    all
}

fn hand_out(world: &World, memo: &mut Memo, action: ActionId, effect: &Effect) {
    let _ = held::handed_out(world, memo, &mut Held::default(), action, effect);
    if let Effect::Change(change) = effect {
        configure(world, memo, &change.provider, Some(&change.address));
    }
}

/// Computes a configuration for the calls in it; what is wrong with it is told when it is needed.
fn configure(world: &World, memo: &mut Memo, provider: &str, address: Option<&Address>) {
    if let Some(address) = address {
        let _ = apply::configuration(world, memo, &mut Held::default(), provider, address);
    }
}

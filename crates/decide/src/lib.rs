//! Everything that chooses, pure.
//!
//! [`World`] is what the book says, folded. [`next`] says what should be done now; [`Planner`] turns a release into a
//! plan by asking; [`gate`] turns evidence into a verdict. No clock, no chance, no input or output: time comes in as a
//! number, chance as the seed of the run, and what the world answered as entries of the book. The same entries always
//! give the same decisions, which [`replay`] checks.
//!
//! Start with [`next`].

#![no_std]
#![warn(clippy::wildcard_enum_match_arm)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
mod apply;
pub mod assertion;
mod calls;
mod conditions;
mod delivery;
mod diag;
mod diag_testing;
mod entry;
mod eval;
pub mod gate;
pub mod heal;
mod health;
mod held;
pub mod holds_data;
mod inspection;
pub mod limits;
mod loaded;
mod memo;
mod object;
mod plan;
pub mod promise;
pub mod promote;
mod provision;
mod ready;
pub mod replay;
pub mod retry;
mod rollout;
mod run;
pub mod secrets;
mod snapshot;
pub mod substitute;
pub mod take_back;
mod target;
mod watch;
mod world;

pub use action::{Action, Stage, fits};
pub use apply::{configuration, moving as is_moving};
pub use delivery::{InstanceWorld, Rollout, RouteWorld, ServiceWorld};
pub use entry::{Blobs, Entry, Illegal};
pub use eval::is_ephemeral;
pub use held::{Held, asked, handed_out, opened, stays_open, to_open_again};
pub use inspection::Inspection;
pub use loaded::{LoadedRelease, LoadedReleases, ephemeral, not_lent};
pub use memo::Memo;
pub use object::Object;
pub use plan::{Handed, Needs, Planner, Schemas, covers};
pub use run::{Run, RunSummary};
pub use snapshot::FOLD_CODE;
pub use watch::{Watch, is_news, watches, with_uncounted};
pub use world::{TakenState, World};

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{ActionId, CallQuestion, Effect, Event, Question, RunId, RunKind, RunResult};

/// Something that should happen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write this in the book; if it is an intent, carry it out once it is durable.
    Record(Event),
    /// Make the plan of the active run ([`Planner`]).
    Plan,
    /// Ask a provider once more, now that all is known, and record the answer.
    Ask {
        /// For which run.
        run: RunId,
        /// For which action.
        action: ActionId,
        /// What.
        question: Question,
    },
    /// Ask what a function of a provider gives, which something that is to be decided depends on, and record the answer
    /// ([`Event::Called`]).
    Call {
        /// For which run.
        run: RunId,
        /// Which function, of what.
        call: CallQuestion,
    },
    /// Find out what became of a lost attempt, and record what is found.
    Inquire {
        /// Of which run.
        run: RunId,
        /// Of which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What was done.
        effect: Effect,
    },
    /// Nothing before this time, unless something happens.
    WakeAt(i64),
}

impl Decision {
    /// Whether it begins an effect.
    pub(crate) fn begins_effect(&self) -> bool {
        matches!(self, Self::Record(Event::Intended { .. }))
    }
}

/// What should be done now, and why not more: the whole behaviour.
///
/// Asking again after recording a part of the answer gives the rest; asking twice without recording gives the same.
pub fn next(world: &World, memo: &mut Memo, now_ms: i64) -> Vec<Decision> {
    let Some(run) = &world.run else {
        return Vec::new();
    };
    let decisions = of_run(world, run, memo, now_ms);
    calls::first(world, run, memo, decisions)
}

fn of_run(world: &World, run: &Run, memo: &mut Memo, now_ms: i64) -> Vec<Decision> {
    let close = |result: RunResult| {
        Vec::from([Decision::Record(Event::Closed {
            run: run.id,
            result,
        })])
    };

    // What went back stays back until someone lifts that.
    if run.kind == RunKind::Deploy
        && let Some(why) = world.quarantine.get(&run.loaded.digest)
        && run.targeted.is_empty()
    {
        return close(RunResult::Failed {
            diagnostics: diag::quarantined(&run.loaded.digest, why).into(),
        });
    }
    let mut decisions = Vec::new();
    match run.kind {
        RunKind::Build => builds(world, run, now_ms, &mut decisions),
        RunKind::Stop => return rollout::deliver(world, run, memo, now_ms),
        RunKind::Apply | RunKind::Deploy => {
            if run.plan.is_none() {
                return if run.cancelled {
                    close(RunResult::Cancelled)
                } else {
                    Vec::from([Decision::Plan])
                };
            }
            if run.kind == RunKind::Apply && !run.approved && !run.options.auto_approve {
                return if run.cancelled {
                    close(RunResult::Cancelled)
                } else {
                    Vec::new()
                };
            }
            let applied = run.steps_left == 0 && run.refused.is_empty();
            if run.kind == RunKind::Deploy && applied {
                return rollout::deliver(world, run, memo, now_ms);
            }
            apply::steps(world, run, memo, now_ms, &mut decisions);
            if decisions.is_empty()
                && let Some(result) = apply::end(world, run, memo)
            {
                return close(result);
            }
        }
    }
    decisions
}

/// Builds every artifact of the release that is not built, then makes the release whole.
fn builds(world: &World, run: &Run, now_ms: i64, decisions: &mut Vec<Decision>) {
    let mut room = apply::unsettled(run, now_ms, decisions);
    let mut waits = false;
    let mut built = BTreeMap::new();
    for (spec, digest, action) in promote::builds(run) {
        let again = run.options.rebuild.contains(&spec.name)
            && !run.actions.get(&action).is_some_and(Action::is_done);
        if let Some(artifact) = world.built.get(&digest).filter(|_| !again) {
            built.insert(spec.name.clone(), *artifact);
        } else if !run.actions.contains_key(&action) && !run.cancelled {
            if !room.take(None) {
                waits = true;
                continue;
            }
            let effect = Effect::Build(spec);
            let event = Event::Intended {
                run: run.id,
                action,
                attempt: 1,
                effect,
            };
            decisions.push(Decision::Record(event));
        }
    }
    if !decisions.is_empty() || waits || apply::moving(run) {
        return;
    }
    let result = if run.cancelled {
        RunResult::Cancelled
    } else {
        let failures = apply::failures(run);
        if failures.has_errors() {
            RunResult::Failed {
                diagnostics: failures,
            }
        } else {
            let release = promote::whole(run, &built);
            if world.released.last() != Some(&release) {
                decisions.push(Decision::Record(Event::Released {
                    run: run.id,
                    release,
                }));
                return;
            }
            RunResult::succeeded(BTreeMap::new())
        }
    };
    decisions.push(Decision::Record(Event::Closed {
        run: run.id,
        result,
    }));
}

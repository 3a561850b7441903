//! [`Held`]: what ephemeral resources hold while they are open, and what is handed out with that in it.
//!
//! No decision sees what an ephemeral resource holds: to all of them it is a value that is not known, and what would be
//! written down has null in its place. Whoever carries a decision out is told of it with everything filled in, here, at
//! the last moment and in memory only. What is filled in changes nothing that was decided.

use crate::apply::{self, objects};
use crate::conditions::written;
use crate::eval::{Evaluator, Judging, Objects, Place};
use crate::memo;
use crate::plan::propose;
use crate::{Memo, World, diag, health, provision};
use alloc::collections::BTreeMap;
use core::cell::RefCell;
use model::{
    ActionId, Address, BlockSchema, Change, CheckStatus, CheckSubject, Checked, Effect, Mode,
    OpenQuestion, PlanQuestion, Question, Verb, Work,
};
use value::{Data, Diagnostics, Marks, Value};

/// See the module's header.
#[derive(Debug, Default)]
pub struct Held {
    values: BTreeMap<Address, Value>,
    /// What could not be opened again, and why.
    lost: BTreeMap<Address, Diagnostics>,
    /// Sees what is held; made anew when that changes.
    evaluator: Option<Evaluator>,
}

impl Held {
    /// An ephemeral resource is open, and holds this.
    pub fn take(&mut self, address: Address, value: Value) {
        self.lost.remove(&address);
        self.values
            .insert(address, value.with_marks(Marks::EPHEMERAL));
        self.evaluator = None;
    }

    /// It could not be opened; nothing that needs it can be handed out.
    pub fn lose(&mut self, address: Address, why: Diagnostics) {
        self.values.remove(&address);
        self.lost.insert(address, why);
        self.evaluator = None;
    }

    /// All are closed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether it is open.
    pub fn has(&self, address: &Address) -> bool {
        self.values.contains_key(address)
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.lost.is_empty()
    }

    /// Does something with an evaluator like this one that sees what is held, too.
    pub(crate) fn with<T>(
        &mut self,
        like: &Evaluator,
        objects: Objects<'_>,
        what: impl FnOnce(&Evaluator, Objects<'_>) -> Result<T, Diagnostics>,
    ) -> Result<T, Diagnostics> {
        if self.is_empty() {
            return what(like, objects);
        }
        let evaluator = match self.evaluator.take() {
            Some(evaluator) if evaluator.is_like(like) => evaluator,
            _ => like.afresh(),
        };
        let lost = RefCell::new(Diagnostics::new());
        let seen = |address: &Address| {
            if let Some(why) = self.lost.get(address) {
                lost.borrow_mut().extend(why.clone());
            }
            self.values
                .get(address)
                .cloned()
                .or_else(|| objects(address))
        };
        evaluator.share_answers_of(like);
        let found = what(&evaluator, &seen);
        let open = evaluator.take_open_calls();
        if let Some(call) = open.iter().find(|call| crate::is_ephemeral(call)) {
            self.evaluator = Some(evaluator);
            return Err(diag::call_of_opened(&call.provider, &call.function).into());
        }
        self.evaluator = Some(evaluator);
        let lost = lost.into_inner();
        if lost.is_empty() { found } else { Err(lost) }
    }
}

/// What is handed out is evaluated from.
pub(crate) struct Source<'s> {
    pub evaluator: &'s Evaluator,
    pub objects: Objects<'s>,
    pub schema: Option<&'s BlockSchema>,
}

/// A question as a provider is asked it: with what is ephemeral in it, its preconditions judged with that.
pub(crate) fn question(
    source: &Source<'_>,
    held: &mut Held,
    question: &Question,
) -> Result<Question, Diagnostics> {
    match question {
        Question::Plan(asked) => {
            let kept = Some(&asked.prior).filter(|prior| !prior.is_null());
            let Some((config, written)) = real(source, held, &asked.address, kept)? else {
                return Ok(question.clone());
            };
            let config = filled(&asked.config, &config);
            let proposed = source.schema.map_or_else(
                || asked.proposed.clone(),
                |schema| propose::proposed(schema, kept, &config),
            );
            Ok(Question::Plan(PlanQuestion {
                proposed,
                written: asked.written.as_ref().map(|one| filled(one, &written)),
                config,
                ..asked.clone()
            }))
        }
        Question::Open(asked) => {
            let found = real(source, held, &asked.address, None)?;
            let config = found.map_or_else(
                || asked.config.clone(),
                |(config, _)| filled(&asked.config, &config),
            );
            Ok(Question::Open(OpenQuestion {
                config,
                ..asked.clone()
            }))
        }
        Question::Data(asked) => {
            real(source, held, &asked.address, None)?;
            Ok(question.clone())
        }
        Question::Read(_) | Question::Import(_) | Question::Upgrade(_) | Question::Call(_) => {
            Ok(question.clone())
        }
    }
}

/// The configuration of an object with what is ephemeral in it, and as it is written where it ignores changes; none
/// where it can hold nothing ephemeral. Its preconditions are judged.
fn real(
    source: &Source<'_>,
    held: &mut Held,
    address: &Address,
    kept: Option<&Value>,
) -> Result<Option<(Value, Value)>, Diagnostics> {
    let may_hold = address.resource.mode == Mode::Ephemeral
        || source.schema.is_some_and(propose::has_write_only);
    if !may_hold && held.is_empty() {
        return Ok(None);
    }
    held.with(source.evaluator, source.objects, |evaluator, objects| {
        let Some((place, resource)) = written(evaluator, address, objects)? else {
            return Ok(None);
        };
        let lifecycle = &resource.lifecycle;
        let judging = Judging::before(address);
        evaluator
            .judge(&lifecycle.preconditions, &judging, &place, objects)
            .into_result()?;
        if !may_hold {
            return Ok(None);
        }
        let written = evaluator.evaluate(&resource.config, &place, objects)?;
        let config = match (kept, source.schema) {
            (Some(kept), Some(schema)) => propose::ignoring(
                schema,
                &written,
                kept,
                lifecycle.ignore_all_changes,
                &lifecycle.ignore_changes,
            ),
            _ => written.clone(),
        };
        Ok(Some((config, written)))
    })
}

/// What was decided, with everything ephemeral as it really is.
fn filled(decided: &Value, real: &Value) -> Value {
    if real.marks().contains(Marks::EPHEMERAL) {
        return real.clone();
    }
    if !real.marks_deep().contains(Marks::EPHEMERAL) {
        return decided.clone();
    }
    let entries = |a: &BTreeMap<value::Name, Value>, b: &BTreeMap<value::Name, Value>| {
        let all = a.iter().map(|(name, one)| {
            let one = b
                .get(name)
                .map_or_else(|| one.clone(), |of| filled(one, of));
            (name.clone(), one)
        });
        all.collect::<BTreeMap<_, _>>()
    };
    let whole = match (decided.data(), real.data()) {
        (Data::Object(a), Data::Object(b)) => Value::object(entries(a, b)),
        (Data::Map(ty, a), Data::Map(_, b)) => Value::map(ty.clone(), entries(a, b)),
        (Data::List(ty, a), Data::List(_, b)) if a.len() == b.len() => {
            let items = a.iter().zip(b.iter()).map(|(a, b)| filled(a, b));
            Value::list(ty.clone(), items.collect())
        }
        (Data::Tuple(a), Data::Tuple(b)) if a.len() == b.len() => {
            Value::tuple(a.iter().zip(b.iter()).map(|(a, b)| filled(a, b)).collect())
        }
        _ => return decided.clone(),
    };
    whole.with_marks(decided.marks())
}

/// What an open ephemeral resource says of itself.
pub(crate) fn judged(source: &Source<'_>, held: &mut Held, address: &Address) -> Diagnostics {
    let this = held.values.get(address).cloned();
    let judged = held.with(source.evaluator, source.objects, |evaluator, objects| {
        let Some((place, resource)) = written(evaluator, address, objects)? else {
            return Ok(());
        };
        let place = Place { this, ..place };
        let conditions = &resource.lifecycle.postconditions;
        let judging = Judging::after(address);
        evaluator
            .judge(conditions, &judging, &place, objects)
            .into_result()
    });
    judged.err().unwrap_or_default()
}

/// What speaks against variables and outputs whose conditions could not be judged without what is held.
pub(crate) fn judged_with(source: &Source<'_>, held: &mut Held, checks: &[Checked]) -> Diagnostics {
    let mut found = Diagnostics::new();
    let open = checks
        .iter()
        .filter(|one| one.status == CheckStatus::Unknown);
    for checked in open {
        let (CheckSubject::Variable(path, name) | CheckSubject::Output(path, name)) =
            &checked.subject
        else {
            continue;
        };
        let judged = held.with(source.evaluator, source.objects, |evaluator, objects| {
            let loaded = evaluator.loaded();
            let Some(place) = evaluator.place_in(path, objects)? else {
                return Ok(());
            };
            let Some(node) = loaded.node_at(path) else {
                return Ok(());
            };
            let module = loaded.module(node);
            let (conditions, judging) = if let CheckSubject::Variable(..) = checked.subject {
                let variable = module.variables.get(name);
                let judging = Judging::variable(path, name);
                (variable.map(|one| &one.validations), judging)
            } else {
                let output = module.outputs.get(name);
                let judging = Judging::output(path, name);
                (output.map(|one| &one.preconditions), judging)
            };
            let conditions = conditions.map(|all| all.as_slice()).unwrap_or_default();
            evaluator
                .judge(conditions, &judging, &place, objects)
                .into_result()
        });
        found.extend(judged.err().unwrap_or_default());
    }
    found
}

/// An effect as whoever carries it out is told of it: with what is ephemeral in it.
///
/// # Errors
/// When it needs what could not be opened, or a condition that rests on that does not hold.
pub fn handed_out(
    world: &World,
    memo: &mut Memo,
    held: &mut Held,
    action: ActionId,
    effect: &Effect,
) -> Result<Effect, Diagnostics> {
    let Some(run) = &world.run else {
        return Ok(effect.clone());
    };
    match effect {
        Effect::Change(change) => changed(world, memo, held, change).map(Effect::Change),
        Effect::Provision(_) => match run.done_by(action) {
            Some((planned, Work::Provision { provisioner, .. })) => {
                let evaluator = memo.evaluator(world, run);
                let objects = objects(world, run);
                let whole = held.with(evaluator, &objects, |evaluator, objects| {
                    provision::evaluated(evaluator, objects, planned, provisioner, false)
                });
                whole.map(Effect::Provision)
            }
            _ => Ok(effect.clone()),
        },
        Effect::Probe(probe) => {
            let Some(planned) = run.planned_by(action) else {
                return Ok(effect.clone());
            };
            let evaluator = memo.evaluator(world, run);
            let objects = objects(world, run);
            let target = held.with(evaluator, &objects, |evaluator, objects| {
                health::target(evaluator, objects, planned, false)
            })?;
            let (target, _) = target;
            Ok(Effect::Probe(health::left(probe, target, world.at_ms)))
        }
        Effect::Place(_) | Effect::Stop { .. } | Effect::Publish(_) | Effect::Build(_) => {
            Ok(effect.clone())
        }
    }
}

fn changed(
    world: &World,
    memo: &mut Memo,
    held: &mut Held,
    change: &Change,
) -> Result<Change, Diagnostics> {
    let (Some(run), Some(config)) = (&world.run, &change.config) else {
        return Ok(change.clone());
    };
    let schemas = memo.schemas().clone();
    let objects = objects(world, run);
    let source = Source {
        evaluator: memo.evaluator(world, run),
        objects: &objects,
        schema: memo::schema(&schemas, &change.provider, &change.address),
    };
    let kept = change
        .prior
        .as_ref()
        .filter(|_| change.verb == Verb::Update);
    let found = real(&source, held, &change.address, kept)?;
    Ok(Change {
        config: Some(found.map_or_else(|| config.clone(), |(real, _)| filled(config, &real))),
        ..change.clone()
    })
}

/// A question that is asked while a plan is carried out, as its provider is asked it.
///
/// # Errors
/// As [`handed_out`].
pub fn asked(
    world: &World,
    memo: &mut Memo,
    held: &mut Held,
    asked: &Question,
) -> Result<Question, Diagnostics> {
    let Some(run) = &world.run else {
        return Ok(asked.clone());
    };
    let schemas = memo.schemas().clone();
    let objects = objects(world, run);
    let source = Source {
        evaluator: memo.evaluator(world, run),
        objects: &objects,
        schema: asked
            .address()
            .and_then(|address| memo::schema(&schemas, asked.provider(), address)),
    };
    let asked = question(&source, held, asked)?;
    if let Question::Open(open) = &asked
        && !open.config.is_wholly_known()
    {
        return Err(diag::ephemeral_unknown(&open.address).into());
    }
    Ok(asked)
}

/// What speaks against an ephemeral resource that was opened while a plan is carried out, and against what rests on it.
pub fn opened(world: &World, memo: &mut Memo, held: &mut Held, address: &Address) -> Diagnostics {
    let Some(run) = &world.run else {
        return Diagnostics::new();
    };
    let objects = objects(world, run);
    let source = Source {
        evaluator: memo.evaluator(world, run),
        objects: &objects,
        schema: None,
    };
    let mut found = judged(&source, held, address);
    if let Some(plan) = &run.plan {
        found.extend(judged_with(&source, held, &plan.checks));
    }
    found
}

/// An ephemeral resource that this run has opened and that is not open any more, for the engine that did it is gone:
/// the first that must be opened again before anything that needs it is handed out. With why it cannot be, if so.
pub fn to_open_again(
    world: &World,
    memo: &mut Memo,
    held: &Held,
) -> Option<(Address, Result<Question, Diagnostics>)> {
    let run = world.run.as_ref()?;
    let missing = run.opened().find(|planned| {
        !held.values.contains_key(&planned.address) && !held.lost.contains_key(&planned.address)
    })?;
    let question = apply::open_question(world, run, memo, missing);
    Some((missing.address.clone(), question))
}

/// Whether what an action opens may stay as it was opened while planning: nothing is changed before it.
pub fn stays_open(world: &World, action: ActionId) -> bool {
    let run = world.run.as_ref();
    run.is_some_and(|run| run.waits_for_nothing(action))
}

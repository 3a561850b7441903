//! Carrying out a plan: which step is begun, repeated, inquired into, or put to a person.

use crate::action::{Action, Stage};
use crate::conditions::{self, written};
use crate::eval::Evaluator;
use crate::plan::{has_holes, propose};
use crate::run::Run;
use crate::{Decision, Held, Memo, Object, World, diag, health, provision, retry};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{
    ActionId, Address, Answer, Change, DataQuestion, Effect, Event, Mode, OpenQuestion,
    PlanQuestion, PlannedChange, Question, RunResult, Verb, Work,
};
use value::{Diagnostics, Name, Type, Value};

/// What is to be done about actions that are not settled: the same for resources, instances, routes and builds. Says
/// what room that leaves for others.
pub(crate) fn unsettled<'a>(run: &'a Run, now_ms: i64, decisions: &mut Vec<Decision>) -> Room<'a> {
    let mut room = Room::of(run);
    for id in &run.live {
        let Some(action) = run.actions.get(id) else {
            continue;
        };
        match &action.stage {
            Stage::Open | Stage::Parked { .. } | Stage::Done | Stage::Failed { .. } => {}
            Stage::Uncertain { .. } if action.may_repeat() && !stopped(run, action) => {
                decisions.push(retried(run, *id, action, None, now_ms));
            }
            Stage::Uncertain { .. } => inquire(run, *id, action, now_ms, decisions),
            Stage::Unclear { what } => {
                let question = question(run, *id, action, what);
                let event = Event::Parked {
                    run: run.id,
                    action: *id,
                    question,
                };
                decisions.push(Decision::Record(event));
            }
            Stage::Struck { retry_after_ms, .. }
                if !exhausted(run, action) && !stopped(run, action) =>
            {
                decisions.push(retried(run, *id, action, *retry_after_ms, now_ms));
            }
            Stage::Struck { .. } => {}
            Stage::Waiting { .. } if stopped(run, action) => {}
            Stage::Waiting { not_before_ms } => {
                let at_ms = (*not_before_ms).max(closed_until(run, action));
                if at_ms > now_ms {
                    decisions.push(Decision::WakeAt(at_ms));
                } else if !is_counted(&action.effect) || room.take(provider_of(&action.effect)) {
                    decisions.push(Decision::Record(again(run, *id, action)));
                }
            }
        }
    }
    room
}

/// The provider that carries out an effect.
pub(crate) fn provider_of(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::Change(change) => Some(&change.provider),
        Effect::Place(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Provision(_)
        | Effect::Probe(_) => None,
    }
}

/// Whether a person stopped the run and the action is not part of bringing it to its end: a rollout that goes back
/// still routes and stops.
fn stopped(run: &Run, action: &Action) -> bool {
    run.cancelled && is_counted(&action.effect)
}

fn retried(
    run: &Run,
    id: ActionId,
    action: &Action,
    retry_after_ms: Option<u64>,
    now_ms: i64,
) -> Decision {
    let seed = run.options.seed;
    let delay_ms = retry::delay_ms(seed, id, action.attempt, action.retry(), retry_after_ms);
    Decision::Record(Event::Retried {
        run: run.id,
        action: id,
        attempt: action.attempt,
        delay_ms,
        not_before_ms: now_ms.saturating_add(i64::try_from(delay_ms).unwrap_or(i64::MAX)),
    })
}

fn inquire(run: &Run, id: ActionId, action: &Action, now_ms: i64, decisions: &mut Vec<Decision>) {
    if !action.can_be_looked_for() {
        return;
    }
    match action.inquiry_due_ms() {
        Some(at_ms) if at_ms > now_ms => decisions.push(Decision::WakeAt(at_ms)),
        _ => decisions.push(Decision::Inquire {
            run: run.id,
            action: id,
            attempt: action.attempt,
            effect: action.effect.clone(),
        }),
    }
}

fn closed_until(run: &Run, action: &Action) -> i64 {
    let Effect::Change(change) = &action.effect else {
        return 0;
    };
    run.providers
        .get(&change.provider)
        .map_or(0, |health| health.closed_until_ms)
}

/// Whether the run's limit of effects under way at the same time holds for an effect. Instances and routes are few,
/// and a rollout that waited for them behind its own limit would stand still.
pub(crate) fn is_counted(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Change(_) | Effect::Build(_) | Effect::Provision(_) | Effect::Probe(_)
    )
}

/// Whether an action that failed gets no further attempt.
pub(crate) fn exhausted(run: &Run, action: &Action) -> bool {
    if !matches!(action.stage, Stage::Struck { .. }) {
        return false;
    }
    let within_budget = match &action.effect {
        Effect::Change(change) => run
            .providers
            .get(&change.provider)
            .is_none_or(retry::Health::may_retry),
        Effect::Place(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Provision(_)
        | Effect::Probe(_) => true,
    };
    // What may have had an effect is tried to the end, whatever the budget says; and so is what never failed, but was
    // lost with an engine and then found not to be there.
    let may_be_given_up = action.tries > 0 && action.unsettled_until_ms.is_none();
    action.tries >= action.attempts_max() || (!within_budget && may_be_given_up)
}

fn again(run: &Run, id: ActionId, action: &Action) -> Event {
    Event::Intended {
        run: run.id,
        action: id,
        attempt: action.attempt + 1,
        effect: action.effect.clone(),
    }
}

fn question(run: &Run, id: ActionId, action: &Action, what: &str) -> String {
    let subject = action.effect.subject();
    format!(
        "It is not known whether {subject} took effect ({what}). Look, then say: \
         `steadfast resolve {} {id} done` or `steadfast resolve {} {id} absent`.",
        run.id, run.id
    )
}

/// How many more effects may be begun: of the run, and of providers that get fewer at the same time than it.
pub(crate) struct Room<'a> {
    run: &'a Run,
    left: usize,
    /// Effects of each provider under way, and of none.
    open: BTreeMap<Option<&'a str>, usize>,
}

impl<'a> Room<'a> {
    fn of(run: &'a Run) -> Self {
        let live = run.live.iter().filter_map(|id| run.actions.get(id));
        let (mut n_open, mut open) = (0, BTreeMap::new());
        for action in live.filter(|action| action.stage == Stage::Open) {
            n_open += usize::from(is_counted(&action.effect));
            if is_counted(&action.effect) {
                *open.entry(provider_of(&action.effect)).or_default() += 1;
            }
        }
        Self {
            run,
            left: (run.limit() as usize).saturating_sub(n_open),
            open,
        }
    }

    /// Takes the place of one more effect, of a provider if one carries it out; false when there is none.
    pub(crate) fn take(&mut self, provider: Option<&'a str>) -> bool {
        if self.left == 0 {
            return false;
        }
        if let Some(at_once) = self.run.at_once(provider) {
            let open = self.open.entry(provider).or_default();
            if *open >= at_once as usize {
                return false;
            }
            *open += 1;
        }
        self.left -= 1;
        true
    }
}

/// The steps of the plan.
pub(crate) fn steps(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    now_ms: i64,
    decisions: &mut Vec<Decision>,
) {
    let mut room = unsettled(run, now_ms, decisions);
    if run.cancelled {
        return;
    }
    let mut turns = run.ready.turns();
    while room.left > 0
        && let Some(step) = turns.next()
    {
        let Some((planned, work)) = run.step(step) else {
            continue;
        };
        let is_change = matches!(work, Work::Change { .. });
        if let Some(until) = run
            .providers
            .get(&planned.provider)
            .map(|health| health.closed_until_ms)
            && until > now_ms
        {
            decisions.push(Decision::WakeAt(until));
            if is_change {
                turns.pass_over();
            }
            continue;
        }
        if let Work::Change { verb, .. } = work
            && let Some(quiet_ms) = quiet_from(world, planned, verb).filter(|at_ms| *at_ms > now_ms)
        {
            decisions.push(Decision::WakeAt(quiet_ms));
            continue;
        }
        if !room.take(is_change.then_some(planned.provider.as_str())) {
            turns.pass_over();
            continue;
        }
        let decision = step_decision(world, run, memo, (step, now_ms), planned, work);
        let calls = memo.open_calls(run);
        if calls.is_empty() {
            decisions.push(decision);
        } else {
            decisions.extend(calls);
        }
    }
}

/// From when on no earlier request about the object can take effect any more: only then may it be changed again.
fn quiet_from(world: &World, planned: &PlannedChange, verb: Verb) -> Option<i64> {
    subject(world, planned, verb).map(|object| object.quiet_from_ms)
}

/// The object that a step is about, as the book has it.
fn subject<'a>(world: &'a World, planned: &PlannedChange, verb: Verb) -> Option<&'a Object> {
    let left_behind = planned.deposed || planned.action == model::Action::CreateThenDelete;
    match verb {
        Verb::Delete if left_behind => {
            let at = world.left_behind(&planned.address, planned.before.as_ref())?;
            world.deposed.get(at).map(|(_, object)| object)
        }
        Verb::Delete | Verb::Update => world.resources.get(&planned.address),
        Verb::Create => None,
    }
}

fn step_decision(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    (step, now_ms): (u32, i64),
    planned: &PlannedChange,
    work: Work,
) -> Decision {
    let action = run.step_action(step);
    let next = match work {
        Work::Change { verb, .. } => change_of(world, run, memo, action, planned, verb),
        Work::Read { .. } => question_of(world, run, memo, planned).map(Next::Ask),
        Work::Check { .. } => {
            let diagnostics = conditions::after(world, run, memo, planned);
            return Decision::Record(Event::Checked {
                run: run.id,
                action,
                diagnostics,
            });
        }
        Work::Provision { provisioner, .. } => {
            provision::effect(world, run, memo, planned, provisioner).map(Next::Begin)
        }
        Work::Probe { .. } => health::effect(world, run, memo, planned, now_ms).map(Next::Begin),
        Work::Join => {
            Err(diag::not_available(&planned.address.to_string(), value::Span::default()).into())
        }
    };
    match next {
        Ok(Next::Begin(effect)) => Decision::Record(Event::Intended {
            run: run.id,
            action,
            attempt: 1,
            effect,
        }),
        Ok(Next::Ask(question)) => Decision::Ask {
            run: run.id,
            action,
            question,
        },
        Err(diagnostics) => Decision::Record(Event::Replanned {
            run: run.id,
            action,
            answer: Answer::Failed(diagnostics),
        }),
    }
}

enum Next {
    Begin(Effect),
    Ask(Question),
}

/// What an ephemeral resource is opened with, now that all it depends on is done.
pub(crate) fn open_question(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
) -> Result<Question, Diagnostics> {
    let (config, _) = final_config(world, run, memo, planned)?;
    Ok(Question::Open(OpenQuestion {
        address: planned.address.clone(),
        provider: planned.provider.clone(),
        config,
    }))
}

/// What a data source is asked, now that all it depends on is done.
fn question_of(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
) -> Result<Question, Diagnostics> {
    if planned.action == model::Action::Open {
        return open_question(world, run, memo, planned);
    }
    conditions::before(world, run, memo, planned)?;
    let config = if has_holes(planned.config.as_ref()) {
        final_config(world, run, memo, planned)?.0
    } else {
        planned
            .config
            .clone()
            .unwrap_or_else(|| Value::null(Type::Any))
    };
    Ok(Question::Data(DataQuestion {
        address: planned.address.clone(),
        provider: planned.provider.clone(),
        config,
    }))
}

/// The change with every hole filled that can be; or the question that must be asked first.
fn change_of(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    action: ActionId,
    planned: &PlannedChange,
    verb: Verb,
) -> Result<Next, Diagnostics> {
    let object = subject(world, planned, verb);
    let mut change = Change {
        address: planned.address.clone(),
        provider: planned.provider.clone(),
        verb,
        prior: object.map(|object| object.value.clone()),
        config: planned.config.clone(),
        planned: planned.after.clone(),
        private: planned.private.clone(),
        repeat: planned.repeat,
        settle_ms: planned.settle_ms,
        dependencies: planned.dependencies.clone(),
        retry: planned.retry.clone(),
    };
    if verb == Verb::Delete {
        change.config = None;
        if planned.action == model::Action::DeleteThenCreate && !planned.private.is_empty() {
            // The plan of the replacement is that of its first half, too.
            change.planned = Some(Value::null(Type::Any));
        } else {
            change.planned = None;
            let private = object.map(|object| object.private.clone());
            change.private = private.unwrap_or_default();
        }
        return Ok(Next::Begin(Effect::Change(change)));
    }
    conditions::before(world, run, memo, planned)?;
    // What was planned from the private bytes of an object that is replaced is not for the new one.
    let of_another = verb == Verb::Create
        && planned.action != model::Action::Create
        && !planned.private.is_empty();
    let config = match &planned.config {
        Some(config) if !has_holes(Some(config)) && of_another => (config.clone(), None),
        config if !has_holes(config.as_ref()) => return Ok(Next::Begin(Effect::Change(change))),
        _ => final_config(world, run, memo, planned)?,
    };
    let Some(answer) = run.replanned.get(&action) else {
        let kept = object.map(|object| object.private.clone());
        change.private = kept.unwrap_or_default();
        return final_question(memo, change, config).map(|one| Next::Ask(Question::Plan(one)));
    };
    let (config, _) = config;
    if let Some(path) = planned
        .after
        .as_ref()
        .filter(|_| !planned.loose)
        .and_then(|after| propose::contradiction(after, &answer.planned))
    {
        return Err(diag::final_plan_changed(&planned.address, &path).into());
    }
    change.config = Some(config);
    change.planned = Some(answer.planned.clone());
    change.private = answer.private.clone();
    change.repeat = answer.repeat;
    change.settle_ms = answer.settle_ms;
    Ok(Next::Begin(Effect::Change(change)))
}

/// A configuration, and how it is written where changes of it are to be ignored.
type Configured = (Value, Option<Value>);

/// The question that is asked of a provider once the configuration of a change is known.
fn final_question(
    memo: &Memo,
    change: Change,
    (config, written): Configured,
) -> Result<PlanQuestion, Diagnostics> {
    let Some(schema) = memo.schema(&change.provider, &change.address) else {
        return Err(diag::provider_missing(&change.address, &change.provider).into());
    };
    Ok(PlanQuestion {
        proposed: propose::proposed(schema, change.prior.as_ref(), &config),
        prior: change.prior.unwrap_or_else(|| Value::null(Type::Any)),
        address: change.address,
        provider: change.provider,
        private: change.private,
        config,
        written,
        retry: change.retry,
    })
}

/// The configuration of an object, now that all it depends on exists.
fn final_config(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
) -> Result<Configured, Diagnostics> {
    let schemas = memo.schemas().clone();
    let evaluator = memo.evaluator(world, run);
    let objects = objects(world, run);
    let Some((place, resource)) = written(evaluator, &planned.address, &objects)? else {
        return Err(
            diag::not_available(&planned.address.to_string(), value::Span::default()).into(),
        );
    };
    // What is ephemeral is never written down; it is filled in when this is handed out.
    let written = evaluator.evaluate(&resource.config, &place, &objects)?;
    let written = written.ephemeral_as_null();
    let kept = world
        .resources
        .get(&planned.address)
        .filter(|_| planned.action == model::Action::Update);
    let config = match (
        kept,
        crate::memo::schema(&schemas, &planned.provider, &planned.address),
    ) {
        (Some(prior), Some(schema)) => propose::ignoring(
            schema,
            &written,
            &prior.value,
            resource.lifecycle.ignore_all_changes,
            &resource.lifecycle.ignore_changes,
        ),
        _ => written.clone(),
    };
    if !config.is_wholly_known() {
        return Err(match planned.address.resource.mode {
            Mode::Ephemeral => diag::ephemeral_unknown(&planned.address).into(),
            Mode::Managed | Mode::Data => {
                diag::final_plan_changed(&planned.address, "configuration").into()
            }
        });
    }
    let written = Some(written).filter(|written| *written != config);
    Ok((config, written))
}

/// Objects as they are; planned ones where they are not there yet.
pub(crate) fn objects<'a>(
    world: &'a World,
    run: &'a Run,
) -> impl Fn(&Address) -> Option<Value> + 'a {
    move |address| {
        if let Some(object) = world.resources.get(address) {
            return Some(object.value.clone());
        }
        run.planned_object(address)
            .and_then(|change| change.after.clone())
    }
}

/// Whether anything of the run can still move without a person.
pub fn moving(run: &Run) -> bool {
    run.live
        .iter()
        .filter_map(|id| run.actions.get(id))
        .any(|action| match action.stage {
            Stage::Open | Stage::Unclear { .. } => true,
            Stage::Uncertain { .. } => !stopped(run, action) || action.can_be_looked_for(),
            Stage::Waiting { .. } => !stopped(run, action),
            Stage::Struck { .. } => !stopped(run, action) && !exhausted(run, action),
            Stage::Parked { .. } | Stage::Done | Stage::Failed { .. } => false,
        })
}

/// Whether a person must decide something before the run can end.
pub(crate) fn parked(run: &Run) -> bool {
    run.live
        .iter()
        .filter_map(|id| run.actions.get(id))
        .any(|action| matches!(action.stage, Stage::Parked { .. }))
}

/// Everything that went wrong in the run.
pub(crate) fn failures(run: &Run) -> Diagnostics {
    let mut all = Diagnostics::new();
    for action in run.actions.values() {
        match &action.stage {
            Stage::Failed { diagnostics } => all.extend(diagnostics.clone()),
            Stage::Struck { why, .. } => {
                let subject = action.effect.subject();
                let most = action.attempts_max();
                all.push(diag::gave_up(&subject, action.tries, most, why));
            }
            Stage::Open
            | Stage::Uncertain { .. }
            | Stage::Waiting { .. }
            | Stage::Unclear { .. }
            | Stage::Parked { .. }
            | Stage::Done => {}
        }
    }
    for diagnostics in run.refused.values() {
        all.extend(diagnostics.clone());
    }
    // Actions stand in the order of their ids, which differ from run to run; a person reads by address.
    all.0.sort_by(|a, b| a.address.cmp(&b.address));
    all
}

/// How a run of resources ends: with its outputs, or with what went wrong.
pub(crate) fn outputs(
    world: &World,
    run: &Run,
    memo: &mut Memo,
) -> Result<BTreeMap<Name, Value>, Diagnostics> {
    let evaluator: &Evaluator = memo.evaluator(world, run);
    let objects = objects(world, run);
    let mut outputs = BTreeMap::new();
    let mut trouble = Diagnostics::new();
    let partial = run.plan.as_ref().filter(|plan| plan.partial);
    // What was left out of the plan stays as it was. Plans of before name it, and say that it stays.
    let left_out = |name: &Name| {
        let planned = partial.map(|plan| plan.outputs.get(name));
        planned.is_some_and(|change| change.is_none_or(|change| change.is_nothing()))
    };
    let kept = world.outputs.iter().filter(|(name, _)| left_out(name));
    outputs.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    if run.options.mode == model::PlanMode::Destroy {
        return Ok(outputs);
    }
    for (name, output) in &run.loaded.module(0).outputs {
        if left_out(name) {
            continue;
        }
        match evaluator.root_output(name, output, &objects) {
            Ok(Some(value)) => {
                outputs.insert(name.clone(), value);
            }
            Ok(None) => {}
            Err(diagnostics) => trouble.extend(diagnostics),
        }
    }
    if trouble.has_errors() {
        Err(trouble)
    } else {
        Ok(outputs)
    }
}

/// What the provider of an object must be configured with while a plan is carried out; none where nobody has written a
/// configuration down.
///
/// # Errors
/// When the configuration cannot be evaluated, or still depends on what is not known.
pub fn configuration(
    world: &World,
    memo: &mut Memo,
    held: &mut Held,
    provider: &str,
    address: &Address,
) -> Result<Option<Value>, Diagnostics> {
    let Some(run) = &world.run else {
        return Ok(None);
    };
    if !run.loaded.configures(provider) {
        return Ok(None);
    }
    let planned = run.planned_object(address).map(|one| &one.configuration);
    let object = world.resources.get(address).map(|one| &one.configuration);
    let instance = planned.or(object).cloned().unwrap_or_default();
    let evaluator = memo.evaluator(world, run);
    held.with(evaluator, &objects(world, run), |evaluator, objects| {
        evaluator.provider_config(provider, &instance, objects)
    })
}

/// The end of a run of resources, when it has come.
pub(crate) fn end(world: &World, run: &Run, memo: &mut Memo) -> Option<RunResult> {
    if moving(run) {
        return None;
    }
    if run.cancelled {
        return (!parked(run)).then_some(RunResult::Cancelled);
    }
    if !run.ready.is_empty() || parked(run) {
        return None;
    }
    let failures = failures(run);
    if failures.has_errors() || run.steps_left > 0 {
        return Some(RunResult::Failed {
            diagnostics: failures,
        });
    }
    Some(match outputs(world, run, memo) {
        Ok(outputs) => succeeded(world, run, memo, outputs),
        Err(diagnostics) => RunResult::Failed { diagnostics },
    })
}

/// The result of a run that has done everything, with what its conditions say now.
pub(crate) fn succeeded(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    outputs: BTreeMap<Name, Value>,
) -> RunResult {
    let (checks, warnings) = conditions::all(world, run, memo);
    // What could not be judged while planning, of a module's output say, may turn out not to hold.
    if warnings.has_errors() {
        return RunResult::Failed {
            diagnostics: warnings,
        };
    }
    RunResult::Succeeded {
        outputs,
        checks,
        warnings,
    }
}

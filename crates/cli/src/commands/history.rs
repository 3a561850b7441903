//! `history`, `journal`, `replay`, `resolve`, and one run in full: what the book says.

use crate::args::{JournalCommand, Resolution, ResolveArgs, RunArgs, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::json;
use crate::render::diagnostics;
use crate::render::drift;
use crate::render::progress::Progress;
use crate::render::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::render::time;
use crate::session::{Session, actor};
use decide::replay::Replay;
use decide::{Entry, World};
use engine::{Observer as _, StoredBlobs};
use journal::{JournalError, Reader};
use model::{ActionId, Command, Effect, Event, Inquiry, Outcome, RunId, RunResult};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Data, Name, Value};

/// `history`.
pub(crate) fn history(
    session: &Session,
    environment: Option<&str>,
    as_json: bool,
) -> Result<u8, CommandError> {
    let environment = session.environment(environment)?;
    let (world, _) = session.world(&environment)?;
    if world.runs.is_empty() && world.run.is_none() && !as_json {
        anstream::println!("No runs in `{environment}`.");
    }
    for run in &world.runs {
        if as_json {
            anstream::println!(
                "{}",
                json!({
                    "run": run.id.to_string(), "kind": json::run_word(run.kind, run.origin),
                    "release": run.release, "actor": run.actor, "began_ms": run.began_ms, "ended_ms": run.ended_ms,
                    "result": json::result_word(&run.result),
                })
            );
            continue;
        }
        let kind = json::run_word(run.kind, run.origin);
        let result = match &run.result {
            RunResult::Succeeded { .. } => format!("{GOOD}succeeded{RESET}"),
            RunResult::Failed { .. } => format!("{BAD}failed{RESET}"),
            RunResult::Returned { .. } => format!("{WARN}went back{RESET}"),
            RunResult::Cancelled => "cancelled".to_owned(),
        };
        let what = match run.origin {
            model::Origin::Rollback(run) => format!("  takes back {run}"),
            model::Origin::Person | model::Origin::Heal => String::new(),
        };
        anstream::println!(
            "{}  {}  {kind:<6}  release {}  by {}  {result} in {}{what}",
            run.id,
            time::utc(run.began_ms),
            run.release.short(),
            run.actor,
            time::duration(run.ended_ms - run.began_ms)
        );
    }
    if let Some(run) = world.run.as_ref().filter(|_| !as_json) {
        anstream::println!(
            "{}  {}  {:<6}  release {}  by {}  {WARN}open{RESET} {DIM}(steadfast resume){RESET}",
            run.id,
            time::utc(run.began_ms),
            json::run_word(run.kind, run.options.origin),
            run.loaded.digest.short(),
            run.actor
        );
    }
    if !as_json {
        anstream::print!("{}", drift::standing(&world));
    }
    Ok(exit::OK)
}

fn book(session: &Session) -> Result<Reader, CommandError> {
    match session.reader()? {
        Some(reader) => Ok(reader),
        None => Err(JournalError::NoBook {
            path: session.project.book(),
        }
        .into()),
    }
}

/// `journal`.
pub(crate) fn journal(
    session: &Session,
    command: &JournalCommand,
    as_json: bool,
) -> Result<u8, CommandError> {
    if matches!(command, JournalCommand::AcceptLoss) {
        return accept_loss(session);
    }
    let reader = book(session)?;
    match command {
        // Answered above: a reader would refuse such a book.
        JournalCommand::AcceptLoss => Ok(exit::OK),
        JournalCommand::Verify => {
            let report = reader.verify()?;
            // The chain says that nothing was changed; the fold says that it makes sense, and what it gives is what
            // the snapshots say.
            let secrets = session.secrets()?;
            let mut entries = 0;
            let mut snapshots = 0;
            let mut environments = engine::environments(&reader)?;
            environments.sort();
            for environment in environments {
                let (world, compared) =
                    engine::checked_world(&reader, &environment, secrets.as_ref())?;
                entries += world.position;
                snapshots += u64::from(compared);
                if !as_json {
                    anstream::println!(
                        "{environment}: {} entries, epoch {}",
                        world.position,
                        world.epoch
                    );
                }
            }
            if as_json {
                let whole = json!({ "ok": true, "entries": entries, "snapshots": snapshots });
                anstream::println!("{whole}");
            } else {
                anstream::println!(
                    "{GOOD}The book is whole:{RESET} {} streams, {} entries, {} blobs, {} commits.",
                    report.streams.len(),
                    report.n_entries,
                    report.n_blobs,
                    report.n_commits
                );
            }
            Ok(exit::OK)
        }
        JournalCommand::Show(args) => {
            let mut printer = Printer::new(as_json);
            let environment = session.environment(args.environment.as_deref())?;
            fold(&reader, &environment, |entry, world| {
                printer.entry(entry, world)
            })?;
            Ok(exit::OK)
        }
    }
}

/// `journal accept-loss`.
fn accept_loss(session: &Session) -> Result<u8, CommandError> {
    match session.writer() {
        Ok(_) => {
            anstream::println!("Nothing is lost: the book ends where it should.");
            return Ok(exit::OK);
        }
        Err(CommandError::Book(JournalError::TailLost { .. })) => {}
        Err(other) => return Err(other),
    }
    session.open_writer(true)?;
    anstream::println!(
        "Accepted. What was done after the newest entry is not in the book: `steadfast plan` shows how the world \
         differs from it; objects that it does not know are yours to remove."
    );
    Ok(exit::OK)
}

/// Folds an environment, showing each entry with the world after it.
fn fold(
    reader: &Reader,
    environment: &str,
    mut visit: impl FnMut(&Entry, &World),
) -> Result<(), CommandError> {
    // What is shown shows no secret, so no key is needed for it.
    let secrets = None;
    let blobs = StoredBlobs {
        reader,
        secrets,
        lent: None,
    };
    let mut world = World {
        environment: environment.into(),
        ..World::default()
    };
    let mut releases = decide::LoadedReleases::new();
    for entry in engine::entries(reader, environment, None)? {
        world
            .fold(&entry, &blobs, &mut releases)
            .map_err(|source| {
                CommandError::Engine(engine::EngineError::Illegal {
                    environment: environment.to_owned(),
                    source,
                })
            })?;
        visit(&entry, &world);
    }
    Ok(())
}

/// One run in full.
pub(crate) fn show_run(
    session: &Session,
    environment: &str,
    run: &str,
    as_json: bool,
) -> Result<u8, CommandError> {
    let reader = book(session)?;
    let run = find_run(&reader, environment, run)?;
    let mut printer = Printer::new(as_json);
    fold(&reader, environment, |entry, world| {
        if entry.event.run() == Some(run) {
            printer.entry(entry, world);
        }
    })?;
    Ok(exit::OK)
}

/// The run whose digits begin like this.
fn find_run(reader: &Reader, environment: &str, wanted: &str) -> Result<RunId, CommandError> {
    let wanted = wanted.to_ascii_lowercase();
    let mut found: Vec<RunId> = engine::entries(reader, environment, None)?
        .iter()
        .filter_map(|entry| entry.event.run())
        .filter(|run| run.to_string().starts_with(&wanted))
        .collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [run] => Ok(*run),
        [] => Err(CommandError::Usage(format!(
            "`{environment}` has no run {wanted}; `steadfast history {environment}` lists its runs"
        ))),
        several => Err(CommandError::Usage(format!(
            "{wanted} could be any of {} runs; give more digits",
            several.len()
        ))),
    }
}

/// Prints entries of the book with their time.
struct Printer {
    json: bool,
    progress: Progress,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self {
            json,
            progress: Progress::new(json),
        }
    }

    fn entry(&mut self, entry: &Entry, world: &World) {
        if self.json {
            self.progress.entry(entry, world);
            return;
        }
        let at = time::utc(entry.at_ms);
        anstream::println!(
            "{DIM}{:>6}  {at}{RESET}  {}",
            entry.position,
            line(&entry.event, world)
        );
    }
}

/// An event on one line.
fn line(event: &Event, world: &World) -> String {
    let kind = format!("{BOLD}{}{RESET}", json::kind(event));
    let rest = match event {
        Event::Opened { environment } => environment.to_string(),
        Event::Started { epoch, program } => format!("epoch {epoch}, program {program}"),
        Event::Submitted {
            kind,
            release,
            actor,
            options,
            ..
        } => {
            let kind = json::run_word(*kind, options.origin);
            format!("{kind} of release {} by {actor}", release.short())
        }
        Event::Answered { .. } => "what the providers said about the plan".to_owned(),
        Event::Planned { summary, .. } => {
            format!(
                "{} to add, {} to change, {} to destroy",
                summary.add, summary.change, summary.destroy
            )
        }
        Event::Commanded { actor, command } => format!("{} by {actor}", order(command)),
        Event::Intended { .. }
        | Event::Finished { .. }
        | Event::Inquired { .. }
        | Event::Retried { .. }
        | Event::Parked { .. }
        | Event::Checked { .. }
        | Event::Replanned { .. } => about_action(event, world),
        Event::Observed(_)
        | Event::Phased { .. }
        | Event::Judged { .. }
        | Event::Released { .. }
        | Event::Targeted { .. } => about_service(event),
        Event::TakenOver {
            actor,
            origin,
            serial,
            ..
        } => format!("the state {origin} (serial {serial}) by {actor}"),
        Event::Called { call, .. } => format!("{} of {}", call.function, call.provider),
        Event::Drifted { found, ended, .. } => drift::line(found, ended),
        Event::Closed { result, .. } => json::result_word(result).to_owned(),
    };
    format!("{kind} {}", diagnostics::visible(&rest))
}

/// The part of the line of an event about an action that follows its kind.
fn about_action(event: &Event, world: &World) -> String {
    let subject = |action: &ActionId| {
        let run = world.run.as_ref();
        let found = run.and_then(|run| run.actions.get(action));
        let planned = || Some(run?.planned_by(*action)?.address.to_string());
        found
            .map(|action| action.effect.subject())
            .or_else(planned)
            .unwrap_or_else(|| action.to_string())
    };
    match event {
        Event::Intended {
            attempt, effect, ..
        } => {
            format!("{} (attempt {attempt}): {}", effect.subject(), verb(effect))
        }
        Event::Finished {
            action,
            attempt,
            outcome,
            ..
        } => {
            let subject = subject(action);
            format!("{subject} (attempt {attempt}): {}", outcome_text(outcome))
        }
        Event::Inquired {
            action,
            inquiry,
            rungs,
            ..
        } => {
            let found = match inquiry {
                Inquiry::Found(_) => "it took effect".to_owned(),
                Inquiry::Absent => "it is not there".to_owned(),
                Inquiry::NotYet => "not seen yet".to_owned(),
                Inquiry::Unclear { what } => format!("unclear: {what}"),
            };
            let how = rungs
                .iter()
                .map(|rung| format!("; by {}: {}: {}", rung.by.word(), rung.asked, rung.seen));
            let how: String = how.collect();
            format!("{}: {found}{how}", subject(action))
        }
        Event::Retried {
            action,
            attempt,
            delay_ms,
            ..
        } => format!(
            "{} (attempt {attempt}) again in {delay_ms} ms",
            subject(action)
        ),
        Event::Parked {
            action, question, ..
        } => format!("{}: {question}", subject(action)),
        Event::Replanned { action, .. } => subject(action),
        Event::Checked {
            action,
            diagnostics,
            ..
        } => format!("{}: {}", subject(action), held(diagnostics)),
        _ => String::new(),
    }
}

/// What a look at conditions came to.
fn held(diagnostics: &value::Diagnostics) -> &'static str {
    if diagnostics.is_empty() {
        "as it must be"
    } else {
        "not as it must be"
    }
}

/// The part of the line of an event about a service that follows its kind.
fn about_service(event: &Event) -> String {
    match event {
        Event::Observed(model::Observation::Instance {
            instance, state, ..
        }) => format!("{instance} {state:?}"),
        Event::Observed(model::Observation::Counts(counts)) => {
            let arms: Vec<String> = counts
                .arms
                .iter()
                .map(|arm| {
                    format!(
                        "{}: {} answered, {} failed",
                        arm.version, arm.finished, arm.failed
                    )
                })
                .collect();
            format!("{}: {}", counts.service, arms.join("; "))
        }
        Event::Phased { service, phase, .. } => format!("{service} {phase:?}"),
        Event::Judged {
            service,
            evidence,
            verdict,
            ..
        } => format!(
            "{service} {verdict:?}: new {}/{} failed, old {}/{}",
            evidence.new_failed, evidence.new_finished, evidence.old_failed, evidence.old_finished
        ),
        Event::Released { release, .. } => release.short(),
        Event::Targeted {
            service, target, ..
        } => format!("{service} to version {}", target.version),
        _ => String::new(),
    }
}

fn order(command: &Command) -> String {
    match command {
        Command::Approve { plan, .. } => format!("approve plan {}", plan.short()),
        Command::Cancel { .. } => "cancel".to_owned(),
        Command::Resolve { action, .. } => format!("resolve {action}"),
        Command::LiftQuarantine { release } => format!("lift quarantine of {}", release.short()),
        Command::Taint { address, tainted } => {
            format!("{} {address}", if *tainted { "taint" } else { "untaint" })
        }
        Command::Rename { moves } => {
            let moves = moves.iter().map(|(from, to)| format!("{from} to {to}"));
            format!("move {}", moves.collect::<Vec<_>>().join(", "))
        }
        Command::Forget { addresses } => {
            let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("forget {}", all.join(", "))
        }
        Command::Forgive { addresses } => {
            let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("forgive {}", all.join(", "))
        }
        Command::Retire { retired: true } => "delete this workspace".to_owned(),
        Command::Retire { retired: false } => "make this workspace again".to_owned(),
    }
}

fn verb(effect: &Effect) -> String {
    match effect {
        Effect::Change(change) => format!("{:?}", change.verb).to_lowercase(),
        Effect::Place(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Provision(_)
        | Effect::Probe(_) => effect.kind_name().to_owned(),
    }
}

fn outcome_text(outcome: &Outcome) -> String {
    let first = |found: &value::Diagnostics| {
        found.iter().next().map_or_else(String::new, |one| {
            format!(": {} ({})", one.summary, one.code)
        })
    };
    match outcome {
        Outcome::Changed { .. } => "changed".to_owned(),
        Outcome::Partial { diagnostics, .. } => format!("made, but damaged{}", first(diagnostics)),
        Outcome::Placed { address } => format!("runs on {address}"),
        Outcome::Stopped => "stopped".to_owned(),
        Outcome::Published { generation, .. } => format!("route table {generation} in force"),
        Outcome::Built { artifact } => format!("built {}", artifact.short()),
        Outcome::Provisioned { .. } => "ran".to_owned(),
        Outcome::Broken { diagnostics, .. } => format!("ran and failed{}", first(diagnostics)),
        Outcome::Healthy { answer } => format!("healthy: {answer}"),
        Outcome::Unhealthy { answer, .. } => format!("not healthy: {answer}"),
        Outcome::Refused { diagnostics } => format!("refused{}", first(diagnostics)),
        Outcome::Failed { diagnostics, .. } => format!("failed{}", first(diagnostics)),
        Outcome::Unknown { why } => format!("outcome lost: {why}"),
    }
}

/// What a person says became of an effect.
fn said(
    session: &Session,
    engine: &mut engine::Engine,
    args: &ResolveArgs,
    effect: &Effect,
) -> Result<Inquiry, CommandError> {
    Ok(match (args.answer, effect) {
        (Resolution::Absent, _) => Inquiry::Absent,
        (Resolution::Look, _) => Inquiry::NotYet,
        (Resolution::Done, Effect::Change(change)) => match &args.id {
            Some(id) => read_by_id(session, engine, change, id)?,
            None => Inquiry::Found(Outcome::Changed {
                object: change.planned.as_ref().map(found_as_planned),
                private: change.private.clone(),
                diagnostics: value::Diagnostics::new(),
            }),
        },
        (Resolution::Done, Effect::Provision(_)) => Inquiry::Found(Outcome::Provisioned {
            output: String::new(),
        }),
        (Resolution::Done, _) => {
            return Err(CommandError::Usage(
                "only resources and their provisioners are put to a person".to_owned(),
            ));
        }
    })
}

/// The new object as its provider knows it.
fn read_by_id(
    session: &Session,
    engine: &mut engine::Engine,
    change: &model::Change,
    id: &str,
) -> Result<Inquiry, CommandError> {
    let planned = change.planned.as_ref().map(found_as_planned);
    let mut prior = planned.as_ref().and_then(Value::entries).cloned();
    if let Some(prior) = &mut prior {
        prior.insert("id".into(), Value::string(id));
    }
    let question = model::Question::Read(model::ReadQuestion {
        address: change.address.clone(),
        provider: change.provider.clone(),
        prior: Value::object(prior.unwrap_or_default()),
        private: change.private.clone(),
        retry: None,
    });
    match session.tokio.block_on(engine.ask(question)) {
        model::Answer::Read(model::ReadAnswer {
            object: Some(object),
            private,
            diagnostics,
        }) => Ok(Inquiry::Found(Outcome::Changed {
            object: Some(object),
            private,
            diagnostics,
        })),
        model::Answer::Failed(diagnostics) => Err(CommandError::Diagnostics {
            diagnostics,
            sources: diagnostics::Sources::default(),
            code: exit::FAILED,
        }),
        _ => Err(CommandError::Failed(format!(
            "{} knows no {} {id}; nothing was resolved",
            change.provider, change.address.resource.kind
        ))),
    }
}

/// The planned object as one that exists: what only the action itself could have told is absent.
fn found_as_planned(planned: &Value) -> Value {
    let each = |items: &[Value]| Arc::new(items.iter().map(found_as_planned).collect::<Vec<_>>());
    let entries = |items: &BTreeMap<Name, Value>| {
        let items = items
            .iter()
            .map(|(name, item)| (name.clone(), found_as_planned(item)));
        Arc::new(items.collect::<BTreeMap<_, _>>())
    };
    let data = match planned.data() {
        Data::Unknown(unknown) => Data::Null(unknown.ty.clone()),
        Data::List(ty, items) => Data::List(ty.clone(), each(items)),
        Data::Set(ty, items) => Data::Set(ty.clone(), each(items)),
        Data::Tuple(items) => Data::Tuple(each(items)),
        Data::Map(ty, items) => Data::Map(ty.clone(), entries(items)),
        Data::Object(items) => Data::Object(entries(items)),
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => {
            return planned.clone();
        }
    };
    Value::from(data).with_marks(planned.marks())
}

/// `replay`.
pub(crate) fn replay(session: &Session, args: &RunArgs, as_json: bool) -> Result<u8, CommandError> {
    let reader = book(session)?;
    let environment = session.environment(args.env.as_deref())?;
    let only = match &args.run {
        Some(run) => Some(find_run(&reader, &environment, run)?),
        None => None,
    };
    let secrets = session.secrets()?;
    let secrets = secrets.as_ref();
    engine::check_key(&reader, secrets)?;
    let blobs = StoredBlobs {
        reader: &reader,
        secrets,
        lent: None,
    };
    let mut replay = Replay::new(session.providers(&Variables::default())?.schemas(), only);
    for entry in engine::entries(&reader, &environment, secrets)? {
        replay.take(&entry, &blobs).map_err(|source| {
            CommandError::Engine(engine::EngineError::Illegal {
                environment: environment.clone(),
                source,
            })
        })?;
    }
    let (_, report) = replay.finish();
    if as_json {
        let different: Vec<serde_json::Value> = report
            .different
            .iter()
            .map(|(position, what)| json!({ "position": position, "what": what }))
            .collect();
        anstream::println!(
            "{}",
            json!({ "entries": report.entries, "same": report.same, "different": different })
        );
    } else {
        for (position, what) in &report.different {
            anstream::println!("{BAD}entry {position}:{RESET} {what}");
        }
        if report.different.is_empty() {
            anstream::println!(
                "{GOOD}Every decision was derived again with the same result:{RESET} {} decisions among {} entries.",
                report.same,
                report.entries
            );
        } else {
            anstream::println!(
                "{} decisions are the same, {} are not.",
                report.same,
                report.different.len()
            );
        }
    }
    Ok(if report.different.is_empty() {
        exit::OK
    } else {
        exit::FAILED
    })
}

/// `resolve`.
pub(crate) fn resolve(
    session: &Session,
    args: &ResolveArgs,
    as_json: bool,
) -> Result<u8, CommandError> {
    let environment = session.environment(args.env.as_deref())?;
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, &environment)?;
    let Some(run) = engine.world().run.clone() else {
        return Err(CommandError::Usage(format!(
            "`{environment}` has no open run"
        )));
    };
    if !run.id.to_string().starts_with(&args.run) {
        return Err(CommandError::Usage(format!(
            "the open run is {}, not {}",
            run.id, args.run
        )));
    }
    let found: Vec<(ActionId, &decide::Action)> = run
        .actions
        .iter()
        .filter(|(id, action)| {
            matches!(action.stage, decide::Stage::Parked { .. })
                && id.to_string().starts_with(&args.action)
        })
        .map(|(id, action)| (*id, action))
        .collect();
    let [(id, action)] = found.as_slice() else {
        return Err(CommandError::Usage(format!(
            "no single action {} waits for a person; `steadfast status` shows those that do",
            args.action
        )));
    };
    let inquiry = said(session, &mut engine, args, &action.effect)?;
    engine.command(
        &actor(),
        Command::Resolve {
            run: run.id,
            action: *id,
            inquiry,
        },
    )?;
    let sources = super::apply::stored_sources(session, &engine)?;
    let mut progress = Progress::new(as_json);
    super::apply::finish(
        session,
        &mut engine,
        &mut progress,
        &sources,
        false,
        as_json,
    )
}

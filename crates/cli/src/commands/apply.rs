//! `plan`, `apply`, `destroy`, `resume`: resources.

use super::saved;
use super::take_back::take_back_owed;
use super::takeover::{Then, submit, take_over};
use crate::args::{ApplyArgs, PlanArgs, Planning, ResumeArgs};
use crate::diag;
use crate::error::CommandError;
use crate::exit;
use crate::project::Definition;
use crate::render::diagnostics::{self, Sources};
use crate::render::plan as render;
use crate::render::progress::Progress;
use crate::render::style::{BOLD, GOOD, RESET, WARN};
use crate::session::{Session, actor, fresh};
use decide::LoadedRelease;
use engine::{Engine, PROJECT_STREAM, Pause};
use model::{Address, Command, Event, Plan, PlanMode, RunId, RunKind, RunOptions, RunResult};
use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

/// `plan`.
pub(crate) fn plan(session: &Session, args: PlanArgs, json: bool) -> Result<u8, CommandError> {
    let mode = if args.destroy {
        PlanMode::Destroy
    } else {
        mode_of(&args.planning)
    };
    let previewed = previewed(session, &args.planning, mode, json)?;
    let plan = &previewed.preview.plan;
    if json {
        anstream::println!("{}", plan_json(plan));
    } else {
        anstream::print!("{}", render::text(plan));
    }
    let changes = if args.planning.refresh_only {
        !plan.is_empty()
    } else {
        plan.has_changes()
    };
    let changes = args.detailed_exitcode && changes;
    if let Some(path) = &args.out {
        saved::keep(session, path, previewed)?;
        if !json {
            let shown = path.display();
            anstream::println!(
                "\nThe plan is in {shown}. To do exactly this: steadfast apply {shown}"
            );
        }
    }
    Ok(if changes { exit::USAGE } else { exit::OK })
}

/// A plan that would be made now, with what it was made from.
pub(super) struct Previewed {
    /// The plan, and what the providers said for it.
    pub preview: engine::Preview,
    /// What is written.
    pub definition: Definition,
    /// What the book says.
    pub world: decide::World,
    /// What was asked for.
    pub options: RunOptions,
    /// In which workspace.
    pub environment: String,
}

/// The plan that would be made now. Its warnings have been told.
pub(super) fn previewed(
    session: &Session,
    planning: &Planning,
    mode: PlanMode,
    json: bool,
) -> Result<Previewed, CommandError> {
    let definition = compiled(session, &planning.variables, mode, json)?;
    let environment = session.environment(None)?;
    let (world, _) = session.world(&environment)?;
    Session::warn_if_open(&world);
    let base = definition.options_in(&environment);
    let options = options(base, planning, replaced(planning)?, &world, mode, true)?;
    let loaded = loaded(&definition)?;
    let outside = session.providers(&planning.variables)?;
    let preview = session
        .tokio
        .block_on(engine::preview(&outside, loaded, &world, options.clone()))
        .map_err(|found| failed(found, &definition))?;
    say(&preview.plan.diagnostics, &definition.sources, json);
    Ok(Previewed {
        preview,
        definition,
        world,
        options,
        environment,
    })
}

/// A plan that was kept in a file, and that what is planned now must be.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Where it was kept.
    pub path: &'a Path,
}

/// How a plan is agreed to.
#[derive(Clone, Copy)]
pub(super) enum Consent<'a> {
    /// A person is asked.
    Asked,
    /// It was given beforehand, to any plan.
    Given,
    /// It was given to one plan.
    Kept(Expected<'a>),
}

/// `apply` and `destroy`.
pub(crate) fn apply(
    session: &Session,
    args: ApplyArgs,
    mode: PlanMode,
    json: bool,
) -> Result<u8, CommandError> {
    if let Some(path) = &args.plan {
        return saved::apply(session, path, &args, json);
    }
    if !args.auto_approve && (json || !args.input) {
        return Err(nobody_to_ask(if json { "--json" } else { "-input=false" }));
    }
    let mode = match mode {
        PlanMode::Normal if args.destroy => PlanMode::Destroy,
        PlanMode::Normal => mode_of(&args.planning),
        PlanMode::Destroy | PlanMode::RefreshOnly => mode,
    };
    let mut definition = compiled(session, &args.planning.variables, mode, json)?;
    if !definition.release.environments.is_empty() {
        return Err(CommandError::Usage(
            "this project has environments; say which one: steadfast deploy NAME".to_owned(),
        ));
    }
    let replace = replaced(&args.planning)?;
    let writer = session.writer()?;
    let environment = session.environment(None)?;
    let mut engine = session.engine(&writer, &environment)?;
    let then = if mode == PlanMode::Destroy {
        Then::Close
    } else {
        Then::Finish
    };
    if let Some(code) = take_over(session, &mut engine, then, json)? {
        return Ok(code);
    }
    let base = definition.options_in(&environment);
    let options = options(base, &args.planning, replace, engine.world(), mode, false)?;
    definition.seal(engine.secrets());
    let mut progress = Progress::new(json);
    let run = RunId(fresh()?);
    let event = Event::Submitted {
        run,
        kind: RunKind::Apply,
        release: definition.digest,
        actor: actor(),
        options,
    };
    let sources = definition.sources.clone();
    submit(
        session,
        &mut engine,
        event,
        definition.content,
        &mut progress,
    )?;
    finish(
        session,
        &mut engine,
        &mut progress,
        &sources,
        args.auto_approve,
        json,
    )
}

/// `resume`.
pub(crate) fn resume(session: &Session, args: &ResumeArgs, json: bool) -> Result<u8, CommandError> {
    let worlds = session.worlds()?;
    let open: Vec<String> = worlds
        .iter()
        .filter(|(name, world)| {
            (world.run.is_some() || world.owed.is_some() && !args.cancel)
                && args
                    .environment
                    .as_deref()
                    .is_none_or(|wanted| wanted == &***name)
        })
        .map(|(name, _)| name.to_string())
        .collect();
    if open.is_empty() {
        if !json {
            anstream::println!("Nothing to resume: no run is open.");
        }
        return Ok(exit::OK);
    }
    for environment in &open {
        if let Some(run) = worlds
            .get(environment.as_str())
            .and_then(|world| world.run.as_ref())
        {
            session.lend_for(&run.loaded.release, &args.variables)?;
        }
    }
    let writer = session.writer()?;
    let mut worst = exit::OK;
    for environment in open {
        let open = worlds.get(environment.as_str());
        let kind = open.and_then(|world| world.run.as_ref().map(|run| run.kind));
        if matches!(kind, Some(RunKind::Deploy | RunKind::Stop)) {
            session.prepare_services(&environment)?;
        }
        let mut engine = session.engine(&writer, &environment)?;
        let Some(run) = engine.world().run.as_ref().map(|run| run.id) else {
            worst = worst.max(take_back_owed(session, &mut engine, json)?.unwrap_or(exit::OK));
            continue;
        };
        if !json {
            anstream::println!("Going on with run {run} of {environment}.");
        }
        if args.cancel {
            engine.command(&actor(), Command::Cancel { run })?;
        }
        let sources = stored_sources(session, &engine)?;
        let mut progress = Progress::new(json);
        let code = finish(
            session,
            &mut engine,
            &mut progress,
            &sources,
            args.auto_approve,
            json,
        )?;
        worst = worst.max(code);
    }
    Ok(worst)
}

/// Goes on until the run is over, asking where a person must agree.
pub(crate) fn finish(
    session: &Session,
    engine: &mut Engine,
    progress: &mut Progress,
    sources: &Sources,
    auto_approve: bool,
    json: bool,
) -> Result<u8, CommandError> {
    let consent = if auto_approve {
        Consent::Given
    } else {
        Consent::Asked
    };
    finish_expected(session, engine, progress, sources, consent, json)
}

/// The same, with what a plan is agreed to for.
pub(super) fn finish_expected(
    session: &Session,
    engine: &mut Engine,
    progress: &mut Progress,
    sources: &Sources,
    consent: Consent<'_>,
    json: bool,
) -> Result<u8, CommandError> {
    let mut outdated = None;
    let run = engine.world().run.as_ref();
    let mut begun = run.is_some_and(|run| run.approved || run.options.auto_approve);
    loop {
        // Ends: after the approval a run only ends or waits for a person, and both return.
        let pause = session.run(engine, progress)?;
        match pause {
            None => {
                progress.finish();
                tell_interrupted(json);
                return Ok(exit::INTERRUPTED);
            }
            Some(Pause::AwaitsApproval { run, plan }) => {
                let made = engine.world().run.as_ref().and_then(|run| run.plan.clone());
                let made = made.ok_or_else(|| {
                    CommandError::Failed("the plan is not in the book".to_owned())
                })?;
                if let Consent::Kept(kept) = consent {
                    outdated = saved::difference(&made, kept.plan)
                        .map(|since| diag::plan_outdated(kept.path, &since, kept.plan.base));
                } else {
                    tell(&made, sources, json);
                }
                let agreed = match consent {
                    Consent::Kept(_) => outdated.is_none(),
                    Consent::Given => true,
                    Consent::Asked => made.is_empty() || ask(session, &made, json)?,
                };
                begun |= agreed;
                let order = if agreed {
                    Command::Approve { run, plan }
                } else {
                    Command::Cancel { run }
                };
                engine.command(&actor(), order)?;
            }
            Some(Pause::Parked { run, questions }) => {
                progress.finish();
                tell_parked(run, &questions);
                return Ok(exit::PARKED);
            }
            Some(Pause::LowSpace) => {
                progress.finish();
                return Err(CommandError::NoRoom {
                    path: session.project.book(),
                });
            }
            Some(Pause::Over(result)) => {
                progress.finish();
                if let Some(outdated) = outdated {
                    return Err(outdated_plan(outdated));
                }
                let mut code = over(engine, result.as_ref(), sources, begun, json);
                if matches!(result, Some(RunResult::Cancelled)) && session.was_interrupted() {
                    code = exit::INTERRUPTED;
                }
                // That it was taken back makes no success of what was asked for.
                let own = take_back_owed(session, engine, json)?;
                return Ok(own.map_or(code, |own| code.max(own)));
            }
        }
    }
}

fn outdated_plan(outdated: value::Diagnostic) -> CommandError {
    CommandError::Diagnostics {
        diagnostics: outdated.into(),
        sources: Sources::default(),
        code: exit::FAILED,
    }
}

fn tell_interrupted(json: bool) {
    if !json {
        anstream::println!("Ended at once. What was under way is looked at by: steadfast resume");
    }
}

fn tell_parked(run: RunId, questions: &[(model::ActionId, String)]) {
    anstream::eprintln!(
        "{WARN}Run {run} waits for you.{RESET} Everything else that could be done is done."
    );
    for (_, question) in questions {
        anstream::eprintln!("  {}", diagnostics::visible(question));
    }
}

/// Shows a plan, with its warnings.
fn tell(made: &Plan, sources: &Sources, json: bool) {
    say(&made.diagnostics, sources, json);
    if json {
        anstream::println!("{}", plan_json(made));
    } else {
        anstream::print!("{}", render::text(made));
    }
}

/// Says how a run ended.
fn over(
    engine: &Engine,
    result: Option<&RunResult>,
    sources: &Sources,
    begun: bool,
    json: bool,
) -> u8 {
    let Some(result) = result else {
        return exit::OK;
    };
    let (text, code) = match result {
        RunResult::Succeeded {
            outputs, warnings, ..
        } => {
            say(warnings, sources, json);
            let last = engine.world().runs.back();
            let took = last.map_or(0, |run| run.ended_ms - run.began_ms);
            let mut text = format!(
                "{GOOD}Done{RESET} in {}.",
                crate::render::time::duration(took)
            );
            let is_build = last.is_some_and(|run| run.kind == RunKind::Build);
            let shown: Vec<_> = outputs
                .iter()
                .filter(|(_, value)| !value.is_null())
                .collect();
            if !shown.is_empty() && !is_build {
                text.push_str(&format!("\n\n{BOLD}Outputs:{RESET}\n"));
                for (name, value) in shown {
                    text.push_str(&format!("{name} = {}\n", render::shown(value)));
                }
            }
            (text.trim_end().to_owned(), exit::OK)
        }
        RunResult::Failed { diagnostics: found } => {
            say(found, sources, json);
            let last = engine.world().runs.back();
            let text = if last.is_some_and(|run| run.kind == RunKind::Build) {
                "Not everything could be built, and nothing was deployed.".to_owned()
            } else if !begun {
                "The plan could not be made. Nothing was changed.".to_owned()
            } else if engine.world().owed.is_some() {
                "Not everything could be done, and an object is not healthy.".to_owned()
            } else {
                "Not everything could be done. What was done stays: steadfast show. When the cause is gone, do the \
                 same again: only what is missing is done."
                    .to_owned()
            };
            (text, exit::FAILED)
        }
        RunResult::Returned { services } => {
            (returned_text(engine.world(), services), exit::RETURNED)
        }
        RunResult::Cancelled => {
            let text = if begun {
                "Cancelled. What was under way was finished, nothing more was begun; the next plan shows what is left."
            } else {
                "Cancelled. Nothing was changed."
            };
            (text.to_owned(), exit::FAILED)
        }
    };
    if !json {
        anstream::println!("{text}");
    }
    code
}

/// What serves now that new versions were taken back, and why they were.
fn returned_text(world: &decide::World, services: &BTreeMap<value::Name, String>) -> String {
    let mut text = format!("{WARN}The new version was taken back.{RESET}");
    for (service, why) in services {
        let serves = world
            .services
            .get(service)
            .is_some_and(|state| state.live.is_some());
        let now = if serves {
            "the old version serves"
        } else {
            "nothing serves, for there was no version before"
        };
        let why = diagnostics::visible(why).replace('\n', "\n      ");
        text.push_str(&format!("\n  {service}: {now}\n    because {why}"));
    }
    let release = world.runs.back().map(|run| run.release);
    let quarantined = release.filter(|release| world.quarantine.contains_key(release));
    match quarantined {
        Some(release) => text.push_str(&format!(
            "\nIts release is in quarantine; what an instance printed: steadfast logs --env {} INSTANCE. To try it again \
             all the same: steadfast lift {}",
            world.environment,
            release.short()
        )),
        None => text.push_str(
            "\nThat says nothing about the version: when the cause is gone, deploy it again as it is.",
        ),
    }
    text
}

/// Why a command that must ask cannot.
pub(crate) fn nobody_to_ask(because: &str) -> CommandError {
    CommandError::Usage(format!(
        "with {because} nobody can be asked to agree; look at the plan first (steadfast plan), then use -auto-approve"
    ))
}

/// Asks a person to agree to a plan. Ctrl-C is no agreement.
fn ask(session: &Session, plan: &Plan, json: bool) -> Result<bool, CommandError> {
    if json {
        return Err(nobody_to_ask("--json"));
    }
    let summary = plan.summary();
    let what = if summary.add + summary.change == 0 && summary.destroy > 0 {
        "destroy this"
    } else {
        "do this"
    };
    // Listening begins before the question is asked: a Ctrl-C in between must not be lost.
    let listening = session.tokio.block_on(async {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
    });
    let mut interrupts = listening.map_err(|source| CommandError::Path {
        what: "listen for Ctrl-C in",
        path: session.project.root.clone(),
        source,
    })?;
    anstream::print!("\n{BOLD}Shall Steadfast {what}?{RESET} Only `yes` is taken as agreement: ");
    let _ = std::io::stdout().flush();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // A thread of its own, because a read cannot be interrupted; when nobody answers it ends with the program.
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer).unwrap_or(0);
        let _ = sender.send((read > 0).then_some(answer));
    });
    let answer = session.tokio.block_on(async {
        tokio::select! {
            answer = receiver => answer.ok().flatten(),
            _ = interrupts.recv() => {
                session.note_interrupt();
                Some(String::from("^C"))
            }
        }
    });
    let agreed = answer.as_deref().map(str::trim) == Some("yes");
    if answer.is_none() {
        anstream::println!(
            "(no answer: there is no one at the other end; -auto-approve agrees beforehand)"
        );
    } else if !std::io::stdin().is_terminal() || session.was_interrupted() {
        anstream::println!();
    }
    Ok(agreed)
}

/// Compiles the project for a plan of this mode and shows warnings.
pub(crate) fn compiled(
    session: &Session,
    variables: &crate::args::Variables,
    mode: PlanMode,
    json: bool,
) -> Result<Definition, CommandError> {
    let schemas = session.schemas(variables)?;
    let (definition, found) = session.project.compile(variables, &schemas, mode)?;
    say(&found, &definition.sources, json);
    session.lend(&definition.release);
    Ok(definition)
}

/// Tells diagnostics: to people beside the result, to programs within it.
fn say(found: &value::Diagnostics, sources: &Sources, json: bool) {
    if !json {
        anstream::eprint!("{}", diagnostics::text(found, sources));
        return;
    }
    for one in found.iter() {
        anstream::println!("{}", crate::json::diagnostic_line(one, sources));
    }
}

pub(crate) fn failed(found: value::Diagnostics, definition: &Definition) -> CommandError {
    CommandError::Diagnostics {
        diagnostics: found,
        sources: definition.sources.clone(),
        code: exit::FAILED,
    }
}

fn mode_of(planning: &Planning) -> PlanMode {
    if planning.refresh_only {
        PlanMode::RefreshOnly
    } else {
        PlanMode::Normal
    }
}

/// The objects that shall be replaced.
fn replaced(planning: &Planning) -> Result<Vec<Address>, CommandError> {
    let one = |text: &String| {
        crate::project::address(text).ok_or_else(|| {
            CommandError::Usage(format!(
                "-replace {text}: not the address of an object; write it as in `host_file.motd` or \
                 `module.a.host_file.motd[\"x\"]`"
            ))
        })
    };
    planning.replace.iter().map(one).collect()
}

/// What is meant by an option that names parts of the definition.
fn endpoints(option: &str, texts: &[String]) -> Result<Vec<model::Endpoint>, CommandError> {
    let one = |text: &String| {
        crate::project::endpoint(text).ok_or_else(|| {
            CommandError::Usage(format!(
                "{option} {text}: neither an object, a block nor a module; write it as in `host_file.motd` or \
                 `module.a`"
            ))
        })
    };
    texts.iter().map(one).collect()
}

fn options(
    base: RunOptions,
    planning: &Planning,
    replace: Vec<Address>,
    world: &decide::World,
    mode: PlanMode,
    preview: bool,
) -> Result<RunOptions, CommandError> {
    let missing = |address: &&Address| !world.resources.contains_key(*address);
    if let Some(address) = replace.iter().find(missing) {
        return Err(CommandError::Usage(format!(
            "-replace {address}: there is no such object to replace; `steadfast state list` shows all"
        )));
    }
    Ok(RunOptions {
        mode,
        refresh: planning.refresh,
        replace,
        targets: endpoints("-target", &planning.target)?,
        excludes: endpoints("-exclude", &planning.exclude)?,
        parallelism: planning.parallelism.unwrap_or(0),
        seed: if preview { 0 } else { fresh()? },
        auto_approve: false,
        ..base
    })
}

fn loaded(definition: &Definition) -> Result<Arc<LoadedRelease>, CommandError> {
    let mut loaded = LoadedRelease::new(
        definition.digest,
        definition.release.clone(),
        definition.files(),
    )
    .map_err(|found| failed(found, definition))?;
    loaded.texts = Some(definition::TEXTS);
    Ok(Arc::new(loaded))
}

/// The texts of the release that a run carries out, read from the book.
pub(crate) fn stored_sources(session: &Session, engine: &Engine) -> Result<Sources, CommandError> {
    let Some(run) = &engine.world().run else {
        return Ok(Sources::default());
    };
    let Some(reader) = session.reader()? else {
        return Ok(Sources::default());
    };
    Ok(crate::project::sources(&reader, &run.loaded.release))
}

fn plan_json(plan: &Plan) -> String {
    let changes: Vec<serde_json::Value> = plan
        .changes
        .iter()
        .filter(|change| change.action != model::Action::Open)
        .map(|change| {
            let mut one = serde_json::json!({
                "address": change.address.to_string(),
                "action": crate::json::action_word(change.action),
                "before": change.before.as_ref().map(crate::json::value),
                "after": change.after.as_ref().map(crate::json::value),
            });
            if let (Some(recovery), Some(one)) = (change.recovery, one.as_object_mut()) {
                one.insert("crash_safety".to_owned(), recovery.word().into());
            }
            one
        })
        .collect();
    serde_json::json!({ "type": "plan", "summary": plan.summary(), "changes": changes }).to_string()
}

/// Whether a stream is that of an environment, not one of ours.
pub(crate) fn is_environment(name: &str) -> bool {
    name != PROJECT_STREAM
}

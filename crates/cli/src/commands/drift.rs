//! `drift`: what was changed outside, told or healed; once, or again and again.
//!
//! A pass reads without the pen. Only where it found news is the book opened for writing; where something is healed,
//! the run that does it is handed in with the entry that says why.

use super::apply::{finish, stored_sources};
use super::delivery::loaded_release;
use super::objects;
use super::takeover::{Then, take_over};
use crate::args::{DriftArgs, Policy};
use crate::error::CommandError;
use crate::exit;
use crate::project::options_in;
use crate::render::diagnostics::Sources;
use crate::render::drift as render;
use crate::render::progress::Progress;
use crate::session::{Session, actor, fresh};
use contract::Clock as _;
use decide::{LoadedRelease, World, heal};
use engine::EngineError;
use model::{
    Command, DriftDecision, DriftJudged, DriftPass, DriftPolicy, Event, HealLimits, Origin,
    Release, RunId, RunOptions,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// `drift`.
pub(crate) fn drift(session: &Session, args: &DriftArgs, json: bool) -> Result<u8, CommandError> {
    if !args.forgive.is_empty() {
        return forgive(session, args, json);
    }
    let Some(every_ms) = args.every else {
        return one_pass(session, args, true, json);
    };
    let mut interrupts = interrupts(session)?;
    let mut first = true;
    loop {
        // Ends when a person interrupts it; a pass that fails says why, and the next one comes in its time.
        let pass = Session::new(session.project.clone(), session.lock_timeout_ms)?;
        let ended = one_pass(&pass, args, first, json);
        pass.close();
        match ended {
            Ok(exit::INTERRUPTED) => return Ok(exit::INTERRUPTED),
            Ok(_) => {}
            Err(error) => error.print(json),
        }
        first = false;
        let pause = Duration::from_millis(every_ms);
        let is_over = session.tokio.block_on(async {
            tokio::select! {
                _ = interrupts.recv() => true,
                () = tokio::time::sleep(pause) => false,
            }
        });
        if is_over {
            return Ok(exit::OK);
        }
    }
}

/// Listens before anything begins, so that no Ctrl-C is lost between two passes.
fn interrupts(session: &Session) -> Result<Signal, CommandError> {
    let listening = session
        .tokio
        .block_on(async { signal(SignalKind::interrupt()) });
    listening.map_err(|source| CommandError::Path {
        what: "listen for Ctrl-C in",
        path: session.project.root.clone(),
        source,
    })
}

/// `drift -forgive`.
fn forgive(session: &Session, args: &DriftArgs, json: bool) -> Result<u8, CommandError> {
    let environment = session.environment(args.environment.as_deref())?;
    let addresses: Result<Vec<_>, _> = args.forgive.iter().map(|text| objects::one(text)).collect();
    let addresses = addresses?;
    objects::give_in(session, &environment, json, |world| {
        let (known, others): (Vec<_>, Vec<_>) = addresses
            .into_iter()
            .partition(|address| world.drifts.contains_key(address));
        let mut said: Vec<String> = Vec::new();
        said.extend(known.iter().map(|one| {
            format!("{one}: what it was healed of is forgotten; the next pass judges it anew.")
        }));
        said.extend(
            others
                .iter()
                .map(|one| format!("{one}: there is nothing to forgive.")),
        );
        let order = (!known.is_empty()).then_some(Command::Forgive { addresses: known });
        Ok((order, said.join("\n")))
    })
}

/// Looks once. What is no news is told only where `all` is to be told.
fn one_pass(
    session: &Session,
    args: &DriftArgs,
    all: bool,
    json: bool,
) -> Result<u8, CommandError> {
    let environment = session.environment(args.environment.as_deref())?;
    let (mut world, _) = session.world(&environment)?;
    if let Some(run) = &world.run
        && run.options.origin == Origin::Heal
    {
        session.lend_for(&run.loaded.release, &args.variables)?;
        if let Some(code) = finish_healing(session, &environment, json)? {
            return Ok(code);
        }
        (world, _) = session.world(&environment)?;
    }
    if let Some(run) = &world.run {
        // What a look sees in the middle of a run is the run's own work.
        return Err(EngineError::Busy(run.id).into());
    }
    if world.position == 0 && args.environment.is_some() {
        // A name that was mistyped must not look like an environment in which nothing drifts.
        return Err(CommandError::Failed(format!(
            "nothing was ever done in `{environment}`; `steadfast status` says which environments there are"
        )));
    }
    if world.resources.is_empty() {
        render::nothing(all, json);
        return Ok(exit::OK);
    }
    let release = world.in_force.ok_or_else(|| {
        CommandError::Failed(format!(
            "nothing was applied in `{environment}` yet, so nobody can say what its objects should be; apply it once, \
             then look again"
        ))
    })?;
    let loaded = loaded_release(session, &release, &args.variables)?;
    let sources = sources_of(session, &loaded.release)?;
    let base = options_in(&loaded.release, &environment);
    let Some((pass, judged)) = look(session, args, &world, &loaded, &base, &sources)? else {
        // Nothing was begun: for whoever looks again and again this is the end, and no trouble.
        let again = args.every.is_some();
        return Ok(if again { exit::OK } else { exit::INTERRUPTED });
    };
    let news = heal::news(&world, &actor(), &pass, &judged);
    if all || news.is_some() {
        render::tell(&world, &judged, json);
    }
    if let Some(event) = news {
        let code = record(session, &world, base, event, json)?;
        if code != exit::OK {
            return Ok(code);
        }
    }
    let is_left =
        |one: &DriftJudged| matches!(one.decision, DriftDecision::Warn | DriftDecision::Hold(_));
    Ok(if judged.iter().any(is_left) {
        exit::DRIFTED
    } else {
        exit::OK
    })
}

/// Finishes an earlier pass that was interrupted while it healed. Gives an exit code when the command ends here.
fn finish_healing(
    session: &Session,
    environment: &str,
    json: bool,
) -> Result<Option<u8>, CommandError> {
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, environment)?;
    take_over(session, &mut engine, Then::Finish, json)
}

/// The texts that a release was made from.
fn sources_of(session: &Session, release: &Release) -> Result<Sources, CommandError> {
    let reader = session.reader()?;
    let sources = reader.map(|reader| crate::project::sources(&reader, release));
    Ok(sources.unwrap_or_default())
}

/// What a pass sees and decides; none when a person interrupted it.
fn look(
    session: &Session,
    args: &DriftArgs,
    world: &World,
    loaded: &Arc<LoadedRelease>,
    base: &RunOptions,
    sources: &Sources,
) -> Result<Option<(DriftPass, Vec<DriftJudged>)>, CommandError> {
    let policy = match args.policy {
        Policy::Observe => DriftPolicy::Observe,
        Policy::Warn => DriftPolicy::Warn,
        Policy::Heal => DriftPolicy::Heal,
    };
    let limits = HealLimits {
        objects_max: args.max_objects,
        heals_max: args.max_heals,
        window_ms: args.window,
    };
    let asked = DriftPass {
        // Time never goes back in the book, whatever the clock says.
        at_ms: session.clock.now_ms().max(world.at_ms),
        release: loaded.digest,
        policy,
        limits,
        n_healable: 0,
    };
    let outside = session.providers(&args.variables)?;
    let found = session.tokio.block_on(async {
        tokio::select! {
            found = engine::drifted(&outside, loaded, world, base, &asked) => Some(found),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(found) = found else { return Ok(None) };
    let found = found.map_err(|diagnostics| CommandError::Diagnostics {
        diagnostics,
        sources: sources.clone(),
        code: exit::FAILED,
    })?;
    Ok(Some(heal::pass(world, loaded, asked, found)))
}

/// Writes down what was decided, and heals what is to be healed.
fn record(
    session: &Session,
    seen: &World,
    base: RunOptions,
    event: Event,
    json: bool,
) -> Result<u8, CommandError> {
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, &seen.environment)?;
    if engine.world().position != seen.position {
        return Err(CommandError::Failed(
            "the book was written to while the objects were looked at, so nothing was decided; look again".to_owned(),
        ));
    }
    let options = RunOptions {
        seed: fresh()?,
        ..base
    };
    let run = heal::run(RunId(fresh()?), &actor(), options, &event);
    let heals = run.is_some();
    let mut progress = Progress::new(json);
    let events = [event].into_iter().chain(run).collect();
    session
        .tokio
        .block_on(engine.submit(events, Vec::new(), &mut progress))?;
    if !heals {
        session.tokio.block_on(engine.settle(&mut progress))?;
        return Ok(exit::OK);
    }
    let sources = stored_sources(session, &engine)?;
    finish(session, &mut engine, &mut progress, &sources, true, json)
}

//! What a command does about a run that was interrupted before it: take it over and finish it, then go on with its own.
//!
//! `resume` is for those who want nothing else. Where the new command is the opposite of the old run (`destroy`,
//! `rollback`, `stop`), the old one is closed instead: what was under way is finished, nothing more of it is begun.

use super::apply::{finish, stored_sources};
use super::take_back::take_back_owed;
use crate::error::CommandError;
use crate::exit;
use crate::render::progress::Progress;
use crate::render::style::{RESET, WARN};
use crate::session::{Session, actor};
use engine::Engine;
use model::{Command, Event};

/// What becomes of an interrupted run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on to its end.
    Finish,
    /// It begins nothing more.
    Close,
}

/// Takes over an open run, if there is one. Gives an exit code when the command ends here: a person must decide
/// something about that run first, or pressed Ctrl-C.
pub(crate) fn take_over(
    session: &Session,
    engine: &mut Engine,
    then: Then,
    json: bool,
) -> Result<Option<u8>, CommandError> {
    let Some(run) = engine.world().run.clone() else {
        // A run that was to be taken back, and whoever was to do it died. Going back or destroying does that and more.
        let owed = match then {
            Then::Finish => take_back_owed(session, engine, json)?,
            Then::Close => None,
        };
        let is_open = engine.world().run.is_some();
        return Ok(owed.filter(|_| is_open || session.was_interrupted()));
    };
    let (id, kind, asked_by) = (run.id, crate::json::kind_word(run.kind), run.actor.clone());
    // Its plan was shown and nobody agreed to it: there is nothing to go on with.
    let untouched = !run.approved && run.actions.is_empty();
    let is_closed = run.cancelled;
    // One that waits for a person says so itself.
    let waits = !run.live.is_empty() && !decide::is_moving(&run);
    if untouched {
        engine.command(&actor(), Command::Cancel { run: id })?;
        let pause = session.run(engine, &mut Progress::silent())?;
        return Ok(pause.is_none().then_some(exit::INTERRUPTED));
    }
    session.check_lent(&run.loaded.release, &run.loaded.inputs)?;
    let close = then == Then::Close || is_closed;
    if !waits {
        announce(
            engine,
            &format!("{kind}, asked for by {asked_by}"),
            close,
            json,
        );
    }
    if close && !is_closed {
        engine.command(&actor(), Command::Cancel { run: id })?;
    }
    let sources = stored_sources(session, engine)?;
    let code = finish(
        session,
        engine,
        &mut Progress::new(json),
        &sources,
        false,
        json,
    )?;
    if engine.world().run.is_some() || session.was_interrupted() {
        return Ok(Some(code));
    }
    if !json {
        anstream::println!("That run is over; now what was asked for.");
    }
    Ok(None)
}

fn announce(engine: &Engine, about: &str, close: bool, json: bool) {
    let world = engine.world();
    let Some(run) = &world.run else { return };
    let (environment, id) = (&world.environment, run.id);
    if json {
        let line = serde_json::json!({
            "type": "taking_over", "environment": environment.to_string(), "run": id.to_string(),
            "then": if close { "close" } else { "finish" },
        });
        anstream::println!("{line}");
        return;
    }
    let what = if close {
        "What was under way is finished first; nothing more of it is begun."
    } else {
        "It is finished first; to give it up instead: steadfast resume -cancel."
    };
    anstream::println!("{WARN}Run {id} of {environment} was interrupted{RESET} ({about}). {what}");
}

/// Hands a request in.
pub(crate) fn submit(
    session: &Session,
    engine: &mut Engine,
    event: Event,
    content: Vec<Vec<u8>>,
    progress: &mut Progress,
) -> Result<(), CommandError> {
    let submitting = engine.submit(vec![event], content, progress);
    Ok(session.tokio.block_on(submitting)?)
}

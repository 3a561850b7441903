//! `workspace`: several worlds of one definition. Each is a stream of the book; an environment of `steadfast.hcl` is
//! one too, and only there it is declared.

use super::apply::is_environment;
use super::takeover::{Then, take_over};
use crate::args::WorkspaceCommand;
use crate::error::CommandError;
use crate::exit;
use crate::project::DEFAULT_ENVIRONMENT;
use crate::render::progress::Progress;
use crate::session::{Session, actor};
use crate::terraform_state;
use crate::workspace::{check, select, selected};
use decide::World;
use model::Command;
use serde_json::json;
use std::collections::BTreeSet;

/// Objects named where a workspace is not empty.
const NAMED_MAX: usize = 10;

/// `workspace`.
pub(crate) fn workspace(
    session: &Session,
    command: &WorkspaceCommand,
    as_json: bool,
) -> Result<u8, CommandError> {
    match command {
        WorkspaceCommand::List => list(session, as_json)?,
        WorkspaceCommand::Show => {
            let name = selected(&session.project)?.name;
            say(as_json, &json!({ "workspace": name }), &name);
        }
        WorkspaceCommand::New { name } => {
            if selected(&session.project)?.name != *name {
                refuse_overridden(session, "make")?;
            }
            check(name).map_err(CommandError::Failed)?;
            if existing(session)?.contains(name) {
                return Err(CommandError::Failed(format!(
                    "there is a workspace {name} already; to select it: steadfast workspace select {name}"
                )));
            }
            make(session, name, as_json)?;
        }
        WorkspaceCommand::Select { name, or_create } => {
            refuse_overridden(session, "select")?;
            check(name).map_err(CommandError::Failed)?;
            if selected(&session.project)?.name == *name {
                return Ok(exit::OK);
            }
            if existing(session)?.contains(name) {
                select(&session.project, name)?;
                done(
                    as_json,
                    "selected",
                    name,
                    format!("Switched to workspace {name}."),
                );
            } else if *or_create {
                make(session, name, as_json)?;
            } else {
                return Err(no_such(name));
            }
        }
        WorkspaceCommand::Delete { name, force } => return delete(session, name, *force, as_json),
    }
    Ok(exit::OK)
}

/// Names of all workspaces: the one that is always there, those that are declared, those that were made.
fn existing(session: &Session) -> Result<BTreeSet<String>, CommandError> {
    let mut names: BTreeSet<String> = BTreeSet::from([DEFAULT_ENVIRONMENT.to_owned()]);
    let declared = session.project.environments();
    names.extend(declared.iter().map(ToString::to_string));
    names.extend(terraform_state::workspaces(&session.project));
    for (name, world) in session.worlds()? {
        if !is_environment(&name) || world.retired {
            names.remove(&*name);
        } else {
            names.insert(name.to_string());
        }
    }
    Ok(names)
}

fn list(session: &Session, as_json: bool) -> Result<(), CommandError> {
    let (all, chosen) = (existing(session)?, selected(&session.project)?);
    if as_json {
        let whole = json!({ "workspaces": all, "selected": chosen.name });
        anstream::println!("{whole}");
        return Ok(());
    }
    for name in &all {
        let mark = if *name == chosen.name { "*" } else { " " };
        anstream::println!("{mark} {name}");
    }
    if chosen.overridden {
        anstream::println!(
            "\nTF_WORKSPACE selects {}, whatever was selected before.",
            chosen.name
        );
    }
    Ok(())
}

/// Makes a workspace and selects it.
fn make(session: &Session, name: &str, as_json: bool) -> Result<(), CommandError> {
    let declared = session.project.environments();
    if !declared.is_empty() {
        let declared: Vec<&str> = declared.iter().map(AsRef::as_ref).collect();
        return Err(CommandError::Failed(format!(
            "the environments of this project are declared in steadfast.hcl ({}); add a block environment \"{name}\" there",
            declared.join(", ")
        )));
    }
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, name)?;
    if engine.world().retired {
        engine.command(&actor(), Command::Retire { retired: false })?;
    }
    session
        .tokio
        .block_on(engine.settle(&mut Progress::silent()))?;
    select(&session.project, name)?;
    let said = format!(
        "Made workspace {name}, and switched to it. It is empty: `steadfast plan` sees nothing of what others hold."
    );
    done(as_json, "made", name, said);
    Ok(())
}

fn delete(session: &Session, name: &str, force: bool, as_json: bool) -> Result<u8, CommandError> {
    if !existing(session)?.contains(name) {
        return Err(no_such(name));
    }
    if name == DEFAULT_ENVIRONMENT {
        return Err(CommandError::Failed(
            "the workspace default cannot be deleted: it is always there".to_owned(),
        ));
    }
    if selected(&session.project)?.name == name {
        return Err(CommandError::Failed(format!(
            "the workspace {name} is selected and cannot be deleted; to select another: steadfast workspace select \
             {DEFAULT_ENVIRONMENT}"
        )));
    }
    if session
        .project
        .environments()
        .iter()
        .any(|one| **one == *name)
    {
        return Err(CommandError::Failed(format!(
            "the workspace {name} is an environment of this project; take its block out of steadfast.hcl first"
        )));
    }
    // Looked at before anything is opened for writing, and again once nobody else can write.
    may_go(&session.world(name)?.0, name, force)?;
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, name)?;
    if let Some(code) = take_over(session, &mut engine, Then::Close, as_json)? {
        return Ok(code);
    }
    may_go(engine.world(), name, force)?;
    let n_objects = managed(engine.world()).count();
    engine.command(&actor(), Command::Retire { retired: true })?;
    session
        .tokio
        .block_on(engine.settle(&mut Progress::silent()))?;
    let said = match n_objects {
        0 => format!("Deleted workspace {name}. Its history stays in the book."),
        1 => format!(
            "Deleted workspace {name}. It had 1 object, which may still exist and which nobody knows any more."
        ),
        n => format!(
            "Deleted workspace {name}. It had {n} objects, which may still exist and which nobody knows any more."
        ),
    };
    done(as_json, "deleted", name, said);
    Ok(exit::OK)
}

/// Refuses to delete what is still needed.
fn may_go(world: &World, name: &str, force: bool) -> Result<(), CommandError> {
    if !world.instances.is_empty() {
        return Err(CommandError::Failed(format!(
            "the workspace {name} still runs instances; to end them: steadfast stop {name}"
        )));
    }
    let mut names: Vec<String> = managed(world).collect();
    if force || names.is_empty() {
        return Ok(());
    }
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    Err(CommandError::Failed(format!(
        "workspace {name} still has objects, and nobody would know them any more:\n  {}\nDestroy them first \
         (TF_WORKSPACE={name} steadfast destroy), or say that they shall stay: steadfast workspace delete -force {name}",
        names.join("\n  ")
    )))
}

/// What would be lost with a workspace: what was read can be read again.
fn managed(world: &World) -> impl Iterator<Item = String> {
    let current = world.resources.keys();
    let left_behind = world.deposed.iter().map(|(address, _)| address);
    current
        .chain(left_behind)
        .filter(|address| address.resource.mode == model::Mode::Managed)
        .map(ToString::to_string)
}

fn refuse_overridden(session: &Session, what: &str) -> Result<(), CommandError> {
    let chosen = selected(&session.project)?;
    if chosen.overridden {
        return Err(CommandError::Failed(format!(
            "TF_WORKSPACE selects the workspace {}; to {what} another, unset it first",
            chosen.name
        )));
    }
    Ok(())
}

fn no_such(name: &str) -> CommandError {
    CommandError::Failed(format!(
        "there is no workspace {name}; `steadfast workspace list` shows all, and `steadfast workspace new {name}` makes it"
    ))
}

fn done(as_json: bool, action: &str, name: &str, said: String) {
    let line = json!({ "type": "workspace", "action": action, "workspace": name });
    say(as_json, &line, &said);
}

fn say(as_json: bool, line: &serde_json::Value, said: &str) {
    if as_json {
        anstream::println!("{line}");
    } else {
        anstream::println!("{said}");
    }
}

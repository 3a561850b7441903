//! `taint`, `untaint`, `state mv`, `state rm`, `state push`, `import`: a person corrects what the book knows of
//! objects. Nothing is changed outside.

use super::apply::{self, Consent};
use super::takeover::{Then, submit, take_over};
use crate::args::{ImportArgs, MoveArgs, PushArgs, RemoveArgs, TaintArgs};
use crate::diag;
use crate::error::CommandError;
use crate::exit;
use crate::project::{address, endpoint};
use crate::render::diagnostics::Sources;
use crate::render::progress::Progress;
use crate::session::{Session, actor, fresh};
use crate::terraform_state::{self, Found};
use decide::World;
use model::{
    Address, Command, Endpoint, Event, Key, PlanMode, Release, RunId, RunKind, RunOptions,
};
use std::io::Read as _;

/// `taint` and `untaint`.
pub(crate) fn taint(
    session: &Session,
    args: &TaintArgs,
    tainted: bool,
    json: bool,
) -> Result<u8, CommandError> {
    let address = one(&args.address)?;
    give(session, json, |world| {
        let Some(object) = world.resources.get(&address) else {
            if args.allow_missing {
                return Ok((
                    None,
                    format!("There is no object {address}; nothing to mark."),
                ));
            }
            return Err(no_such_object(&args.address));
        };
        let said = match (object.tainted == tainted, tainted) {
            (true, true) => format!("{address} is marked as damaged already."),
            (true, false) => format!("{address} is not marked as damaged."),
            (false, true) => format!("{address} is marked as damaged: the next apply replaces it."),
            (false, false) => format!("{address} is no longer marked as damaged."),
        };
        let order = Command::Taint {
            address: address.clone(),
            tainted,
        };
        Ok(((object.tainted != tainted).then_some(order), said))
    })
}

/// `state rm`.
pub(crate) fn remove(session: &Session, args: &RemoveArgs, json: bool) -> Result<u8, CommandError> {
    let wanted: Result<Vec<Endpoint>, CommandError> =
        args.addresses.iter().map(|text| some(text)).collect();
    let wanted = wanted?;
    give(session, json, |world| {
        let mut addresses = Vec::new();
        for (endpoint, text) in wanted.iter().zip(&args.addresses) {
            let found = covered(world, endpoint);
            if found.is_empty() {
                return Err(no_such_object(text));
            }
            addresses.extend(found);
        }
        addresses.sort();
        addresses.dedup();
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let names = names.join("\n  ");
        if args.dry_run {
            return Ok((None, format!("Would be forgotten:\n  {names}")));
        }
        let said = format!("Forgotten; what they were is still there:\n  {names}");
        Ok((Some(Command::Forget { addresses }), said))
    })
}

/// `state mv`.
pub(crate) fn rename(session: &Session, args: &MoveArgs, json: bool) -> Result<u8, CommandError> {
    let (from, to) = (some(&args.from)?, some(&args.to)?);
    give(session, json, |world| {
        let found = covered(world, &from);
        if found.is_empty() {
            return Err(no_such_object(&args.from));
        }
        let moves: Option<Vec<(Address, Address)>> = found
            .iter()
            .map(|address| Some((address.clone(), renamed(address, &from, &to)?)))
            .collect();
        let Some(mut moves) = moves else {
            return Err(CommandError::Usage(format!(
                "what is called {} cannot become {}: a module becomes a module, and an object one of the same type",
                args.from, args.to
            )));
        };
        moves.sort_by(|a, b| a.1.cmp(&b.1));
        if moves
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.1 == b.1))
        {
            return Err(CommandError::Usage(format!(
                "there are {} objects called {}, and {} is only one",
                moves.len(),
                args.from,
                args.to
            )));
        }
        if let Some((_, taken)) = moves
            .iter()
            .find(|(_, to)| world.resources.contains_key(to))
        {
            return Err(CommandError::Failed(format!(
                "there is an object {taken} already; it would be lost"
            )));
        }
        let lines = moves.iter().map(|(from, to)| format!("  {from} -> {to}"));
        let lines: Vec<String> = lines.collect();
        let lines = lines.join("\n");
        if args.dry_run {
            return Ok((None, format!("Would be called by another name:\n{lines}")));
        }
        let said = format!("Called by another name:\n{lines}");
        Ok((Some(Command::Rename { moves }), said))
    })
}

/// `state push`.
pub(crate) fn push(session: &Session, args: &PushArgs, json: bool) -> Result<u8, CommandError> {
    let found = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| CommandError::Usage(format!("standard input: {error}")))?;
        terraform_state::of_bytes("standard input", bytes)?
    } else {
        terraform_state::read(&session.project, &args.file)?
    };
    let environment = session.environment(None)?;
    session.say_nothing_of_states();
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, &environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
        return Ok(code);
    }
    let world = engine.world();
    if !args.force && !world.is_untouched() {
        may_replace(world, &found)?;
    }
    session.take_over_state(&mut engine, &found)?;
    if !json {
        anstream::println!(
            "Took over the state {} ({}).",
            found.origin,
            found.counted()
        );
    }
    Ok(exit::OK)
}

/// Refuses a state that is not a later one of what is known.
fn may_replace(world: &World, found: &Found) -> Result<(), CommandError> {
    let file = &found.file;
    let why = if file.lineage != world.lineage {
        format!(
            "its lineage is {}, and that of what is known is {}: it is the state of something else",
            file.lineage, world.lineage
        )
    } else if file.serial < world.serial {
        format!(
            "its serial is {}, and what is known was changed {} times: it is older",
            file.serial, world.serial
        )
    } else {
        return Ok(());
    };
    Err(CommandError::Diagnostics {
        diagnostics: diag::state_refused(&found.origin, &why).into(),
        sources: Sources::default(),
        code: exit::FAILED,
    })
}

/// `import`.
pub(crate) fn import(session: &Session, args: &ImportArgs, json: bool) -> Result<u8, CommandError> {
    let address = one(&args.address)?;
    let mut definition = apply::compiled(session, &args.variables, PlanMode::Normal, json)?;
    if !is_written(&definition.release, &address) {
        return Err(CommandError::Usage(format!(
            "nothing is written for {address}; write its resource block first, then import it"
        )));
    }
    let writer = session.writer()?;
    let environment = session.environment(None)?;
    let mut engine = session.engine(&writer, &environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
        return Ok(code);
    }
    if engine.world().resources.contains_key(&address) {
        return Err(CommandError::Failed(format!(
            "there is an object {address} already; to forget it first: steadfast state rm {address}"
        )));
    }
    definition.seal(engine.secrets());
    let options = RunOptions {
        mode: PlanMode::RefreshOnly,
        refresh: true,
        parallelism: 1,
        seed: fresh()?,
        targets: vec![Endpoint::from(&address)],
        imports: vec![(address, args.id.clone())],
        ..definition.options_in(&environment)
    };
    let event = Event::Submitted {
        run: RunId(fresh()?),
        kind: RunKind::Apply,
        release: definition.digest,
        actor: actor(),
        options,
    };
    let sources = definition.sources.clone();
    let mut progress = Progress::new(json);
    submit(
        session,
        &mut engine,
        event,
        definition.content,
        &mut progress,
    )?;
    apply::finish_expected(
        session,
        &mut engine,
        &mut progress,
        &sources,
        Consent::Given,
        json,
    )
}

/// An order with what is said of it; none where there is nothing to order.
pub(super) type Order = (Option<Command>, String);

/// Gives an order about the objects of the selected workspace.
fn give(
    session: &Session,
    json: bool,
    order: impl FnOnce(&World) -> Result<Order, CommandError>,
) -> Result<u8, CommandError> {
    let environment = session.environment(None)?;
    give_in(session, &environment, json, order)
}

/// The same in another one.
pub(super) fn give_in(
    session: &Session,
    environment: &str,
    json: bool,
    order: impl FnOnce(&World) -> Result<Order, CommandError>,
) -> Result<u8, CommandError> {
    if session.reader()?.is_none() && session.terraform_state(environment, true)?.is_none() {
        let (_, said) = order(&World::default())?;
        anstream::println!("{said}");
        return Ok(exit::OK);
    }
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
        return Ok(code);
    }
    let (command, said) = order(engine.world())?;
    if let Some(command) = command {
        engine.command(&actor(), command)?;
    }
    let mut progress = if json {
        Progress::new(json)
    } else {
        Progress::silent()
    };
    session.tokio.block_on(engine.settle(&mut progress))?;
    if !json {
        anstream::println!("{said}");
    }
    Ok(exit::OK)
}

pub(super) fn one(text: &str) -> Result<Address, CommandError> {
    address(text).ok_or_else(|| {
        CommandError::Usage(format!(
            "not the address of an object: {text}; write it as in `host_file.motd` or `module.a.host_file.motd[\"x\"]`"
        ))
    })
}

pub(super) fn some(text: &str) -> Result<Endpoint, CommandError> {
    endpoint(text).ok_or_else(|| {
        CommandError::Usage(format!(
            "neither the address of an object nor of a module: {text}; write it as in `host_file.motd` or `module.a`"
        ))
    })
}

pub(super) fn no_such_object(text: &str) -> CommandError {
    CommandError::Failed(format!(
        "there is no object {text}; `steadfast state list` shows all"
    ))
}

pub(super) fn covered(world: &World, endpoint: &Endpoint) -> Vec<Address> {
    let addresses = world.resources.keys();
    addresses
        .filter(|address| decide::covers(endpoint, address))
        .cloned()
        .collect()
}

/// The new address of an object that `from` means; none where it cannot have one.
fn renamed(address: &Address, from: &Endpoint, to: &Endpoint) -> Option<Address> {
    let mut new = address.clone();
    match (&from.resource, &to.resource) {
        (Some(from), Some(to)) if from.kind == to.kind && from.mode == to.mode => {
            new.resource.name = to.name.clone();
            if from.key != Key::None || to.key != Key::None {
                new.key = to.key.clone();
            }
        }
        (None, None) => {}
        _ => return None,
    }
    // Instances of a module that is meant with all of them keep their keys.
    let mut steps = to.module.0.clone();
    let old = &address.resource.module.0;
    if from.module.0.len() == to.module.0.len() {
        for ((step, from), old) in steps.iter_mut().zip(&from.module.0).zip(old) {
            if step.key == Key::None && from.key == Key::None {
                step.key = old.key.clone();
            }
        }
    }
    steps.extend(old.iter().skip(from.module.0.len()).cloned());
    new.resource.module.0 = steps;
    Some(new)
}

/// Whether there is a block for an object.
fn is_written(release: &Release, address: &Address) -> bool {
    let wanted = &address.resource;
    let steps = wanted.module.0.iter();
    let module = steps.fold(release.modules.first(), |module, step| {
        let call = module?.modules.get(&step.name)?;
        release.modules.get(call.module as usize)
    });
    module.is_some_and(|module| {
        let mut resources = module.resources.iter();
        resources.any(|one| {
            (one.mode, &one.kind, &one.name) == (wanted.mode, &wanted.kind, &wanted.name)
        })
    })
}

//! `validate`, `show`, `output`, `state`, `status`: looking, changing nothing.

use super::objects;
use crate::args::{ListArgs, OutputArgs, ShowArgs, StateCommand, ValidateArgs, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::json;
use crate::project::Validated;
use crate::render::diagnostics::{self, Sources};
use crate::render::plan::shown;
use crate::render::progress::phase_text;
use crate::render::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::render::time;
use crate::session::Session;
use decide::{Object, World};
use definition::Configuration;
use interchange::Secrecy;
use model::{Address, Endpoint, Mode};
use serde_json::json;
use std::path::Path;
use value::{Diagnostics, Severity};

/// `validate`.
pub(crate) fn validate(
    session: &Session,
    args: &ValidateArgs,
    as_json: bool,
) -> Result<u8, CommandError> {
    let schemas = session.schemas(&args.variables)?;
    let Validated {
        mut found,
        mut sources,
        configurations,
        release,
    } = session.project.validate(&args.variables, &schemas)?;
    let mut said = said_by_providers(session, args, configurations)?;
    if !said.is_empty() {
        sources = sources.of_release(&release);
        said.0.sort_by_key(|one| sources.span(one));
        found.extend(said);
    }
    if !args.no_tests {
        found.extend(super::test::mistakes(
            session,
            &args.test_directory,
            &mut sources,
        )?);
    }
    let valid = !found.has_errors();
    if as_json {
        anstream::println!("{}", validation_json(&found, &sources));
    } else {
        anstream::eprint!("{}", diagnostics::text(&found, &sources));
        if valid {
            anstream::println!("{GOOD}Valid.{RESET}");
        } else {
            let errors = found
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .count();
            anstream::println!(
                "{BAD}{errors} error{}.{RESET}",
                if errors == 1 { "" } else { "s" }
            );
        }
    }
    Ok(if valid { exit::OK } else { exit::BAD_INPUT })
}

/// What providers find in configurations that have nothing else wrong.
fn said_by_providers(
    session: &Session,
    args: &ValidateArgs,
    configurations: Vec<Configuration>,
) -> Result<Diagnostics, CommandError> {
    let outside = session.providers(&args.variables)?;
    let asked = async {
        let mut found = Diagnostics::new();
        for one in configurations {
            // One that is not here was told of.
            let Some(provider) = outside.providers.get(&one.provider) else {
                continue;
            };
            let said = match &one.of {
                Some((mode, kind)) => provider.validate(*mode, kind, &one.config).await,
                None => provider.validate_own(&one.config).await,
            };
            for mut diagnostic in said.0 {
                diagnostic.address.get_or_insert(one.address.clone());
                found.push(diagnostic);
            }
        }
        found
    };
    Ok(session.tokio.block_on(asked))
}

/// The form of `terraform validate -json`, with our codes beside it.
fn validation_json(found: &Diagnostics, sources: &Sources) -> String {
    let count = |severity: Severity| found.iter().filter(|one| one.severity == severity).count();
    let diagnostics: Vec<serde_json::Value> = found
        .iter()
        .map(|one| serde_json::Value::Object(json::diagnostic(one, sources)))
        .collect();
    json!({
        "format_version": "1.0",
        "valid": !found.has_errors(),
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": diagnostics,
    })
    .to_string()
}

/// `show`.
pub(crate) fn show(session: &Session, args: &ShowArgs, as_json: bool) -> Result<u8, CommandError> {
    let secrecy = if args.show_sensitive {
        Secrecy::Revealed
    } else {
        Secrecy::Concealed
    };
    let environment = session.environment(args.env.as_deref())?;
    if let Some(run) = &args.run {
        let path = Path::new(run);
        return if session.project.root.join(path).is_file() {
            super::saved::show(session, path, secrecy, as_json)
        } else {
            super::history::show_run(session, &environment, run, as_json)
        };
    }
    let (world, _) = session.world(&environment)?;
    Session::warn_if_open(&world);
    if as_json {
        let schemas = session.providers(&Variables::default())?.schemas();
        anstream::println!("{}", interchange::state(&world, &schemas, secrecy));
        return Ok(exit::OK);
    }
    if world.resources.is_empty() && world.services.is_empty() {
        anstream::println!("Nothing exists yet.");
    }
    for (address, object) in &world.resources {
        print_object(address, object);
    }
    if !world.outputs.is_empty() {
        anstream::println!("{BOLD}Outputs:{RESET}");
        for (name, value) in &world.outputs {
            anstream::println!("{name} = {}", shown(value));
        }
    }
    Ok(exit::OK)
}

fn resource_json(address: &Address, object: &Object) -> serde_json::Value {
    json!({
        "address": address.to_string(),
        "type": address.resource.kind.as_ref(),
        "name": address.resource.name.as_ref(),
        "provider": object.provider,
        "tainted": object.tainted,
        "values": json::value(&object.value),
    })
}

fn print_object(address: &Address, object: &Object) {
    let mark = if object.tainted {
        format!(" {WARN}(damaged: will be replaced){RESET}")
    } else if object.unhealthy {
        format!(" {WARN}(not healthy: will be looked at again){RESET}")
    } else {
        String::new()
    };
    print_marked(address, &object.value, &mark);
}

/// An object as a block.
pub(super) fn print_value(address: &Address, value: &value::Value) {
    print_marked(address, value, "");
}

fn print_marked(address: &Address, value: &value::Value, mark: &str) {
    anstream::println!("{BOLD}# {address}{RESET}{mark}");
    let word = match address.resource.mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let (kind, name) = (&address.resource.kind, &address.resource.name);
    anstream::println!("{word} \"{kind}\" \"{name}\" {{");
    for (name, value) in value.entries().into_iter().flatten() {
        if !value.is_null() {
            anstream::println!("    {name} = {}", shown(value));
        }
    }
    anstream::println!("}}\n");
}

/// `output`.
pub(crate) fn output(
    session: &Session,
    args: &OutputArgs,
    as_json: bool,
) -> Result<u8, CommandError> {
    let (world, _) = session.world(&session.environment(args.env.as_deref())?)?;
    Session::warn_if_open(&world);
    let Some(name) = &args.name else {
        if as_json {
            let all: serde_json::Map<String, serde_json::Value> = world
                .outputs
                .iter()
                .map(|(name, value)| (name.to_string(), json!({ "value": json::value(value) })))
                .collect();
            anstream::println!("{}", serde_json::Value::Object(all));
        } else if world.outputs.is_empty() {
            anstream::println!("No outputs: none are defined, or nothing was applied yet.");
        } else {
            for (name, value) in &world.outputs {
                anstream::println!("{name} = {}", shown(value));
            }
        }
        return Ok(exit::OK);
    };
    let Some(value) = world.outputs.get(name.as_str()) else {
        let known: Vec<&str> = world.outputs.keys().map(AsRef::as_ref).collect();
        let known = if known.is_empty() {
            "there are none".to_owned()
        } else {
            known.join(", ")
        };
        return Err(CommandError::Failed(format!(
            "there is no output `{name}`; outputs: {known}"
        )));
    };
    if value.marks_deep().contains(value::Marks::SEALED) {
        return Err(engine::EngineError::KeyMissing.into());
    }
    match (args.raw, value.as_str()) {
        // Asked for by name, even a sensitive one is given: that is what outputs are for.
        (true, Some(text)) => anstream::println!("{text}"),
        (true, None) => anstream::println!("{}", value.clone().without_marks().render()),
        _ if as_json => anstream::println!("{}", json::value(&value.clone().without_marks())),
        _ => anstream::println!("{}", value.clone().without_marks().render()),
    }
    Ok(exit::OK)
}

/// `state`.
pub(crate) fn state(
    session: &Session,
    command: &StateCommand,
    as_json: bool,
) -> Result<u8, CommandError> {
    match command {
        StateCommand::Pull(args) => {
            let environment = session.environment(args.environment.as_deref())?;
            pull(session, &environment, args.show_sensitive)
        }
        // They change something, and are in `objects.rs`.
        StateCommand::Mv(_) | StateCommand::Rm(_) | StateCommand::Push(_) => Ok(exit::USAGE),
        StateCommand::List(args) => list(session, args),
        StateCommand::Show { address, env } => {
            let (world, _) = session.world(&session.environment(env.as_deref())?)?;
            let found = crate::project::address(address).and_then(|address| {
                let object = world.resources.get(&address)?;
                Some((address, object))
            });
            match found {
                Some((address, object)) if as_json => {
                    anstream::println!("{}", resource_json(&address, object));
                }
                Some((address, object)) => print_object(&address, object),
                None => {
                    return Err(CommandError::Failed(format!(
                        "there is no object {address}; `steadfast state list` shows all"
                    )));
                }
            }
            Ok(exit::OK)
        }
    }
}

/// `state list`.
fn list(session: &Session, args: &ListArgs) -> Result<u8, CommandError> {
    let (world, _) = session.world(&session.environment(args.env.as_deref())?)?;
    let wanted: Result<Vec<Endpoint>, CommandError> = args
        .addresses
        .iter()
        .map(|text| objects::some(text))
        .collect();
    let wanted = wanted?;
    for (endpoint, text) in wanted.iter().zip(&args.addresses) {
        if objects::covered(&world, endpoint).is_empty() {
            return Err(objects::no_such_object(text));
        }
    }
    let id_of = |object: &Object| {
        let id = object.value.entries()?.get("id")?.clone();
        id.unmark_all().as_str().map(str::to_owned)
    };
    for (address, object) in &world.resources {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|one| decide::covers(one, address));
        let has_id = args.id.is_none() || args.id == id_of(object);
        if is_wanted && has_id {
            anstream::println!("{address}");
        }
    }
    Ok(exit::OK)
}

/// `state pull`.
fn pull(session: &Session, environment: &str, reveal: bool) -> Result<u8, CommandError> {
    let (world, _) = session.world(environment)?;
    if world.position == 0 {
        // As Terraform: where there is no state, there is nothing to print.
        return Ok(exit::OK);
    }
    if reveal && world.is_sealed() {
        return Err(engine::EngineError::KeyMissing.into());
    }
    let schemas = session.providers(&Variables::default())?.schemas();
    let secrecy = if reveal {
        Secrecy::Revealed
    } else {
        Secrecy::Concealed
    };
    let n_secret = n_secret(&world);
    if !reveal && n_secret > 0 {
        Session::warn(crate::diag::state_concealed(n_secret));
    }
    anstream::println!("{}", interchange::state_file(&world, &schemas, secrecy));
    Ok(exit::OK)
}

/// How many objects and outputs hold something sensitive.
fn n_secret(world: &World) -> usize {
    let current = world.resources.values();
    let left_behind = world.deposed.iter().map(|(_, object)| object);
    let objects = current.chain(left_behind).map(|object| &object.value);
    let all = objects.chain(world.outputs.values());
    all.filter(|value| value.marks_deep().contains(value::Marks::SENSITIVE))
        .count()
}

/// `status`.
pub(crate) fn status(session: &Session, as_json: bool) -> Result<u8, CommandError> {
    let worlds = session.worlds()?;
    let mut waits = false;
    for (name, world) in worlds
        .iter()
        .filter(|(name, world)| super::apply::is_environment(name) && !world.retired)
    {
        waits |= if as_json {
            status_json(world)
        } else {
            status_text(name, world)
        };
    }
    if !worlds.keys().any(|name| super::apply::is_environment(name)) && !as_json {
        anstream::println!("Nothing was ever applied or deployed here.");
    }
    Ok(if waits { exit::PARKED } else { exit::OK })
}

fn parked(world: &World) -> Vec<String> {
    let Some(run) = &world.run else {
        return Vec::new();
    };
    run.actions
        .values()
        .filter_map(|action| match &action.stage {
            decide::Stage::Parked { question } => Some(question.clone()),
            _ => None,
        })
        .collect()
}

fn status_json(world: &World) -> bool {
    let services: Vec<serde_json::Value> = world
        .services
        .iter()
        .map(|(name, state)| {
            json!({
                "service": name.as_ref(),
                "version": state.live.as_ref().map(|live| live.version.0),
                "port": world.route.ports.get(name),
                "rollout": state.rollout.as_ref().map(|rollout| &rollout.phase),
            })
        })
        .collect();
    let questions = parked(world);
    let drifted = world.drifts.iter().filter(|(_, one)| one.seen.is_some());
    anstream::println!(
        "{}",
        json!({
            "environment": world.environment.as_ref(),
            "resources": world.resources.len(),
            "release": world.accepted.last(),
            "services": services,
            "drifted": drifted.map(|(address, _)| address.to_string()).collect::<Vec<_>>(),
            "to_take_back": world.owed.map(|run| run.to_string()),
            "open_run": world.run.as_ref().map(|run| run.id.to_string()),
            "questions": questions,
            "quarantine": world.quarantine.keys().collect::<Vec<_>>(),
        })
    );
    !questions.is_empty()
}

/// `1 object`, `2 objects`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn status_text(name: &str, world: &World) -> bool {
    let release = world.accepted.last().map_or_else(String::new, |digest| {
        format!(", release {}", digest.short())
    });
    anstream::println!(
        "{BOLD}{name}{RESET}: {}{release}",
        counted(world.resources.len(), "object")
    );
    for (service, state) in &world.services {
        let running = world
            .instances
            .values()
            .filter(|one| one.service == *service)
            .count();
        let version = state.live.as_ref().map_or_else(
            || "no version".to_owned(),
            |live| format!("version {}", live.version),
        );
        let port = world
            .route
            .ports
            .get(service)
            .map_or_else(String::new, |port| format!(", port {port}"));
        anstream::println!(
            "  {service}: {version}, {}{port}",
            counted(running, "instance")
        );
        if let Some(rollout) = &state.rollout {
            anstream::println!("    {}", phase_text(&rollout.phase, service, world));
        }
    }
    for (release, why) in &world.quarantine {
        let why = diagnostics::visible(why.lines().next().unwrap_or_default());
        anstream::println!("  {WARN}quarantine:{RESET} {} ({why})", release.short());
    }
    if let Some(run) = &world.run {
        let since = time::utc(run.began_ms);
        anstream::println!(
            "  {WARN}open run:{RESET} {} since {since} {DIM}(steadfast resume){RESET}",
            run.id
        );
    }
    let drifted = world.drifts.values().filter(|one| one.seen.is_some());
    match drifted.count() {
        0 => {}
        n => anstream::println!(
            "  {WARN}changed outside:{RESET} {} {DIM}(steadfast drift){RESET}",
            counted(n, "object")
        ),
    }
    if let Some(run) = world.owed {
        anstream::println!(
            "  {WARN}to be taken back:{RESET} run {run} {DIM}(steadfast resume){RESET}"
        );
    }
    let questions = parked(world);
    for question in &questions {
        anstream::println!("  {WARN}waits for you:{RESET} {question}");
    }
    !questions.is_empty()
}

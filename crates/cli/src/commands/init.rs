//! `init`, `get`, `modules`: bringing modules and providers to this machine, and listing modules.

use crate::args::{GetArgs, InitArgs, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::files::DiskFiles;
use crate::project::variables;
use crate::render::diagnostics::{self, Sources};
use crate::render::style::{BOLD, DIM, RESET, WARN};
use crate::session::Session;
use definition::{ModuleSource, ReachedCall};
use registry::{
    Event, Installation, InstalledProvider, LOCK_FILE, PROVIDER_LOCK_FILE, ProviderEvent, Settings,
};
use serde_json::json;
use std::fmt::Write as _;

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 12;

/// What `init` and `get` have in common.
struct Request<'a> {
    variables: &'a Variables,
    upgrade: bool,
    lock_readonly: bool,
}

/// `init`.
pub(crate) fn init(session: &Session, args: &InitArgs, as_json: bool) -> Result<u8, CommandError> {
    let request = Request {
        variables: &args.variables,
        upgrade: args.upgrade,
        lock_readonly: args.lockfile.is_some(),
    };
    if !args.get {
        if as_json {
            anstream::println!(
                "{}",
                json!({ "type": "ready", "modules": null, "installed": 0 })
            );
        } else {
            anstream::println!("Nothing was fetched: -get=false.");
        }
        return Ok(exit::OK);
    }
    let installation = install(session, &request, as_json)?;
    let providers = install_providers(session, args, &installation, as_json)?;
    if as_json || providers.is_empty() || installation.calls.iter().any(is_fetched) {
        report(&installation, as_json);
    }
    if !as_json && !providers.is_empty() {
        let n = providers.len();
        let plural = if n == 1 { "" } else { "s" };
        anstream::println!("{n} provider{plural} in place, locked in {PROVIDER_LOCK_FILE}.");
    }
    Ok(exit::OK)
}

fn install_providers(
    session: &Session,
    args: &InitArgs,
    installation: &Installation,
    as_json: bool,
) -> Result<Vec<InstalledProvider>, CommandError> {
    let built_in = session
        .built_in_schemas()
        .into_iter()
        .map(|schema| schema.source);
    let tell = |event: &ProviderEvent| tell_provider(event, as_json);
    let options = registry::ProviderOptions {
        needed: &installation.providers,
        built_in: &built_in.collect(),
        directory: &session.project.root,
        data: &crate::project::data_directory(),
        upgrade: args.upgrade,
        lock_readonly: args.lockfile.is_some(),
        from: &args.plugin_dir,
        settings: Settings::load(variables()).0,
        tell: &tell,
    };
    let (providers, found) = session.tokio.block_on(registry::install_providers(options));
    if found.has_errors() {
        return Err(failed(found, Sources::default()));
    }
    Ok(providers)
}

fn tell_provider(event: &ProviderEvent, as_json: bool) {
    match event {
        ProviderEvent::Fetching { source, version } if as_json => {
            let line = json!({ "type": "fetching", "provider": source, "version": version });
            anstream::println!("{line}");
        }
        ProviderEvent::Installed {
            source,
            version,
            directory,
        } if as_json => {
            let directory = directory.display().to_string();
            let line = json!({ "type": "installed", "provider": source, "version": version, "directory": directory });
            anstream::println!("{line}");
        }
        ProviderEvent::Fetching { source, version } => {
            anstream::println!("{DIM}Fetching {source} {version}{RESET}");
        }
        ProviderEvent::Installed {
            source, version, ..
        } => {
            anstream::println!("{BOLD}{source}{RESET} ({version}) is installed");
        }
    }
}

/// `get`.
pub(crate) fn get(session: &Session, args: &GetArgs, as_json: bool) -> Result<u8, CommandError> {
    let request = Request {
        variables: &args.variables,
        upgrade: args.update,
        lock_readonly: false,
    };
    let installation = install(session, &request, as_json)?;
    report(&installation, as_json);
    Ok(exit::OK)
}

fn install(
    session: &Session,
    request: &Request<'_>,
    as_json: bool,
) -> Result<Installation, CommandError> {
    let project = &session.project;
    let given = project.given(request.variables)?;
    let (settings, warnings) = Settings::load(variables());
    say(&warnings, &Sources::default(), as_json);
    let files = DiskFiles::new(project.root.clone());
    let tell = |event: &Event| tell(event, as_json);
    let options = registry::Options {
        files: &files,
        given: &given,
        schemas: &session.built_in_schemas(),
        directory: &project.root,
        data: &crate::project::data_directory(),
        upgrade: request.upgrade,
        lock_readonly: request.lock_readonly,
        settings,
        tell: &tell,
    };
    let mut installation = session.tokio.block_on(registry::install(options));
    let texts = std::mem::take(&mut installation.sources).into_iter();
    let sources = Sources::new(texts.map(|source| (source.path, source.content)).collect());
    let found = std::mem::take(&mut installation.diagnostics);
    if found.has_errors() {
        return Err(failed(found, sources));
    }
    say(&found, &sources, as_json);
    Ok(installation)
}

/// What could not be fetched is not the definition's fault; everything else is.
fn failed(diagnostics: value::Diagnostics, sources: Sources) -> CommandError {
    let is_written = |one: &value::Diagnostic| !registry::CODES.contains(&&*one.code);
    let code = if diagnostics.iter().any(is_written) {
        exit::BAD_INPUT
    } else {
        exit::FAILED
    };
    CommandError::Diagnostics {
        diagnostics,
        sources,
        code,
    }
}

fn say(found: &value::Diagnostics, sources: &Sources, as_json: bool) {
    if as_json {
        for one in found.iter() {
            anstream::println!("{}", crate::json::diagnostic_line(one, sources));
        }
    } else {
        anstream::eprint!("{}", diagnostics::text(found, sources));
    }
}

fn tell(event: &Event, as_json: bool) {
    if as_json {
        let line = match event {
            Event::Fetching { source, version } => {
                json!({ "type": "fetching", "source": source, "version": version })
            }
            Event::Installed {
                call,
                directory,
                version,
                commit,
            } => json!({
                "type": "installed", "module": call, "directory": directory, "version": version, "commit": commit,
            }),
            Event::Changed { call } => json!({ "type": "changed", "module": call }),
            Event::Renewed { source } => json!({ "type": "renewed", "source": source }),
        };
        anstream::println!("{line}");
        return;
    }
    match event {
        Event::Fetching { source, version } => {
            let version = version
                .as_ref()
                .map_or_else(String::new, |version| format!(" {version}"));
            anstream::println!("{DIM}Fetching {source}{version}{RESET}");
        }
        Event::Installed {
            call,
            directory,
            version,
            commit,
        } => {
            let which = match (version, commit) {
                (Some(version), _) => format!(" ({version})"),
                (None, Some(commit)) => {
                    format!(" ({})", commit.get(..COMMIT_DIGITS).unwrap_or(commit))
                }
                (None, None) => String::new(),
            };
            anstream::println!("{BOLD}{call}{RESET}{which} is in {directory}");
        }
        Event::Changed { call } => {
            anstream::println!(
                "{WARN}{call} was changed on this machine and is fetched again{RESET}"
            );
        }
        Event::Renewed { source } => {
            anstream::println!(
                "{WARN}{source} has another content than before under the same name{RESET}"
            );
        }
    }
}

fn report(installation: &Installation, as_json: bool) {
    let n_modules = installation
        .calls
        .iter()
        .filter(|call| is_fetched(call))
        .count();
    let n_installed = installation.n_installed;
    if as_json {
        let line = json!({ "type": "ready", "modules": installation.calls.len(), "installed": n_installed });
        anstream::println!("{line}");
        return;
    }
    match (n_modules, n_installed) {
        (0, _) => anstream::println!("There is nothing to fetch."),
        (n, 0) => anstream::println!("Nothing had to be fetched: {} in place.", modules(n)),
        (_, n) => anstream::println!(
            "{} installed. What each of them is stands in {LOCK_FILE}, which belongs into version control.",
            modules(n)
        ),
    }
}

fn is_fetched(call: &ReachedCall) -> bool {
    !matches!(call.source, ModuleSource::Local(_))
}

fn modules(n: usize) -> String {
    format!("{n} module{}", if n == 1 { "" } else { "s" })
}

/// `modules`.
pub(crate) fn list(
    session: &Session,
    variables: &Variables,
    as_json: bool,
) -> Result<u8, CommandError> {
    let project = &session.project;
    let given = project.given(variables)?;
    let files = DiskFiles::new(project.root.clone());
    let reached = definition::reach(&files, &given, &session.built_in_schemas());
    let texts = reached
        .sources
        .into_iter()
        .map(|source| (source.path, source.content));
    if reached.diagnostics.has_errors() {
        return Err(CommandError::definition(
            reached.diagnostics,
            Sources::new(texts.collect()),
        ));
    }
    if let Some(missing) = reached.calls.iter().find(|call| call.directory.is_none()) {
        let what = format!(
            "the module {} is not installed; run `steadfast init`",
            missing.call
        );
        return Err(CommandError::Failed(what));
    }
    if as_json {
        let modules: Vec<serde_json::Value> = reached
            .calls
            .iter()
            .map(|call| {
                let key = call.call.rsplit('.').next().unwrap_or_default();
                let version = call.version.as_deref().unwrap_or_default();
                json!({ "key": key, "source": call.source.to_string(), "version": version })
            })
            .collect();
        anstream::println!("{}", json!({ "format_version": "1.0", "modules": modules }));
    } else if reached.calls.is_empty() {
        anstream::println!("The definition calls no modules.");
    } else {
        anstream::print!("{}", tree(&reached.calls));
    }
    Ok(exit::OK)
}

/// Calls as a tree, in the manner of `terraform modules`.
fn tree(calls: &[ReachedCall]) -> String {
    let mut text = String::from("\nModules declared by configuration:\n.\n");
    let parent_of = |call: &str| {
        call.rsplit_once('.')
            .map_or("", |(parent, _)| parent)
            .to_owned()
    };
    let is_last = |call: &str| {
        let parent = parent_of(call);
        calls
            .iter()
            .rev()
            .find(|other| parent_of(&other.call) == parent)
            .is_some_and(|last| last.call == call)
    };
    for call in calls {
        let mut open = String::new();
        for (at, _) in call.call.match_indices('.') {
            let above = call.call.get(..at).unwrap_or_default();
            open.push_str(if is_last(above) { "    " } else { "│   " });
        }
        let branch = if is_last(&call.call) {
            "└── "
        } else {
            "├── "
        };
        let name = call.call.rsplit('.').next().unwrap_or_default();
        let version = call
            .version
            .as_ref()
            .map_or_else(String::new, |version| format!(" {version}"));
        let _ = writeln!(text, "{open}{branch}\"{name}\"[{}]{version}", call.source);
    }
    text.push('\n');
    text
}

//! The providers of a project that are programs of their own: which there are, where they lie, and starting them.

use crate::error::CommandError;
use crate::exit;
use crate::files::DiskFiles;
use crate::project::{Project, data_directory};
use crate::render::diagnostics::Sources;
use crate::session::own_path;
use decide::World;
use definition::{Given, NeededTypes};
use model::{Mode, ProviderSchema};
use plugin::{Launch, Options, Plugin, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use value::Diagnostic;

/// Where a provider is from when nothing else is said.
const DEFAULT_HOST: &str = "registry.terraform.io";

/// The namespace of a provider when nothing else is said.
const DEFAULT_NAMESPACE: &str = "hashicorp";

/// Seconds for which a request that was sent may still take effect, or what it did stay out of sight.
const SETTLE_VARIABLE: &str = "STEADFAST_SETTLE_SECONDS";

/// Most of them.
const SETTLE_SECONDS_MAX: u64 = 3_600;

/// The first word of the command line of a process that becomes a provider.
pub(crate) const TETHER: &str = "tether";

/// What a project and its objects need of providers.
pub(crate) struct Needed<'a> {
    pub project: &'a Project,
    pub given: &'a [Given],
    /// The providers that are built in.
    pub built_in: &'a [ProviderSchema],
    /// Whose objects there are.
    pub worlds: &'a BTreeMap<value::Name, World>,
    /// Types of objects that are not in the book yet, each with its provider.
    pub further: &'a BTreeSet<(String, Mode, value::Name)>,
    /// Whether every type is wanted, and not only those that are used.
    pub all_types: bool,
}

/// Whether any provider of the project can be installed or running at all.
pub(crate) fn may_be_there(project: &Project) -> bool {
    let locked = project.root.join(registry::PROVIDER_LOCK_FILE).exists();
    locked || std::env::var_os(plugin::REATTACH_VARIABLE).is_some_and(|text| !text.is_empty())
}

/// Starts every provider that is needed and installed, or finds it running. One that is not installed is left out: what
/// is wrong with that is said where it is needed.
pub(crate) async fn start(
    needed: &Needed<'_>,
) -> Result<BTreeMap<String, Arc<Plugin>>, CommandError> {
    let mut started = BTreeMap::new();
    let wanted = wanted(needed);
    if wanted.is_empty() {
        return Ok(started);
    }
    let running = running()?;
    for (source, wanted) in wanted {
        let launch = match running.get(&source) {
            Some(reattach) => Some(Launch::Reattach(reattach.clone())),
            None => installed(needed.project, &source)?.map(Launch::Program),
        };
        let Some(launch) = launch else {
            continue;
        };
        let options = Options {
            source: source.clone(),
            launch,
            wanted: (!needed.all_types).then_some(wanted),
            cache: Some(needed.project.state().join("schemas")),
            settle_ms: settle_ms()?,
            tether: Some(tether()?),
        };
        let plugin =
            Plugin::start(options)
                .await
                .map_err(|diagnostics| CommandError::Diagnostics {
                    diagnostics,
                    sources: Sources::default(),
                    code: exit::FAILED,
                })?;
        started.insert(source, Arc::new(plugin));
    }
    Ok(started)
}

/// The providers that are needed, each with its types: of what is written, and of what there is.
fn wanted(needed: &Needed<'_>) -> BTreeMap<String, Wanted> {
    let files = DiskFiles::new(needed.project.root.clone());
    // What is wrong with what is written is told when it is compiled.
    let reached = definition::reach(&files, needed.given, needed.built_in);
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    for source in reached.providers.into_keys() {
        wanted.entry(source).or_default();
    }
    for (source, types) in reached.types {
        let NeededTypes {
            resources,
            data,
            ephemeral,
        } = types;
        let of_provider = wanted.entry(source).or_default();
        of_provider.resources.extend(resources);
        of_provider.data.extend(data);
        of_provider.ephemeral.extend(ephemeral);
    }
    for world in needed.worlds.values() {
        let deposed = world
            .deposed
            .iter()
            .map(|(address, object)| (address, object));
        for (address, object) in world.resources.iter().chain(deposed) {
            let of_provider = wanted.entry(object.provider.clone()).or_default();
            let types = match address.resource.mode {
                Mode::Managed => &mut of_provider.resources,
                Mode::Data => &mut of_provider.data,
                Mode::Ephemeral => &mut of_provider.ephemeral,
            };
            types.insert(address.resource.kind.clone());
        }
    }
    for (source, mode, kind) in needed.further {
        let of_provider = wanted.entry(source.clone()).or_default();
        let types = match mode {
            Mode::Managed => &mut of_provider.resources,
            Mode::Data => &mut of_provider.data,
            Mode::Ephemeral => &mut of_provider.ephemeral,
        };
        types.insert(kind.clone());
    }
    for schema in needed.built_in {
        wanted.remove(&schema.source);
    }
    wanted
}

/// The program of a provider, if it is installed.
fn installed(project: &Project, source: &str) -> Result<Option<PathBuf>, CommandError> {
    registry::installed_provider(&project.root, &data_directory(), source).map_err(refused)
}

/// The providers that somebody else has started, by their whole addresses.
fn running() -> Result<BTreeMap<String, plugin::Reattach>, CommandError> {
    let text = std::env::var(plugin::REATTACH_VARIABLE).unwrap_or_default();
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let running = plugin::reattach(&text).map_err(refused)?;
    Ok(running
        .into_iter()
        .map(|(address, one)| (whole(&address), one))
        .collect())
}

/// How long to look for what a lost request may still do.
fn settle_ms() -> Result<u64, CommandError> {
    let Ok(text) = std::env::var(SETTLE_VARIABLE) else {
        return Ok(plugin::SETTLE_MS_DEFAULT);
    };
    let seconds: Option<u64> = text.trim().parse().ok();
    let seconds = seconds.filter(|seconds| *seconds <= SETTLE_SECONDS_MAX);
    seconds.map(|seconds| seconds * 1_000).ok_or_else(|| {
        CommandError::Usage(format!(
            "{SETTLE_VARIABLE} is a number of seconds up to {SETTLE_SECONDS_MAX}, and not `{text}`"
        ))
    })
}

/// The command that becomes a provider that ends with us.
fn tether() -> Result<Vec<OsString>, CommandError> {
    Ok(vec![own_path()?.into_os_string(), OsString::from(TETHER)])
}

/// An address with everything that may be left out.
fn whole(address: &str) -> String {
    match address.matches('/').count() {
        0 => format!("{DEFAULT_HOST}/{DEFAULT_NAMESPACE}/{address}"),
        1 => format!("{DEFAULT_HOST}/{address}"),
        _ => address.to_owned(),
    }
}

fn refused(found: Diagnostic) -> CommandError {
    CommandError::Diagnostics {
        diagnostics: found.into(),
        sources: Sources::default(),
        code: exit::BAD_INPUT,
    }
}

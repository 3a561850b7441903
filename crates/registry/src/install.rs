//! Installing the modules of a project: follow its calls, fetch what is missing, look again, until nothing is.
//!
//! What is fetched is first held against the lock file, then put into its place, then written into Terraform's list and
//! the lock file, so that an installation that was interrupted goes on where it was.

use crate::address::without_secrets;
use crate::diag;
use crate::discovery::{Registry, RegistryError};
use crate::fetch::{self, FetchError, Fetcher, in_background};
use crate::git;
use crate::http::Client;
use crate::limits::{FETCHES_AT_ONCE, ROUNDS_MAX};
use crate::lock::{Lock, Locked, Package};
use crate::manifest::Manifest;
use crate::settings::Settings;
use crate::tree::{self, TreeError};
use definition::{
    Files, Given, Installed, ModuleSource, Reached, ReachedCall, RegistrySource, RemoteSource,
    Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;
use value::{Diagnostic, Diagnostics};

/// What is to be installed, and how.
pub struct Options<'a> {
    /// The directory of the root module as the language sees it.
    pub files: &'a dyn Files,
    /// Values of root variables, which sources may refer to.
    pub given: &'a [Given],
    /// The providers that are built in.
    pub schemas: &'a [model::ProviderSchema],
    /// The directory of the root module.
    pub directory: &'a Path,
    /// The data directory, `.terraform`, seen from there.
    pub data: &'a str,
    /// Take the newest of everything, and write down what it is now.
    pub upgrade: bool,
    /// Refuse whatever the lock file does not hold already.
    pub lock_readonly: bool,
    /// What was said outside of the project.
    pub settings: Settings,
    /// Told of what happens, as it happens.
    pub tell: &'a dyn Fn(&Event),
}

/// Something that happens while modules are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A package is being fetched.
    Fetching {
        /// Its address.
        source: String,
        /// Its version, where a registry has it.
        version: Option<String>,
    },
    /// A module is in its place.
    Installed {
        /// The calls that lead to it.
        call: String,
        /// Its directory.
        directory: String,
        /// Its version, where a registry has it.
        version: Option<String>,
        /// Its commit, where it came from Git.
        commit: Option<String>,
    },
    /// A module on the disk is not what was fetched, and is fetched again.
    Changed {
        /// The calls that lead to it.
        call: String,
    },
    /// Another content than before has come under the same name, which `upgrade` allows.
    Renewed {
        /// The address of the package.
        source: String,
    },
}

/// How the project stands afterwards.
#[derive(Debug, Default)]
pub struct Installation {
    /// Every call of a module.
    pub calls: Vec<ReachedCall>,
    /// The providers that all of it needs, by source address.
    pub providers: BTreeMap<String, definition::Constraints>,
    /// How many modules were put into their places.
    pub n_installed: usize,
    /// The texts that diagnostics point into.
    pub sources: Vec<definition::Source>,
    /// What is wrong. Without errors, everything is installed.
    pub diagnostics: Diagnostics,
}

/// Installs everything that the calls of a project lead to.
pub async fn install(options: Options<'_>) -> Installation {
    let settings = Arc::new(options.settings.clone());
    let client = Client::new(settings.clone());
    let mut installer = Installer {
        registry: Registry::new(settings.clone(), client.clone()),
        fetcher: Fetcher { settings, client },
        data: options.directory.join(options.data),
        known: Manifest::default(),
        old: Lock::default(),
        new: Lock::default(),
        versions: BTreeMap::new(),
        n_installed: 0,
        options: &options,
    };
    let (reached, found) = match installer.run().await {
        Ok(reached) => (reached, Diagnostics::new()),
        Err((reached, found)) => (reached, found),
    };
    let mut diagnostics = reached.diagnostics;
    diagnostics.extend(found);
    Installation {
        calls: reached.calls,
        providers: reached.providers,
        n_installed: installer.n_installed,
        sources: reached.sources,
        diagnostics,
    }
}

/// The directory of the project, with what is known to be installed in it.
pub struct WithModules<'a> {
    /// The directory.
    pub files: &'a dyn Files,
    /// What is installed.
    pub modules: &'a Manifest,
}

impl Files for WithModules<'_> {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        self.files.list(directory)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files.read(path)
    }

    fn length(&self, path: &str) -> Option<u64> {
        self.files.length(path)
    }

    fn installed(&self, call: &str) -> Option<Installed> {
        self.modules.0.get(call).cloned()
    }

    fn may_leave_root(&self) -> bool {
        self.files.may_leave_root()
    }
}

struct Installer<'a> {
    options: &'a Options<'a>,
    fetcher: Fetcher,
    registry: Registry,
    /// The data directory.
    data: PathBuf,
    known: Manifest,
    /// What the lock file said, and what it will say.
    old: Lock,
    new: Lock,
    /// Versions that registries have, asked once each.
    versions: BTreeMap<String, Vec<Version>>,
    n_installed: usize,
}

/// Packages that are fetched once for several calls.
struct Job {
    package: Package,
    from: From,
    calls: Vec<ReachedCall>,
    /// The commit that the lock file names.
    commit: Option<String>,
}

#[derive(Clone)]
enum From {
    Registry(RegistrySource, Version),
    Remote(RemoteSource),
}

/// A package that lies in a directory of its own, not yet in its place.
struct Arrived {
    directory: tempfile::TempDir,
    commit: Option<String>,
    hash: String,
    /// The directory inside of it that its address led to, beside what each call says.
    subdirectory: String,
}

type Failed = (Reached, Diagnostics);

impl Installer<'_> {
    async fn run(&mut self) -> Result<Reached, Failed> {
        let _alone = self
            .begin()
            .map_err(|found| (Reached::default(), found.into()))?;
        let before = self.known.clone();
        if self.options.upgrade {
            self.known
                .0
                .retain(|_, installed| installed.source.starts_with('.'));
        }
        let mut reached = self.reach();
        self.check_installed(&reached).await;
        for _ in 0..ROUNDS_MAX {
            reached = self.reach();
            if reached.diagnostics.has_errors() {
                return Err((reached, Diagnostics::new()));
            }
            let missing = reached.calls.iter().filter(|call| call.directory.is_none());
            let missing: Vec<ReachedCall> = missing.cloned().collect();
            if missing.is_empty() {
                return match self.finish(&reached, &before) {
                    Ok(()) => Ok(reached),
                    Err(found) => Err((reached, found.into())),
                };
            }
            let found = self.round(missing).await;
            if found.has_errors() {
                // What has come stays, so that the next attempt does not fetch it again.
                let _ = self.known.write(&self.data);
                return Err((reached, found));
            }
        }
        Err((reached, diag::endless(&self.data).into()))
    }

    fn reach(&self) -> Reached {
        let files = WithModules {
            files: self.options.files,
            modules: &self.known,
        };
        definition::reach(&files, self.options.given, self.options.schemas)
    }

    /// Reads what is known, as the only one who installs here.
    fn begin(&mut self) -> Result<Option<File>, Diagnostic> {
        self.old = Lock::read(self.options.directory)?;
        self.known = Manifest::read(&self.data)
            .map_err(|error| diag::not_installed(&Manifest::path(&self.data), &error))?;
        let has_packages = self
            .reach()
            .calls
            .iter()
            .any(|call| !matches!(call.source, ModuleSource::Local(_)));
        if !has_packages {
            return Ok(None);
        }
        let modules = self.data.join("modules");
        let lock = || {
            fs::create_dir_all(&modules)?;
            let file = File::options()
                .create(true)
                .append(true)
                .open(modules.join(".steadfast.lock"))?;
            file.lock()?;
            Ok(file)
        };
        let file = lock().map_err(|error: io::Error| diag::not_installed(&modules, &error))?;
        // Another one may have been at work until now.
        self.known = Manifest::read(&self.data)
            .map_err(|error| diag::not_installed(&Manifest::path(&self.data), &error))?;
        Ok(Some(file))
    }

    /// Holds what is on the disk against the lock file: what was changed is forgotten, and so fetched again; what is
    /// not locked yet (because Terraform has fetched it) is locked as it is.
    async fn check_installed(&mut self, reached: &Reached) {
        for call in &reached.calls {
            let (Some(_), Some(package)) =
                (&call.directory, self.package_of(call, call.version.clone()))
            else {
                continue;
            };
            let root = self.data.join("modules").join(&call.call);
            let Ok(hash) = tree::digest(&root) else {
                self.known.0.remove(&call.call);
                continue;
            };
            match self.old.0.get(&package) {
                Some(locked) if locked.hashes.contains(&hash) => {
                    self.new.0.insert(package, locked.clone());
                }
                Some(_) => {
                    self.known.0.remove(&call.call);
                    (self.options.tell)(&Event::Changed {
                        call: call.call.clone(),
                    });
                }
                None => {
                    let commit = git::commit_of(&self.fetcher.settings, &root).await;
                    self.new.0.entry(package).or_insert(Locked {
                        commit,
                        hashes: vec![hash],
                    });
                }
            }
        }
    }

    /// The package of a call as the lock file names it; none where it is not locked.
    fn package_of(&self, call: &ReachedCall, version: Option<String>) -> Option<Package> {
        match &call.source {
            ModuleSource::Local(_) => None,
            ModuleSource::Registry(_) => Some(Package {
                address: call.source.package().to_string(),
                version,
            }),
            ModuleSource::Remote(source) if fetch::is_directory(source) => None,
            ModuleSource::Remote(_) => Some(Package {
                address: name_of(&call.source),
                version: None,
            }),
        }
    }

    /// Fetches everything that is missing now.
    async fn round(&mut self, missing: Vec<ReachedCall>) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut jobs: BTreeMap<Package, Job> = BTreeMap::new();
        for call in missing {
            let from = match &call.source {
                ModuleSource::Local(_) => continue,
                ModuleSource::Registry(source) => match self.choose(source, &call).await {
                    Ok(version) => From::Registry(source.clone(), version),
                    Err(why) => {
                        found.push(why);
                        continue;
                    }
                },
                ModuleSource::Remote(source) => match fetch::check(source) {
                    Ok(()) => From::Remote(source.clone()),
                    Err(error) => {
                        found.push(diag::fetch(&call, &error));
                        continue;
                    }
                },
            };
            let version = match &from {
                From::Registry(_, version) => Some(version.to_string()),
                From::Remote(_) => None,
            };
            let package = Package {
                address: name_of(&call.source),
                version,
            };
            let locked = self.old.0.get(&package).filter(|_| !self.options.upgrade);
            let commit = locked.and_then(|locked| locked.commit.clone());
            let job = Job {
                package: package.clone(),
                from,
                calls: Vec::new(),
                commit,
            };
            jobs.entry(package).or_insert(job).calls.push(call);
        }
        found.extend(self.fetch_all(jobs).await);
        found
    }

    /// The version of a module to take: the locked one as long as it is allowed, else the newest that is.
    async fn choose(
        &mut self,
        source: &RegistrySource,
        call: &ReachedCall,
    ) -> Result<Version, Diagnostic> {
        let address = call.source.package().to_string();
        if !self.options.upgrade {
            let locked = self
                .old
                .0
                .keys()
                .filter(|package| package.address == address);
            let versions =
                locked.filter_map(|package| Version::parse(package.version.as_deref()?).ok());
            if let Some(version) = versions
                .filter(|version| call.constraints.allow(version))
                .max()
            {
                return Ok(version);
            }
        }
        if !self.versions.contains_key(&address) {
            let versions = self
                .registry
                .versions(source)
                .await
                .map_err(|error| diag::registry(call, &error))?;
            self.versions.insert(address.clone(), versions);
        }
        let versions = self
            .versions
            .get(&address)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let allowed = versions
            .iter()
            .filter(|version| call.constraints.allow(version))
            .max();
        allowed
            .cloned()
            .ok_or_else(|| diag::no_version(call, versions))
    }

    async fn fetch_all(&mut self, jobs: BTreeMap<Package, Job>) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut waiting: Vec<Job> = jobs.into_values().rev().collect();
        let mut running = JoinSet::new();
        loop {
            // Ends when every job has been begun and has ended.
            while running.len() < FETCHES_AT_ONCE
                && let Some(job) = waiting.pop()
            {
                let shown = Event::Fetching {
                    source: without_secrets(&job.package.address),
                    version: job.package.version.clone(),
                };
                (self.options.tell)(&shown);
                let (fetcher, registry) = (self.fetcher.clone(), self.registry.clone());
                let modules = self.data.join("modules");
                running.spawn(async move {
                    let arrived = arrive(&fetcher, &registry, &job, &modules).await;
                    (job, arrived)
                });
            }
            match running.join_next().await {
                Some(Ok((job, Ok(arrived)))) => {
                    if let Err(why) = self.place(&job, arrived) {
                        found.push(why);
                    }
                }
                Some(Ok((job, Err(Trouble::Fetch(error))))) => {
                    found
                        .0
                        .extend(job.calls.first().map(|call| diag::fetch(call, &error)));
                }
                Some(Ok((job, Err(Trouble::Registry(error))))) => {
                    found
                        .0
                        .extend(job.calls.first().map(|call| diag::registry(call, &error)));
                }
                Some(Err(error)) => {
                    found.push(diag::not_installed(&self.data, &io::Error::other(error)))
                }
                None => break,
            }
        }
        found
    }

    /// Holds a package against the lock file and puts it where its calls look for it.
    fn place(&mut self, job: &Job, arrived: Arrived) -> Result<(), Diagnostic> {
        let Some(first) = job.calls.first() else {
            return Ok(());
        };
        if self
            .package_of(first, job.package.version.clone())
            .is_some()
        {
            self.hold_against_lock(job, first, &arrived)?;
        }
        for (at, call) in job.calls.iter().enumerate() {
            let wanted = fetch::joined(&arrived.subdirectory, call.source.subdirectory());
            let root = &arrived.directory.path().join("package");
            let inside =
                fetch::inside(root, &wanted).ok_or_else(|| diag::no_directory(call, &wanted))?;
            let has_source = |name: &str| name.ends_with(".tf") || name.ends_with(".tf.json");
            let names = fs::read_dir(root.join(&inside))
                .into_iter()
                .flatten()
                .flatten();
            if !names
                .into_iter()
                .any(|entry| entry.file_name().to_str().is_some_and(has_source))
            {
                return Err(diag::no_directory(call, &inside));
            }
            let is_last = at + 1 == job.calls.len();
            let to = self.data.join("modules").join(&call.call);
            let placed = put(root, &to, is_last);
            placed.map_err(|error| diag::package(call, &error))?;
            let directory = fetch::joined(
                &format!("{}/modules/{}", self.options.data, call.call),
                &inside,
            );
            let installed = Installed {
                source: call.source.to_string(),
                version: job.package.version.clone(),
                directory: directory.clone(),
            };
            self.known.0.insert(call.call.clone(), installed);
            self.n_installed += 1;
            (self.options.tell)(&Event::Installed {
                call: call.call.clone(),
                directory,
                version: job.package.version.clone(),
                commit: arrived.commit.clone(),
            });
        }
        Ok(())
    }

    fn hold_against_lock(
        &mut self,
        job: &Job,
        call: &ReachedCall,
        arrived: &Arrived,
    ) -> Result<(), Diagnostic> {
        let now = Locked {
            commit: arrived.commit.clone(),
            hashes: vec![arrived.hash.clone()],
        };
        match self.old.0.get(&job.package) {
            Some(locked) if locked.hashes.contains(&arrived.hash) => {
                // The same content, whatever the way it came; what was known of it stays known.
                let commit = now.commit.or_else(|| locked.commit.clone());
                let kept = Locked {
                    commit,
                    hashes: locked.hashes.clone(),
                };
                self.new.0.insert(job.package.clone(), kept);
            }
            Some(locked) if !self.options.upgrade => {
                return Err(diag::differs_from_lock(
                    call,
                    &job.package,
                    &locked.hashes,
                    &arrived.hash,
                ));
            }
            Some(locked) => {
                if locked.commit.is_none() || locked.commit == now.commit {
                    (self.options.tell)(&Event::Renewed {
                        source: without_secrets(&job.package.address),
                    });
                }
                self.new.0.insert(job.package.clone(), now);
            }
            None => {
                self.new.0.insert(job.package.clone(), now);
            }
        }
        Ok(())
    }

    /// Writes down what is installed now, and removes what nothing calls any more.
    fn finish(&mut self, reached: &Reached, before: &Manifest) -> Result<(), Diagnostic> {
        let failed = |error: &io::Error| diag::not_installed(&self.data, error);
        let mut packages = BTreeSet::new();
        let mut list = Manifest::default();
        for call in &reached.calls {
            packages.extend(self.package_of(call, call.version.clone()));
            let Some(directory) = call.directory.clone() else {
                continue;
            };
            let installed = Installed {
                source: call.source.to_string(),
                version: call.version.clone(),
                directory,
            };
            list.0.insert(call.call.clone(), installed);
        }
        self.new.0.retain(|package, _| packages.contains(package));
        if self.options.lock_readonly && self.new != self.old {
            return Err(diag::lock_would_change(&self.old, &self.new));
        }
        if !list.0.is_empty() || !before.0.is_empty() {
            let root = Installed {
                source: String::new(),
                version: None,
                directory: ".".to_owned(),
            };
            list.0.insert(String::new(), root);
            list.write(&self.data).map_err(|error| failed(&error))?;
        }
        for (key, installed) in &before.0 {
            let own = format!("{}/modules/{key}", self.options.data);
            let is_package =
                installed.directory == own || installed.directory.starts_with(&format!("{own}/"));
            if !key.is_empty() && is_package && !list.0.contains_key(key) {
                // What stays behind is in nobody's way.
                let _ = fs::remove_dir_all(self.data.join("modules").join(key));
            }
        }
        self.known = list;
        if self.new != self.old {
            self.new
                .write(self.options.directory)
                .map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

enum Trouble {
    Fetch(FetchError),
    Registry(RegistryError),
}

/// Fetches a package into a directory beside the installed modules.
async fn arrive(
    fetcher: &Fetcher,
    registry: &Registry,
    job: &Job,
    modules: &Path,
) -> Result<Arrived, Trouble> {
    let source = match &job.from {
        From::Remote(source) => RemoteSource {
            subdirectory: String::new(),
            ..source.clone()
        },
        From::Registry(module, version) => {
            let location = registry
                .location(module, version)
                .await
                .map_err(Trouble::Registry)?;
            RemoteSource::parse(&location).map_err(|why| {
                let url = module.to_string();
                Trouble::Fetch(FetchError::Location {
                    url,
                    location: without_secrets(&location),
                    why,
                })
            })?
        }
    };
    let disk = |error| Trouble::Fetch(FetchError::Disk(error));
    let directory = tempfile::Builder::new()
        .prefix(".steadfast-")
        .tempdir_in(modules)
        .map_err(disk)?;
    let package = directory.path().join("package");
    fs::create_dir(&package).map_err(disk)?;
    let fetched = fetcher
        .fetch(&source, job.commit.as_deref(), &package)
        .await
        .map_err(Trouble::Fetch)?;
    let hashed = in_background(move || Ok(tree::digest(&package)?))
        .await
        .map_err(Trouble::Fetch)?;
    Ok(Arrived {
        directory,
        commit: fetched.commit,
        hash: hashed,
        subdirectory: fetched.subdirectory,
    })
}

/// Puts a package into its place: the last time by moving it, before that as a copy.
fn put(package: &Path, to: &Path, is_last: bool) -> Result<(), TreeError> {
    let disk = |source| TreeError::Disk {
        path: to.to_owned(),
        source,
    };
    if to.exists() {
        fs::remove_dir_all(to).map_err(disk)?;
    }
    if is_last {
        return fs::rename(package, to).map_err(disk);
    }
    tree::copy(package, to)
}

/// The address of a package as the lock file has it: without what says only how it is fetched, and without secrets.
fn name_of(source: &ModuleSource) -> String {
    match source.package() {
        ModuleSource::Remote(source) => {
            let bare = source.without(&["depth", "sshkey"]);
            let url = match bare.url.split_once("://") {
                Some((scheme, rest)) => {
                    let end = rest.find('/').unwrap_or(rest.len());
                    let (authority, path) = rest.split_at(end);
                    let authority = match authority.rsplit_once('@') {
                        Some((login, host)) => match login.split(':').next().unwrap_or_default() {
                            "" => host.to_owned(),
                            user => format!("{user}@{host}"),
                        },
                        None => authority.to_owned(),
                    };
                    format!("{scheme}://{authority}{path}")
                }
                None => bare.url.clone(),
            };
            RemoteSource { url, ..bare }.to_string()
        }
        other => other.to_string(),
    }
}

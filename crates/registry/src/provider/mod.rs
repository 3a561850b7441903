//! Installing providers: which version, from where, and that it is what was locked.
//!
//! They go where Terraform puts them, `.terraform/providers/HOST/NAMESPACE/TYPE/VERSION/PLATFORM`, as links to a
//! directory of a mirror or of the cache, or unpacked. A package that is in the lock file has one of its digests, or is
//! refused.
//! Starting what was installed is the business of another room.

mod lock;
mod pgp;
mod place;
mod verdict;

pub use lock::PROVIDER_LOCK_FILE;
pub(crate) use place::PlaceError;

use crate::archive::{self, ArchiveError, Kind};
use crate::diag::provider as diag;
use crate::discovery::Registry;
use crate::fetch::Download;
use crate::http::{Ask, Client, HttpError};
use crate::limits::ARCHIVE_BYTES_MAX;
use crate::settings::{Method, Settings, Way};
use crate::tree::{self, TreeError};
use definition::{Constraints, Version};
use hyper::StatusCode;
use lock::{LockedProvider, ProviderLock};
use place::{Package, Places};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use value::{Diagnostic, Diagnostics};

/// What providers are installed, and how.
pub struct ProviderOptions<'a> {
    /// What is needed, by source address, as `definition::reach` says it.
    pub needed: &'a BTreeMap<String, Constraints>,
    /// Sources that need no package: built in, or somebody else's business.
    pub built_in: &'a BTreeSet<String>,
    /// The directory of the root module.
    pub directory: &'a Path,
    /// The data directory, `.terraform`, seen from there.
    pub data: &'a str,
    /// Take the newest of everything.
    pub upgrade: bool,
    /// Refuse whatever the lock file does not hold already.
    pub lock_readonly: bool,
    /// Only from these directories.
    pub from: &'a [PathBuf],
    /// What was said outside of the project.
    pub settings: Settings,
    /// Told of what happens, as it happens.
    pub tell: &'a dyn Fn(&ProviderEvent),
}

/// Something that happens while providers are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderEvent {
    /// A package is being fetched.
    Fetching {
        /// The provider's source address.
        source: String,
        /// Its version.
        version: String,
    },
    /// A provider is in its place.
    Installed {
        /// Its source address.
        source: String,
        /// Its version.
        version: String,
        /// Its directory.
        directory: PathBuf,
    },
}

/// A provider that is ready to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledProvider {
    /// Its source address.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The directory of its package.
    pub directory: PathBuf,
}

/// The address of a provider: host, namespace, type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) namespace: String,
    pub(crate) kind: String,
}

impl Address {
    fn parse(source: &str) -> Option<Self> {
        let mut parts = source.split('/').map(str::to_owned);
        let address = Self {
            host: parts.next()?,
            namespace: parts.next()?,
            kind: parts.next()?,
        };
        let is_plain = |part: &String| !part.is_empty() && part != "." && part != "..";
        let all = [&address.host, &address.namespace, &address.kind];
        (parts.next().is_none() && all.into_iter().all(is_plain)).then_some(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.host, self.namespace, self.kind)
    }
}

/// Why a package is not installed.
#[derive(Debug, Error)]
pub(crate) enum PackageError {
    #[error("it cannot be downloaded")]
    Http(#[from] HttpError),
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    #[error("the archive has the SHA-256 {found}, and the registry has signed {wanted}")]
    Signed { wanted: String, found: String },
    #[error("the archive is refused")]
    Archive(#[from] ArchiveError),
    #[error("the package is refused")]
    Tree(#[from] TreeError),
    #[error("it has no file whose name begins with terraform-provider-{0}")]
    NoProgram(String),
    #[error("{} cannot be read or written", path.display())]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The name of this machine among platforms, as Go has it.
fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{os}_{arch}")
}

/// Installs all providers that are needed; what is there and locked is left as it is.
pub async fn install_providers(
    options: ProviderOptions<'_>,
) -> (Vec<InstalledProvider>, Diagnostics) {
    let mut found = Diagnostics::new();
    let mut installed = Vec::new();
    let old = match ProviderLock::read(options.directory) {
        Ok(lock) => lock,
        Err(why) => return (installed, why.into()),
    };
    let settings = Arc::new(options.settings.clone());
    let client = Client::new(settings.clone());
    let places = Places {
        registry: Registry::new(settings.clone(), client.clone()),
        settings,
        client,
        platform: platform(),
    };
    let installer = Installer {
        methods: methods(&options),
        places,
        options: &options,
    };
    let mut new = ProviderLock::default();
    for (source, constraints) in options
        .needed
        .iter()
        .filter(|(source, _)| !options.built_in.contains(*source))
    {
        let Some(address) = Address::parse(source) else {
            continue;
        };
        let locked = old.0.get(source);
        match installer.one(&address, constraints, locked).await {
            Ok((provider, lock)) => {
                installed.push(provider);
                new.0.insert(source.clone(), lock);
            }
            Err(why) => found.push(why),
        }
    }
    if found.has_errors() || new == old {
        return (installed, found);
    }
    if options.lock_readonly {
        found.push(diag::lock_would_change());
    } else if let Err(error) = new.write(options.directory) {
        found.push(diag::not_installed(
            &options.directory.join(PROVIDER_LOCK_FILE),
            &error,
        ));
    }
    (installed, found)
}

/// The program of a provider that is installed in the version that is locked; none when it is not installed. Its digest
/// is not looked at: `init` did that when it put it there.
///
/// # Errors
/// When the lock file cannot be read.
pub fn installed_provider(
    directory: &Path,
    data: &str,
    source: &str,
) -> Result<Option<PathBuf>, Diagnostic> {
    let lock = ProviderLock::read(directory)?;
    let (Some(address), Some(locked)) = (Address::parse(source), lock.0.get(source)) else {
        return Ok(None);
    };
    let package = directory
        .join(data)
        .join("providers")
        .join(address.to_string())
        .join(&locked.version)
        .join(platform());
    let exact = format!("terraform-provider-{}", address.kind);
    let versioned = format!("{exact}_");
    let entries = fs::read_dir(package).into_iter().flatten().flatten();
    let mut programs: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            *name == *exact || name.starts_with(&versioned)
        })
        .map(|entry| entry.path())
        .collect();
    // Of several the first by name, as Terraform takes it.
    programs.sort();
    Ok(programs.into_iter().next())
}

/// The ways to providers: what the user has said, else directories that Terraform looks into, then registries.
fn methods(options: &ProviderOptions<'_>) -> Vec<Method> {
    let directory = |path: &Path| Method {
        way: Way::Directory(path.to_owned()),
        include: Vec::new(),
        exclude: Vec::new(),
    };
    if !options.from.is_empty() {
        return options.from.iter().map(|path| directory(path)).collect();
    }
    if let Some(given) = options.settings.methods() {
        return given.to_vec();
    }
    let mut places = vec![options.directory.join("terraform.d/plugins")];
    places.extend(options.settings.plugin_directories());
    let mut methods: Vec<Method> = places
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| directory(path))
        .collect();
    // A provider that is in one of them is not looked for elsewhere.
    let mut direct = Method {
        way: Way::Direct,
        include: Vec::new(),
        exclude: Vec::new(),
    };
    for source in options.needed.keys() {
        let Some(address) = Address::parse(source) else {
            continue;
        };
        let is_there = |path: &PathBuf| path.join(address.to_string()).is_dir();
        if places.iter().any(is_there) {
            direct.exclude.push(source.clone());
        }
    }
    methods.push(direct);
    methods
}

struct Installer<'a> {
    options: &'a ProviderOptions<'a>,
    methods: Vec<Method>,
    places: Places,
}

impl Installer<'_> {
    /// Installs one provider.
    async fn one(
        &self,
        address: &Address,
        constraints: &Constraints,
        locked: Option<&LockedProvider>,
    ) -> Result<(InstalledProvider, LockedProvider), Diagnostic> {
        let source = address.to_string();
        let wanted = locked
            .filter(|_| !self.options.upgrade)
            .and_then(|locked| Version::parse(&locked.version).ok());
        let wanted = wanted.filter(|version| constraints.allow(version));
        let locked = locked.filter(|locked| {
            wanted
                .as_ref()
                .is_some_and(|version| version.to_string() == locked.version)
        });
        if let (Some(version), Some(locked)) = (&wanted, locked)
            && let Some(directory) = self.is_in_place(address, version, locked)
        {
            let kept = LockedProvider {
                constraints: constraints.sorted().to_string(),
                ..locked.clone()
            };
            let provider = InstalledProvider {
                source,
                version: version.to_string(),
                directory,
            };
            return Ok((provider, kept));
        }
        let (version, method) = self.choose(address, constraints, wanted).await?;
        let package = self.places.package(method, address, &version).await;
        let package = package.map_err(|error| diag::place(&source, &error))?;
        let package = package.ok_or_else(|| {
            diag::no_package(&source, &version.to_string(), &self.places.platform)
        })?;
        let telling = ProviderEvent::Fetching {
            source: source.clone(),
            version: version.to_string(),
        };
        (self.options.tell)(&telling);
        let put = self.put(address, &version, package, locked).await;
        let (directory, mut hashes) =
            put.map_err(|trouble| trouble.said(&source, &version.to_string(), locked))?;
        hashes.extend(
            locked
                .map(|locked| locked.hashes.clone())
                .unwrap_or_default(),
        );
        hashes.sort();
        hashes.dedup();
        (self.options.tell)(&ProviderEvent::Installed {
            source: source.clone(),
            version: version.to_string(),
            directory: directory.clone(),
        });
        let lock = LockedProvider {
            version: version.to_string(),
            constraints: constraints.sorted().to_string(),
            hashes,
        };
        Ok((
            InstalledProvider {
                source,
                version: version.to_string(),
                directory,
            },
            lock,
        ))
    }

    fn target(&self, address: &Address, version: &Version) -> PathBuf {
        let data = self.options.directory.join(self.options.data);
        data.join("providers")
            .join(address.to_string())
            .join(version.to_string())
            .join(&self.places.platform)
    }

    /// The directory of a provider that is installed and is what was locked.
    fn is_in_place(
        &self,
        address: &Address,
        version: &Version,
        locked: &LockedProvider,
    ) -> Option<PathBuf> {
        let target = self.target(address, version);
        let real = fs::canonicalize(&target).ok()?;
        let hash = verdict::digest(&self.options.directory.join(self.options.data), &real).ok()?;
        locked.hashes.contains(&hash).then_some(target)
    }

    /// The version to take, and the first way that has it.
    async fn choose(
        &self,
        address: &Address,
        constraints: &Constraints,
        wanted: Option<Version>,
    ) -> Result<(Version, &Method), Diagnostic> {
        let source = address.to_string();
        let mut all: BTreeMap<Version, &Method> = BTreeMap::new();
        let mut troubles = Vec::new();
        for method in self.methods.iter().filter(|method| method.serves(&source)) {
            match self.places.versions(method, address).await {
                Ok(versions) => {
                    for version in versions {
                        all.entry(version).or_insert(method);
                    }
                }
                Err(error) => troubles.push(error),
            }
        }
        let is_taken = |version: &Version| match &wanted {
            Some(wanted) => version == wanted,
            None => constraints.allow(version),
        };
        let found = all.iter().rev().find(|(version, _)| is_taken(version));
        if let Some((version, method)) = found {
            return Ok((version.clone(), method));
        }
        match (troubles.first(), all.is_empty()) {
            (Some(error), true) => Err(diag::place(&source, error)),
            (None, true) => Err(diag::nowhere(&source)),
            (_, false) => {
                let versions: Vec<String> = all.keys().rev().map(ToString::to_string).collect();
                let wanted =
                    wanted.map_or_else(|| constraints.to_string(), |version| version.to_string());
                Err(diag::no_version(&source, &wanted, &versions))
            }
        }
    }

    /// Puts a package into its place once it is known to be what it should be; its directory and digests.
    async fn put(
        &self,
        address: &Address,
        version: &Version,
        package: Package,
        locked: Option<&LockedProvider>,
    ) -> Result<(PathBuf, Vec<String>), Trouble> {
        let target = self.target(address, version);
        let parent = target.parent().unwrap_or(&target).to_owned();
        fs::create_dir_all(&parent).map_err(|source| disk(&parent, source))?;
        let (archive, vouched) = match package {
            Package::Directory(directory) => {
                let hash = self.held(address, &directory, &[], locked)?;
                link(&directory, &target)?;
                return Ok((target, vec![hash]));
            }
            Package::Archive(path) => (
                File::open(&path).map_err(|source| disk(&path, source))?,
                Vec::new(),
            ),
            Package::Remote {
                url,
                hashes,
                sha256,
            } => (self.download(&url, sha256).await?, hashes),
        };
        let cache = self.options.settings.plugin_cache();
        let home = cache
            .as_deref()
            .map(|cache| cache.join(address.to_string()).join(version.to_string()));
        let home = home.unwrap_or_else(|| parent.clone());
        fs::create_dir_all(&home).map_err(|source| disk(&home, source))?;
        let scratch = tempfile::Builder::new()
            .prefix(".steadfast-")
            .tempdir_in(&home);
        let scratch = scratch.map_err(|source| disk(&home, source))?;
        let unpacked = scratch.path().join(&self.places.platform);
        let (mut archive, into) = (archive, unpacked.clone());
        let work = move || -> Result<String, PackageError> {
            let failed = |source| PackageError::Disk {
                path: into.clone(),
                source,
            };
            archive.rewind().map_err(failed)?;
            let digest = place::sha256(&mut archive).map_err(failed)?;
            archive.rewind().map_err(failed)?;
            fs::create_dir(&into).map_err(failed)?;
            archive::unpack(archive, Kind::Zip, &into)?;
            Ok(format!("zh:{digest}"))
        };
        let done = tokio::task::spawn_blocking(work).await;
        let packed = done
            .map_err(|error| disk(&home, io::Error::other(error)))?
            .map_err(Trouble::Package)?;
        let hash = self.held(address, &unpacked, std::slice::from_ref(&packed), locked)?;
        if !vouched.is_empty() && !vouched.contains(&hash) && !vouched.contains(&packed) {
            let found = format!("{hash} and {packed}, for which the mirror does not vouch");
            return Err(Trouble::Locked(found));
        }
        let place = home.join(&self.places.platform);
        settle(&unpacked, &place, &hash)?;
        if place != target {
            link(&place, &target)?;
        }
        let mut hashes = vouched;
        hashes.push(hash);
        Ok((target, hashes))
    }

    /// The digest of an unpacked package, which has a program and is what was locked.
    fn held(
        &self,
        address: &Address,
        directory: &Path,
        packed: &[String],
        locked: Option<&LockedProvider>,
    ) -> Result<String, Trouble> {
        let prefix = format!("terraform-provider-{}", address.kind);
        let names = fs::read_dir(directory).into_iter().flatten().flatten();
        if !names
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        {
            return Err(Trouble::Package(PackageError::NoProgram(
                address.kind.clone(),
            )));
        }
        let data = self.options.directory.join(self.options.data);
        let hash =
            verdict::digest(&data, directory).map_err(|error| Trouble::Package(error.into()))?;
        let known = locked
            .map(|locked| locked.hashes.as_slice())
            .unwrap_or_default();
        if !known.is_empty()
            && !known.contains(&hash)
            && !packed.iter().any(|packed| known.contains(packed))
        {
            return Err(Trouble::Locked(hash));
        }
        Ok(hash)
    }

    async fn download(&self, url: &str, sha256: Option<String>) -> Result<File, Trouble> {
        let file =
            tempfile::tempfile().map_err(|source| disk(Path::new("a temporary file"), source))?;
        let mut download = Download(file);
        let ask = Ask {
            url,
            limit_bytes: ARCHIVE_BYTES_MAX,
            ..Ask::default()
        };
        let answer = self
            .places
            .client
            .get(ask, &mut download)
            .await
            .map_err(|error| Trouble::Package(error.into()))?;
        if !answer.status.is_success() {
            let url = crate::address::without_secrets(url);
            return Err(Trouble::Package(PackageError::Status {
                url,
                status: answer.status,
            }));
        }
        let mut file = download.0;
        if let Some(wanted) = sha256 {
            let failed = |source| disk(Path::new("a temporary file"), source);
            file.rewind().map_err(failed)?;
            let found = place::sha256(&mut file).map_err(failed)?;
            if found != wanted {
                return Err(Trouble::Package(PackageError::Signed { wanted, found }));
            }
        }
        Ok(file)
    }
}

enum Trouble {
    Package(PackageError),
    /// Another digest than those that are locked.
    Locked(String),
}

impl Trouble {
    fn said(self, source: &str, version: &str, locked: Option<&LockedProvider>) -> Diagnostic {
        match self {
            Self::Package(error) => diag::package(source, version, &error),
            Self::Locked(found) => {
                let known = locked
                    .map(|locked| locked.hashes.as_slice())
                    .unwrap_or_default();
                diag::differs_from_lock(source, version, known, &found)
            }
        }
    }
}

fn disk(path: &Path, source: io::Error) -> Trouble {
    Trouble::Package(PackageError::Disk {
        path: path.to_owned(),
        source,
    })
}

/// Moves an unpacked package into a place that others may be filling too: whoever comes second takes what is there, if
/// it is the same.
fn settle(unpacked: &Path, place: &Path, hash: &str) -> Result<(), Trouble> {
    if fs::rename(unpacked, place).is_ok() {
        return Ok(());
    }
    if tree::digest(place).is_ok_and(|there| there == hash) {
        return Ok(());
    }
    // What is there is damaged, or a link of an earlier version.
    let removed = match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(_) => Ok(()),
    };
    removed
        .and_then(|()| fs::rename(unpacked, place))
        .map_err(|source| disk(place, source))
}

/// Makes a link to a package in the place of whatever is there.
fn link(directory: &Path, target: &Path) -> Result<(), Trouble> {
    let make = || {
        let whole = fs::canonicalize(directory)?;
        match fs::symlink_metadata(target) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(target)?,
            Ok(_) => fs::remove_file(target)?,
            Err(_) => {}
        }
        symlink(whole, target)
    };
    make().map_err(|source| disk(target, source))
}

//! Where providers come from: directories of this machine, mirrors in the network, registries.

use super::Address;
use super::pgp;
use crate::discovery::{Registry, RegistryError};
use crate::http::{Ask, Client, HttpError, join};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::settings::{Method, Settings, Way};
use crate::tree::hex;
use definition::Version;
use hyper::StatusCode;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// The service of hosts that have providers.
const PROVIDERS: &str = "providers.v1";

/// Why a place has no package.
#[derive(Debug, Error)]
pub(crate) enum PlaceError {
    #[error("the registry cannot be asked")]
    Registry(#[from] RegistryError),
    #[error("the mirror cannot be asked")]
    Http(#[from] HttpError),
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    #[error("the answer of {url} is not what it should be: {what}")]
    Answer { url: String, what: String },
    #[error("the checksums of the registry are not signed by any of its keys")]
    Unsigned,
    #[error("the checksums of the registry have none for {0}")]
    NoChecksum(String),
}

/// A package of a provider for this machine.
#[derive(Clone, Debug)]
pub(crate) enum Package {
    /// Unpacked on this machine.
    Directory(PathBuf),
    /// Packed on this machine.
    Archive(PathBuf),
    /// Packed elsewhere.
    Remote {
        url: String,
        /// Digests that whoever keeps it vouches for.
        hashes: Vec<String>,
        /// The SHA-256 of the archive, in hexadecimal, where that is known.
        sha256: Option<String>,
    },
}

/// Asks for versions and packages.
pub(crate) struct Places {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    pub(crate) registry: Registry,
    /// What the machine is called: `linux_amd64`.
    pub(crate) platform: String,
}

impl Places {
    /// The versions of a provider that a way has for this machine.
    pub(crate) async fn versions(
        &self,
        method: &Method,
        provider: &Address,
    ) -> Result<Vec<Version>, PlaceError> {
        match &method.way {
            Way::Directory(root) => Ok(self.on_disk(root, provider).into_keys().collect()),
            Way::Mirror(base) => self.mirror_versions(base, provider).await,
            Way::Direct => self.registry_versions(provider).await,
        }
    }

    /// A package of a version that a way has said to have.
    pub(crate) async fn package(
        &self,
        method: &Method,
        provider: &Address,
        version: &Version,
    ) -> Result<Option<Package>, PlaceError> {
        match &method.way {
            Way::Directory(root) => Ok(self.on_disk(root, provider).remove(version)),
            Way::Mirror(base) => self.mirror_package(base, provider, version).await,
            Way::Direct => self.registry_package(provider, version).await,
        }
    }

    /// Packages below a directory, unpacked (`VERSION/PLATFORM/`) or packed.
    fn on_disk(&self, root: &Path, provider: &Address) -> BTreeMap<Version, Package> {
        let directory = root
            .join(&provider.host)
            .join(&provider.namespace)
            .join(&provider.kind);
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let packed = name.strip_prefix(&format!("terraform-provider-{}_", provider.kind));
            let packed =
                packed.and_then(|rest| rest.strip_suffix(&format!("_{}.zip", self.platform)));
            if let Some(version) = packed.and_then(|version| Version::parse(version).ok()) {
                found
                    .entry(version)
                    .or_insert(Package::Archive(entry.path()));
            } else if let Ok(version) = Version::parse(&name) {
                let unpacked = entry.path().join(&self.platform);
                if unpacked.is_dir() {
                    // Unpacked wins over packed: it is there already.
                    found.insert(version, Package::Directory(unpacked));
                }
            }
        }
        found
    }

    async fn mirror_versions(
        &self,
        base: &str,
        provider: &Address,
    ) -> Result<Vec<Version>, PlaceError> {
        let url = format!("{}/{provider}/index.json", base.trim_end_matches('/'));
        let Some((document, _)) = self.document(&url, None).await? else {
            return Ok(Vec::new());
        };
        let versions = document
            .get("versions")
            .and_then(serde_json::Value::as_object);
        let versions = versions.ok_or_else(|| wrong(&url, "it lists no versions"))?;
        Ok(versions
            .keys()
            .filter_map(|text| Version::parse(text).ok())
            .collect())
    }

    async fn mirror_package(
        &self,
        base: &str,
        provider: &Address,
        version: &Version,
    ) -> Result<Option<Package>, PlaceError> {
        let url = format!("{}/{provider}/{version}.json", base.trim_end_matches('/'));
        let Some((document, from)) = self.document(&url, None).await? else {
            return Ok(None);
        };
        let archives = document
            .get("archives")
            .and_then(serde_json::Value::as_object);
        let archives = archives.ok_or_else(|| wrong(&url, "it lists no archives"))?;
        let Some(archive) = archives.get(&self.platform) else {
            return Ok(None);
        };
        let place = archive.get("url").and_then(serde_json::Value::as_str);
        let place = place.ok_or_else(|| wrong(&url, "an archive has no address"))?;
        let hashes = archive
            .get("hashes")
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten();
        let hashes = hashes
            .filter_map(|hash| hash.as_str().map(str::to_owned))
            .collect();
        Ok(Some(Package::Remote {
            url: join(&from, place),
            hashes,
            sha256: None,
        }))
    }

    async fn registry_versions(&self, provider: &Address) -> Result<Vec<Version>, PlaceError> {
        let base = self.registry.service(&provider.host, PROVIDERS).await?;
        let url = format!(
            "{}/{}/{}/versions",
            base.trim_end_matches('/'),
            provider.namespace,
            provider.kind
        );
        let Some((document, _)) = self.document(&url, Some(&provider.host)).await? else {
            return Ok(Vec::new());
        };
        let versions = document
            .get("versions")
            .and_then(serde_json::Value::as_array);
        let versions = versions.ok_or_else(|| wrong(&url, "it lists no versions"))?;
        let for_this = versions.iter().filter(|version| {
            let platforms = version
                .get("platforms")
                .and_then(serde_json::Value::as_array)
                .into_iter()
                .flatten();
            let names = platforms.filter_map(|platform| {
                let text = |name: &str| platform.get(name).and_then(serde_json::Value::as_str);
                Some(format!("{}_{}", text("os")?, text("arch")?))
            });
            let names: Vec<String> = names.collect();
            // A registry that names no platforms has not said that it lacks this one.
            names.is_empty() || names.contains(&self.platform)
        });
        let texts = for_this.filter_map(|version| version.get("version")?.as_str());
        Ok(texts.filter_map(|text| Version::parse(text).ok()).collect())
    }

    async fn registry_package(
        &self,
        provider: &Address,
        version: &Version,
    ) -> Result<Option<Package>, PlaceError> {
        let base = self.registry.service(&provider.host, PROVIDERS).await?;
        let platform = self.platform.replace('_', "/");
        let base = base.trim_end_matches('/');
        let url = format!(
            "{base}/{}/{}/{version}/download/{platform}",
            provider.namespace, provider.kind
        );
        let Some((document, from)) = self.document(&url, Some(&provider.host)).await? else {
            return Ok(None);
        };
        let text = |name: &str| {
            let found = document
                .get(name)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned);
            found.ok_or_else(|| wrong(&url, &format!("\"{name}\" is missing")))
        };
        let (file, place) = (text("filename")?, text("download_url")?);
        let sums = self.bytes(&join(&from, &text("shasums_url")?)).await?;
        let signature = self
            .bytes(&join(&from, &text("shasums_signature_url")?))
            .await?;
        let keys = document
            .pointer("/signing_keys/gpg_public_keys")
            .and_then(serde_json::Value::as_array);
        let keys = keys
            .into_iter()
            .flatten()
            .filter_map(|key| key.get("ascii_armor")?.as_str().map(str::to_owned));
        if !pgp::is_signed(&sums, &signature, &keys.collect::<Vec<_>>()) {
            return Err(PlaceError::Unsigned);
        }
        // Signed are the digests of the packages for all platforms: all of them can be locked.
        let sums = String::from_utf8_lossy(&sums);
        let lines = sums
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace));
        let sums: Vec<(&str, &str)> = lines
            .map(|(digest, name)| (digest, name.trim().trim_start_matches('*')))
            .collect();
        let own = sums
            .iter()
            .find(|(_, name)| *name == file)
            .map(|(digest, _)| digest.to_ascii_lowercase());
        let own = own.ok_or_else(|| PlaceError::NoChecksum(file.clone()))?;
        let packages = sums.iter().filter(|(_, name)| name.ends_with(".zip"));
        let hashes = packages
            .map(|(digest, _)| format!("zh:{}", digest.to_ascii_lowercase()))
            .collect();
        Ok(Some(Package::Remote {
            url: join(&from, &place),
            hashes,
            sha256: Some(own),
        }))
    }

    /// A document and where it came from; none where there is none.
    async fn document(
        &self,
        url: &str,
        host: Option<&str>,
    ) -> Result<Option<(serde_json::Value, hyper::Uri)>, PlaceError> {
        let token = host.and_then(|host| self.settings.token(host));
        let ask = Ask {
            url,
            token: token.as_deref(),
            limit_bytes: DOCUMENT_BYTES_MAX,
            ..Ask::default()
        };
        let answer = self.client.document(ask).await?;
        match answer.status {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let host = host.unwrap_or(url).to_owned();
                return Err(PlaceError::Registry(RegistryError::Denied {
                    host,
                    status: answer.status,
                }));
            }
            status if !status.is_success() => {
                return Err(PlaceError::Status {
                    url: url.to_owned(),
                    status,
                });
            }
            _ => {}
        }
        let document =
            serde_json::from_slice(&answer.body).map_err(|error| wrong(url, &error.to_string()))?;
        Ok(Some((document, answer.url)))
    }

    async fn bytes(&self, url: &str) -> Result<Vec<u8>, PlaceError> {
        let ask = Ask {
            url,
            limit_bytes: DOCUMENT_BYTES_MAX,
            ..Ask::default()
        };
        let answer = self.client.document(ask).await?;
        if !answer.status.is_success() {
            return Err(PlaceError::Status {
                url: url.to_owned(),
                status: answer.status,
            });
        }
        Ok(answer.body)
    }
}

fn wrong(url: &str, what: &str) -> PlaceError {
    PlaceError::Answer {
        url: crate::address::without_secrets(url),
        what: what.to_owned(),
    }
}

/// The SHA-256 of bytes that are read, in hexadecimal.
pub(crate) fn sha256(reader: &mut dyn std::io::Read) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Ends with the reader.
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(buffer.get(..n).unwrap_or_default());
    }
}

//! Module registries: which services a host has, which versions of a module, and where a version is.

use crate::address::without_secrets;
use crate::http::{Answer, Ask, Client, HttpError, join, parse};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::settings::Settings;
use definition::{RegistrySource, Version};
use hyper::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use thiserror::Error;

/// The service of hosts that have modules.
const MODULES: &str = "modules.v1";

/// The header that says where a package is.
pub(crate) const LOCATION_HEADER: &str = "x-terraform-get";

/// Why a registry does not help.
#[derive(Debug, Error)]
pub(crate) enum RegistryError {
    #[error("the host {host} cannot be asked for its services")]
    Discovery {
        host: String,
        #[source]
        source: HttpError,
    },
    #[error("the host {0} has no registry of this kind")]
    NoRegistry(String),
    #[error("the registry cannot be asked")]
    Http(#[from] HttpError),
    #[error("the registry refuses the credentials, or wants some ({status})")]
    Denied { host: String, status: StatusCode },
    #[error("the registry knows no such module")]
    NoModule,
    #[error("the registry answers {status}")]
    Status { status: StatusCode },
    #[error("the answer of the registry is not what it should be: {what}")]
    Answer { what: String },
}

/// A registry, asked for services of each host once.
#[derive(Clone)]
pub(crate) struct Registry {
    settings: Arc<Settings>,
    client: Client,
    /// The addresses of services by host and name, where they were found out.
    known: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

impl Registry {
    pub(crate) fn new(settings: Arc<Settings>, client: Client) -> Self {
        Self {
            settings,
            client,
            known: Arc::default(),
        }
    }

    /// All versions of a module, in no order.
    pub(crate) async fn versions(
        &self,
        module: &RegistrySource,
    ) -> Result<Vec<Version>, RegistryError> {
        let base = self.service(&module.host, MODULES).await?;
        let url = format!("{}/{}/versions", base.trim_end_matches('/'), module.path());
        let answer = self.ask(&module.host, &url).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(RegistryError::NoModule);
        }
        let document = json(&answer)?;
        let broken = |what: &str| RegistryError::Answer {
            what: what.to_owned(),
        };
        let modules = document
            .get("modules")
            .and_then(serde_json::Value::as_array);
        let module = modules
            .and_then(|modules| modules.first())
            .ok_or_else(|| broken("it lists no module"))?;
        let versions = module.get("versions").and_then(serde_json::Value::as_array);
        let versions = versions.ok_or_else(|| broken("it lists no versions"))?;
        let texts = versions
            .iter()
            .filter_map(|version| version.get("version")?.as_str());
        // A version that cannot be read can be asked for by nobody.
        Ok(texts.filter_map(|text| Version::parse(text).ok()).collect())
    }

    /// Where a version of a module is: an address as it may stand in a source.
    pub(crate) async fn location(
        &self,
        module: &RegistrySource,
        version: &Version,
    ) -> Result<String, RegistryError> {
        let base = self.service(&module.host, MODULES).await?;
        let url = format!(
            "{}/{}/{version}/download",
            base.trim_end_matches('/'),
            module.path()
        );
        let answer = self.ask(&module.host, &url).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(RegistryError::NoModule);
        }
        let in_header = answer.header(LOCATION_HEADER).map(str::to_owned);
        let location = match in_header {
            Some(location) => location,
            None => {
                let broken = || RegistryError::Answer {
                    what: "it does not say where the module is".to_owned(),
                };
                let document = if answer.body.is_empty() {
                    None
                } else {
                    json(&answer).ok()
                };
                let location = document
                    .as_ref()
                    .and_then(|document| document.get("location")?.as_str());
                location.map(str::to_owned).ok_or_else(broken)?
            }
        };
        Ok(absolute(&answer, &location))
    }

    /// The address of a service of a host.
    pub(crate) async fn service(&self, host: &str, name: &str) -> Result<String, RegistryError> {
        let none = || RegistryError::NoRegistry(host.to_owned());
        if let Some(given) = self.settings.service(host, name) {
            return given.map(str::to_owned).ok_or_else(none);
        }
        if let Some(known) = self
            .known
            .lock()
            .ok()
            .and_then(|known| known.get(&(host.to_owned(), name.to_owned())).cloned())
        {
            return Ok(known);
        }
        let failed = |source| RegistryError::Discovery {
            host: host.to_owned(),
            source,
        };
        let url = format!("https://{host}/.well-known/terraform.json");
        let token = self.settings.token(host);
        let ask = Ask {
            url: &url,
            token: token.as_deref(),
            limit_bytes: DOCUMENT_BYTES_MAX,
            ..Ask::default()
        };
        let answer = self.client.document(ask).await.map_err(failed)?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(none());
        }
        let document = json(&answer)?;
        let service = document
            .get(name)
            .and_then(serde_json::Value::as_str)
            .ok_or_else(none)?;
        let service = join(&answer.url, service);
        parse(&service).map_err(failed)?;
        if let Ok(mut known) = self.known.lock() {
            known.insert((host.to_owned(), name.to_owned()), service.clone());
        }
        Ok(service)
    }

    async fn ask(&self, host: &str, url: &str) -> Result<Answer, RegistryError> {
        let token = self.settings.token(host);
        let ask = Ask {
            url,
            token: token.as_deref(),
            limit_bytes: DOCUMENT_BYTES_MAX,
            ..Ask::default()
        };
        let answer = self.client.document(ask).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RegistryError::Denied {
                host: host.to_owned(),
                status: answer.status,
            }),
            StatusCode::NOT_FOUND => Ok(answer),
            status if !status.is_success() => Err(RegistryError::Status { status }),
            _ => Ok(answer),
        }
    }
}

/// An address in an answer, which may be seen from the answer's own.
pub(crate) fn absolute(answer: &Answer, location: &str) -> String {
    let is_relative = ["/", "./", "../"]
        .iter()
        .any(|start| location.starts_with(start));
    if is_relative {
        join(&answer.url, location)
    } else {
        location.to_owned()
    }
}

fn json(answer: &Answer) -> Result<serde_json::Value, RegistryError> {
    if !answer.status.is_success() {
        return Err(RegistryError::Status {
            status: answer.status,
        });
    }
    serde_json::from_slice(&answer.body).map_err(|error| RegistryError::Answer {
        what: format!(
            "{} is no JSON ({error})",
            without_secrets(&answer.url.to_string())
        ),
    })
}

//! Where the backends of Terraform that are not on this machine keep a state.
//!
//! Out of what is written in a `backend` block and in the environment comes a [`Way`], one module a kind: most often an
//! address, with a token for it; `document` goes that way. Names and settings are those of Terraform 1.11, and what is
//! not done here is refused with what to do instead, because half of the settings would lead to another state or none.

mod azurerm;
mod gcs;
mod http;
mod kubernetes;
mod pg;
mod program;
mod s3;
mod token;

use crate::Settings;
use crate::http::{Ask, Client, Header};
use aws_lc_rs::hmac;
use hyper::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use token::Token;
use value::{Type, Value};

/// The workspace that has the key itself.
const DEFAULT_WORKSPACE: &str = "default";

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same within a path.
const NOT_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A state that is kept somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What people may see of where it is.
    pub(crate) shown: String,
    /// How it is had.
    way: Way,
}

/// How a state is had.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// Behind an address.
    Address(Address),
    /// Behind an address that may have to be asked for, and so what opens it.
    Account(azurerm::Account),
    /// In Secrets of a cluster.
    Secrets(kubernetes::Secrets),
    /// In a row of a database.
    Row(pg::Row),
}

/// What is fetched over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Address {
    /// With whatever opens it, where that can stand in an address: a user and a password, or a signature.
    url: String,
    /// What is sent with it.
    headers: Vec<Header>,
    /// The bearer token that opens it.
    token: Option<Token>,
    /// What a server says that has no state there, where not being found is not enough: without its bucket, nothing
    /// is known of a state.
    absent: Option<&'static str>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The arguments of the `backend` block, as texts ([`arguments`]).
    pub(crate) arguments: &'a BTreeMap<String, String>,
    /// The environment.
    pub(crate) settings: &'a Settings,
    /// The workspace.
    pub(crate) workspace: &'a str,
    /// Now, in milliseconds since 1970 began.
    pub(crate) now_ms: i64,
}

impl Asked<'_> {
    /// An argument, or the first of these variables that is set.
    fn value(&self, argument: &str, variables: &[&str]) -> Option<String> {
        let written = self.arguments.get(argument).filter(|text| !text.is_empty());
        let set = || {
            let mut variables = variables.iter();
            variables.find_map(|name| self.settings.variable(name).map(str::to_owned))
        };
        written.cloned().or_else(set)
    }

    fn required(&self, argument: &str, variables: &[&str]) -> Result<String, String> {
        self.value(argument, variables).ok_or_else(|| {
            let or = match variables.first() {
                Some(variable) => format!(", or set {variable}"),
                None => String::new(),
            };
            format!("the backend has no {argument}: write it{or}")
        })
    }

    fn says(&self, argument: &str) -> bool {
        self.arguments
            .get(argument)
            .is_some_and(|text| text == "true")
    }

    /// Whether an argument is true, or else the first of these variables that is set, in a form that Go takes for it.
    fn is_on(&self, argument: &str, variables: &[&str]) -> bool {
        let text = self.value(argument, variables);
        text.is_some_and(|text| matches!(&*text, "1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    /// Whether an argument is written, itself or something in it.
    fn has(&self, name: &str) -> bool {
        let inside = format!("{name}.");
        let mut names = self.arguments.keys();
        self.arguments.contains_key(name) || names.any(|one| one.starts_with(&inside))
    }

    /// A path with the home directory in the place of `~`.
    fn path(&self, text: &str) -> PathBuf {
        let home = self.settings.variable("HOME");
        match (home, text.strip_prefix('~')) {
            (Some(home), Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                PathBuf::from(format!("{home}{rest}"))
            }
            _ => PathBuf::from(text),
        }
    }
}

/// The arguments in the configuration of a backend as texts: those in a map under its name, a point and theirs, those
/// in a list under its name, a point and their number.
pub fn arguments(config: &Value) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (name, value) in config.entries().into_iter().flatten() {
        flatten(name.to_string(), value, &mut texts);
    }
    texts
}

fn flatten(name: String, value: &Value, texts: &mut BTreeMap<String, String>) {
    let text = value::convert(value, &Type::String);
    if let Some(text) = text.as_ref().ok().and_then(Value::as_str) {
        texts.insert(name, text.to_owned());
        return;
    }
    for (key, value) in value.entries().into_iter().flatten() {
        flatten(format!("{name}.{key}"), value, texts);
    }
    for (index, value) in value.elements().into_iter().flatten().enumerate() {
        flatten(format!("{name}.{index}"), value, texts);
    }
}

/// Where a backend of this kind keeps the state of a workspace; none where it has no workspaces but the default one.
///
/// # Errors
/// When the settings do not say it, in words without a full stop; also for every kind that is not read.
pub(crate) fn kept(kind: &str, asked: &Asked<'_>) -> Result<Option<Kept>, String> {
    match kind {
        "http" if asked.workspace != DEFAULT_WORKSPACE => Ok(None),
        "http" => http::kept(asked).map(Some),
        "s3" => s3::kept(asked).map(Some),
        "gcs" => gcs::kept(asked).map(Some),
        "azurerm" => azurerm::kept(asked).map(Some),
        "kubernetes" => kubernetes::kept(asked).map(Some),
        "pg" => pg::kept(asked).map(Some),
        _ => Err(format!("a backend of the kind {kind} is not read here")),
    }
}

impl Kept {
    /// The state; none where there is none.
    ///
    /// # Errors
    /// When it cannot be had, or is larger than this: in words without a full stop.
    pub(crate) async fn fetch(
        &self,
        settings: &Settings,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let client = Client::new(Arc::new(settings.clone()));
        match &self.way {
            Way::Address(address) => address.fetch(&client, settings, limit_bytes).await,
            Way::Account(account) => {
                let address = account.address(&client, settings).await?;
                address.fetch(&client, settings, limit_bytes).await
            }
            Way::Secrets(secrets) => secrets.fetch(settings, limit_bytes).await,
            Way::Row(row) => row.fetch(settings, limit_bytes).await,
        }
    }
}

impl Address {
    async fn fetch(
        &self,
        client: &Client,
        settings: &Settings,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let token = match &self.token {
            Some(token) => Some(token.get(client, settings).await?),
            None => None,
        };
        let ask = Ask {
            url: &self.url,
            token: token.as_deref(),
            headers: &self.headers,
            limit_bytes,
            ..Ask::default()
        };
        let answer = client.document(ask).await;
        let answer = answer.map_err(|error| crate::chain(&error))?;
        let says = |text: &str| {
            let mut parts = answer.body.windows(text.len());
            parts.any(|part| part == text.as_bytes())
        };
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::NOT_FOUND if self.absent.is_none_or(says) => Ok(None),
            StatusCode::NOT_FOUND if says("<Code>NoSuchBucket</Code>") => {
                Err("there is no such bucket".to_owned())
            }
            StatusCode::NOT_FOUND if says("<Code>ContainerNotFound</Code>") => {
                Err("there is no such container".to_owned())
            }
            status => Err(format!("the server answered {status}")),
        }
    }
}

/// The digest of a text under a key: HMAC with SHA-256.
fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2013-05-24, the day of AWS's own examples.
    const NOW_MS: i64 = 1_369_353_600_000;

    /// What is kept where these arguments and variables say it.
    pub(super) fn ask(
        kind: &str,
        workspace: &str,
        arguments: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Option<Kept>, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings = Settings::load(environment.iter().map(owned).collect()).0;
        let asked = Asked {
            arguments: &arguments.iter().map(owned).collect(),
            settings: &settings,
            workspace,
            now_ms: NOW_MS,
        };
        kept(kind, &asked)
    }

    /// The same, where it is behind an address: what is shown, and the address.
    pub(super) fn address(
        kind: &str,
        workspace: &str,
        arguments: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<(String, Address), String> {
        let kept = ask(kind, workspace, arguments, environment)?.unwrap();
        match kept.way {
            Way::Address(address) => Ok((kept.shown, address)),
            way => panic!("{way:?}"),
        }
    }

    #[test]
    fn other_kinds_and_other_workspaces_are_not_there() {
        let refused = ask("cos", "default", &[], &[]).unwrap_err();
        assert_eq!(refused, "a backend of the kind cos is not read here");
        let elsewhere = ask("http", "other", &[("address", "http://x")], &[]);
        assert_eq!(elsewhere, Ok(None));
    }
}

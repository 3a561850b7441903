//! Bearer tokens: known, handed out by a service (RFC 6749, "The OAuth 2.0 Authorization Framework"), or printed by the
//! program with which somebody has logged in.

use super::RESERVED;
use super::program::Run;
use crate::Settings;
use crate::http::{Ask, Client, Header};
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_SAYS_CHARS_MAX};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;

/// How a token is come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Somebody said it.
    Known(String),
    /// A service hands it out.
    Asked(Request),
    /// The program of Azure prints it, for a resource and, where one is given, a tenant.
    OfAzureCli {
        resource: String,
        tenant: Option<String>,
    },
}

/// What a service is asked, that hands out tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) headers: Vec<Header>,
    /// The fields of a form; without any, nothing is sent.
    pub(super) form: Vec<(&'static str, String)>,
    /// What to do where nobody answers.
    pub(super) unanswered: &'static str,
}

/// The part of an answer that counts.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// The same of a refusal.
#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// What the program of Azure prints.
#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "accessToken")]
    access_token: String,
}

impl Token {
    /// The token itself.
    ///
    /// # Errors
    /// In words without a full stop.
    pub(super) async fn get(&self, client: &Client, settings: &Settings) -> Result<String, String> {
        match self {
            Self::Known(token) => Ok(token.clone()),
            Self::Asked(request) => request.token(client).await,
            Self::OfAzureCli { resource, tenant } => {
                let mut arguments = vec!["account", "get-access-token", "--output", "json"];
                arguments.extend(["--resource", resource]);
                if let Some(tenant) = tenant {
                    arguments.extend(["--tenant", tenant]);
                }
                let run = Run {
                    program: "az",
                    arguments: &arguments,
                    variables: &[],
                    secrets: &[],
                    otherwise: "log in with it, or set ARM_ACCESS_KEY or ARM_SAS_TOKEN",
                };
                let printed = run.output(settings, TOKEN_BYTES_MAX).await?;
                let printed: Printed = serde_json::from_slice(&printed)
                    .map_err(|_| "az printed no access token".to_owned())?;
                Ok(printed.access_token)
            }
        }
    }
}

impl Request {
    async fn token(&self, client: &Client) -> Result<String, String> {
        let host = self.url.split('/').nth(2).unwrap_or_default();
        let form = (!self.form.is_empty()).then(|| encoded(&self.form));
        let ask = Ask {
            url: &self.url,
            headers: &self.headers,
            form: form.as_deref(),
            limit_bytes: TOKEN_BYTES_MAX,
            ..Ask::default()
        };
        let answer = client.document(ask).await;
        let answer = answer.map_err(|error| {
            let error = crate::chain(&error);
            match self.unanswered {
                "" => error,
                unanswered => format!("{unanswered} ({error})"),
            }
        })?;
        if !answer.status.is_success() {
            return Err(match serde_json::from_slice::<Refused>(&answer.body) {
                Ok(refused) => format!("{host} gives no token: {}", self.refusal(&refused)),
                Err(_) => format!("{host} gives no token: it answered {}", answer.status),
            });
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| format!("{host} answered without an access token"))?;
        Ok(granted.access_token)
    }

    /// Why there is none. What was sent could be repeated in it.
    fn refusal(&self, refused: &Refused) -> String {
        let first = refused.error_description.lines().next().unwrap_or_default();
        let is_repeated = |text: &str| {
            let mut sent = self.form.iter().filter(|(_, value)| !value.is_empty());
            sent.any(|(_, value)| text.contains(value.as_str()))
        };
        let said = match first.trim().trim_end_matches('.') {
            "" => refused.error.clone(),
            first => format!("{}: {first}", refused.error),
        };
        match is_repeated(&said) {
            true => "it refuses what was sent".to_owned(),
            false => said.chars().take(TOKEN_SAYS_CHARS_MAX).collect(),
        }
    }
}

/// Fields as a form.
fn encoded(fields: &[(&'static str, String)]) -> String {
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)));
    fields.collect::<Vec<_>>().join("&")
}

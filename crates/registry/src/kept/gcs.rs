//! The backend `gcs`: an object of a bucket of Google Cloud Storage, read over the XML API as Terraform 1.11 reads it.
//!
//! Who asks is found where Google's libraries find it ("Application Default Credentials"): a token, the key of a
//! service account, which signs for a token (RFC 7523), a person's login, the machine. What needs more than one
//! exchange is refused: `gcloud` does it, and prints a token.

use super::token::{Request, Token};
use super::{Address, Asked, Kept, NOT_IN_PATH, Way};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::utf8_percent_encode;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// What a token is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_only";

/// Who hands out tokens, where the credentials do not say it.
const TOKENS: &str = "https://oauth2.googleapis.com/token";

/// Who hands them out to programs on a machine of Google.
const METADATA: &str = "metadata.google.internal";

/// How long the signature of a service account holds.
const SIGNED_SECONDS: i64 = 3_600;

/// What to do instead of what is not done here.
const PRINTED: &str =
    "set GOOGLE_OAUTH_ACCESS_TOKEN to what `gcloud auth print-access-token` prints";

/// Credentials in Google's form, as far as they are understood.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Credentials {
    #[serde(rename = "service_account")]
    ServiceAccount {
        client_email: String,
        private_key: String,
        private_key_id: Option<String>,
        token_uri: Option<String>,
        universe_domain: Option<String>,
    },
    #[serde(rename = "authorized_user")]
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_uri: Option<String>,
    },
    #[serde(rename = "impersonated_service_account")]
    Impersonated,
    #[serde(rename = "external_account")]
    External,
    #[serde(other)]
    Other,
}

/// Who asks, and where the service is that knows them.
struct Caller {
    token: Option<Token>,
    /// The domain of the services.
    universe: String,
}

/// An object of a bucket.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    let bucket = asked.required("bucket", &[])?;
    let prefix = asked.value("prefix", &[]).unwrap_or_default();
    let object = joined(&prefix, &format!("{}.tfstate", asked.workspace));
    let impersonated = [
        "GOOGLE_BACKEND_IMPERSONATE_SERVICE_ACCOUNT",
        "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    ];
    if let Some(account) = asked.value("impersonate_service_account", &impersonated) {
        return Err(format!(
            "service accounts are not impersonated here: {PRINTED} with --impersonate-service-account={account}"
        ));
    }
    let emulator = asked.value("", &["STORAGE_EMULATOR_HOST"]);
    let caller = match &emulator {
        // An emulator knows nobody.
        Some(_) => Caller::new(None),
        None => caller(asked)?,
    };
    let custom = [
        "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT",
        "GOOGLE_STORAGE_CUSTOM_ENDPOINT",
    ];
    let endpoint = asked.value("storage_custom_endpoint", &custom);
    let endpoint = endpoint.or_else(|| match &emulator {
        Some(host) if host.contains("://") => Some(host.clone()),
        Some(host) => Some(format!("http://{host}")),
        None => None,
    });
    let endpoint = endpoint.unwrap_or_else(|| format!("https://storage.{}", caller.universe));
    // The path of the JSON API, which may stand in it, is none of this one.
    let mut parts = endpoint.split('/');
    let (Some(scheme @ ("http:" | "https:")), Some(""), Some(host)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(format!(
            "its endpoint {endpoint} is no address: it begins with http:// or https://"
        ));
    };
    let path = utf8_percent_encode(&object, NOT_IN_PATH);
    Ok(Kept {
        shown: format!("gs://{bucket}/{object}"),
        way: Way::Address(Address {
            url: format!("{scheme}//{host}/{bucket}/{path}"),
            headers: encryption(asked)?,
            token: caller.token,
            // Emulators say less.
            absent: emulator.is_none().then_some("<Code>NoSuchKey</Code>"),
        }),
    })
}

/// A name below a prefix, as Go's `path.Join` makes it.
fn joined(prefix: &str, name: &str) -> String {
    let mut parts = Vec::new();
    for part in prefix.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What opens an object that was stored with a key of the customer ("Customer-supplied encryption keys").
fn encryption(asked: &Asked<'_>) -> Result<Vec<crate::http::Header>, String> {
    let Some(written) = asked.value("encryption_key", &["GOOGLE_ENCRYPTION_KEY"]) else {
        return Ok(Vec::new());
    };
    let key = contents(asked, &written)?.unwrap_or(written);
    let bytes = STANDARD.decode(key.trim_end());
    let bytes = bytes.map_err(|_| "its encryption_key is not in Base64".to_owned())?;
    Ok(vec![
        ("x-goog-encryption-algorithm", "AES256".to_owned()),
        ("x-goog-encryption-key", STANDARD.encode(&bytes)),
        (
            "x-goog-encryption-key-sha256",
            STANDARD.encode(Sha256::digest(&bytes)),
        ),
    ])
}

/// The content of the file that a text names; none where there is no such file.
fn contents(asked: &Asked<'_>, text: &str) -> Result<Option<String>, String> {
    let path = asked.path(text);
    // A key is no path, and may be too long for one.
    match path.try_exists() {
        Ok(true) => file(&path).map(Some),
        Ok(false) | Err(_) => Ok(None),
    }
}

fn file(path: &Path) -> Result<String, String> {
    let content = std::fs::read_to_string(path);
    content.map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Who asks: whoever is named first.
fn caller(asked: &Asked<'_>) -> Result<Caller, String> {
    if let Some(token) = asked.value("access_token", &["GOOGLE_OAUTH_ACCESS_TOKEN"]) {
        return Ok(Caller::new(Some(Token::Known(token))));
    }
    let written = ["GOOGLE_BACKEND_CREDENTIALS", "GOOGLE_CREDENTIALS"];
    if let Some(written) = asked.value("credentials", &written) {
        let content = contents(asked, &written)?.unwrap_or(written);
        return Caller::of(asked, &content, "its credentials");
    }
    if let Some(path) = asked.value("", &["GOOGLE_APPLICATION_CREDENTIALS"]) {
        return Caller::of(asked, &file(Path::new(&path))?, &path);
    }
    let home = asked.settings.variable("HOME").unwrap_or_default();
    let path = Path::new(home).join(".config/gcloud/application_default_credentials.json");
    if path.exists() {
        return Caller::of(asked, &file(&path)?, &path.display().to_string());
    }
    let host = asked.value("", &["GCE_METADATA_HOST"]);
    let host = host.as_deref().unwrap_or(METADATA);
    let path = "computeMetadata/v1/instance/service-accounts/default/token";
    Ok(Caller::new(Some(Token::Asked(Request {
        url: format!("http://{host}/{path}"),
        headers: vec![("metadata-flavor", "Google".to_owned())],
        unanswered: "no credentials are known: set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_OAUTH_ACCESS_TOKEN, or log \
            in with `gcloud auth application-default login`",
        ..Request::default()
    }))))
}

impl Caller {
    fn new(token: Option<Token>) -> Self {
        Self {
            token,
            universe: "googleapis.com".to_owned(),
        }
    }

    /// Who is meant by credentials, which stand somewhere.
    fn of(asked: &Asked<'_>, text: &str, place: &str) -> Result<Self, String> {
        // What is wrong with them is not repeated: it could be a part of them.
        let credentials: Credentials = serde_json::from_str(text)
            .map_err(|_| format!("{place}: these are no credentials of Google, in JSON"))?;
        let refused = |what: &str| Err(format!("{place}: {what} {PRINTED}"));
        match credentials {
            Credentials::ServiceAccount {
                client_email,
                private_key,
                private_key_id,
                token_uri,
                universe_domain,
            } => {
                let url = token_uri.unwrap_or_else(|| TOKENS.to_owned());
                let signed = Assertion {
                    email: &client_email,
                    key_id: private_key_id.as_deref(),
                    audience: &url,
                    now_seconds: asked.now_ms.div_euclid(1_000),
                };
                let assertion = signed.sign(&private_key).ok_or_else(|| {
                    format!("{place}: the private_key is no RSA key in the form PKCS #8")
                })?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                let form = vec![("grant_type", grant.to_owned()), ("assertion", assertion)];
                let mut caller = Self::new(Some(asked_for(url, form)));
                caller.universe = universe_domain.unwrap_or(caller.universe);
                Ok(caller)
            }
            Credentials::AuthorizedUser {
                client_id,
                client_secret,
                refresh_token,
                token_uri,
            } => {
                let form = vec![
                    ("grant_type", "refresh_token".to_owned()),
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("refresh_token", refresh_token),
                ];
                let url = token_uri.unwrap_or_else(|| TOKENS.to_owned());
                Ok(Self::new(Some(asked_for(url, form))))
            }
            Credentials::Impersonated => refused("service accounts are not impersonated here:"),
            Credentials::External => refused("identities of others are not exchanged here:"),
            Credentials::Other => refused("credentials of this type are not used here:"),
        }
    }
}

fn asked_for(url: String, form: Vec<(&'static str, String)>) -> Token {
    Token::Asked(Request {
        url,
        form,
        ..Request::default()
    })
}

/// What a service account says of itself.
struct Assertion<'a> {
    email: &'a str,
    key_id: Option<&'a str>,
    audience: &'a str,
    now_seconds: i64,
}

impl Assertion<'_> {
    /// The same, signed (RFC 7515, algorithm RS256); none where the key is none.
    fn sign(&self, key: &str) -> Option<String> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).ok()?;
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()?;
        let mut head = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
        if let (Some(head), Some(key_id)) = (head.as_object_mut(), self.key_id) {
            head.insert("kid".to_owned(), key_id.into());
        }
        let claims = serde_json::json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.audience,
            "iat": self.now_seconds,
            "exp": self.now_seconds + SIGNED_SECONDS,
        });
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&head), encode(&claims));
        let mut signature = vec![0; key.public_modulus_len()];
        let random = SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .ok()?;
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{address, ask};
    use super::*;

    const TOKEN: (&str, &str) = ("GOOGLE_OAUTH_ACCESS_TOKEN", "a-token");

    #[test]
    fn objects_are_named_as_terraform_names_them() {
        let place = |workspace: &str, prefix: &str, more: &[(&str, &str)]| {
            let arguments = [("bucket", "b"), ("prefix", prefix)];
            let environment = [&[TOKEN], more].concat();
            let (shown, address) = address("gcs", workspace, &arguments, &environment).unwrap();
            format!("{shown} {}", address.url)
        };
        assert_eq!(
            place("default", "", &[]),
            "gs://b/default.tfstate https://storage.googleapis.com/b/default.tfstate"
        );
        assert_eq!(
            place("eu", "//a b/./x//", &[]),
            "gs://b/a b/x/eu.tfstate https://storage.googleapis.com/b/a%20b/x/eu.tfstate"
        );
        let custom = (
            "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT",
            "https://psc.example/storage/v1/b",
        );
        assert_eq!(
            place("default", "p/..", &[custom]),
            "gs://b/default.tfstate https://psc.example/b/default.tfstate"
        );
        let emulator = ("STORAGE_EMULATOR_HOST", "localhost:9023");
        assert_eq!(
            place("default", "p", &[emulator]),
            "gs://b/p/default.tfstate http://localhost:9023/b/p/default.tfstate"
        );
    }

    #[test]
    fn whoever_is_named_first_asks() {
        let home = tempfile::tempdir().unwrap();
        let gcloud = home.path().join(".config/gcloud");
        std::fs::create_dir_all(&gcloud).unwrap();
        let person = |name: &str| {
            let (kind, key) = ("authorized_user", "refresh_token");
            let mut text =
                serde_json::json!({ "type": kind, "client_id": name, "client_secret": "s" });
            text[key] = "r".into();
            text.to_string()
        };
        let write = |name: &str, who: &str| {
            let path = gcloud.join(name);
            std::fs::write(&path, person(who)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let named = write("named.json", "named");
        let home = ("HOME", home.path().to_str().unwrap());
        let who = |arguments: &[(&str, &str)], environment: &[(&str, &str)]| {
            let arguments = [&[("bucket", "b")], arguments].concat();
            let environment = [&[home], environment].concat();
            match address("gcs", "default", &arguments, &environment).map(|found| found.1.token) {
                Ok(Some(Token::Known(token))) => token,
                Ok(Some(Token::Asked(request))) if request.form.is_empty() => request.url,
                Ok(Some(Token::Asked(request))) => request.form[1].1.clone(),
                other => panic!("{other:?}"),
            }
        };
        let metadata = "/computeMetadata/v1/instance/service-accounts/default/token";
        assert_eq!(who(&[], &[]), format!("http://{METADATA}{metadata}"));
        let host = ("GCE_METADATA_HOST", "127.0.0.1:1");
        assert_eq!(who(&[], &[host]), format!("http://127.0.0.1:1{metadata}"));
        write("application_default_credentials.json", "at home");
        assert_eq!(who(&[], &[]), "at home");
        let mut set = vec![("GOOGLE_APPLICATION_CREDENTIALS", &*named)];
        assert_eq!(who(&[], &set), "named");
        let text = person("as a text");
        set.push(("GOOGLE_CREDENTIALS", &text));
        assert_eq!(who(&[], &set), "as a text");
        set.push(("GOOGLE_BACKEND_CREDENTIALS", "~/.config/gcloud/named.json"));
        assert_eq!(who(&[], &set), "named");
        let written = [("credentials", &*text)];
        assert_eq!(who(&written, &set), "as a text");
        set.push(TOKEN);
        assert_eq!(who(&written, &set), "a-token");
        assert_eq!(who(&[("access_token", "written")], &set), "written");
    }

    #[test]
    fn keys_of_customers_are_sent() {
        let key = STANDARD.encode([7; 32]);
        let arguments = [("bucket", "b"), ("encryption_key", &key)];
        let (_, found) = address("gcs", "default", &arguments, &[TOKEN]).unwrap();
        let digest = "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4+lbMbSlOA=";
        let headers = [
            ("x-goog-encryption-algorithm", "AES256".to_owned()),
            ("x-goog-encryption-key", key),
            ("x-goog-encryption-key-sha256", digest.to_owned()),
        ];
        assert_eq!(found.headers, headers);
    }

    #[test]
    fn what_is_not_done_is_refused() {
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[], "the backend has no bucket: write it"),
            (
                &[("bucket", "b"), ("impersonate_service_account", "x@y")],
                "service accounts are not impersonated here: set GOOGLE_OAUTH_ACCESS_TOKEN to what `gcloud auth \
                 print-access-token` prints with --impersonate-service-account=x@y",
            ),
            (
                &[
                    ("bucket", "b"),
                    ("credentials", "{\"type\": \"external_account\"}"),
                ],
                "its credentials: identities of others are not exchanged here: set GOOGLE_OAUTH_ACCESS_TOKEN to what \
                 `gcloud auth print-access-token` prints",
            ),
            (
                &[("bucket", "b"), ("credentials", "{\"type\": \"other\"}")],
                "its credentials: credentials of this type are not used here: set GOOGLE_OAUTH_ACCESS_TOKEN to what \
                 `gcloud auth print-access-token` prints",
            ),
            (
                &[("bucket", "b"), ("credentials", "a-secret, no JSON")],
                "its credentials: these are no credentials of Google, in JSON",
            ),
            (
                &[
                    ("bucket", "b"),
                    (
                        "credentials",
                        "{\"type\": \"service_account\", \"client_email\": \"x@y\", \"private_key\": \"a-secret\"}",
                    ),
                ],
                "its credentials: the private_key is no RSA key in the form PKCS #8",
            ),
            (
                &[
                    ("bucket", "b"),
                    ("access_token", "t"),
                    ("encryption_key", "a-secret!"),
                ],
                "its encryption_key is not in Base64",
            ),
            (
                &[
                    ("bucket", "b"),
                    ("access_token", "t"),
                    ("storage_custom_endpoint", "psc"),
                ],
                "its endpoint psc is no address: it begins with http:// or https://",
            ),
        ];
        for (arguments, why) in cases {
            let home = [("HOME", "/nonexistent")];
            assert_eq!(ask("gcs", "default", arguments, &home).unwrap_err(), why);
        }
    }
}

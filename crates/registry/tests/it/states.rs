//! The suite of [`States`], behind real addresses on this machine.

use crate::server::{Reply, Server};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use contract::States as _;
use contract::conformance::{self, StatesFixture};
use contract::fake::FakeClock;
use registry::Backends;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use value::Value;

/// 2001-09-09, a billion seconds after 1970 began.
pub(crate) const NOW_MS: i64 = 1_000_000_000_000;

/// A server that keeps states for the backend `http`.
struct Http(Server);

/// The same for the backend `s3`, in a bucket.
struct Bucket(Server);

/// The same for the backend `gcs`, with a service account that has to ask for a token.
struct Google {
    server: Server,
    account: KeyPair,
}

pub(crate) fn object<const N: usize>(entries: [(&str, &str); N]) -> Value {
    let entries = entries.map(|(name, text)| (name.into(), Value::string(text)));
    Value::object(entries.into())
}

impl StatesFixture for Http {
    fn backend(&self) -> String {
        "http".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.0.reply("/kept", Reply::new(200, bytes));
        object([("address", &self.0.url("/kept"))])
    }

    fn empty(&self) -> Value {
        object([("address", &self.0.url("/empty"))])
    }

    fn away(&self) -> Value {
        self.0.reply("/away", Reply::new(403, ""));
        let address = self.0.url("/away");
        let login = [("username", "me"), ("password", "a-secret")];
        object([("address", &address), login[0], login[1]])
    }
}

impl Bucket {
    fn config(&self, key: &str) -> Value {
        let written = [
            ("bucket", "b"),
            ("key", key),
            ("region", "us-east-1"),
            ("endpoint", &self.0.url("")),
            ("use_path_style", "true"),
            ("access_key", "somebody"),
            ("secret_key", "a-secret"),
        ];
        object(written)
    }
}

impl StatesFixture for Bucket {
    fn backend(&self) -> String {
        "s3".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.0.reply("/b/kept", Reply::new(200, bytes));
        self.config("kept")
    }

    fn empty(&self) -> Value {
        let body = "<Error><Code>NoSuchKey</Code></Error>";
        self.0.reply("/b/empty", Reply::new(404, body));
        self.config("empty")
    }

    /// The bucket is not there, which does not say that there is no state.
    fn away(&self) -> Value {
        let body = "<Error><Code>NoSuchBucket</Code></Error>";
        self.0.reply("/b/away", Reply::new(404, body));
        self.config("away")
    }
}

impl Google {
    async fn start() -> Self {
        Self {
            server: Server::start().await,
            account: KeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    /// What Google hands out for the account.
    fn credentials(&self) -> String {
        let key: Pkcs8V1Der<'_> = self.account.as_der().unwrap();
        let key = STANDARD.encode(key.as_ref());
        let credentials = json!({
            "type": "service_account",
            "client_email": "reader@example.iam.gserviceaccount.com",
            "private_key_id": "a-key",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"),
            "token_uri": self.server.url("/token"),
        });
        credentials.to_string()
    }

    fn grants(&self, reply: Reply) {
        self.server.reply("/token", reply);
    }

    fn config(&self, prefix: &str) -> Value {
        object([
            ("bucket", "b"),
            ("prefix", prefix),
            ("credentials", &self.credentials()),
            ("storage_custom_endpoint", &self.server.url("/storage/v1/b")),
        ])
    }

    /// What the account said of itself, once it is clear that it was the account.
    fn said(&self, form: &str) -> [serde_json::Value; 2] {
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let signed = form.strip_prefix(grant).unwrap();
        let (text, signature) = signed.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key: PublicKeyX509Der<'_> = self.account.public_key().as_der().unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref());
        key.verify(text.as_bytes(), &signature).unwrap();
        let (head, claims) = text.split_once('.').unwrap();
        [head, claims].map(|part| {
            let part = URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice(&part).unwrap()
        })
    }
}

impl StatesFixture for Google {
    fn backend(&self) -> String {
        "gcs".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        let token = r#"{"access_token": "a-token", "expires_in": 3599, "token_type": "Bearer"}"#;
        self.grants(Reply::new(200, token));
        let path = "/b/kept/default.tfstate";
        self.server.reply(path, Reply::new(200, bytes));
        self.config("kept")
    }

    fn empty(&self) -> Value {
        let body = "<Error><Code>NoSuchKey</Code></Error>";
        let path = "/b/empty/default.tfstate";
        self.server.reply(path, Reply::new(404, body));
        self.config("empty")
    }

    /// The bucket is not there, which does not say that there is no state.
    fn away(&self) -> Value {
        let body = "<Error><Code>NoSuchBucket</Code></Error>";
        let path = "/b/away/default.tfstate";
        self.server.reply(path, Reply::new(404, body));
        self.config("away")
    }
}

pub(crate) fn backends(environment: &[(&str, &str)]) -> Backends {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: BTreeMap<_, _> = environment.iter().map(owned).collect();
    Backends::new(environment, Arc::new(FakeClock::new(NOW_MS)))
}

/// Why nothing came.
pub(crate) async fn why(backends: &Backends, kind: &str, config: &Value) -> String {
    let found = backends.state(kind, config, "default").await;
    found.unwrap_err().0
}

#[tokio::test]
async fn service_accounts_sign_for_a_token() {
    let google = Google::start().await;
    conformance::states(&backends(&[]), &google).await;
    let asked = google.server.asked();
    assert_eq!(asked[0], ("/token".to_owned(), None));
    let object = "/b/kept/default.tfstate".to_owned();
    assert_eq!(asked[1], (object, Some("Bearer a-token".to_owned())));
    let [head, claims] = google.said(&google.server.sent()[0]);
    assert_eq!(
        head,
        json!({ "alg": "RS256", "typ": "JWT", "kid": "a-key" })
    );
    let expected = json!({
        "iss": "reader@example.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/devstorage.read_only",
        "aud": google.server.url("/token"),
        "iat": 1_000_000_000,
        "exp": 1_000_003_600,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn what_opens_an_object_is_told_to_one_host_only() {
    let (google, other) = (Server::start().await, Server::start().await);
    other.reply("/elsewhere", Reply::new(200, "{}"));
    let to = other.url("/elsewhere");
    google.reply(
        "/b/default.tfstate",
        Reply::new(302, "").with("location", &to),
    );
    let config = object([
        ("bucket", "b"),
        ("access_token", "a-token"),
        ("encryption_key", "YS1zZWNyZXQ="),
        ("storage_custom_endpoint", &google.url("")),
    ]);
    let found = backends(&[]).state("gcs", &config, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    for (name, value) in [
        ("authorization", "Bearer a-token"),
        ("x-goog-encryption-key", "YS1zZWNyZXQ="),
    ] {
        assert_eq!(google.header(name), [Some(value.to_owned())]);
        assert_eq!(other.header(name), [None]);
    }
}

#[tokio::test]
async fn people_and_machines_get_tokens_too() {
    let google = Google::start().await;
    let config = google.keeping(b"{}");
    let endpoint = google.server.url("");
    let plain = object([
        ("bucket", "b"),
        ("prefix", "kept"),
        ("storage_custom_endpoint", &endpoint),
    ]);
    let person = json!({
        "type": "authorized_user",
        "client_id": "c&d",
        "client_secret": "s",
        "refresh_token": "r/t",
        "token_uri": google.server.url("/token"),
    });
    let person = backends(&[("GOOGLE_CREDENTIALS", &person.to_string())]);
    let found = person.state("gcs", &plain, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let form = "grant_type=refresh_token&client_id=c%26d&client_secret=s&refresh_token=r%2Ft";
    assert_eq!(google.server.sent(), [form]);

    let granted = Reply::new(200, r#"{"access_token": "of-the-machine"}"#);
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    google.server.reply(path, granted);
    let host = format!("127.0.0.1:{}", google.server.port());
    let machine = backends(&[("GCE_METADATA_HOST", &host), ("HOME", "/nonexistent")]);
    let found = machine.state("gcs", &plain, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let last = google.server.asked().pop().unwrap();
    assert_eq!(last.1.as_deref(), Some("Bearer of-the-machine"));

    let nobody = backends(&[
        ("GCE_METADATA_HOST", "127.0.0.1:1"),
        ("HOME", "/nonexistent"),
    ]);
    let said = why(&nobody, "gcs", &plain).await;
    assert!(
        said.contains("no credentials are known: set GOOGLE_APPLICATION_CREDENTIALS"),
        "{said}"
    );
    // What the block says counts before the machine.
    assert!(machine.state("gcs", &config, "default").await.is_ok());
    assert_eq!(google.server.sent().len(), 2);
}

#[tokio::test]
async fn refused_tokens_are_told_without_what_was_sent() {
    let google = Google::start().await;
    let config = google.keeping(b"{}");
    let assertion = |form: &str| form.split_once("assertion=").unwrap().1.to_owned();
    google.grants(Reply::new(
        400,
        r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature.\nmore"}"#,
    ));
    let host = format!("127.0.0.1:{}", google.server.port());
    let place = "gs://b/kept/default.tfstate";
    let said = why(&backends(&[]), "gcs", &config).await;
    let invalid = "gives no token: invalid_grant: Invalid JWT Signature";
    assert_eq!(said, format!("{place}: {host} {invalid}"));

    let sent = assertion(&google.server.sent()[0]);
    let repeated = json!({ "error": "invalid_grant", "error_description": sent }).to_string();
    google.grants(Reply::new(400, repeated));
    let said = why(&backends(&[]), "gcs", &config).await;
    let refused = "gives no token: it refuses what was sent";
    assert_eq!(said, format!("{place}: {host} {refused}"));

    for (reply, what) in [
        (
            Reply::new(403, "no"),
            "gives no token: it answered 403 Forbidden",
        ),
        (Reply::new(200, "no"), "answered without an access token"),
        (Reply::new(200, "{}"), "answered without an access token"),
        (
            Reply::new(302, "").with("location", "/elsewhere"),
            "gives no token: it answered 302 Found",
        ),
    ] {
        google.grants(reply);
        let said = why(&backends(&[]), "gcs", &config).await;
        assert_eq!(said, format!("{place}: {host} {what}"));
    }
    // Nobody but who hands out tokens has been asked for one.
    let elsewhere = google
        .server
        .asked()
        .into_iter()
        .filter(|one| one.0 != "/token");
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn states_behind_addresses_are_read() {
    let states = backends(&[]);
    conformance::states(&states, &Http(Server::start().await)).await;
    conformance::states(&states, &Bucket(Server::start().await)).await;
}

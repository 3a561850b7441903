//! The suite of [`States`], behind real addresses on this machine.

use crate::server::{Reply, Server};
use contract::conformance::{self, StatesFixture};
use registry::Backends;
use value::Value;

/// A server that keeps states for the backend `http`.
struct Http(Server);

/// The same for the backend `s3`, in a bucket.
struct Bucket(Server);

fn object<const N: usize>(entries: [(&str, &str); N]) -> Value {
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

#[tokio::test]
async fn states_behind_addresses_are_read() {
    let clock = std::sync::Arc::new(contract::fake::FakeClock::default());
    let states = Backends::new([].into(), clock);
    conformance::states(&states, &Http(Server::start().await)).await;
    conformance::states(&states, &Bucket(Server::start().await)).await;
}

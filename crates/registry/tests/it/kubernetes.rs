//! The backend `kubernetes`, with the real `kubectl` and a server that plays an API server, behind TLS.

use crate::bed::Bed;
use crate::server::{Reply, Server};
use crate::states::{backends, object, why};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::States as _;
use contract::conformance::{self, StatesFixture};
use registry::Backends;
use serde_json::json;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use value::Value;

/// A cluster.
struct Cluster {
    server: Server,
    bed: Bed,
}

impl Cluster {
    /// None where this machine lacks the programs.
    async fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap();
        let is_there = std::env::split_paths(&path).any(|path| path.join("kubectl").is_file());
        if !is_there {
            let needs = std::env::var("STEADFAST_TEST_NEEDS").unwrap_or_default();
            assert!(
                !needs.contains("kubectl"),
                "there is no kubectl on the PATH"
            );
            return None;
        }
        let bed = Bed::new("");
        let server = crate::tls::server(&bed, &[]).await?;
        for (path, reply) in [
            ("/api", json!({ "kind": "APIVersions", "versions": ["v1"] })),
            (
                "/apis",
                json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
            ),
            (
                "/api/v1",
                json!({
                    "kind": "APIResourceList",
                    "groupVersion": "v1",
                    "resources": [{
                        "name": "secrets",
                        "singularName": "secret",
                        "namespaced": true,
                        "kind": "Secret",
                        "verbs": ["get", "list"],
                    }],
                }),
            ),
        ] {
            server.reply(path, json_reply(200, &reply));
        }
        Some(Self { server, bed })
    }

    fn backends(&self, more: &[(&str, &str)]) -> Backends {
        let path = std::env::var("PATH").unwrap();
        let home = self.bed.path("home").display().to_string();
        let base = [("PATH", &*path), ("HOME", &home)];
        backends(&[&base, more].concat())
    }

    fn keeps(&self, namespace: &str, items: &serde_json::Value) {
        let list =
            json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items });
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        self.server.reply(&path, json_reply(200, &list));
    }

    fn config(&self, namespace: &str) -> Value {
        object([
            ("secret_suffix", "shop"),
            ("namespace", namespace),
            ("host", &self.server.url("")),
            ("token", "a-secret"),
            ("cluster_ca_certificate", &self.bed.read("authority.pem")),
        ])
    }
}

fn json_reply(status: u16, body: &serde_json::Value) -> Reply {
    Reply::new(status, body.to_string()).with("content-type", "application/json")
}

fn secret(state: &[u8]) -> serde_json::Value {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(state, flate2::Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    json!([{
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": { "name": "tfstate-default-shop" },
        "data": { "tfstate": STANDARD.encode(packed) },
    }])
}

impl StatesFixture for Cluster {
    fn backend(&self) -> String {
        "kubernetes".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.keeps("kept", &secret(bytes));
        self.config("kept")
    }

    fn empty(&self) -> Value {
        self.keeps("empty", &json!([]));
        self.config("empty")
    }

    fn away(&self) -> Value {
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": "secrets is forbidden for a-secret.",
            "reason": "Forbidden",
            "code": 403,
        });
        let path = "/api/v1/namespaces/away/secrets";
        self.server.reply(path, json_reply(403, &status));
        self.config("away")
    }
}

#[tokio::test]
async fn kubectl_asks_for_secrets() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    conformance::states(&cluster.backends(&[]), &cluster).await;
    let asked = cluster.server.asked().into_iter();
    let asked = asked.filter(|(path, _)| path.starts_with("/api/v1/namespaces/kept/"));
    let asked: Vec<_> = asked.collect();
    let path = "/api/v1/namespaces/kept/secrets?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dterraform%2Ctfstate%3Dtrue\
                %2CtfstateSecretSuffix%3Dshop%2CtfstateWorkspace%3Ddefault&limit=500";
    assert_eq!(
        asked,
        [(path.to_owned(), Some("Bearer a-secret".to_owned()))]
    );
}

/// One file has the cluster, another one the user, whose program logs in; `~/.kube/config` is none of them.
#[tokio::test]
async fn files_and_programs_say_who_asks() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let config = |content: serde_json::Value| {
        let mut config = json!({ "apiVersion": "v1", "kind": "Config" });
        let all = config.as_object_mut().unwrap();
        all.extend(content.as_object().unwrap().clone());
        config.to_string()
    };
    let bed = &cluster.bed;
    bed.write("home/.kube/config", "not followed");
    let file = json!({
        "server": cluster.server.url(""),
        "certificate-authority": bed.path("authority.pem"),
    });
    let contexts = json!([{ "name": "x", "context": { "cluster": "c", "user": "u" } }]);
    let one = json!({ "clusters": [{ "name": "c", "cluster": file }], "contexts": contexts });
    bed.write("home/one", &config(one));
    let login = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": bed.path("log-in"),
        "interactiveMode": "Never",
    });
    let two = json!({ "users": [{ "name": "u", "user": { "exec": login } }] });
    bed.write("two", &config(two));
    bed.write(
        "log-in",
        "#!/bin/sh\necho '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"of-a-program\"}}'\n",
    );
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bed.path("log-in"), executable).unwrap();
    cluster.keeps("n", &secret(b"{}"));
    let paths = format!("~/one:{}:/nonexistent", bed.path("two").display());
    let states = cluster.backends(&[("KUBE_CONFIG_PATHS", &paths), ("KUBE_CTX", "x")]);
    let settings = object([("secret_suffix", "shop"), ("namespace", "n")]);
    let found = states.state("kubernetes", &settings, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let last = cluster.server.asked().pop().unwrap();
    assert_eq!(last.1.as_deref(), Some("Bearer of-a-program"));
}

#[tokio::test]
async fn programs_that_print_something_else_are_refused() {
    let bed = Bed::new("");
    let programs = bed.path("programs").display().to_string();
    let states = backends(&[("PATH", &programs)]);
    let settings = object([
        ("secret_suffix", "shop"),
        ("host", "https://h"),
        ("token", "a-secret"),
    ]);
    let place = "kubernetes://default/tfstate-default-shop";
    let said = why(&states, "kubernetes", &settings).await;
    let needed = "the program kubectl is needed and not on the PATH: install it, or bring the state here with";
    assert!(said.starts_with(&format!("{place}: {needed}")), "{said}");
    for (text, what) in [
        ("echo no", "kubectl printed no list of Secrets"),
        ("/bin/cat $KUBECONFIG >&2; exit 1", "kubectl failed: {"),
        (
            "echo 'Warning: a'; echo 'no a-secret.' >&2; exit 1",
            "kubectl failed: no (secret)",
        ),
    ] {
        bed.write("programs/kubectl", &format!("#!/bin/sh\n{text}\n"));
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bed.path("programs/kubectl"), executable).unwrap();
        let said = why(&states, "kubernetes", &settings).await;
        assert!(said.starts_with(&format!("{place}: {what}")), "{said}");
        assert!(!said.contains("a-secret"), "{said}");
    }
}

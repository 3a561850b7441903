//! Looks at the health of objects from this machine: the suite of `contract`, over real sockets and commands.

use contract::Probes as _;
use contract::conformance::{self, ProbesFixture};
use host::Looks;
use model::{Address, Key, Manner, Mode, ModulePath, Probe, ResourceAddress, Unhealthy};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use value::{Type, Value};

/// What a server in a test shows and has, until 2126; nobody else trusts it.
const CERTIFICATE_AND_KEY: &[u8] = include_bytes!("server.pem");

/// Something that answers every request with a status, as long as the test lives.
struct Server {
    address: String,
}

impl Server {
    fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let _ = write!(stream, "HTTP/1.1 {status} Said\r\n\r\n");
            }
        });
        Self { address }
    }

    /// The same over TLS, as 127.0.0.1.
    fn secure(status: u16) -> Self {
        let key = PrivateKeyDer::from_pem_slice(CERTIFICATE_AND_KEY).unwrap();
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE_AND_KEY).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let server = rustls::ServerConnection::new(config.clone()).unwrap();
                let mut stream = rustls::StreamOwned::new(server, stream);
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let _ = write!(stream, "HTTP/1.1 {status} Said\r\n\r\n");
            }
        });
        Self { address }
    }
}

struct Local {
    good: Server,
    bad: Server,
}

fn probe(kind: &'static str, what: Value) -> Probe {
    let resource = ResourceAddress {
        module: ModulePath::default(),
        mode: Mode::Managed,
        kind: "terraform_data".into(),
        name: "a".into(),
    };
    Probe {
        address: Address {
            resource,
            key: Key::None,
        },
        target: Value::object([(kind.into(), what)].into()),
        manner: Manner {
            statuses: Vec::new(),
            interval_ms: 1_000,
            deadline_ms: 60_000,
            successes: 1,
            on_failure: Unhealthy::Hold,
        },
        until_ms: 0,
    }
}

fn command(words: &[&str]) -> Probe {
    let words = words.iter().map(Value::string).collect();
    probe("command", Value::list(Type::String, words))
}

fn http(url: String) -> Probe {
    probe("http", Value::string(url))
}

impl ProbesFixture for Local {
    fn healthy(&self) -> Vec<Probe> {
        let mut expected = http(format!("http://{}/x?y=z", self.bad.address));
        expected.manner.statuses = vec![200, 503];
        vec![
            http(format!("http://{}", self.good.address)),
            expected,
            probe("tcp", Value::string(&self.good.address)),
            command(&["true"]),
        ]
    }

    fn ill(&self) -> Vec<(Probe, &'static str)> {
        // Whoever held this port has let go of it.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let free = free.unwrap().to_string();
        let mut other = http(format!("http://{}/", self.good.address));
        other.manner.statuses = vec![204];
        vec![
            (
                http(format!("http://{}/", self.bad.address)),
                "answered 503",
            ),
            (other, "answered 200"),
            (http(format!("http://{free}/")), "cannot connect"),
            (probe("tcp", Value::string(free)), "takes no connections"),
            (command(&["sh", "-c", "echo it burns; exit 3"]), "it burns"),
            (
                command(&["there-is-no-such-program"]),
                "could not be started",
            ),
        ]
    }
}

fn looks(root: &Path) -> Looks {
    Looks::new(root.to_owned(), root.join("scratch"))
}

#[tokio::test]
async fn looks_from_this_machine_conform() {
    let root = tempfile::tempdir().unwrap();
    let local = Local {
        good: Server::answering(200),
        bad: Server::answering(503),
    };
    conformance::probes(&looks(root.path()), &local).await;
}

#[tokio::test]
async fn servers_with_tls_are_asked_and_only_trusted_ones() {
    let root = tempfile::tempdir().unwrap();
    let (good, bad) = (Server::secure(200), Server::secure(503));
    let file = root.path().join("trusted.pem");
    std::fs::write(&file, CERTIFICATE_AND_KEY).unwrap();
    let trusting = looks(root.path()).trusting(file);
    let see = async |looks: &Looks, address: &str| {
        let probe = http(format!("https://{address}/x"));
        let sight = looks.look(&probe, 10_000).await.unwrap();
        (sight.healthy, sight.answer)
    };
    let (healthy, answer) = see(&trusting, &good.address).await;
    assert!(healthy && answer.ends_with("answered 200"), "{answer}");
    let (healthy, answer) = see(&trusting, &bad.address).await;
    assert!(!healthy && answer.ends_with("answered 503"), "{answer}");
    // This machine knows neither.
    let (healthy, answer) = see(&looks(root.path()), &good.address).await;
    assert!(!healthy && answer.contains("UnknownIssuer"), "{answer}");
    // It is no certificate of this name.
    let (_, port) = good.address.rsplit_once(':').unwrap();
    let (healthy, answer) = see(&trusting, &format!("localhost:{port}")).await;
    assert!(!healthy && answer.contains("not valid for"), "{answer}");
    // Where nobody speaks it.
    let plain = Server::answering(200);
    let (healthy, answer) = see(&trusting, &plain.address).await;
    assert!(!healthy && answer.contains("no TLS with"), "{answer}");
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_not_healthy() {
    let root = tempfile::tempdir().unwrap();
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    for probe in [http(url), command(&["sleep", "600"])] {
        let sight = looks(root.path()).look(&probe, 20).await.unwrap();
        assert!(
            !sight.healthy && sight.answer.contains("20 ms"),
            "{sight:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_refused_with_its_code() {
    let root = tempfile::tempdir().unwrap();
    let nothing = Value::list(Type::String, Vec::new());
    for probe in [
        http("ftp://localhost/".to_owned()),
        http("http://a/\r\nX: y".to_owned()),
        probe("command", nothing),
    ] {
        let found = looks(root.path()).look(&probe, 20).await.unwrap_err();
        let first = &found.0[0];
        assert_eq!(first.code, "SF0833");
        assert_eq!(first.address.as_deref(), Some("terraform_data.a"));
    }
}

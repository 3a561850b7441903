//! HTTPS: a certificate that this machine trusts, one that it does not, and the way down from encryption.

use crate::bed::Bed;
use crate::server::{Reply, Server};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::process::Command;
use std::sync::Arc;

/// Makes a certificate for this machine and for more names, of an authority of its own: `authority.pem`, `server.pem`,
/// `server.key`. False where this machine lacks the program that makes them.
pub(crate) fn certificate(bed: &Bed, names: &[&str]) -> bool {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=authority",
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
        ])
        .current_dir(bed.path(""))
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        return false;
    }
    let names: String = names.iter().map(|name| format!(",DNS:{name}")).collect();
    bed.write(
        "ext",
        &format!("subjectAltName=IP:127.0.0.1{names}\nbasicConstraints=CA:FALSE\n"),
    );
    for arguments in [
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile ext -out server.pem",
    ] {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(bed.path(""))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    true
}

/// A server with such a certificate.
pub(crate) async fn server(bed: &Bed, names: &[&str]) -> Option<Server> {
    if !certificate(bed, names) {
        return None;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(bed.path("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(bed.path("server.key")).unwrap(),
        )
        .unwrap();
    Some(Server::start_with(Some(Arc::new(config))).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_is_discovered_over_https() {
    let mut bed = Bed::new("");
    let Some(server) = server(&bed, &[]).await else {
        return;
    };
    let repository = bed.repository("net", &[("main.tf", "output \"o\" {\n  value = 1\n}\n")]);
    server.registry(
        "acme/net/aws",
        &[("1.0.0", &format!("git::file://{}", repository.display()))],
    );
    server.reply(
        "/.well-known/terraform.json",
        Reply::new(200, "{\"modules.v1\":\"/m/\"}"),
    );
    let host = format!("127.0.0.1:{}", server.port());
    bed.write(
        "project/main.tf",
        &format!("module \"a\" {{\n  source = \"{host}/acme/net/aws\"\n}}\n"),
    );
    // The machine does not know the authority.
    bed.install().await.bad("SF1301", "UnknownIssuer");
    let authority = bed.path("authority.pem");
    bed.set("SSL_CERT_FILE", authority.to_str().unwrap());
    assert_eq!(bed.install().await.good(), 1);
    server.reply(
        "/.well-known/terraform.json",
        Reply::new(200, "{\"providers.v1\":\"/p/\"}"),
    );
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
    bed.upgrade()
        .await
        .bad("SF1301", "no registry of this kind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leads_from_https_to_http() {
    let mut bed = Bed::new("");
    let Some(server) = server(&bed, &[]).await else {
        return;
    };
    let plain = Server::start().await;
    plain.reply("/m.zip", Reply::new(200, "x"));
    server.reply(
        "/m.zip",
        Reply::new(302, "").with("Location", &plain.url("/m.zip")),
    );
    let authority = bed.path("authority.pem");
    bed.set("SSL_CERT_FILE", authority.to_str().unwrap());
    bed.write(
        "project/main.tf",
        &format!(
            "module \"a\" {{\n  source = \"{}\"\n}}\n",
            server.url("/m.zip")
        ),
    );
    bed.install().await.bad("SF1306", "not: http://127.0.0.1");
    assert!(plain.asked().is_empty());
}

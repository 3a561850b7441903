//! Terraform itself, where this machine has it: each program uses what the other has installed.

use crate::bed::Bed;
use crate::server::Server;
use std::process::Command;

const MODULE: &str = "output \"o\" {\n  value = 1\n}\n";

/// Runs Terraform in the project; none where there is no such program.
fn terraform(bed: &Bed, arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(bed.project())
        .env_clear()
        .envs(bed.environment())
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

async fn bed() -> (Bed, Server) {
    let mut bed = Bed::new("");
    let inner = bed.repository("inner", &[("main.tf", MODULE)]);
    let through = format!(
        "module \"inner\" {{\n  source = \"git::file://{}?ref=v1&depth=1\"\n}}\n{MODULE}",
        inner.display()
    );
    let net = bed.repository(
        "net",
        &[
            ("main.tf", &through),
            ("sub/main.tf", MODULE),
            ("VERSION", "0"),
        ],
    );
    let mut places = Vec::new();
    for version in [
        "0.9.0",
        "1.0.0",
        "1.2.0",
        "1.2.9",
        "1.10.0",
        "2.0.0",
        "2.1.0-beta.1",
        "3.0.0-rc.1",
    ] {
        bed.commit("net", &[("VERSION", version)], version);
        bed.git(&net, &["tag", version]);
        places.push((
            version,
            format!("git::file://{}?ref={version}", net.display()),
        ));
    }
    let server = Server::start().await;
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(version, place)| (*version, place.as_str()))
        .collect();
    server.registry("acme/net/aws", &places);
    bed.host("registry.example", &server.url("/m/"));
    bed.write(
        "project/local/main.tf",
        &format!("module \"n\" {{\n  source = \"./n\"\n}}\n{MODULE}"),
    );
    bed.write("project/local/n/main.tf", MODULE);
    bed.write(
        "project/main.tf",
        &format!(
            "module \"registry\" {{\n  source  = \"registry.example/acme/net/aws\"\n  version = \"~> 1.0\"\n}}\nmodule \"sub\" {{\n  source = \"registry.example/acme/net/aws//sub\"\n}}\nmodule \"git\" {{\n  source = \"git::file://{0}//sub?ref=1.0.0&depth=1\"\n}}\nmodule \"local\" {{\n  source = \"./local\"\n}}\n",
            net.display()
        ),
    );
    (bed, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terraform_uses_what_we_install() {
    let (bed, server) = bed().await;
    bed.install().await.good();
    let ours = bed.read("project/.terraform/modules/modules.json");
    drop(server);
    let Some((ok, said)) = terraform(&bed, &["validate"]) else {
        return;
    };
    assert!(ok, "{said}");
    // It sees no reason to fetch anything: there is no server any more.
    let (ok, said) = terraform(&bed, &["init", "-no-color"]).unwrap();
    assert!(ok && !said.contains("Downloading"), "{said}");
    assert_eq!(bed.read("project/.terraform/modules/modules.json"), ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_use_what_terraform_installs() {
    let (bed, server) = bed().await;
    let Some((ok, said)) = terraform(&bed, &["init", "-no-color"]) else {
        return;
    };
    assert!(ok, "{said}");
    drop(server);
    assert!(
        !bed.compile().diagnostics.has_errors(),
        "{:?}",
        bed.compile().diagnostics
    );
    let theirs = bed.read("project/.terraform/modules/modules.json");
    let outcome = bed.install().await;
    assert_eq!((outcome.good(), outcome.n_fetched()), (0, 0));
    assert_eq!(bed.read("project/.terraform/modules/modules.json"), theirs);
    // What Terraform has fetched is locked as if we had.
    let lock = bed.read("project/.steadfast.lock.hcl");
    let commit = bed.git(&bed.path("net"), &["rev-parse", "1.10.0"]);
    assert!(
        lock.contains(&format!("version = \"1.10.0\"\n  commit  = \"{commit}\"")),
        "{lock}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constraints_choose_what_they_choose_for_terraform() {
    let (bed, _server) = bed().await;
    // Not among them: `= 3.0.0-rc.1`, nor `3.0.0-rc.1, > 1`, which Terraform refuses for modules
    // although it takes `3.0.0-rc.1`.
    for constraint in [
        "",
        "1.2",
        "= 1.2.0",
        "!= 2.0.0",
        "> 1.2.0",
        ">= 1.2.0, < 2",
        "<= 1.2",
        "< 1.2",
        "~> 1",
        "~> 1.2",
        "~> 1.2.0",
        "~> 0.9",
        "2.1.0-beta.1",
        ">= 2.1.0-beta.1",
        "~> 2.1.0-beta",
        "> 2.0.0",
        "!= 2.0.0, !=1.10.0",
        "v1.0.0",
        "1.0",
        ">= 3.0.0-rc.1",
        "~>1.2.3",
        "1.2.0.0",
        ">0.0.0,<1.0.0",
    ] {
        let version = if constraint.is_empty() {
            String::new()
        } else {
            format!("  version = \"{constraint}\"\n")
        };
        bed.write(
            "project/main.tf",
            &format!(
                "module \"a\" {{\n  source = \"registry.example/acme/net/aws\"\n{version}}}\n"
            ),
        );
        let _ = std::fs::remove_dir_all(bed.path("project/.terraform"));
        let Some((ok, said)) = terraform(&bed, &["get", "-no-color"]) else {
            return;
        };
        let theirs = if ok {
            bed.read("project/.terraform/modules/a/VERSION")
        } else {
            String::new()
        };
        let _ = std::fs::remove_dir_all(bed.path("project/.terraform"));
        let _ = std::fs::remove_file(bed.path("project/.steadfast.lock.hcl"));
        let outcome = bed.install().await;
        let ours = bed.read("project/.terraform/modules/a/VERSION");
        assert_eq!(ours, theirs, "{constraint}: {}\n{said}", outcome.wrong());
    }
}

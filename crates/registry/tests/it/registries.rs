//! Modules in registries: versions, downloads, credentials, and answers that are wrong.

use crate::bed::Bed;
use crate::server::{Reply, Server};

const MODULE: &str = "output \"o\" {\n  value = 1\n}\n";

fn call(name: &str, version: &str) -> String {
    let version = if version.is_empty() {
        String::new()
    } else {
        format!("  version = \"{version}\"\n")
    };
    format!("module \"{name}\" {{\n  source = \"registry.example/acme/net/aws\"\n{version}}}\n")
}

/// A project and a registry with four versions of one module, each a tag of a repository.
async fn bed() -> (Bed, Server) {
    let mut bed = Bed::new("");
    let repository = bed.repository("net", &[("main.tf", MODULE), ("sub/main.tf", MODULE)]);
    let mut places = Vec::new();
    for version in ["1.0.0", "1.2.0", "1.10.0", "2.0.0-beta.1"] {
        bed.commit("net", &[("VERSION", version)], version);
        bed.git(&repository, &["tag", version]);
        places.push((
            version,
            format!("git::file://{}?ref={version}", repository.display()),
        ));
    }
    let server = Server::start().await;
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(version, place)| (*version, place.as_str()))
        .collect();
    server.registry("acme/net/aws", &places);
    bed.host("registry.example", &server.url("/m/"));
    (bed, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_version_that_is_allowed_is_taken() {
    let (bed, server) = bed().await;
    for (constraint, version) in [
        ("", "1.10.0"),
        ("~> 1.0", "1.10.0"),
        ("< 1.10", "1.2.0"),
        ("1.0.0", "1.0.0"),
        ("2.0.0-beta.1", "2.0.0-beta.1"),
        ("!= 1.10.0", "1.2.0"),
    ] {
        let _ = std::fs::remove_file(bed.path("project/.steadfast.lock.hcl"));
        bed.write("project/main.tf", &call("a", constraint));
        bed.install_with(|options| options.upgrade = true)
            .await
            .good();
        assert_eq!(
            bed.read("project/.terraform/modules/a/VERSION"),
            version,
            "{constraint}"
        );
    }
    for constraint in [">= 2.0.0", ">= 2.0.0-alpha", "~> 9.0"] {
        bed.write("project/main.tf", &call("a", constraint));
        bed.install().await.bad(
            "SF1304",
            "The newest there are: 2.0.0-beta.1, 1.10.0, 1.2.0",
        );
    }
    let asked = server.asked().len();
    bed.write(
        "project/main.tf",
        &(call("a", "1.0.0") + &call("b", "1.0.0") + &call("c", "~> 1.0")),
    );
    let outcome = bed.upgrade().await;
    assert_eq!((outcome.good(), outcome.n_fetched()), (3, 2));
    assert_eq!(
        server.asked().len() - asked,
        3,
        "versions once, and where each of two versions is"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_version_is_taken_again_until_an_upgrade() {
    let (bed, server) = bed().await;
    bed.write("project/main.tf", &call("a", "< 1.10"));
    bed.install().await.good();
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
    bed.write("project/main.tf", &call("a", ""));
    bed.install().await.good();
    assert_eq!(bed.read("project/.terraform/modules/a/VERSION"), "1.2.0");
    // What is installed and allowed stays; what is no longer allowed goes.
    assert_eq!(bed.install().await.good(), 0);
    bed.write("project/main.tf", &call("a", "> 1.2"));
    assert_eq!(bed.install().await.good(), 1);
    assert_eq!(bed.read("project/.terraform/modules/a/VERSION"), "1.10.0");
    bed.write("project/main.tf", &call("a", "< 1.2"));
    bed.install().await.good();
    bed.write("project/main.tf", &call("a", ""));
    bed.upgrade().await.good();
    assert_eq!(bed.read("project/.terraform/modules/a/VERSION"), "1.10.0");
    let lock = bed.read("project/.steadfast.lock.hcl");
    assert!(
        lock.contains(
            "module \"registry.example/acme/net/aws\" {\n  version = \"1.10.0\"\n  commit  = \""
        ),
        "{lock}"
    );
    assert!(!lock.contains("1.0.0\""), "{lock}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_registry_answers_may_be_wrong() {
    let (mut bed, server) = bed().await;
    bed.write("project/main.tf", &call("a", ""));
    let versions = "/m/acme/net/aws/versions";
    let download = "/m/acme/net/aws/1.10.0/download";
    let good = server.asked().len();
    for (path, reply, code, part) in [
        (versions, Reply::new(404, ""), "SF1303", "no such module"),
        (
            versions,
            Reply::new(401, ""),
            "SF1305",
            "TF_TOKEN_registry_example",
        ),
        (versions, Reply::new(500, ""), "SF1301", "500"),
        (versions, Reply::new(200, "<html>"), "SF1302", "no JSON"),
        (versions, Reply::new(200, "{}"), "SF1302", "lists no module"),
        (
            versions,
            Reply::new(200, "{\"modules\":[{}]}"),
            "SF1302",
            "lists no versions",
        ),
        (
            versions,
            Reply::new(200, "{\"modules\":[{\"versions\":[]}]}"),
            "SF1304",
            "no version of it at all",
        ),
        (
            versions,
            Reply {
                breaks_after: Some(3),
                ..Reply::new(200, "{\"modules\":[]}")
            },
            "SF1301",
            "broke",
        ),
    ] {
        server.reply(path, reply);
        bed.install().await.bad(code, part);
    }
    let list =
        "{\"modules\":[{\"versions\":[{\"version\":\"1.10.0\"},{\"version\":\"not one\"},{}]}]}";
    server.reply(versions, Reply::new(200, list));
    for (reply, code, part) in [
        (Reply::new(404, ""), "SF1303", "no such module"),
        (Reply::new(204, ""), "SF1302", "where the module is"),
        (
            Reply::new(204, "").with("X-Terraform-Get", "no/address"),
            "SF1306",
            "leads to \"no/address\"",
        ),
        (
            Reply::new(204, "").with("X-Terraform-Get", "s3::https://x/y.zip"),
            "SF1311",
            "s3",
        ),
    ] {
        server.reply(download, reply);
        bed.install().await.bad(code, part);
    }
    // Newer registries say it in the body.
    let place = format!(
        "{{\"location\":\"git::file://{}//sub\"}}",
        bed.path("net").display()
    );
    server.reply(download, Reply::new(200, place));
    bed.install().await.good();
    assert!(
        bed.read("project/.terraform/modules/modules.json")
            .contains("\"Dir\":\".terraform/modules/a/sub\"")
    );
    assert!(server.asked().len() > good);
    bed.write(
        "home/settings.tfrc",
        "host \"registry.example\" {\n  services = {}\n}\n",
    );
    bed.set("TF_DATA", "");
    bed.write("project/main.tf", &call("b", ""));
    std::fs::remove_file(bed.path("project/.steadfast.lock.hcl")).unwrap();
    bed.install()
        .await
        .bad("SF1301", "no registry of this kind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_goes_to_its_host_and_nowhere_else() {
    let (mut bed, server) = bed().await;
    let other = Server::start().await;
    let versions = "/m/acme/net/aws/versions";
    let list = "{\"modules\":[{\"versions\":[{\"version\":\"1.0.0\"}]}]}";
    other.reply("/elsewhere", Reply::new(200, list));
    server.reply(
        versions,
        Reply::new(302, "").with("Location", &other.url("/elsewhere")),
    );
    bed.set("TF_TOKEN_registry_example", "secret");
    bed.write("project/main.tf", &call("a", ""));
    bed.install().await.good();
    assert!(
        server
            .asked()
            .iter()
            .all(|(_, authorization)| authorization.as_deref() == Some("Bearer secret"))
    );
    assert_eq!(other.asked(), [("/elsewhere".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_may_be_a_pattern_deep() {
    let (bed, server) = bed().await;
    // As hosts pack a repository: below a directory whose name nobody knows.
    bed.write("packed/acme-net-0123abc/main.tf", MODULE);
    bed.write(
        "packed/acme-net-0123abc/modules/deep/main.tf",
        "module \"up\" {\n  source = \"../..\"\n}\n",
    );
    let status = std::process::Command::new("tar")
        .args(["-czf", bed.path("p.tar.gz").to_str().unwrap(), "."])
        .current_dir(bed.path("packed"))
        .status();
    assert!(status.unwrap().success());
    server.reply(
        "/tarball/1",
        Reply::new(200, std::fs::read(bed.path("p.tar.gz")).unwrap()),
    );
    let place = format!("{}//*?archive=tar.gz", server.url("/tarball/1"));
    server.registry("acme/net/aws", &[("1.0.0", &place)]);
    bed.write(
        "project/main.tf",
        "module \"a\" {\n  source = \"registry.example/acme/net/aws//modules/deep\"\n}\n",
    );
    bed.install().await.good();
    let list = bed.read("project/.terraform/modules/modules.json");
    assert!(
        list.contains("\"Dir\":\".terraform/modules/a/acme-net-0123abc/modules/deep\""),
        "{list}"
    );
    assert!(
        !bed.compile().diagnostics.has_errors(),
        "{:?}",
        bed.compile().diagnostics
    );
}

//! Modules in Git repositories: by path, by `git daemon`, over HTTP; revisions, directories, submodules.

use crate::bed::Bed;
use crate::server::Server;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

/// `git daemon`, ended by its id when the test ends.
struct Daemon {
    child: Child,
    port: u16,
    /// Kept open: it writes there, and would end otherwise.
    _said: BufReader<ChildStderr>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `git daemon` for everything beside the project, on a port that is free.
fn daemon(bed: &Bed) -> Daemon {
    for _ in 0..20 {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // Not through `git`, which would start it as a child of its own.
        let path = Command::new("git")
            .arg("--exec-path")
            .output()
            .unwrap()
            .stdout;
        let program = format!("{}/git-daemon", String::from_utf8(path).unwrap().trim());
        let child = Command::new(program)
            .args([
                "--listen=127.0.0.1",
                &format!("--port={port}"),
                "--export-all",
                "--verbose",
                "--log-destination=stderr",
            ])
            .arg(format!("--base-path={}", bed.path("").display()))
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        said.read_line(&mut line).unwrap();
        if line.contains("Ready to rumble") {
            return Daemon {
                child,
                port,
                _said: said,
            };
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("no free port for git daemon");
}

const FILES: &[(&str, &str)] = &[
    ("main.tf", "output \"where\" {\n  value = \"top\"\n}\n"),
    (
        "modules/deep/main.tf",
        "module \"beside\" {\n  source = \"../beside\"\n}\n",
    ),
    (
        "modules/beside/main.tf",
        "output \"where\" {\n  value = \"beside\"\n}\n",
    ),
];

fn module(name: &str, source: &str) -> String {
    format!("module \"{name}\" {{\n  source = \"{source}\"\n}}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_are_fetched_over_every_transport() {
    let bed = Bed::new("");
    let repository = bed.repository("net", FILES);
    let commit = bed.git(&repository, &["rev-parse", "HEAD"]);
    bed.commit(
        "net",
        &[("main.tf", "output \"where\" {\n  value = \"newer\"\n}\n")],
        "two",
    );
    let daemon = daemon(&bed);
    let server = Server::start().await;
    server.serve_git(bed.path(""));
    let by_path = format!("git::file://{}", repository.display());
    let by_daemon = format!("git::git://127.0.0.1:{}/net", daemon.port);
    let by_http = format!("git::{}", server.url("/git/net/.git"));
    let main: String = [
        module("path", &format!("{by_path}?ref=v1")),
        module("daemon", &format!("{by_daemon}?ref=v1")),
        module("http", &format!("{by_http}?ref=v1")),
        module("branch", &format!("{by_http}?ref=main&depth=1")),
        module("newest", &by_path),
        module("commit", &format!("{by_http}?ref={commit}")),
        module("short", &format!("{by_path}?ref={}", &commit[..10])),
        module("deep", &format!("{by_path}//modules/deep?ref=v1")),
    ]
    .concat();
    bed.write("project/main.tf", &main);
    let outcome = bed.install().await;
    assert_eq!(outcome.good(), 8);
    // `path` and `deep` are one package.
    assert_eq!(outcome.n_fetched(), 7);
    let modules = |path: &str| bed.read(&format!("project/.terraform/modules/{path}/main.tf"));
    for old in ["path", "daemon", "http", "commit", "short"] {
        assert!(modules(old).contains("top"), "{old}");
    }
    for new in ["branch", "newest"] {
        assert!(modules(new).contains("newer"), "{new}");
    }
    assert!(!bed.path("project/.terraform/modules/path/.git").exists());
    let compiled = bed.compile();
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics
    );
    // A second time there is nothing to do, and no server is asked.
    drop(daemon);
    drop(server);
    let again = bed.install().await;
    assert_eq!((again.good(), again.n_fetched()), (0, 0));
    assert!(again.events.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said() {
    let bed = Bed::new("");
    let repository = bed.repository("net", FILES);
    let url = format!("git::file://{}", repository.display());
    for (source, code, part) in [
        (
            format!("{url}?ref=v9"),
            "SF1307",
            "no branch, tag or commit \"v9\"",
        ),
        (
            format!("{url}?ref=--upload-pack=touch%20x"),
            "SF1307",
            "name of a revision",
        ),
        (format!("{url}//modules/none"), "SF1312", "modules/none"),
        (
            format!("{url}//modules"),
            "SF1312",
            "no directory modules with .tf files",
        ),
        (
            format!("git::file://{}/none", repository.display()),
            "SF1307",
            "ls-remote",
        ),
        (
            "git::ext::sh -c 'touch x'".to_owned(),
            "SF1307",
            "Git is not asked to use",
        ),
        (
            "hg::https://example.com/x".to_owned(),
            "SF1311",
            "Mercurial",
        ),
        (
            "s3::https://s3.amazonaws.com/b/x.zip".to_owned(),
            "SF1311",
            "signed",
        ),
    ] {
        bed.write("project/main.tf", &module("a", &source));
        let outcome = bed.install().await;
        outcome.bad(code, part);
        assert_eq!(
            outcome.installation.diagnostics.0[0].address.as_deref(),
            Some("module.a")
        );
        assert!(
            !bed.path("project/.terraform/modules/a").exists(),
            "{source}"
        );
        assert!(
            !bed.path("project/.steadfast.lock.hcl").exists(),
            "{source}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submodules_come_along_and_links_out_of_the_package_do_not() {
    let bed = Bed::new("");
    let inner = bed.repository("inner", FILES);
    let outer = bed.repository("outer", FILES);
    let server = Server::start().await;
    server.serve_git(bed.path(""));
    bed.git(
        &outer,
        &[
            "submodule",
            "add",
            "-q",
            &server.url("/git/inner/.git"),
            "vendored",
        ],
    );
    bed.commit("outer", &[], "with a submodule");
    bed.write(
        "project/main.tf",
        &module("a", &format!("git::{}", server.url("/git/outer/.git"))),
    );
    assert_eq!(bed.install().await.good(), 1);
    assert!(
        bed.read("project/.terraform/modules/a/vendored/main.tf")
            .contains("top")
    );
    assert!(
        !bed.path("project/.terraform/modules/a/vendored/.git")
            .exists()
    );
    std::os::unix::fs::symlink("/etc/hostname", inner.join("secret.tf")).unwrap();
    bed.commit("inner", &[], "with a link");
    bed.write(
        "project/main.tf",
        &module("b", &format!("git::file://{}", inner.display())),
    );
    let outcome = bed.install().await;
    outcome.bad("SF1317", "secret.tf");
    assert!(!bed.path("project/.terraform/modules/b").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_of_a_module_is_fetched_and_sources_may_be_made_of_values() {
    let bed = Bed::new("");
    let leaf = bed.repository(
        "leaf",
        &[("main.tf", "output \"o\" {\n  value = path.module\n}\n")],
    );
    let leaf = format!("git::file://{}", leaf.display());
    let through =
        "variable \"ref\" {}\n".to_owned() + &module("leaf", &format!("{leaf}?ref=${{var.ref}}"));
    let middle = bed.repository("middle", &[("main.tf", &through)]);
    let main = "variable \"tag\" {\n  default = \"v1\"\n}\n".to_owned()
        + &format!(
            "module \"m\" {{\n  source = \"git::file://{}\"\n  ref    = var.tag\n}}\n",
            middle.display()
        );
    bed.write("project/main.tf", &main);
    assert_eq!(bed.install().await.good(), 2);
    assert!(!bed.compile().diagnostics.has_errors());
    let list = bed.read("project/.terraform/modules/modules.json");
    assert!(
        list.contains("\"Key\":\"m.leaf\"") && list.contains("?ref=v1\""),
        "{list}"
    );
    // What nothing calls any more goes, from the disk too.
    bed.write("project/main.tf", "");
    assert_eq!(bed.install().await.good(), 0);
    assert!(!bed.path("project/.terraform/modules/m.leaf").exists());
    assert!(!bed.path("project/.steadfast.lock.hcl").exists());
}

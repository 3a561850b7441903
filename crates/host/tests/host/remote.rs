//! Provisioners on another machine: an OpenSSH server that the test starts, on this one.

use crate::provisioners::{action, exec, provision};
use crate::server::Server;
use contract::conformance::{self, ProvisionersFixture};
use contract::{Outcome, Provisioners};
use model::{ActionId, Provision, RunId};
use std::fs;
use value::{Type, Value};

impl Server {
    fn provision(&self, kind: &str, config: &[(&'static str, Value)]) -> Provision {
        Provision {
            connection: Some(self.connection(&[])),
            ..provision(kind, config)
        }
    }

    fn inline(&self, lines: &[&str]) -> Provision {
        let lines = lines.iter().map(|line| Value::string(*line)).collect();
        self.provision(
            "remote-exec",
            &[("inline", Value::list(Type::String, lines))],
        )
    }

    async fn run(&self, provision: &Provision) -> Outcome {
        exec(self.root.path()).run(action(), provision).await
    }
}

impl ProvisionersFixture for Server {
    fn good(&self, said: &str) -> Provision {
        let log = self.path("said");
        self.inline(&[
            &format!("echo {said}"),
            &format!("echo {said} >> {}", log.display()),
        ])
    }
    fn failing(&self) -> Provision {
        self.inline(&["echo about to fail", "exit 3"])
    }
    fn count(&self, said: &str) -> Option<usize> {
        let log = fs::read_to_string(self.path("said")).ok()?;
        Some(log.lines().filter(|line| *line == said).count())
    }
}

fn provisioned(output: &str) -> Outcome {
    Outcome::Provisioned {
        output: output.into(),
    }
}

#[tokio::test]
async fn provisioners_of_another_machine_conform() {
    let Some(server) = Server::start() else {
        return;
    };
    conformance::provisioners(&exec(server.root.path()), &server).await;
}

#[tokio::test]
async fn scripts_run_one_after_the_other_until_one_fails() {
    let Some(server) = Server::start() else {
        return;
    };
    let script = |name: &str, text: &str| {
        fs::write(server.path("project").join(name), text).unwrap();
        Value::string(name)
    };
    let one = script("one.sh", "#!/bin/sh\necho one; cat\n");
    let two = script("two.sh", "#!/bin/sh\necho two; exit 255\n");
    let three = script("three.sh", "#!/bin/sh\necho three\n");
    let scripts = Value::list(Type::String, vec![one, two, three]);
    let provision = server.provision("remote-exec", &[("scripts", scripts)]);
    match server.run(&provision).await {
        Outcome::Broken {
            output,
            diagnostics,
        } => {
            assert_eq!(output, "one\ntwo");
            // 255 is what `ssh` says when the connection broke.
            assert!(diagnostics.0[0].detail.contains("exit status 254"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_and_directories_are_copied_as_they_are() {
    let Some(server) = Server::start() else {
        return;
    };
    let to = server.path("to");
    fs::create_dir(&to).unwrap();
    let from = server.path("project").join("tree");
    fs::create_dir_all(from.join("deep")).unwrap();
    fs::write(from.join("deep/it's"), "in the tree").unwrap();
    let destination = |name: &str| Value::string(to.join(name).display().to_string());
    let cases = [
        ("content", "some text", "plain", "plain", "some text"),
        (
            "source",
            "tree/deep/it's",
            "renamed",
            "renamed",
            "in the tree",
        ),
        ("source", "tree/deep/it's", "", "it's", "in the tree"),
        (
            "source",
            "tree",
            "whole",
            "whole/tree/deep/it's",
            "in the tree",
        ),
        (
            "source",
            "tree/",
            "inside",
            "inside/deep/it's",
            "in the tree",
        ),
    ];
    for (what, given, at, found, text) in cases {
        let config = [
            (what, Value::string(given)),
            ("destination", destination(at)),
        ];
        let outcome = server.run(&server.provision("file", &config)).await;
        assert_eq!(outcome, provisioned(""), "{given} to {at}");
        assert_eq!(fs::read_to_string(to.join(found)).unwrap(), text);
    }
}

#[tokio::test]
async fn a_machine_behind_a_bastion_is_reached_through_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let through = [
        ("bastion_host", Value::string("127.0.0.1")),
        ("bastion_port", Value::number(i64::from(server.port))),
    ];
    let provision = Provision {
        connection: Some(server.connection(&through)),
        ..server.inline(&["echo $SSH_CONNECTION | cut -d' ' -f3"])
    };
    assert_eq!(server.run(&provision).await, provisioned("127.0.0.1"));
}

#[tokio::test]
async fn a_machine_with_another_key_is_not_logged_in_to() {
    let Some(server) = Server::start() else {
        return;
    };
    // Wait until it answers at all.
    assert_eq!(server.run(&server.inline(&["true"])).await, provisioned(""));
    let another = [
        ("host_key", Value::string(server.read("user.pub").trim())),
        ("timeout", Value::string("1ms")),
    ];
    let provision = Provision {
        connection: Some(server.connection(&another)),
        ..server.inline(&["true"])
    };
    let action = ActionId::of(RunId(8), "step:1");
    match exec(server.root.path()).run(action, &provision).await {
        Outcome::Refused { diagnostics } => {
            assert_eq!(diagnostics.0[0].code, "SF0832");
            assert!(
                diagnostics.0[0]
                    .detail
                    .contains("Host key verification failed")
            );
        }
        other => panic!("{other:?}"),
    }
}

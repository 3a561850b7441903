//! Resources of another machine, over SSH: the suite of `contract`, and what a connection that breaks leaves.

use crate::bed::{Bed, action, change, complete, object, text, words};
use crate::conformance::{Fixture, Given, bad_commands};
use crate::server::Server;
use contract::conformance::{self, Inquires};
use contract::{Outcome, Provider, Question};
use model::{PlanQuestion, ReadQuestion, Verb};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;
use value::{Diagnostics, Type, Value};

/// What is written in the `provider` block.
pub(crate) fn configuration(server: &Server, more: &[(&'static str, Value)]) -> Value {
    Value::object(
        [
            ("become".into(), Value::null(Type::String)),
            ("connection".into(), server.connection(more)),
        ]
        .into(),
    )
}

pub(crate) async fn on(bed: &Bed, config: &Value) -> Result<Arc<dyn Provider>, Diagnostics> {
    bed.host.configured(config).unwrap().await
}

/// The provider of a machine that a server stands for.
pub(crate) async fn machine(bed: &Bed, server: &Server) -> Arc<dyn Provider> {
    on(bed, &configuration(server, &[])).await.unwrap()
}

/// A server, with a bed and the provider of its machine; none where no server can be had.
async fn reached() -> Option<(Server, Bed, Arc<dyn Provider>)> {
    let server = Server::start()?;
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    Some((server, bed, machine))
}

pub(crate) fn at(bed: &Bed, name: &str) -> Value {
    text(&bed.path(name).display().to_string())
}

#[tokio::test]
async fn files_of_another_machine_conform() {
    let Some(server) = Server::start() else {
        return;
    };
    for (name, content, other) in [
        ("content", "it's $HOME\n\n", "x".repeat(700_000)),
        ("content_base64", "AP8A", "AP8B".to_owned()),
        ("source", "source.txt", "other.txt".to_owned()),
    ] {
        for changed in [(name, text(&other)), ("mode", text("4750"))] {
            let bed = Bed::new();
            std::fs::write(bed.path("source.txt"), "from a source").unwrap();
            std::fs::write(bed.path("other.txt"), b"from\0another\xff").unwrap();
            let machine = machine(&bed, &server).await;
            let fixture = Fixture {
                provider: &*machine,
                kind: "host_file",
                config: &|n| {
                    vec![
                        ("path", at(&bed, &format!("file '{n}'.txt"))),
                        (name, text(content)),
                    ]
                },
                changed,
                garbage: vec![
                    vec![("path", text("relative")), ("content", text(""))],
                    vec![("path", text("/a"))],
                ],
                inquires: Inquires::Exactly,
                outside: true,
                count: Some(&|| bed.names().len()),
            };
            conformance::provider(&*machine, &fixture).await;
            machine.close().await;
        }
    }
}

#[tokio::test]
async fn directories_and_links_of_another_machine_conform() {
    let Some((_server, bed, machine)) = reached().await else {
        return;
    };
    for (kind, changed) in [
        ("host_directory", ("mode", text("2750"))),
        ("host_link", ("target", text("it's there"))),
    ] {
        let config = |n| {
            let mut given: Given = vec![("path", at(&bed, &format!("thing-{n}")))];
            if kind == "host_link" {
                given.push(("target", text("-here\n")));
            }
            given
        };
        let fixture = Fixture {
            provider: &*machine,
            kind,
            config: &config,
            changed,
            garbage: vec![vec![("path", text("/a/"))]],
            inquires: Inquires::Exactly,
            outside: true,
            count: Some(&|| bed.names().len()),
        };
        conformance::provider(&*machine, &fixture).await;
    }
    machine.close().await;
}

#[tokio::test]
async fn commands_of_another_machine_conform() {
    let Some((_server, bed, machine)) = reached().await else {
        return;
    };
    for check in ["creates", "unless"] {
        let fixture = Fixture {
            provider: &*machine,
            kind: "host_command",
            config: &|n| {
                let made = bed.path(&format!("made-{n}")).display().to_string();
                let done = match check {
                    "creates" => text(&made),
                    _ => text(&format!("test -e {made}")),
                };
                vec![
                    ("command", text(&format!("echo made; echo > {made}"))),
                    ("destroy", words(&["rm", "-f", &made])),
                    (check, done),
                ]
            },
            changed: ("timeout", text("1h")),
            garbage: bad_commands(),
            inquires: Inquires::Partly,
            outside: true,
            count: Some(&|| bed.names().len()),
        };
        conformance::provider(&*machine, &fixture).await;
    }
    machine.close().await;
}

pub(crate) async fn planned(machine: &dyn Provider, kind: &str, config: &Value) -> model::Change {
    let question = Question::Plan(PlanQuestion {
        address: crate::bed::address(kind),
        provider: host::Host::SOURCE.into(),
        config: config.clone(),
        prior: Value::null(Type::Any),
        proposed: config.clone(),
        private: Vec::new(),
        written: None,
        retry: None,
    });
    match machine.ask(&question).await {
        contract::Answer::Plan(answer) => change(
            kind,
            Verb::Create,
            None,
            Some(config.clone()),
            Some(answer.planned),
        ),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn applied(
    machine: &dyn Provider,
    kind: &str,
    given: &[(&str, Value)],
) -> Outcome {
    let config = complete(machine, kind, given);
    let change = planned(machine, kind, &config).await;
    machine.apply(action(), &change).await
}

#[tokio::test]
async fn what_stands_in_the_way_on_another_machine_is_not_touched() {
    let Some((_server, bed, machine)) = reached().await else {
        return;
    };
    std::fs::write(bed.path("there"), "by somebody").unwrap();
    std::os::unix::fs::symlink("there", bed.path("link")).unwrap();
    std::fs::create_dir(bed.path("directory")).unwrap();
    let cases = [
        ("there", "SF0808"),
        ("link", "SF0808"),
        ("directory", "SF0808"),
        ("there/below", "SF0807"),
        ("missing/below", "SF0806"),
    ];
    for (name, code) in cases {
        let given = [("path", at(&bed, name)), ("content", text("mine"))];
        let outcome = applied(&*machine, "host_file", &given).await;
        assert_eq!(crate::bed::refusal(&outcome), code, "{name}");
    }
    assert_eq!(bed.names(), ["directory", "link", "there"]);
    let there = std::fs::read_to_string(bed.path("there")).unwrap();
    assert_eq!(there, "by somebody");
    machine.close().await;
}

#[tokio::test]
async fn owners_are_those_of_the_other_machine() {
    let Some(server) = Server::start() else {
        return;
    };
    let is_root = server.user == "root";
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    let given = [
        ("path", at(&bed, "f")),
        ("content", text("")),
        ("owner", text("nobody")),
        ("mode", text("4711")),
    ];
    let outcome = applied(&*machine, "host_file", &given).await;
    if is_root {
        let made = object(outcome);
        assert_eq!(made.get("owner").and_then(Value::as_str), Some("nobody"));
        let meta = std::fs::metadata(bed.path("f")).unwrap();
        assert_ne!(meta.uid(), 0);
        assert_eq!(meta.permissions().mode() & 0o7777, 0o4711);
    } else {
        assert_eq!(crate::bed::refusal(&outcome), "SF0809");
    }
    let given = [
        ("path", at(&bed, "g")),
        ("content", text("")),
        ("owner", text("no such account")),
    ];
    let outcome = applied(&*machine, "host_file", &given).await;
    assert_eq!(crate::bed::refusal(&outcome), "SF0803");
    machine.close().await;
}

#[tokio::test]
async fn a_command_there_says_how_it_ended() {
    let Some((_server, _bed, machine)) = reached().await else {
        return;
    };
    let run = |script: &str| vec![("command", text(script)), ("timeout", text("1s"))];
    let mut given = run("echo out; env; pwd");
    given.push(("environment", crate::bed::strings(&[("A", "it's\n")])));
    given.push(("directory", text("/")));
    let made = object(applied(&*machine, "host_command", &given).await);
    let stdout = made.get("stdout").and_then(Value::as_str).unwrap();
    assert!(
        stdout.starts_with("out\n") && stdout.ends_with("\n/\n"),
        "{stdout}"
    );
    assert!(stdout.contains("A=it's\n\n"), "{stdout}");
    assert!(
        !stdout.contains("SSH_CONNECTION") && !stdout.contains("LC_ALL"),
        "{stdout}"
    );
    let code = |outcome: Outcome| match outcome {
        Outcome::Partial { diagnostics, .. } | Outcome::Refused { diagnostics } => {
            crate::bed::code(&diagnostics)
        }
        other => panic!("{other:?}"),
    };
    let cases = [
        (run("echo no >&2; exit 255"), "SF0817"),
        (run("sleep 60"), "SF0818"),
        (vec![("command", words(&["no-such-program"]))], "SF0816"),
        (
            vec![("command", text("true")), ("directory", text("/no/such"))],
            "SF0816",
        ),
        (
            vec![
                ("command", text("true")),
                ("environment", crate::bed::strings(&[("a.b", "c")])),
            ],
            "SF0814",
        ),
    ];
    for (given, expected) in cases {
        let outcome = applied(&*machine, "host_command", &given).await;
        assert_eq!(code(outcome), expected, "{given:?}");
    }
    machine.close().await;
}

#[tokio::test]
async fn a_command_whose_connection_breaks_is_not_begun_twice() {
    let Some((server, bed, machine)) = reached().await else {
        return;
    };
    let (began, go, made) = (bed.path("began"), bed.path("go"), bed.path("made"));
    crate::bed::fifo(&began);
    crate::bed::fifo(&go);
    let script = format!(
        "echo x > {}; cat {}; echo made >> {}",
        began.display(),
        go.display(),
        made.display()
    );
    let given = [("command", text(&script)), ("creates", at(&bed, "made"))];
    let config = complete(&*machine, "host_command", &given);
    let change = planned(&*machine, "host_command", &config).await;
    let first = machine.apply(action(), &change);
    let ready = crate::bed::detached(move || std::fs::read(began).unwrap());
    tokio::pin!(first);
    tokio::select! {
        outcome = &mut first => panic!("{outcome:?}"),
        _ = ready => {}
    }
    // The command has begun; its engine is lost, and its connection with it.
    machine.close().await;
    let second = on(&bed, &configuration(&server, &[])).await.unwrap();
    let inquiry = second.inquire(action(), &change);
    let write = crate::bed::detached(move || std::fs::write(go, "go").unwrap());
    let (looked, ()) = tokio::join!(inquiry, write);
    match looked.inquiry {
        contract::Inquiry::Found(Outcome::Changed { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read_to_string(made).unwrap(), "made\n");
    second.close().await;
}

#[tokio::test]
async fn configurations_that_make_no_sense_are_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    let nothing = Value::null(Type::Any);
    let cases = [
        (configuration(&server, &[("type", text("winrm"))]), "SF0831"),
        (
            configuration(&server, &[("timeout", text("soon"))]),
            "SF0815",
        ),
        (
            Value::object(
                [
                    ("become".into(), text("root")),
                    ("connection".into(), nothing),
                ]
                .into(),
            ),
            "SF0829",
        ),
    ];
    for (config, code) in cases {
        match on(&bed, &config).await {
            Err(found) => assert_eq!(crate::bed::code(&found), code),
            Ok(_) => panic!("{code}"),
        }
    }
}

pub(crate) fn reading(kind: &str, prior: &Value) -> Question {
    Question::Read(ReadQuestion {
        address: crate::bed::address(kind),
        provider: host::Host::SOURCE.into(),
        prior: prior.clone(),
        private: Vec::new(),
        retry: None,
    })
}

#[tokio::test]
async fn a_machine_that_is_not_known_yet_is_planned_for_and_not_looked_at() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    let later = configuration(&server, &[("host", Value::unknown(Type::String))]);
    let machine = on(&bed, &later).await.unwrap();
    let given = [("path", text("/a")), ("content", text("b"))];
    let config = complete(&*machine, "host_file", &given);
    let change = planned(&*machine, "host_file", &config).await;
    match machine.ask(&reading("host_file", &config)).await {
        contract::Answer::Read(answer) => {
            assert_eq!(answer.object.as_ref(), Some(&config));
            assert_eq!(crate::bed::code(&answer.diagnostics), "SF0834");
        }
        other => panic!("{other:?}"),
    }
    let outcome = machine.apply(action(), &change).await;
    assert_eq!(crate::bed::refusal(&outcome), "SF0834");
}

#[tokio::test]
async fn a_machine_that_does_not_answer_is_told_with_what_ssh_said() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    let wrong = [
        ("host_key", text(server.read("user.pub").trim())),
        ("timeout", text("1ms")),
    ];
    let machine = on(&bed, &configuration(&server, &wrong)).await.unwrap();
    let given = [("path", text("/a")), ("content", text("b"))];
    let outcome = applied(&*machine, "host_file", &given).await;
    assert_eq!(crate::bed::refusal(&outcome), "SF0832");
    match outcome {
        Outcome::Refused { diagnostics } => {
            assert!(
                diagnostics.0[0]
                    .detail
                    .contains("Host key verification failed")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_told_once_and_opened_again() {
    let Some((server, bed, machine)) = reached().await else {
        return;
    };
    let given = [("path", at(&bed, "f")), ("content", text("b"))];
    let made = object(applied(&*machine, "host_file", &given).await);
    server.cut();
    match machine.ask(&reading("host_file", &made)).await {
        contract::Answer::Failed(found) => assert_eq!(crate::bed::code(&found), "SF0835"),
        other => panic!("{other:?}"),
    }
    match machine.ask(&reading("host_file", &made)).await {
        contract::Answer::Read(answer) => assert_eq!(answer.object, Some(made)),
        other => panic!("{other:?}"),
    }
    machine.close().await;
}

#[tokio::test]
async fn many_machines_are_logged_in_to_without_being_dropped() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    // One attempt each.
    let config = configuration(&server, &[("timeout", text("1ms"))]);
    let mut all = tokio::task::JoinSet::new();
    for n in 0..40 {
        let machine = on(&bed, &config).await.unwrap();
        // Each beside nothing else: all have the same action.
        std::fs::create_dir(bed.path(&format!("d{n}"))).unwrap();
        let path = at(&bed, &format!("d{n}/f"));
        all.spawn(async move {
            let given = [("path", path), ("content", text("b"))];
            object(applied(&*machine, "host_file", &given).await);
            machine.close().await;
        });
    }
    while let Some(one) = all.join_next().await {
        one.unwrap();
    }
    assert!((0..40).all(|n| bed.path(&format!("d{n}/f")).exists()));
}

/// What is written in the `provider` block with `become`.
fn acting_as(server: &Server, who: &str) -> Value {
    let config = configuration(server, &[]);
    let mut entries = config.entries().unwrap().clone();
    entries.insert("become".into(), text(who));
    Value::object(entries)
}

#[tokio::test]
async fn whoever_may_not_act_as_another_user_is_told_so() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    let machine = on(&bed, &acting_as(&server, "no such user")).await.unwrap();
    let given = [("path", text("/a")), ("content", text("b"))];
    let outcome = applied(&*machine, "host_file", &given).await;
    assert_eq!(crate::bed::refusal(&outcome), "SF0836");
}

#[tokio::test]
async fn another_user_acts_where_that_is_allowed() {
    let has_sudo = std::path::Path::new("/usr/bin/sudo").exists();
    let needs = std::env::var("STEADFAST_TEST_NEEDS").unwrap_or_default();
    assert!(has_sudo || !needs.contains("sudo"), "there is no sudo");
    let Some(server) = Server::start().filter(|server| has_sudo && server.user == "root") else {
        return;
    };
    let bed = Bed::new();
    let machine = on(&bed, &acting_as(&server, "nobody")).await.unwrap();
    let given = [("command", text("id -un; echo $HOME"))];
    let made = object(applied(&*machine, "host_command", &given).await);
    let stdout = made.get("stdout").and_then(Value::as_str).unwrap();
    assert!(stdout.starts_with("nobody\n/nonexistent"), "{stdout}");
    machine.close().await;
}

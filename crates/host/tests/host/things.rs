//! Lines, accounts, packages, services and so on: the suite of `contract` for each, on this machine where that leaves
//! it as it is, and on one whose system is its own.

use crate::bed::{Bed, code, complete, object, strings, text};
use crate::conformance::{Fixture, Given};
use crate::machines::{applied, at, machine};
use crate::server::Server;
use contract::conformance::{self, Inquires};
use contract::{Answer, Outcome, Provider, Question};
use model::ImportQuestion;
use std::path::Path;
use std::process::Command;
use value::{Type, Value};

/// Configurations of one type.
struct Case {
    kind: &'static str,
    config: Box<dyn Fn(u32) -> Given + Send + Sync>,
    changed: Vec<(&'static str, Value)>,
    garbage: Vec<Given>,
    outside: bool,
}

async fn conforms(provider: &dyn Provider, case: &Case) {
    for changed in &case.changed {
        let fixture = Fixture {
            provider,
            kind: case.kind,
            config: &*case.config,
            changed: changed.clone(),
            garbage: case.garbage.clone(),
            inquires: Inquires::Exactly,
            outside: case.outside,
            count: None,
        };
        conformance::provider(provider, &fixture).await;
    }
}

fn lines(bed: &Bed) -> Case {
    let path = at(bed, "settings.conf");
    let old = "# settings\r\ncolour = red\nshape=round\nlast";
    std::fs::write(bed.path("settings.conf"), old).unwrap();
    let garbage_path = path.clone();
    Case {
        kind: "host_line",
        config: Box::new(move |n| {
            vec![
                ("path", path.clone()),
                ("line", text(&format!("size-{n} = 'it''s big'"))),
                ("insert_after", text("^colour")),
            ]
        }),
        changed: vec![
            ("line", text("size-0 = small")),
            ("path", at(bed, "other.conf")),
        ],
        garbage: vec![
            vec![("path", garbage_path.clone()), ("line", text("two\nlines"))],
            vec![
                ("path", garbage_path),
                ("line", text("a")),
                ("match", text("(")),
            ],
        ],
        outside: true,
    }
}

/// Packs a tree with `tar`.
fn packed(bed: &Bed, name: &str, files: &[(&str, &str)]) {
    let tree = bed.root().join(name);
    for (path, content) in files {
        let path = tree.join("top").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let done = Command::new("tar")
        .arg("-C")
        .arg(&tree)
        .arg("-czf")
        .arg(bed.path(&format!("{name}.tar.gz")))
        .arg("top")
        .status()
        .unwrap();
    assert!(done.success());
}

fn archives(bed: &Bed) -> Case {
    packed(bed, "one", &[("bin/it's", "one"), ("gone", "")]);
    packed(bed, "two", &[("bin/it's", "two")]);
    let directory = bed.path("unpacked").display().to_string();
    std::fs::create_dir(&directory).unwrap();
    Case {
        kind: "host_archive",
        config: Box::new(move |n| {
            vec![
                ("path", text(&format!("{directory}/{n}"))),
                ("source", text("one.tar.gz")),
                ("strip", Value::number(1)),
            ]
        }),
        changed: vec![("source", text("two.tar.gz")), ("strip", Value::number(0))],
        garbage: vec![
            vec![("path", text("/a")), ("source", text("missing"))],
            vec![
                ("path", text("/a")),
                ("source", text("one.tar.gz")),
                ("strip", Value::number(-1)),
            ],
        ],
        outside: true,
    }
}

#[tokio::test]
async fn lines_and_archives_conform_on_this_machine() {
    let bed = Bed::new();
    std::fs::write(bed.path("other.conf"), "").unwrap();
    conforms(&bed.host, &lines(&bed)).await;
    let left = std::fs::read_to_string(bed.path("settings.conf")).unwrap();
    assert_eq!(left, "# settings\r\ncolour = red\nshape=round\nlast\n");
    conforms(&bed.host, &archives(&bed)).await;
    assert_eq!(std::fs::read_dir(bed.path("unpacked")).unwrap().count(), 0);
}

#[tokio::test]
async fn lines_and_archives_conform_on_another_machine() {
    let Some(server) = Server::start() else {
        return;
    };
    let bed = Bed::new();
    std::fs::write(bed.path("other.conf"), "").unwrap();
    let machine = machine(&bed, &server).await;
    conforms(&*machine, &lines(&bed)).await;
    conforms(&*machine, &archives(&bed)).await;
    machine.close().await;
}

#[tokio::test]
async fn a_line_goes_where_it_is_told_to() {
    // What is configured beside the path, the text before, and the text after.
    type Where = &'static [(&'static str, &'static str)];
    let cases: [(Where, &str, &str); 9] = [
        (&[], "a\nb\n", "a\nb\nx = 1\n"),
        (&[], "", "x = 1\n"),
        (&[], "x = 1\n", "x = 1\n"),
        (&[("match", "^x *=")], "a\nx=0\nb", "a\nx = 1\nb\n"),
        (
            &[("match", "^#?x *=")],
            "#x=0\nx=2\nb\n",
            "#x=0\nx = 1\nb\n",
        ),
        (&[("match", "^y")], "a\n", "a\nx = 1\n"),
        (&[("insert_after", "^a")], "a\na\nb\n", "a\na\nx = 1\nb\n"),
        (&[("insert_before", "^a")], "b\na\na\n", "b\nx = 1\na\na\n"),
        (&[("insert_before", "^z")], "b\n", "b\nx = 1\n"),
    ];
    for (given, before, after) in cases {
        let bed = Bed::new();
        std::fs::write(bed.path("f"), before).unwrap();
        let mut config = vec![("path", text("f")), ("line", text("x = 1"))];
        config.extend(given.iter().map(|(name, value)| (*name, text(value))));
        let made = bed.create("host_line", &config).await;
        let found = std::fs::read_to_string(bed.path("f")).unwrap();
        assert_eq!(found, after, "{given:?} in {before:?}");
        assert_eq!(bed.read("host_line", &made).await.object, Some(made));
    }
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_line_is_not_touched() {
    let bed = Bed::new();
    std::fs::write(bed.path("f"), "a\n").unwrap();
    std::os::unix::fs::symlink("f", bed.path("link")).unwrap();
    for (path, expected) in [("link", "SF0808"), ("missing", "SF0837")] {
        let change = bed
            .creation("host_line", &[("path", text(path)), ("line", text("x"))])
            .await;
        assert_eq!(crate::bed::refusal(&bed.apply(&change).await), expected);
    }
    let given = [
        ("path", text("missing")),
        ("line", text("x")),
        ("create", Value::bool(true)),
    ];
    bed.create("host_line", &given).await;
    assert_eq!(bed.names(), ["f", "link", "missing"]);
    assert_eq!(std::fs::read_to_string(bed.path("f")).unwrap(), "a\n");
}

#[tokio::test]
async fn another_archive_removes_what_only_the_last_one_had() {
    let bed = Bed::new();
    let _ = archives(&bed);
    let config = |source: &str| {
        [
            ("path", text("unpacked/app")),
            ("source", text(source)),
            ("strip", Value::number(1)),
        ]
    };
    let made = bed.create("host_archive", &config("one.tar.gz")).await;
    std::fs::write(bed.path("unpacked/app/own"), "").unwrap();
    std::fs::create_dir(bed.path("elsewhere")).unwrap();
    std::fs::write(bed.path("elsewhere/it's"), "not ours").unwrap();
    let update = bed
        .update("host_archive", &made, &config("two.tar.gz"))
        .await;
    let made = bed.made(&update).await;
    let names = |path: &str| {
        let entries = std::fs::read_dir(bed.path(path)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names("unpacked/app"), [".steadfast-archive", "bin", "own"]);
    let content = std::fs::read_to_string(bed.path("unpacked/app/bin/it's")).unwrap();
    assert_eq!(content, "two");
    // Somebody has put a link in the place of a directory.
    std::fs::remove_dir_all(bed.path("unpacked/app/bin")).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", bed.path("unpacked/app/bin")).unwrap();
    let deletion = crate::bed::deletion("host_archive", &made);
    assert!(crate::bed::is_deleted(&bed.apply(&deletion).await));
    assert_eq!(names("unpacked/app"), ["bin", "own"]);
    assert_eq!(names("elsewhere"), ["it's"]);
}

/// Two versions of three packages in a repository of files, and a systemd that keeps its state in files.
const SYSTEM: &str = r#"
mkdir -p /usr/repository /usr/units
for n in 0 1 2; do for v in 1.0 2.0; do
  d=$PWD/package; mkdir -p "$d/DEBIAN"
  printf 'Package: steadfast-test-%s\nVersion: %s\nArchitecture: all\nMaintainer: nobody\nDescription: nothing\n' "$n" "$v" >"$d/DEBIAN/control"
  f=/usr/repository/$n-$v.deb; dpkg-deb -b "$d" "$f" >/dev/null
  { cat "$d/DEBIAN/control"; printf 'Filename: ./%s-%s.deb\nSize: %s\nSHA256: %s\n\n' "$n" "$v" "$(wc -c <"$f")" "$(sha256sum <"$f" | cut -d' ' -f1)"; } >>/usr/repository/Packages
  rm -rf "$d"
done; done
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/usr/repository ./' >/etc/apt/sources.list
cat >/usr/bin/systemctl <<'S'
#!/bin/sh
u=/usr/units
case $1 in
daemon-reload) exit 0 ;;
show) for n; do :; done
  case $n in 0 | 1 | 2) ;; *) echo LoadState=not-found; exit 0 ;; esac
  a=inactive; [ ! -e $u/$n.running ] || a=active
  e=disabled; [ ! -e $u/$n.enabled ] || e=enabled
  printf 'LoadState=loaded\nActiveState=%s\nUnitFileState=%s\n' $a $e ;;
start) echo start >>$u/log; touch $u/$3.running ;;
restart) echo restart >>$u/log; touch $u/$3.running ;;
stop) rm -f $u/$3.running ;;
enable) touch $u/$3.enabled ;;
disable) rm -f $u/$3.enabled ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
S
chmod 755 /usr/bin/systemctl
mkdir -p /usr/mnt0 /usr/mnt1 /usr/mnt2 /usr/mnt3 /etc/cron.d /etc/sysctl.d
rm -f /etc/fstab
"#;

fn cases() -> Vec<Case> {
    let named = |kind: &'static str, prefix: &'static str, more: Given| {
        move |n: u32| {
            let _ = kind;
            let mut given = vec![("name", text(&format!("{prefix}{n}")))];
            given.extend(more.clone());
            given
        }
    };
    let groups =
        |names: &[&str]| Value::set(Type::String, names.iter().map(|name| text(name)).collect());
    let unnamed = || vec![vec![("name", text("a b"))], vec![("name", text(""))]];
    let cron = vec![
        ("schedule", text("*/5 * * * *")),
        ("command", text("echo 'it''s' time")),
        ("environment", strings(&[("MAILTO", "root")])),
    ];
    vec![
        Case {
            kind: "host_group",
            config: Box::new(named("host_group", "sfgroup", vec![])),
            changed: vec![("gid", Value::number(4_711)), ("name", text("sfother"))],
            garbage: unnamed(),
            outside: true,
        },
        Case {
            kind: "host_user",
            config: Box::new(named(
                "host_user",
                "sfuser",
                vec![
                    ("groups", groups(&["games", "audio"])),
                    ("comment", text("it's me")),
                    ("remove_home", Value::bool(true)),
                ],
            )),
            changed: vec![
                ("uid", Value::number(4_712)),
                ("groups", groups(&[])),
                ("groups", groups(&["mail"])),
                ("shell", text("/bin/false")),
                ("home", text("/srv/elsewhere")),
                ("group", text("daemon")),
                ("password_hash", text("$6$salt$hash")),
                ("remove_home", Value::bool(false)),
            ],
            garbage: vec![
                vec![("name", text("a:b"))],
                vec![("name", text("a")), ("home", text("/a:b"))],
            ],
            outside: true,
        },
        Case {
            kind: "host_cron",
            config: Box::new(named("host_cron", "sfjob", cron)),
            changed: vec![
                ("schedule", text("@daily")),
                ("user", text("nobody")),
                ("environment", strings(&[])),
            ],
            garbage: vec![
                vec![
                    ("name", text("a.b")),
                    ("schedule", text("@daily")),
                    ("command", text("true")),
                ],
                vec![
                    ("name", text("a")),
                    ("schedule", text("* * *")),
                    ("command", text("true")),
                ],
            ],
            outside: true,
        },
        Case {
            kind: "host_sysctl",
            config: Box::new(|n| {
                vec![
                    ("name", text("kernel.domainname")),
                    ("value", text(&format!("example-{n}"))),
                ]
            }),
            changed: vec![("value", text("another"))],
            garbage: vec![vec![("name", text("../x")), ("value", text("1"))]],
            outside: true,
        },
        Case {
            kind: "host_mount",
            config: Box::new(|n| {
                vec![
                    ("path", text(&format!("/usr/mnt{n}"))),
                    ("source", text("my tmpfs")),
                    ("type", text("tmpfs")),
                    ("options", text("size=64k")),
                ]
            }),
            changed: vec![
                ("options", text("size=64k,ro")),
                ("mounted", Value::bool(false)),
                ("source", text("other")),
                ("path", text("/usr/mnt3")),
            ],
            garbage: vec![vec![
                ("path", text("relative")),
                ("source", text("a")),
                ("type", text("b")),
            ]],
            outside: true,
        },
        Case {
            kind: "host_package",
            config: Box::new(named(
                "host_package",
                "steadfast-test-",
                vec![("version", text("1.0"))],
            )),
            changed: vec![("version", text("2.0"))],
            garbage: unnamed(),
            outside: true,
        },
        Case {
            kind: "host_service",
            config: Box::new(|n| vec![("name", text(&n.to_string()))]),
            changed: vec![
                ("running", Value::bool(false)),
                ("enabled", Value::bool(false)),
                ("triggers", strings(&[("config", "2")])),
            ],
            garbage: unnamed(),
            outside: false,
        },
        daemons(),
    ]
}

fn words(words: &[&str]) -> Value {
    Value::list(Type::String, words.iter().map(|word| text(word)).collect())
}

fn daemons() -> Case {
    let command = (
        "command",
        words(&["sh", "-c", "echo \"it's $A\"; exec sleep 600"]),
    );
    let given = command.clone();
    Case {
        kind: "host_daemon",
        config: Box::new(move |n| {
            vec![
                ("name", text(&format!("sfdaemon-{n}"))),
                given.clone(),
                ("environment", strings(&[("A", "it's")])),
            ]
        }),
        changed: vec![
            ("command", words(&["sleep", "601"])),
            ("environment", strings(&[("A", "other")])),
            ("directory", text("/tmp")),
            ("running", Value::bool(false)),
            ("stop_seconds", Value::number(3)),
            ("triggers", strings(&[("config", "2")])),
        ],
        garbage: vec![
            vec![("name", text("../a")), command.clone()],
            vec![("name", text("a")), ("command", words(&[]))],
            vec![
                ("name", text("a")),
                command.clone(),
                ("stop_seconds", Value::number(-1)),
            ],
            vec![
                ("name", text("a")),
                command.clone(),
                ("directory", text("b")),
            ],
            vec![
                ("name", text("a")),
                command,
                ("environment", strings(&[("A B", "1")])),
            ],
        ],
        outside: true,
    }
}

/// The line that a script of the machine says once it says anything: what it waits for comes by itself.
async fn awaited(machine: &dyn Provider, script: &str) -> String {
    let script = format!("until x=$({script}) && [ -n \"$x\" ]; do sleep 0.05; done; echo \"$x\"");
    said(machine, &script).await.trim_end().to_owned()
}

#[tokio::test]
async fn a_daemon_runs_again_when_it_ends_and_ends_when_it_is_told_to() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    let given = |script: &str| {
        [
            ("name", text("d")),
            ("command", words(&["sh", "-c", script])),
            ("stop_seconds", Value::number(1)),
        ]
    };
    // It does not care when it is asked to end.
    let stubborn = "trap '' TERM; echo $$ >>/var/pids; while :; do sleep 0.1; done";
    let made = object(applied(&*machine, "host_daemon", &given(stubborn)).await);
    let log = made.get("log").and_then(Value::as_str).unwrap().to_owned();
    assert_eq!(log, "/var/lib/steadfast/daemons/d/log");
    let first = awaited(&*machine, "head -1 /var/pids 2>/dev/null").await;
    said(&*machine, &format!("kill -KILL -{first}")).await;
    let second = awaited(&*machine, "sed -n 2p /var/pids").await;
    assert_ne!(first, second);
    let told = awaited(&*machine, &format!("grep ^steadfast: {log}")).await;
    assert_eq!(told, "steadfast: ended with 137, and begins again in 1 s");
    // Its shim is killed, and another one ends what that has left.
    said(
        &*machine,
        "kill -KILL $(cut -d' ' -f1 /var/lib/steadfast/daemons/d/pid)",
    )
    .await;
    let Answer::Read(answer) = machine
        .ask(&crate::machines::reading("host_daemon", &made))
        .await
    else {
        panic!("it cannot be looked at")
    };
    let found = answer.object.unwrap();
    assert_eq!(found.get("running"), Some(&Value::bool(false)));
    let change = crate::machines::planned(
        &*machine,
        "host_daemon",
        &complete(&*machine, "host_daemon", &given(stubborn)),
    )
    .await;
    let update = model::Change {
        verb: model::Verb::Update,
        prior: Some(found),
        ..change
    };
    object(machine.apply(crate::bed::action(), &update).await);
    let third = awaited(&*machine, "sed -n 3p /var/pids").await;
    let alive = format!("for p in {first} {second} {third}; do [ ! -d /proc/$p ] || echo $p; done");
    assert_eq!(said(&*machine, &alive).await.trim(), third);
    let deletion = crate::bed::deletion("host_daemon", &made);
    let deleted = machine.apply(crate::bed::action(), &deletion).await;
    assert!(crate::bed::is_deleted(&deleted), "{deleted:?}");
    let left = "ls /var/lib/steadfast/daemons";
    assert_eq!(
        said(&*machine, &alive).await + &said(&*machine, left).await,
        ""
    );
    machine.close().await;
}

#[tokio::test]
async fn things_of_a_system_conform() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    for case in cases() {
        conforms(&*machine, &case).await;
    }
    machine.close().await;
}

async fn said(machine: &dyn Provider, script: &str) -> String {
    let ran = object(applied(machine, "host_command", &[("command", text(script))]).await);
    ran.get("stdout")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn what_is_there_and_differs_is_not_taken_over() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    let before = said(
        &*machine,
        "echo '# by hand' >/etc/cron.d/job; cat /etc/passwd /etc/group",
    )
    .await;
    let number = |n: i64| Value::number(n);
    let cases: [(&str, Given); 3] = [
        (
            "host_user",
            vec![("name", text("nobody")), ("uid", number(4_713))],
        ),
        (
            "host_group",
            vec![("name", text("nogroup")), ("gid", number(4_713))],
        ),
        (
            "host_cron",
            vec![
                ("name", text("job")),
                ("schedule", text("@daily")),
                ("command", text("true")),
            ],
        ),
    ];
    for (kind, given) in cases {
        let outcome = applied(&*machine, kind, &given).await;
        assert_eq!(crate::bed::refusal(&outcome), "SF0808", "{kind}");
    }
    assert_eq!(said(&*machine, "cat /etc/passwd /etc/group").await, before);
    assert_eq!(said(&*machine, "cat /etc/cron.d/job").await, "# by hand\n");
    machine.close().await;
}

#[tokio::test]
async fn a_step_that_fails_says_what_the_program_said() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    let cases: [(&str, Given, &str, &str); 5] = [
        (
            "host_daemon",
            vec![
                ("name", text("a")),
                ("command", words(&["no-such-program"])),
            ],
            "SF0837",
            "there is no program no-such-program in /",
        ),
        (
            "host_package",
            vec![("name", text("no-such-package"))],
            "SF0837",
            "no-such-package",
        ),
        (
            "host_user",
            vec![("name", text("sfuser")), ("group", text("no-such-group"))],
            "SF0837",
            "no-such-group",
        ),
        (
            "host_mount",
            vec![
                ("path", text("/usr/no-such-place")),
                ("source", text("tmpfs")),
                ("type", text("tmpfs")),
            ],
            "SF0837",
            "does not exist",
        ),
        // Nothing complains, and nothing of that name comes to be.
        (
            "host_service",
            vec![("name", text("other"))],
            "SF0838",
            "it is not there",
        ),
    ];
    for (kind, given, expected, words) in cases {
        let (Outcome::Refused { diagnostics } | Outcome::Partial { diagnostics, .. }) =
            applied(&*machine, kind, &given).await
        else {
            panic!("{kind} was not refused")
        };
        assert_eq!(code(&diagnostics), expected, "{kind}");
        assert!(
            diagnostics.0[0].detail.contains(words),
            "{}",
            diagnostics.0[0].detail
        );
    }
    machine.close().await;
}

#[tokio::test]
async fn other_triggers_restart_a_service_once() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    let given = |version: &str| {
        [
            ("name", text("0")),
            ("triggers", strings(&[("version", version)])),
        ]
    };
    let made = object(applied(&*machine, "host_service", &given("1")).await);
    let config = complete(&*machine, "host_service", &given("2"));
    let planned = crate::machines::planned(&*machine, "host_service", &config).await;
    let update = model::Change {
        verb: model::Verb::Update,
        prior: Some(made),
        ..planned
    };
    object(machine.apply(crate::bed::action(), &update).await);
    assert_eq!(
        said(&*machine, "cat /usr/units/log").await,
        "start\nrestart\n"
    );
    machine.close().await;
}

#[tokio::test]
async fn what_is_there_is_imported_by_its_name() {
    let Some(server) = Server::apart(SYSTEM) else {
        return;
    };
    let bed = Bed::new();
    let machine = machine(&bed, &server).await;
    for (kind, id, name, expected) in [
        ("host_user", "root", "home", Value::string("/root")),
        ("host_group", "root", "gid", Value::number(0)),
        ("host_service", "1", "running", Value::bool(false)),
    ] {
        let question = Question::Import(ImportQuestion {
            address: crate::bed::address(kind),
            provider: host::Host::SOURCE.into(),
            id: id.to_owned(),
            retry: None,
        });
        let Answer::Import(imported) = machine.ask(&question).await else {
            panic!("{kind} was not imported")
        };
        let object = imported.object.unwrap();
        match machine.ask(&crate::machines::reading(kind, &object)).await {
            Answer::Read(answer) => {
                let object = answer.object.unwrap();
                assert_eq!(object.get(name), Some(&expected), "{kind}");
            }
            other => panic!("{other:?}"),
        }
    }
    let question = Question::Import(ImportQuestion {
        address: crate::bed::address("host_line"),
        provider: host::Host::SOURCE.into(),
        id: "/etc/hosts".to_owned(),
        retry: None,
    });
    match machine.ask(&question).await {
        Answer::Failed(found) => assert_eq!(code(&found), "SF0828"),
        other => panic!("{other:?}"),
    }
    assert!(Path::new("/etc/passwd").exists());
    machine.close().await;
}

//! `host_command`: what it sees, when it runs, what comes of its failures, and that it never runs twice unseen. Not
//! here: the life of an object, which is the suite's.

use crate::bed::{
    Bed, WAIT, action, change, code, complete, deletion, detached, fifo, host_in, is_deleted,
    object, refusal, strings, text, words,
};
use contract::{Answer, Inquiry, Outcome, Provider};
use model::{Change, Repeat, Verb};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use value::{Diagnostics, Type, Value};

const KIND: &str = "host_command";

fn partial(outcome: Outcome) -> (Value, Diagnostics) {
    match outcome {
        Outcome::Partial {
            object,
            diagnostics,
            ..
        } => (object, diagnostics),
        other => panic!("{other:?}"),
    }
}

fn stdout(object: &Value) -> &str {
    object.get("stdout").and_then(Value::as_str).unwrap()
}

#[tokio::test]
async fn a_command_sees_a_clean_environment_and_an_empty_input() {
    let bed = Bed::new();
    std::fs::create_dir(bed.path("work")).unwrap();
    let given = [
        ("command", words(&["env"])),
        ("environment", strings(&[("GREETING", "hello world")])),
    ];
    let made = bed.create(KIND, &given).await;
    let lines = stdout(&made).lines();
    let names: BTreeSet<&str> = lines.filter_map(|line| line.split('=').next()).collect();
    let allowed = BTreeSet::from(["GREETING", "HOME", "LANG", "PATH"]);
    assert!(names.is_subset(&allowed), "{names:?}");
    assert!(stdout(&made).contains("GREETING=hello world\n"));
    assert_eq!(made.get("exit_code"), Some(&Value::number(0)));
    assert_eq!(made.get("ran"), Some(&Value::bool(true)));

    let reads = [("command", text("pwd; cat")), ("directory", text("work"))];
    let made = bed.create(KIND, &reads).await;
    let written = stdout(&made);
    assert!(
        written.ends_with("/work\n"),
        "{written:?}: nothing comes from cat"
    );
}

#[tokio::test]
async fn what_is_done_already_is_not_run() {
    let bed = Bed::new();
    std::fs::write(bed.path("done"), "").unwrap();
    let checks = [
        ("creates", text("done")),
        ("unless", words(&["test", "-e", "done"])),
    ];
    for check in checks {
        let given = [("command", text("echo > ran")), check];
        let made = bed.create(KIND, &given).await;
        assert_eq!(made.get("ran"), Some(&Value::bool(false)));
        assert_eq!(made.get("exit_code"), Some(&Value::null(Type::Number)));
        assert_eq!(bed.names(), ["done"]);
    }
}

#[tokio::test]
async fn it_says_how_it_may_be_repeated() {
    let bed = Bed::new();
    let cases = [
        (vec![], Repeat::Never),
        (vec![("creates", text("x"))], Repeat::Safe),
        (vec![("unless", text("test -e x"))], Repeat::Safe),
        (
            vec![("creates", Value::unknown(Type::String))],
            Repeat::Never,
        ),
    ];
    for (mut given, repeat) in cases {
        given.push(("command", text("true")));
        let config = bed.config(KIND, &given);
        let plan = bed.plan(KIND, &config, None).await;
        assert_eq!(plan.repeat, repeat, "{given:?}");
    }
}

#[tokio::test]
async fn a_failed_command_exists_and_shows_its_last_output() {
    let bed = Bed::new();
    let given = [("command", text("echo one; echo two >&2; exit 3"))];
    let (object, found) = partial(bed.apply(&bed.creation(KIND, &given).await).await);
    assert_eq!(code(&found), "SF0817");
    let detail = &found.0[0].detail;
    for part in ["exit status 3", "stdout:\none", "stderr:\ntwo", "`echo one"] {
        assert!(detail.contains(part), "{part:?} is not in {detail:?}");
    }
    assert_eq!(object.get("exit_code"), Some(&Value::number(3)));
    assert_eq!(stdout(&object), "one\n");
    assert!(object.is_wholly_known());
}

#[tokio::test]
async fn a_command_that_is_killed_says_so() {
    let bed = Bed::new();
    let given = [("command", text("kill -9 $$"))];
    let (object, found) = partial(bed.apply(&bed.creation(KIND, &given).await).await);
    assert_eq!(code(&found), "SF0817");
    let detail = &found.0[0].detail;
    assert!(detail.contains("signal 9"), "{detail}");
    assert_eq!(object.get("exit_code"), Some(&Value::null(Type::Number)));
}

#[tokio::test]
async fn a_program_that_is_not_there_has_no_effect() {
    let bed = Bed::new();
    let missing = || words(&["no-such-program-anywhere"]);
    let cases = [
        vec![("command", missing())],
        vec![
            ("command", words(&["true"])),
            ("directory", text("missing")),
        ],
        vec![("command", text("echo > ran")), ("unless", missing())],
    ];
    for given in cases {
        let outcome = bed.apply(&bed.creation(KIND, &given).await).await;
        assert_eq!(refusal(&outcome), "SF0816", "{given:?}");
    }
    assert!(bed.names().is_empty());
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let bed = Bed::new();
    fifo(&bed.path("never"));
    fifo(&bed.path("alive"));
    let given = [
        ("command", text("cat never > alive & echo started; wait")),
        ("timeout", text("500ms")),
    ];
    let create = bed.creation(KIND, &given).await;
    // Ends only when nobody holds the pipe's other end: when the child of the shell is dead.
    let alive = bed.path("alive");
    let alive = detached(move || std::fs::read(alive).unwrap());
    let (outcome, alive) = tokio::join!(bed.apply(&create), alive);
    assert_eq!(alive, b"");
    let (object, found) = partial(outcome);
    assert_eq!(code(&found), "SF0818");
    let detail = &found.0[0].detail;
    assert!(detail.contains("started"), "{detail}");
    assert_eq!(object.get("exit_code"), Some(&Value::null(Type::Number)));
}

#[tokio::test]
async fn something_left_running_does_not_hold_the_command_up() {
    let bed = Bed::new();
    fifo(&bed.path("hold"));
    let given = [("command", text("cat hold & echo done"))];
    let create = bed.creation(KIND, &given).await;
    let outcome = tokio::time::timeout(WAIT, bed.apply(&create))
        .await
        .unwrap();
    assert_eq!(stdout(&object(outcome)), "done\n");
    // Lets the process that was left running come to its end.
    let release = bed.path("hold");
    detached(move || std::fs::write(release, "").unwrap()).await;
}

#[tokio::test]
async fn a_check_that_still_fails_is_not_taken_for_done() {
    let bed = Bed::new();
    for check in [("creates", text("x")), ("unless", text("test -e x"))] {
        let given = [("command", text("true")), check];
        let (object, found) = partial(bed.apply(&bed.creation(KIND, &given).await).await);
        assert_eq!(code(&found), "SF0819");
        assert_eq!(object.get("exit_code"), Some(&Value::number(0)));
    }
}

#[tokio::test]
async fn long_output_is_cut_aloud() {
    let bed = Bed::new();
    let given = [("command", words(&["head", "-c", "65537", "/dev/zero"]))];
    let outcome = bed.apply(&bed.creation(KIND, &given).await).await;
    let Outcome::Changed {
        object: Some(object),
        diagnostics,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(code(&diagnostics), "SF0822");
    assert_eq!(stdout(&object).len(), 65_536);
}

#[tokio::test]
async fn bad_configurations_are_refused() {
    let bed = Bed::new();
    let with = |name, value| vec![("command", text("true")), (name, value)];
    let cases = [
        (vec![("command", text(""))], "SF0814"),
        (vec![("command", words(&[]))], "SF0814"),
        (vec![("command", words(&["", "x"]))], "SF0814"),
        (vec![("command", words(&["a\0b"]))], "SF0814"),
        (
            vec![("command", Value::tuple(vec![Value::number(1)]))],
            "SF0814",
        ),
        (vec![("command", Value::bool(true))], "SF0814"),
        (with("unless", text(" ")), "SF0814"),
        (with("destroy", words(&[])), "SF0814"),
        (with("environment", strings(&[("A=B", "")])), "SF0814"),
        (with("environment", strings(&[("", "")])), "SF0814"),
        (with("environment", strings(&[("A", "\0")])), "SF0814"),
        (with("timeout", text("5")), "SF0815"),
        (with("timeout", text("0s")), "SF0815"),
        (with("timeout", text("25h")), "SF0815"),
        (with("creates", text("")), "SF0801"),
        (with("directory", text("a\0")), "SF0801"),
        (vec![], "SF0821"),
        (with("triggers", text("x")), "SF0821"),
    ];
    for (given, expected) in cases {
        let config = bed.config(KIND, &given);
        assert_eq!(bed.refused_plan(KIND, &config).await, expected, "{given:?}");
    }
    for directory in [".", "/", "..", "work/", "/srv"] {
        let config = bed.config(KIND, &with("directory", text(directory)));
        let found = bed
            .host
            .validate(model::Mode::Managed, &KIND.into(), &config)
            .await;
        assert!(found.is_empty(), "{directory}: {found:?}");
    }
}

#[tokio::test]
async fn what_changes_it_and_what_runs_it_again() {
    let bed = Bed::new();
    let made = bed.create(KIND, &[("command", text("echo one"))]).await;
    let with = |name, value| vec![("command", text("echo one")), (name, value)];
    let cases = [
        (vec![("command", text("echo one"))], None),
        (with("timeout", text("1s")), None),
        (with("destroy", text("true")), None),
        (vec![("command", text("echo two"))], Some("command")),
        (vec![("command", words(&["echo", "one"]))], Some("command")),
        (with("triggers", strings(&[("a", "b")])), Some("triggers")),
        (with("creates", text("x")), Some("creates")),
    ];
    for (given, replaced) in cases {
        let config = bed.config(KIND, &given);
        let plan = bed.plan(KIND, &config, Some(&made)).await;
        let paths: Vec<Vec<&str>> = replaced.into_iter().map(|name| vec![name]).collect();
        assert_eq!(plan.requires_replace, paths, "{given:?}");
        let stdout = plan.planned.get("stdout").unwrap();
        assert_eq!(stdout.is_known(), replaced.is_none(), "{given:?}");
    }
}

#[tokio::test]
async fn drift_of_what_it_creates_is_read() {
    let bed = Bed::new();
    let given = [("command", text("echo > x")), ("creates", text("x"))];
    let made = bed.create(KIND, &given).await;
    assert_eq!(bed.read(KIND, &made).await.object.as_ref(), Some(&made));
    std::fs::remove_file(bed.path("x")).unwrap();
    assert_eq!(bed.read(KIND, &made).await.object, None);
}

#[tokio::test]
async fn a_check_that_hangs_is_no_answer() {
    let bed = Bed::new();
    fifo(&bed.path("never"));
    let given = [
        ("command", text("true")),
        ("timeout", text("200ms")),
        ("unless", text("test -e quick || exec cat never")),
    ];
    std::fs::write(bed.path("quick"), "").unwrap();
    let made = bed.create(KIND, &given).await;
    std::fs::remove_file(bed.path("quick")).unwrap();
    let Answer::Failed(found) = bed.ask_read(KIND, &made).await else {
        panic!("a check that hangs was answered")
    };
    assert_eq!(code(&found), "SF0818");
}

#[tokio::test]
async fn destroying_runs_its_command_and_keeps_the_object_when_that_fails() {
    let bed = Bed::new();
    let given = [
        ("command", text("true")),
        ("destroy", text("echo > destroyed")),
    ];
    let made = bed.create(KIND, &given).await;
    let delete = deletion(KIND, &made);
    let inquiry = bed.inquire(&delete).await;
    assert!(matches!(inquiry, Inquiry::Unclear { .. }), "{inquiry:?}");
    assert!(is_deleted(&bed.apply(&delete).await));
    assert_eq!(bed.names(), ["destroyed"]);

    let given = [
        ("command", text("true")),
        ("destroy", text("echo busy; exit 1")),
    ];
    let made = bed.create(KIND, &given).await;
    let (kept, found) = partial(bed.apply(&deletion(KIND, &made)).await);
    assert_eq!((kept, code(&found).as_str()), (made, "SF0817"));
}

#[tokio::test]
async fn without_a_check_an_inquiry_names_the_command() {
    let bed = Bed::new();
    let given = [("command", words(&["send", "the mail"]))];
    let create = bed.creation(KIND, &given).await;
    let Inquiry::Unclear { what } = bed.inquire(&create).await else {
        panic!("it can be told")
    };
    assert!(what.contains("`send 'the mail'`"), "{what}");
}

/// Names the bed for the process that [`a_command_that_outlives_the_program_is_not_run_twice`] kills.
const BED: &str = "STEADFAST_TEST_BED";

/// A command that begins, waits, and does something that can be counted.
fn outliving(host: &dyn Provider, timeout: &str) -> Change {
    let given = [
        ("command", text("echo > begun; cat go; echo run >> log")),
        ("creates", text("log")),
        ("timeout", text(timeout)),
    ];
    let config = complete(host, KIND, &given);
    let mut planned = config.entries().unwrap().clone();
    for (name, attribute) in &host.schema().resources[KIND].block.attributes {
        if attribute.computed {
            planned.insert(name.clone(), Value::unknown(attribute.ty.clone()));
        }
    }
    let planned = Some(Value::object(planned));
    change(KIND, Verb::Create, None, Some(config), planned)
}

/// Not a test: the process that is killed, when the test below starts this program again.
#[tokio::test]
async fn the_program_that_is_killed() {
    if let Some(root) = std::env::var_os(BED) {
        let host = host_in(Path::new(&root));
        let outcome = host.apply(action(), &outliving(&host, "1h")).await;
        panic!("it was to be killed: {outcome:?}");
    }
}

/// The program is killed while a command runs: the command lives on, is found running, is not started a second time,
/// and is found done when it has ended.
#[tokio::test]
async fn a_command_that_outlives_the_program_is_not_run_twice() {
    let bed = Bed::new();
    fifo(&bed.path("begun"));
    fifo(&bed.path("go"));
    let mut program = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "commands::the_program_that_is_killed"])
        .env(BED, bed.root())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let begun = bed.path("begun");
    let begun = detached(move || std::fs::read(begun).unwrap()).await;
    assert_eq!(begun, b"\n");
    program.kill().await.unwrap();

    let impatient = outliving(&bed.host, "300ms");
    assert_eq!(bed.inquire(&impatient).await, Inquiry::NotYet);
    let Outcome::Failed {
        diagnostics,
        retry_after_ms,
    } = bed.apply(&impatient).await
    else {
        panic!("it was started a second time")
    };
    assert_eq!(code(&diagnostics), "SF0820");
    assert!(retry_after_ms.is_some());

    // With time enough, both wait for its end.
    let create = outliving(&bed.host, "1h");
    let go = bed.path("go");
    let (found, made, ()) = tokio::join!(
        bed.inquire(&create),
        bed.apply(&create),
        detached(move || std::fs::write(go, "").unwrap()),
    );
    assert!(object(made).is_wholly_known());
    let Inquiry::Found(found) = found else {
        panic!("what it did was not found")
    };
    assert!(object(found).is_wholly_known());
    assert_eq!(std::fs::read(bed.path("log")).unwrap(), b"run\n");
}

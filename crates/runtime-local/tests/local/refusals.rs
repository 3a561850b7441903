//! What cannot be run is refused with a clear word, and leaves nothing behind.

use crate::house::{House, code, names, spec};
use contract::{Outcome, Runtime};
use model::InstanceSpec;
use model::InstanceState::{Gone, Healthy};
use runtime_local::{CODES, LocalRuntime, Options};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A name for what is wrong, the code it must get, a word of the message, and the way to make it wrong.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    fn(&mut InstanceSpec, &Path),
);

const CASES: &[Case] = &[
    ("empty name", "SF0601", "directory", |spec, _| {
        spec.instance.0.clear()
    }),
    ("name with a path", "SF0601", "../x", |spec, _| {
        spec.instance.0 = "../x".to_owned()
    }),
    ("no artifact", "SF0603", "No such file", |_, unpacked| {
        std::fs::remove_dir_all(unpacked).unwrap();
    }),
    (
        "artifact is a file",
        "SF0603",
        "not a directory",
        |_, unpacked| {
            std::fs::remove_dir_all(unpacked).unwrap();
            std::fs::write(unpacked, "").unwrap();
        },
    ),
    ("no such command", "SF0604", "/nothing", |spec, _| {
        spec.run = vec!["./nothing".to_owned()]
    }),
    ("not in PATH", "SF0604", "PATH", |spec, _| {
        spec.run = vec!["no-such-program".to_owned()]
    }),
    (
        "in the artifact, not in PATH",
        "SF0604",
        "./work",
        |spec, _| {
            spec.run = vec!["work".to_owned()];
        },
    ),
    (
        "no interpreter",
        "SF0604",
        "interpreter",
        |spec, unpacked| {
            script(unpacked, "#!/no/such/interpreter\n");
            spec.run = vec!["./script".to_owned()];
        },
    ),
    ("a directory", "SF0605", "executed", |spec, unpacked| {
        std::fs::create_dir(unpacked.join("folder")).unwrap();
        spec.run = vec!["./folder".to_owned()];
    }),
    ("not executable", "SF0605", "executed", |spec, unpacked| {
        std::fs::write(unpacked.join("data"), "").unwrap();
        spec.run = vec!["./data".to_owned()];
    }),
    (
        "for another machine",
        "SF0605",
        "another kind of machine",
        |spec, unpacked| {
            let mut program = std::fs::read("/proc/self/exe").unwrap();
            program.truncate(4096);
            // EM_M32, which nobody has built since the seventies.
            program[18..20].copy_from_slice(&[1, 0]);
            let path = unpacked.join("foreign");
            std::fs::write(&path, program).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            spec.run = vec!["./foreign".to_owned()];
        },
    ),
    ("empty command", "SF0611", "empty", |spec, _| {
        spec.run.clear()
    }),
    ("zero byte", "SF0611", "zero byte", |spec, _| {
        spec.run.push("a\0b".to_owned())
    }),
    ("bad variable", "SF0611", "A=B", |spec, _| {
        spec.env.insert("A=B".into(), String::new());
    }),
    ("bad health path", "SF0611", "begin with", |spec, _| {
        spec.health_path = "x".to_owned()
    }),
    ("header in health path", "SF0611", "spaces", |spec, _| {
        spec.health_path = "/ HTTP/1.1\r\nHost: elsewhere".to_owned();
    }),
];

fn script(unpacked: &Path, text: &str) {
    let path = unpacked.join("script");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn bad_orders_are_refused_and_leave_nothing_behind() {
    for (what, wanted, word, spoil) in CASES {
        let house = House::new();
        let mut spec = spec("web-1", &[]);
        spoil(&mut spec, &house.unpacked());
        let outcome = house.place(&spec).await;
        // That the artifact is not there is no fault of the order.
        let as_it_should_be = match *wanted {
            "SF0603" => matches!(outcome, Outcome::Failed { .. }),
            _ => matches!(outcome, Outcome::Refused { .. }),
        };
        assert!(as_it_should_be, "{what}: {outcome:?}");
        assert_eq!(code(&outcome), *wanted, "{what}: {outcome:?}");
        let text = format!("{outcome:?}");
        assert!(text.contains(word), "{what}: {text}");
        assert_eq!(house.runtime.list().await.unwrap(), [], "{what}");
        assert_eq!(
            names(&house.options.directory.join("instances")),
            [""; 0],
            "{what}"
        );
        assert_eq!(
            names(&house.options.directory.join("trash")),
            [""; 0],
            "{what}"
        );
        assert!(CODES.contains(wanted));
    }
}

#[tokio::test]
async fn a_file_in_place_of_the_directory_is_a_failure() {
    let house = House::new();
    std::fs::write(&house.options.directory, "").unwrap();
    let outcome = house.place(&spec("web-1", &[])).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(code(&outcome), "SF0606");
    assert!(house.runtime.list().await.is_err());
}

#[tokio::test]
async fn a_shim_that_cannot_be_started_is_a_failure_without_effect() {
    let house = House::new();
    for (command, word) in [
        (vec![], "no command"),
        (vec!["/no/such/program"], "cannot be executed"),
        (
            vec!["/bin/sh", "-c", "echo it is broken >&2; exit 3"],
            "it is broken",
        ),
    ] {
        let runtime = LocalRuntime::new(Options {
            shim_command: command.into_iter().map(Into::into).collect(),
            ..house.options.clone()
        });
        let outcome = runtime.place(&spec("web-1", &[]), &house.unpacked()).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
        assert_eq!(code(&outcome), "SF0609");
        assert!(format!("{outcome:?}").contains(word), "{outcome:?}");
        assert_eq!(runtime.list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_artifact_that_broke_is_refused_and_runs_again_when_it_is_whole() {
    let house = House::new();
    let good = "#!/bin/sh\nexec ./work\n";
    script(&house.unpacked(), good);
    let mut spec = spec("web-1", &[]);
    spec.run = vec!["./script".to_owned()];
    let address = house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    for _ in 0..3 {
        crate::house::kill(house.number(&spec.instance, "shim"));
        house.until(&spec.instance, Gone).await;
        script(&house.unpacked(), "#!/no/such/interpreter\n");
        let outcome = house.place(&spec).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        assert_eq!(code(&outcome), "SF0604");
        assert_eq!(
            house.listed().await,
            "web-1",
            "it ran before, so it is still known"
        );
        script(&house.unpacked(), good);
        assert_eq!(house.placed(&spec).await, address);
        house.until(&spec.instance, Healthy).await;
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_not_guessed_at() {
    let house = House::new();
    let spec = spec("web-1", &[]);
    for (text, word) in [
        ("{\"format\": 1, ", "damaged"),
        ("{\"format\": 99, \"new\": true}", "format 99"),
    ] {
        let instance = house.instance(&spec.instance);
        std::fs::create_dir_all(&instance).unwrap();
        std::fs::write(instance.join("spec.json"), text).unwrap();
        let outcome = house.place(&spec).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
        assert_eq!(code(&outcome), "SF0612");
        assert!(format!("{outcome:?}").contains(word), "{outcome:?}");
        let unavailable = house.runtime.observe(&spec.instance).await.unwrap_err();
        assert!(unavailable.0.contains(word), "{unavailable}");
        // As the message says: a stop begins anew.
        assert_eq!(
            house.runtime.stop(&spec.instance, 0).await,
            Outcome::Stopped
        );
    }
    house.placed(&spec).await;
}

//! Instances as real processes: placed, observed, stopped, killed, and found again by a control plane that died.

use crate::house::{House, code, get, kill, names, number_in, runs, spec, until};
use contract::{Outcome, Runtime};
use model::InstanceId;
use model::InstanceState::{Gone, Healthy, Starting, Unhealthy};
use runtime_local::{LocalRuntime, Supervision};

#[tokio::test]
async fn a_placed_instance_becomes_healthy_is_listed_and_stops() {
    let house = House::new();
    assert_eq!(house.runtime.list().await.unwrap(), []);
    assert!(
        !house.options.directory.exists(),
        "an unused runtime leaves a trace"
    );

    let file = house.file("env");
    let spec = spec("web-1", &["say", "good morning", "env", &file]);
    let address = house.placed(&spec).await;
    let report = house.until(&spec.instance, Healthy).await;
    assert_eq!(report.address, Some(address.clone()));
    assert_eq!(report.starts, 1);
    assert_eq!(report.detail, "GET /healthz answered 200");
    assert_eq!(house.listed().await, spec.instance.0);
    assert_eq!(house.runtime.logs(&spec.instance, 5), ["good morning"]);

    let environment = std::fs::read_to_string(file).unwrap();
    let mut set: Vec<&str> = environment.lines().collect();
    set.sort();
    let (_, port) = address.split_once(':').unwrap();
    let home = house.instance(&spec.instance).join("home");
    assert_eq!(
        set,
        [
            "GREETING=hello".to_owned(),
            format!("HOME={}", home.display()),
            "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
            format!("PORT={port}"),
            "STEADFAST_INSTANCE=web-1".to_owned(),
        ]
    );

    let (shim, pid) = (
        house.number(&spec.instance, "shim"),
        house.number(&spec.instance, "pid"),
    );
    assert!(runs(shim) && runs(pid));
    assert_eq!(
        house.runtime.stop(&spec.instance, 10_000).await,
        Outcome::Stopped
    );
    assert!(!runs(pid));
    assert_eq!(house.runtime.list().await.unwrap(), []);
    assert_eq!(names(&house.options.directory.join("trash")), [""; 0]);
    assert_eq!(
        house.runtime.logs(&spec.instance, 5),
        ["good morning", "[steadfast] stopped"]
    );
    assert_eq!(
        house.runtime.stop(&spec.instance, 0).await,
        Outcome::Stopped
    );
    let report = house.runtime.observe(&spec.instance).await.unwrap();
    assert_eq!((report.state, report.address), (Gone, None));
}

#[tokio::test]
async fn placing_twice_is_placing_once() {
    let house = House::new();
    let spec = spec("web-1", &[]);
    let unpacked = house.unpacked();
    let other_runtime = house.another_runtime();
    // At the same time, and by two control planes.
    let (one, two, three) = tokio::join!(
        house.runtime.place(&spec, &unpacked),
        house.runtime.place(&spec, &unpacked),
        other_runtime.place(&spec, &unpacked),
    );
    let address = house.placed(&spec).await;
    for outcome in [one, two, three] {
        assert_eq!(
            outcome,
            Outcome::Placed {
                address: address.clone()
            }
        );
    }
    let report = house.until(&spec.instance, Healthy).await;
    assert_eq!(report.starts, 1);

    let mut other = spec.clone();
    other.run.push("unhealthy".to_owned());
    let failed = house.place(&other).await;
    assert!(matches!(failed, Outcome::Failed { .. }), "{failed:?}");
    assert_eq!(code(&failed), "SF0602");
    assert_eq!(house.until(&spec.instance, Healthy).await.starts, 1);
}

#[tokio::test]
async fn instances_placed_at_once_get_ports_of_their_own() {
    let house = House::new();
    let specs: Vec<_> = (0..4)
        .map(|number| spec(&format!("web-{number}"), &[]))
        .collect();
    let unpacked = house.unpacked();
    let (a, b, c, d) = tokio::join!(
        house.runtime.place(&specs[0], &unpacked),
        house.runtime.place(&specs[1], &unpacked),
        house.runtime.place(&specs[2], &unpacked),
        house.runtime.place(&specs[3], &unpacked),
    );
    let addresses: std::collections::BTreeSet<String> = [a, b, c, d]
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Placed { address } => address,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(addresses.len(), 4);
    for spec in &specs {
        house.until(&spec.instance, Healthy).await;
    }
}

#[tokio::test]
async fn instances_survive_the_control_plane() {
    let mut house = House::new();
    let spec = spec("web-1", &[]);
    let address = house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    let pid = house.number(&spec.instance, "pid");

    house.runtime = house.another_runtime();
    assert_eq!(house.listed().await, spec.instance.0);
    assert_eq!(house.placed(&spec).await, address);
    assert_eq!(house.number(&spec.instance, "pid"), pid);
    assert_eq!(house.until(&spec.instance, Healthy).await.starts, 1);
    assert_eq!(
        house.runtime.stop(&spec.instance, 10_000).await,
        Outcome::Stopped
    );
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_killed_process_is_started_again_on_its_port() {
    let house = House::new();
    let spec = spec("web-1", &[]);
    let address = house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    kill(house.number(&spec.instance, "pid"));
    let report = house
        .until_report(&spec.instance, |report| {
            report.starts == 2 && report.state == Healthy
        })
        .await;
    assert_eq!(report.address.as_ref(), Some(&address));
    get(&address, "/die").await;
    house
        .until_report(&spec.instance, |report| {
            report.starts == 3 && report.state == Healthy
        })
        .await;
    let lines = house.runtime.logs(&spec.instance, 9);
    assert!(lines[0].starts_with(
        "[steadfast] the process was ended by signal 9 (SIGKILL); it is started again in "
    ));
    assert!(lines[1].starts_with("[steadfast] the process ended with exit status 7;"));
}

#[tokio::test]
async fn a_killed_shim_takes_its_process_along_and_can_be_revived() {
    let house = House::new();
    let file = house.file("grandchild");
    let spec = spec("web-1", &["grandchild", &file]);
    let address = house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    let pid = house.number(&spec.instance, "pid");
    let grandchild = number_in(&file).await;

    kill(house.number(&spec.instance, "shim"));
    let report = house.until(&spec.instance, Gone).await;
    assert!(report.detail.contains("the shim was killed"), "{report:?}");
    until("the process dies", || !runs(pid)).await;

    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        house.placed(&spec).await,
        address,
        "routes still name the address"
    );
    until(
        "what the process left is killed before it comes back",
        || !runs(grandchild),
    )
    .await;
    let report = house.until(&spec.instance, Healthy).await;
    assert_eq!(report.starts, 2);

    // And the same once more, with a stop instead.
    let (pid, grandchild) = (house.number(&spec.instance, "pid"), number_in(&file).await);
    kill(house.number(&spec.instance, "shim"));
    assert_eq!(
        house.runtime.stop(&spec.instance, 10_000).await,
        Outcome::Stopped
    );
    assert!(!runs(pid) && !runs(grandchild));
}

#[tokio::test]
async fn a_process_that_does_not_listen_to_sigterm_is_killed_after_its_time() {
    let house = House::new();
    let spec = spec("deaf-1", &["deaf"]);
    house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    let pid = house.number(&spec.instance, "pid");
    assert_eq!(
        house.runtime.stop(&spec.instance, 50).await,
        Outcome::Stopped
    );
    assert!(!runs(pid));
    let lines = house.runtime.logs(&spec.instance, 9);
    assert!(
        lines[0].contains("did not stop in its time and is killed"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_impatient_stop_shortens_a_patient_one() {
    let house = House::new();
    let spec = spec("deaf-1", &["deaf"]);
    house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    let patient = house.another_runtime();
    let instance = spec.instance.clone();
    let impatient = async {
        until("the shim is asked", || {
            house.status_text(&instance, "stage") == "Stopping"
        })
        .await;
        // While it is being stopped it can be neither placed nor called well.
        assert_eq!(code(&house.place(&spec).await), "SF0610");
        assert_eq!(
            house.runtime.observe(&instance).await.unwrap().state,
            Unhealthy
        );
        house.runtime.stop(&instance, 0).await
    };
    // An hour, which this test does not have.
    let outcomes = tokio::join!(patient.stop(&instance, 3_600_000), impatient);
    assert_eq!(outcomes, (Outcome::Stopped, Outcome::Stopped));
}

#[tokio::test]
async fn grandchildren_are_killed_whether_they_left_the_group_or_not() {
    for manner in ["grandchild", "daemon"] {
        let house = House::new();
        let file = house.file("child");
        let spec = spec("web-1", &[manner, &file]);
        house.placed(&spec).await;
        house.until(&spec.instance, Healthy).await;
        let first = number_in(&file).await;
        assert!(runs(first));
        std::fs::remove_file(&file).unwrap();
        kill(house.number(&spec.instance, "pid"));
        let second = number_in(&file).await;
        assert!(!runs(first), "{manner}: a restart left it");
        house
            .until_report(&spec.instance, |report| {
                report.starts == 2 && report.state == Healthy
            })
            .await;
        assert_eq!(
            house.runtime.stop(&spec.instance, 10_000).await,
            Outcome::Stopped
        );
        assert!(!runs(second), "{manner}: a stop left it");
    }
}

#[tokio::test]
async fn an_instance_that_keeps_failing_stays_down_and_says_so() {
    let house = House::new();
    let spec = spec("web-1", &["say", "I cannot", "exit", "3"]);
    house.placed(&spec).await;
    let report = house.until(&spec.instance, Gone).await;
    assert_eq!(report.starts, 4);
    let mut lines = report.detail.lines();
    assert_eq!(
        lines.next().unwrap(),
        "it is down: the process ended with exit status 3"
    );
    assert!(report.detail.contains("\nI cannot\n"), "{}", report.detail);
    assert!(
        report
            .detail
            .ends_with("it stays down after 3 restarts in a row")
    );
    assert_eq!(house.listed().await, spec.instance.0);
    // Placed again it has all its tries again.
    house.placed(&spec).await;
    assert_eq!(house.until(&spec.instance, Gone).await.starts, 8);
    assert_eq!(
        house.runtime.stop(&spec.instance, 0).await,
        Outcome::Stopped
    );
}

#[tokio::test]
async fn an_instance_that_never_passes_is_starting_and_one_that_passed_is_unhealthy() {
    let house = House::with(Supervision {
        // Time enough between restarts to be seen waiting.
        backoff_ms_first: 3_600_000,
        backoff_ms_max: 3_600_000,
        ..Supervision::default()
    });
    let never = spec("never", &["unhealthy"]);
    house.placed(&never).await;
    let report = house
        .until_report(&never.instance, |report| report.detail.contains("503"))
        .await;
    assert_eq!(report.state, Starting);

    let once = spec("once", &[]);
    let address = house.placed(&once).await;
    house.until(&once.instance, Healthy).await;
    get(&address, "/die").await;
    let report = house.until(&once.instance, Unhealthy).await;
    until("it waits", || {
        house.status_text(&once.instance, "stage") == "Waiting"
    })
    .await;
    assert_eq!(report.starts, 1);
    let another = house.another_runtime();
    let report = another.observe(&once.instance).await.unwrap();
    assert_eq!(
        report.state, Unhealthy,
        "known to a control plane that did not see it well"
    );
    assert!(
        report
            .detail
            .contains("exit status 7; it will be started again"),
        "{report:?}"
    );
    // A stop need not wait for the restart.
    assert_eq!(another.stop(&once.instance, 10_000).await, Outcome::Stopped);
}

#[tokio::test]
async fn the_log_is_bounded_and_does_not_hold_the_workload_up() {
    let house = House::with(Supervision {
        log_bytes_max: 64 << 10,
        ..Supervision::default()
    });
    let spec = spec("web-1", &["print", "200000"]);
    house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    until("the last line arrives", || {
        house.runtime.logs(&spec.instance, 1) == ["line 199999"]
    })
    .await;
    let size = |name| {
        std::fs::metadata(house.instance(&spec.instance).join(name))
            .unwrap()
            .len()
    };
    assert!(size("log") + size("log.1") <= (64 + 2 * 16) << 10);
    // Half of the bound is there at any time, the rest grows and goes.
    let lines = house.runtime.logs(&spec.instance, 2_500);
    assert_eq!(lines.len(), 2_500);
    assert_eq!(lines[0], "line 197500");
}

#[tokio::test]
async fn memory_is_limited_and_the_limit_is_on_record() {
    let house = House::new();
    for (name, bytes, said) in [
        ("modest", 1_u64 << 20, "got the memory"),
        ("greedy", 1 << 30, "did not get the memory"),
    ] {
        let mut spec = spec(name, &["memory", &bytes.to_string()]);
        spec.memory_bytes_max = 256 << 20;
        house.placed(&spec).await;
        house.until(&spec.instance, Healthy).await;
        assert_eq!(house.runtime.logs(&spec.instance, 9), [said]);
        assert_eq!(
            house.status_text(&spec.instance, "memory_limit"),
            "268435456 bytes of data for each process (RLIMIT_DATA)"
        );
    }
}

/// Needs a memory cgroup that was delegated to whoever runs the tests.
#[tokio::test]
async fn a_delegated_cgroup_limits_the_whole_instance() {
    let Some(group) = std::env::var_os("STEADFAST_TEST_MEMORY_CGROUP") else {
        println!("skipped: STEADFAST_TEST_MEMORY_CGROUP names no delegated memory cgroup");
        return;
    };
    let group = std::path::PathBuf::from(group);
    let house = House::with(Supervision {
        memory_cgroup: Some(group.clone()),
        ..Supervision::default()
    });
    let mut spec = spec("limited", &[]);
    spec.memory_bytes_max = 64 << 20;
    house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    assert_eq!(
        house.status_text(&spec.instance, "memory_limit"),
        "67108864 bytes for the whole instance (cgroup)"
    );
    let inside = std::fs::read_to_string(group.join("steadfast-limited/cgroup.procs")).unwrap();
    assert_eq!(
        inside.trim(),
        house.number(&spec.instance, "pid").to_string()
    );
    assert_eq!(
        house.runtime.stop(&spec.instance, 10_000).await,
        Outcome::Stopped
    );
    assert!(!group.join("steadfast-limited").exists());
}

#[tokio::test]
async fn a_very_long_path_is_no_obstacle() {
    // Beyond what a socket's name could hold.
    let long = ["a-long-name-of-a-directory"; 20].join("/");
    let house = House::below(&long, Supervision::default());
    let spec = spec(&"x".repeat(128), &[]);
    house.placed(&spec).await;
    house.until(&spec.instance, Healthy).await;
    assert_eq!(
        house.runtime.stop(&spec.instance, 10_000).await,
        Outcome::Stopped
    );
}

#[tokio::test]
async fn a_stop_that_was_interrupted_is_finished_by_the_next() {
    let house = House::new();
    let spec = spec("web-1", &[]);
    house.placed(&spec).await;
    // The control plane died after the shim ended and before the directory went.
    kill(house.number(&spec.instance, "shim"));
    house.until(&spec.instance, Gone).await;
    let trash = house.options.directory.join("trash");
    std::fs::create_dir_all(trash.join("web-1")).unwrap();
    std::fs::write(trash.join("web-1/spec.json"), "{}").unwrap();
    assert_eq!(
        house.runtime.stop(&spec.instance, 0).await,
        Outcome::Stopped
    );
    assert_eq!(names(&trash), [""; 0]);
    // And a directory in which nothing was written yet.
    let empty = InstanceId("empty".to_owned());
    std::fs::create_dir_all(house.instance(&empty)).unwrap();
    assert_eq!(house.listed().await, empty.0);
    assert_eq!(house.runtime.observe(&empty).await.unwrap().state, Gone);
    assert_eq!(house.runtime.stop(&empty, 0).await, Outcome::Stopped);
    assert_eq!(house.runtime.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_port_that_was_taken_is_replaced_only_while_nothing_depends_on_it() {
    let mut house = House::new();
    for (was_healthy, manners) in [(false, &["unhealthy"][..]), (true, &[])] {
        let spec = spec(if was_healthy { "known" } else { "unknown" }, manners);
        let address = house.placed(&spec).await;
        if was_healthy {
            house.until(&spec.instance, Healthy).await;
        }
        let pid = house.number(&spec.instance, "pid");
        kill(house.number(&spec.instance, "shim"));
        house.until(&spec.instance, Gone).await;
        until("the process dies", || !runs(pid)).await;
        let thief = std::net::TcpListener::bind(&address).unwrap();
        house.runtime = LocalRuntime::new(house.options.clone());
        let outcome = house.place(&spec).await;
        if was_healthy {
            assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
            assert_eq!(code(&outcome), "SF0608");
            drop(thief);
            assert_eq!(house.placed(&spec).await, address);
        } else {
            assert!(matches!(&outcome, Outcome::Placed { address: other } if *other != address));
        }
    }
}

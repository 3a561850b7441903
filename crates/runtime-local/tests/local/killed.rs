//! A control plane that is killed (-9) at any moment: the next one finds or finishes what it began, once.

use crate::house::{House, runs, spec, until};
use contract::{Outcome, Runtime};
use model::{InstanceId, InstanceSpec, InstanceState};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Rounds; the moment of the kill moves by [`STEP`] from one to the next, over the whole length of a call.
const ROUNDS: u32 = 24;
const STEP: Duration = Duration::from_micros(1_500);

/// A control plane in a process of its own, doing one thing.
fn control_plane(house: &House, verb: &str, spec: &InstanceSpec) -> Child {
    let file = house.file("order");
    std::fs::write(&file, serde_json::to_vec(spec).unwrap()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_runtime-local-shim"))
        .args([verb.as_ref(), house.options.directory.as_os_str()])
        .args([file.as_ref(), house.unpacked().as_os_str()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets it work for so long and kills it.
async fn kill_after(mut child: Child, time: Duration) {
    let ended = tokio::time::timeout(time, async {
        let mut tick = tokio::time::interval(Duration::from_micros(250));
        while child.try_wait().unwrap().is_none() {
            tick.tick().await;
        }
    });
    let _ = ended.await;
    let _ = child.kill();
    child.wait().unwrap();
}

/// Numbers of all processes that belong to this instance, told by their environment.
fn processes_of(house: &House, id: &InstanceId) -> Vec<i32> {
    let home = format!("HOME={}", house.instance(id).join("home").display());
    let numbers = std::fs::read_dir("/proc").unwrap();
    numbers
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|line| line == home.as_bytes())
                && runs(*pid)
        })
        .collect()
}

#[tokio::test]
async fn while_it_places() {
    let house = House::new();
    for round in 0..ROUNDS {
        let spec = spec(&format!("web-{round}"), &[]);
        kill_after(control_plane(&house, "place", &spec), STEP * round).await;
        house.placed(&spec).await;
        let report = house.until(&spec.instance, InstanceState::Healthy).await;
        assert_eq!(report.starts, 1, "round {round}");
        assert_eq!(
            processes_of(&house, &spec.instance).len(),
            1,
            "round {round}"
        );
    }
    let mut ports: Vec<String> = Vec::new();
    for id in house.runtime.list().await.unwrap() {
        ports.extend(house.runtime.observe(&id).await.unwrap().address);
    }
    ports.sort();
    ports.dedup();
    assert_eq!(
        ports.len(),
        ROUNDS as usize,
        "every instance has a port of its own"
    );
}

#[tokio::test]
async fn while_it_stops() {
    let house = House::new();
    for round in 0..ROUNDS {
        let spec = spec("web-1", &[]);
        house.placed(&spec).await;
        let all = processes_of(&house, &spec.instance);
        assert_eq!(all.len(), 1, "round {round}");
        kill_after(control_plane(&house, "stop", &spec), STEP * round).await;
        assert_eq!(
            house.runtime.stop(&spec.instance, 10_000).await,
            Outcome::Stopped
        );
        assert_eq!(
            processes_of(&house, &spec.instance),
            [0_i32; 0],
            "round {round}"
        );
        assert_eq!(house.runtime.list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn the_shim_at_any_moment_of_its_start() {
    let house = House::new();
    let spec = spec("web-1", &[]);
    let shim = || {
        let text =
            std::fs::read_to_string(house.instance(&spec.instance).join("status.json")).ok()?;
        let status: serde_json::Value = serde_json::from_str(&text).ok()?;
        status["shim"].as_i64()
    };
    for round in 0..ROUNDS {
        let before = shim();
        let unpacked = house.unpacked();
        let killed = async {
            until("a new shim is there", || shim() != before).await;
            let new = i32::try_from(shim().unwrap()).unwrap();
            let gone = until("it ends by itself", || !runs(new));
            if tokio::time::timeout(STEP * round / 8, gone).await.is_err() {
                crate::house::kill(new);
            }
        };
        let placing = tokio::time::timeout(
            Duration::from_millis(100),
            house.runtime.place(&spec, &unpacked),
        );
        let _ = tokio::join!(killed, placing);
        house.until(&spec.instance, InstanceState::Gone).await;
        until("no process is left", || {
            processes_of(&house, &spec.instance).is_empty()
        })
        .await;
    }
    house.placed(&spec).await;
    house.until(&spec.instance, InstanceState::Healthy).await;
    assert_eq!(processes_of(&house, &spec.instance).len(), 1);
}

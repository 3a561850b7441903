//! Processes of their own: the proxy ends in order on SIGTERM, outlives SIGHUP, and is killed without losing
//! its routes.
//!
//! The killed one is this program again: started with a directory in its environment, the first test serves there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say so at once"
)]

use model::{Health, Route, RouteTable};
use proxy::limits::Timeouts;
use proxy::{HealthAnswer, LocalRouter, Options};
use rustix::process::{Signal, getpid, kill_process};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the process that is killed.
const DIRECTORY: &str = "PROXY_TEST_DIRECTORY";

fn options(directory: &Path) -> Options {
    Options {
        control_socket: directory.join("control.sock"),
        routes_file: directory.join("routes.json"),
        timeouts: Timeouts::default(),
    }
}

/// Killed when dropped, whatever becomes of the test.
struct Killed(Child);

impl Killed {
    fn start(directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "a_killed_proxy_goes_on_where_it_was"])
            .env(DIRECTORY, directory);
        Self(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until_it_answers(runtime: &tokio::runtime::Runtime, router: &LocalRouter) -> HealthAnswer {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(health) = runtime.block_on(router.health()) {
            return health;
        }
        assert!(Instant::now() < deadline, "the proxy does not start");
    }
}

#[test]
fn a_killed_proxy_goes_on_where_it_was() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        proxy::serve(options(Path::new(&directory))).unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let router = LocalRouter::new(options(directory.path()).control_socket);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let health = Health {
        path: String::new(),
        interval_ms: 0,
        timeout_ms: 0,
        deadline_ms: 0,
    };
    let route = Route {
        service: "web".into(),
        port: 0,
        arms: Vec::new(),
        health,
    };
    let mut before = (None, BTreeMap::new());
    for generation in 1..=5 {
        let proxy = Killed::start(directory.path());
        let boot = until_it_answers(&runtime, &router).boot;
        let found = runtime.block_on(router.routes()).unwrap();
        assert_eq!((found.table, found.ports), before);
        let table = RouteTable {
            generation,
            routes: vec![route.clone()],
        };
        let published = runtime.block_on(router.put_routes(&table)).unwrap();
        assert_eq!(published.boot, boot);
        before = (Some(table), published.ports);
        // Acknowledged, so it must survive this.
        drop(proxy);
    }
}

#[test]
fn sigterm_ends_the_proxy_and_sighup_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    let router = LocalRouter::new(options.control_socket.clone());
    let serving = std::thread::spawn({
        let options = options.clone();
        move || proxy::serve(options)
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    until_it_answers(&runtime, &router);
    // Handlers are installed before the socket opens, so this process survives its own signals.
    kill_process(getpid(), Signal::HUP).unwrap();
    until_it_answers(&runtime, &router);
    kill_process(getpid(), Signal::TERM).unwrap();
    serving.join().unwrap().unwrap();
    assert!(!options.control_socket.exists());
}

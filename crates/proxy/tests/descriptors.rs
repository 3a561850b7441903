//! A process of its own, because it takes all descriptors away: accepting backs off and recovers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say so at once"
)]

use model::{Health, Route, RouteTable};
use proxy::limits::Timeouts;
use proxy::{LocalRouter, Options, Proxy};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_proxy_survives_running_out_of_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        control_socket: directory.path().join("control.sock"),
        routes_file: directory.path().join("routes.json"),
        timeouts: Timeouts::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let _running = runtime.block_on(Proxy::start(options.clone())).unwrap();
    let router = LocalRouter::new(options.control_socket);
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
    let table = RouteTable {
        generation: 1,
        routes: vec![route],
    };
    let port = runtime
        .block_on(router.put_routes(&table))
        .unwrap()
        .ports
        .remove("web")
        .unwrap();
    assert!(ask(port).unwrap().contains("503"));

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        held.push(stream);
    }
    assert!(
        ask(port).is_err(),
        "no descriptor is left even for the client"
    );
    // Room for the client, none for the proxy: it is not answered until the others have gone.
    let spare = held.pop().unwrap();
    drop(spare);
    drop(held);
    assert!(ask(port).unwrap().contains("503"));
    assert!(runtime.block_on(router.health()).is_ok());
}

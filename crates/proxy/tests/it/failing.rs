//! Instances that fail: what is retried, what must not be, and what the client is told.

use crate::support::{
    Client, Scripted, TestProxy, Upstream, arm, backend, read_head, unprobed, until, version, web,
};
use hyper::Method;
use model::{Arm, Health, RouteTable};
use proxy::limits::Timeouts;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use tokio::io::AsyncWriteExt as _;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Nobody listens there.
async fn nobody() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, crate::support::free_port()))
}

fn both(first: model::Backend, second: model::Backend) -> Vec<Arm> {
    vec![Arm {
        version: version("v1"),
        weight: 1,
        backends: vec![first, second],
    }]
}

#[tokio::test]
async fn an_instance_that_refuses_connections_is_passed_over_whatever_the_method() {
    let proxy = TestProxy::start().await;
    let alive = Upstream::start("alive").await;
    let port = proxy
        .serve(1, both(backend("dead", nobody().await), alive.backend()))
        .await;
    let mut client = Client::connect(port).await;
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ] {
        let answer = client.ask(method, "/echo", "body").await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, "body")
        );
    }
    let dead = proxy.backend("dead").await;
    assert_eq!(
        (dead.counts.failed, dead.counts.retried, dead.healthy),
        (0, dead.counts.started, false)
    );
    assert!(dead.counts.started < 5, "it is not tried every time");
}

#[tokio::test]
async fn another_version_answers_when_the_chosen_one_cannot() {
    let proxy = TestProxy::start().await;
    let old = Upstream::start("old").await;
    let never = Upstream::start("never").await;
    let new = Arm {
        version: version("v2"),
        weight: 9,
        backends: vec![backend("new", nobody().await)],
    };
    let port = proxy
        .serve(1, vec![arm("v0", 0, &[&never]), new, arm("v1", 1, &[&old])])
        .await;
    let mut client = Client::connect(port).await;
    for _ in 0..20 {
        assert_eq!(client.get("/").await.body, "old");
    }
    assert_eq!(
        never.shared.n_seen(),
        0,
        "a version without weight gets nothing, not even then"
    );
}

#[tokio::test]
async fn a_request_lost_in_a_dying_instance_is_repeated_only_if_it_can_be() {
    let proxy = TestProxy::start().await;
    let alive = Upstream::start("alive").await;
    let dying = Scripted::start(|_, mut stream| async move {
        // It reads the request and dies: nobody can tell what it did.
        let _ = read_head(&mut stream).await;
        rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO)).unwrap();
    })
    .await;
    // (method, body, what the client sees)
    let cases = [
        (Method::GET, "", 200),
        (Method::DELETE, "", 200),
        (Method::POST, "", 502),
        (Method::PUT, "body", 502),
    ];
    for (case_idx, (method, body, expected)) in cases.into_iter().enumerate() {
        // A new name each time, so that nothing is known about it yet; its turn comes first.
        let dying = backend(&format!("dying-{case_idx}"), dying.address);
        let n_seen = alive.shared.n_seen();
        let port = proxy
            .serve(case_idx as u64 + 1, both(dying, alive.backend()))
            .await;
        let answer = Client::connect(port)
            .await
            .ask(method.clone(), "/", body)
            .await
            .unwrap();
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{method}: {}",
            answer.body
        );
        let n_repeated = alive.shared.n_seen() - n_seen;
        assert_eq!(n_repeated, usize::from(expected == 200), "{method}");
    }
}

#[tokio::test]
async fn a_pooled_connection_that_died_is_replaced_by_a_new_one() {
    let proxy = TestProxy::start().await;
    // Each connection answers once and is gone when the second request arrives.
    let forgetful = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream.write_all(OK).await;
        let _ = read_head(&mut stream).await;
    })
    .await;
    let port = proxy.serve(1, vec![forgetful.arm("v1")]).await;
    let mut client = Client::connect(port).await;
    for _ in 0..50 {
        assert_eq!(client.get("/").await.status, 200);
    }
    let n_connections = forgetful.n_connections.load(Ordering::SeqCst);
    assert!((50..=51).contains(&n_connections), "{n_connections}");
    let counts = proxy.backend("v1").await;
    assert!(
        counts.healthy,
        "an idle connection that ends says nothing against an instance"
    );
    assert_eq!(
        (
            counts.counts.finished,
            counts.counts.failed,
            counts.counts.retried
        ),
        (50, 0, 0)
    );
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_unrepeatable_request() {
    let proxy = TestProxy::start().await;
    // Each connection answers once and closes, without having said so.
    let closing = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream.write_all(OK).await;
    })
    .await;
    let port = proxy.serve(1, vec![closing.arm("v1")]).await;
    let mut client = Client::connect(port).await;
    for n in 0..50 {
        // The close arrives before the next request is sent: it can be seen in time.
        until("the close has been seen", || async {
            let idle = closing.n_connections.load(Ordering::SeqCst);
            (idle == n).then_some(())
        })
        .await;
        assert_eq!(client.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn requests_that_cannot_be_repeated_get_no_old_connection() {
    let timeouts = Timeouts {
        pool_idle_unrepeatable_ms_max: 0,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let forgetful = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream.write_all(OK).await;
        let _ = read_head(&mut stream).await;
    })
    .await;
    let port = proxy.serve(1, vec![forgetful.arm("v1")]).await;
    let mut client = Client::connect(port).await;
    for _ in 0..20 {
        assert_eq!(client.ask(Method::POST, "/", "").await.unwrap().status, 200);
    }
    assert_eq!(forgetful.n_connections.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn trouble_is_named() {
    let timeouts = Timeouts {
        response_head_ms_max: 50,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let garbage = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
    })
    .await;
    let silent = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = read_head(&mut stream).await;
    })
    .await;
    let only = |name: &str, address| {
        vec![Arm {
            version: version("v1"),
            weight: 1,
            backends: vec![backend(name, address)],
        }]
    };
    let cases = [
        (vec![], 503, "service web has no instance"),
        (
            only("dead", nobody().await),
            503,
            "no instance of service web answered (1 tried); the last: cannot connect to",
        ),
        (only("garbage", garbage.address), 502, "instance garbage"),
        (
            only("silent", silent.address),
            504,
            "instance silent did not answer within 50 ms",
        ),
    ];
    for (case_idx, (arms, status, expected)) in cases.into_iter().enumerate() {
        let port = proxy.serve(case_idx as u64 + 1, arms).await;
        let answer = Client::connect(port).await.get("/").await;
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(expected), "{}", answer.body);
    }
    let counts = proxy.service().await.counts;
    assert_eq!((counts.started, counts.failed), (4, 4));
    assert_eq!(proxy.arm("v1").await.failed, 3);
}

#[tokio::test]
async fn probes_move_traffic_away_and_back_and_fail_open() {
    let proxy = TestProxy::start().await;
    let (sick, well) = (Upstream::start("sick").await, Upstream::start("well").await);
    let health = Health {
        path: "/health".to_owned(),
        interval_ms: 10,
        timeout_ms: 1_000,
        deadline_ms: 0,
    };
    let probed = |generation| {
        let RouteTable { mut routes, .. } = web(generation, vec![arm("v1", 1, &[&sick, &well])]);
        routes[0].health = health.clone();
        RouteTable { generation, routes }
    };
    let port = proxy.publish(&probed(1)).await.ports["web"];
    let mut client = Client::connect(port).await;
    sick.shared.health.store(500, Ordering::SeqCst);
    proxy
        .until_backend("it is noticed", "sick", |backend| !backend.healthy)
        .await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.body, "well");
    }
    proxy.publish(&probed(2)).await;
    assert!(
        !proxy.backend("sick").await.healthy,
        "a publication does not make it well"
    );
    well.shared.health.store(404, Ordering::SeqCst);
    proxy
        .until_backend("it is noticed", "well", |backend| !backend.healthy)
        .await;
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..10 {
        seen.push(client.get("/").await.body);
    }
    assert!(
        seen.contains(&"sick".to_owned()) && seen.contains(&"well".to_owned()),
        "when all are down, all are tried"
    );
    sick.shared.health.store(302, Ordering::SeqCst);
    proxy
        .until_backend("it is noticed", "sick", |backend| backend.healthy)
        .await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.body, "sick");
    }
    // Probes end with the table that asked for them.
    let mut quiet = probed(3);
    quiet.routes[0].health = unprobed();
    proxy.publish(&quiet).await;
    proxy
        .until_backend("nothing is known to its disadvantage", "well", |backend| {
            backend.healthy
        })
        .await;
}

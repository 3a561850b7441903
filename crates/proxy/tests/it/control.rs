//! The control socket: what is accepted, what is refused and in which words.

use crate::support::{
    Client, TestProxy, Upstream, arm, backend, free_port, raw, route, soon, version, web,
};
use model::{Arm, Health, RouteTable};
use proxy::limits::CONTROL_BODY_BYTES_MAX;
use proxy::{AskError, Refusal};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

async fn refusal(proxy: &TestProxy, table: &RouteTable) -> (Refusal, String) {
    match proxy.router.put_routes(table).await {
        Err(AskError::Refused { answer }) => (answer.error, answer.message),
        other => panic!("not refused: {other:?}"),
    }
}

/// Bytes as they are on the control socket.
async fn say(proxy: &TestProxy, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(&proxy.options.control_socket)
        .await
        .unwrap();
    // The proxy may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = soon("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn generations_only_rise() {
    let proxy = TestProxy::start().await;
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await);
    let first = web(7, vec![arm("v1", 1, &[&one])]);
    let other = web(7, vec![arm("v1", 2, &[&one])]);
    let answer = proxy.publish(&first).await;
    assert_eq!(proxy.publish(&first).await, answer, "again is the same");
    let (error, message) = refusal(&proxy, &other).await;
    assert_eq!(error, Refusal::Conflict, "{message}");
    let (error, message) = refusal(&proxy, &web(6, vec![])).await;
    assert_eq!(error, Refusal::Stale);
    assert_eq!(
        message,
        "generation 6 is older than generation 7, which is in force"
    );
    let mut client = Client::connect(answer.ports["web"]).await;
    assert_eq!(
        client.get("/").await.body,
        "one",
        "what was refused changed nothing"
    );
    proxy.publish(&web(9, vec![arm("v2", 1, &[&two])])).await;
    assert_eq!(client.get("/").await.body, "two");
    assert_eq!(proxy.router.health().await.unwrap().generation, Some(9));
}

#[tokio::test]
async fn a_port_in_use_refuses_the_whole_table_and_leaves_the_old_one() {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let free = free_port();
    let table = RouteTable {
        generation: 2,
        routes: vec![
            route("api", free, vec![]),
            route("shop", taken_port, vec![]),
            route("web", port, vec![]),
        ],
    };
    let (error, message) = refusal(&proxy, &table).await;
    assert_eq!(error, Refusal::Port);
    assert!(
        message.starts_with(&format!(
            "service shop cannot listen on port {taken_port} of 127.0.0.1: "
        )),
        "{message}"
    );
    assert_eq!(Client::connect(port).await.get("/").await.body, "only");
    assert_eq!(
        proxy
            .router
            .routes()
            .await
            .unwrap()
            .table
            .unwrap()
            .generation,
        1
    );
    assert!(
        TcpListener::bind((Ipv4Addr::LOCALHOST, free)).await.is_ok(),
        "nothing stays bound"
    );
    drop(taken);
    proxy.publish(&table).await;
    assert!(
        raw(
            taken_port,
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        .await
        .contains("service shop has no instance")
    );
}

#[tokio::test]
async fn services_come_and_go_and_chosen_ports_stay() {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let fixed = free_port();
    let both = |generation| RouteTable {
        generation,
        routes: vec![
            route("api", fixed, vec![arm("v1", 1, &[&upstream])]),
            route("web", 0, vec![arm("v1", 1, &[&upstream])]),
        ],
    };
    let chosen = proxy.publish(&both(1)).await.ports["web"];
    assert_eq!(proxy.publish(&both(2)).await.ports["web"], chosen);
    let mut client = Client::connect(fixed).await;
    assert_eq!(client.get("/").await.status, 200);
    // Removed and added again, ten times: the port is free as soon as the removal is acknowledged.
    for generation in 3..13 {
        proxy.publish(&web(generation * 2, vec![])).await;
        assert!(
            tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, fixed))
                .await
                .is_err()
        );
        proxy.publish(&both(generation * 2 + 1)).await;
        assert_eq!(Client::connect(fixed).await.get("/").await.status, 200);
    }
    // The connection from before was closed in order.
    assert!(client.ask(hyper::Method::GET, "/", "").await.is_err());
    // A service takes over the port of another in one step.
    let mut swapped = web(100, vec![arm("v1", 1, &[&upstream])]);
    swapped.routes[0].port = fixed;
    assert_eq!(proxy.publish(&swapped).await.ports["web"], fixed);
    assert_eq!(Client::connect(fixed).await.get("/").await.status, 200);
}

#[tokio::test]
async fn tables_that_cannot_be_served_are_refused_with_a_reason() {
    let proxy = TestProxy::start().await;
    let one = Upstream::start("one").await;
    let at = |address: &str| {
        let mut backend = backend("one", one.address);
        address.clone_into(&mut backend.address);
        web(
            1,
            vec![Arm {
                version: version("v1"),
                weight: 1,
                backends: vec![backend],
            }],
        )
    };
    let health = |path: &str, interval_ms, timeout_ms| {
        let mut table = web(1, vec![]);
        table.routes[0].health = Health {
            path: path.to_owned(),
            interval_ms,
            timeout_ms,
            deadline_ms: 0,
        };
        table
    };
    let routes = |routes| RouteTable {
        generation: 1,
        routes,
    };
    let port = free_port();
    let circle = {
        let mut table = at(&format!("127.0.0.1:{port}"));
        table.routes[0].port = port;
        table
    };
    let cases = [
        (
            at("localhost:80"),
            "an IP address and a port other than 0 are needed",
        ),
        (
            at("127.0.0.1:0"),
            "an IP address and a port other than 0 are needed",
        ),
        (at(""), "an IP address and a port other than 0 are needed"),
        (circle, "on which the proxy itself listens"),
        (
            web(1, vec![arm("v1", 1, &[&one]), arm("v1", 1, &[])]),
            "service web names version",
        ),
        (
            web(1, vec![arm("v1", 1, &[&one, &one])]),
            "service web names instance one twice",
        ),
        (
            web(1, vec![arm("v1", 10_001, &[&one])]),
            "10001 as the sum of its weights; at most 10000",
        ),
        (
            web(
                1,
                vec![arm("v1", u32::MAX, &[&one]), arm("v2", u32::MAX, &[])],
            ),
            "as the sum of its weights",
        ),
        (
            routes(vec![route("web", 0, vec![]), route("web", 0, vec![])]),
            "names service web twice",
        ),
        (
            routes(vec![route("a", 81, vec![]), route("b", 81, vec![])]),
            "names port 81 twice",
        ),
        (routes(vec![route("a\nb", 0, vec![])]), "visible ASCII"),
        (routes(vec![route("", 0, vec![])]), "visible ASCII"),
        (
            routes(
                (0..257)
                    .map(|n| route(&format!("s{n}"), 0, vec![]))
                    .collect(),
            ),
            "has 257 services; at most 256",
        ),
        (health("nope", 1_000, 100), "a path begins with /"),
        (health("/a b", 1_000, 100), "a path begins with /"),
        (health("/", 1, 100), "an interval of 1 ms"),
        (health("/", 1_000, 0), "a timeout of 0 ms"),
    ];
    for (table, expected) in cases {
        let (error, message) = refusal(&proxy, &table).await;
        assert_eq!(error, Refusal::Invalid);
        assert!(
            message.contains(expected),
            "{message:?} should contain {expected:?}"
        );
    }
    assert_eq!(proxy.router.health().await.unwrap().generation, None);
}

#[tokio::test]
async fn nonsense_is_answered_and_survived() {
    let proxy = TestProxy::start().await;
    let head = |request: &str, length: usize| {
        format!(
            "{request} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let oversized = [
        head("PUT /v1/routes", CONTROL_BODY_BYTES_MAX + 1).into_bytes(),
        vec![b' '; CONTROL_BODY_BYTES_MAX + 1],
    ]
    .concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (oversized, "413"),
        (b"\0\xff\x01garbage\r\n\r\n".to_vec(), "400"),
        (
            b"PUT /v1/routes HTTP/1.1\r\nhost: proxy\r\ncontent-length: 9\r\n\r\n{".to_vec(),
            "",
        ),
        (
            format!("{}nonsense", head("PUT /v1/routes", 8)).into_bytes(),
            "the body is not a route table",
        ),
        (
            format!("{}{{\"generation\":-1}}", head("PUT /v1/routes", 17)).into_bytes(),
            "the body is not a route table",
        ),
        (
            head("PUT /v1/routes", 0).into_bytes(),
            "the body is not a route table",
        ),
        (head("DELETE /v1/routes", 0).into_bytes(), "allow: GET, PUT"),
        (head("GET /v1/stop", 0).into_bytes(), "405"),
        (head("GET /", 0).into_bytes(), "is not known here"),
        (
            head("GET /v1/healthz", 0).into_bytes(),
            "\"stopping\":false",
        ),
    ];
    for (bytes, expected) in cases {
        let answer = say(&proxy, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(
            answer.contains(expected),
            "{shown:?} was answered with {answer:?}"
        );
    }
    assert_eq!(proxy.router.health().await.unwrap().generation, None);
}

#[tokio::test]
async fn the_socket_is_private() {
    let proxy = TestProxy::start().await;
    let mode = std::fs::metadata(&proxy.options.control_socket)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_table_that_cannot_be_saved_does_not_come_into_force() {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    // A directory where the new file would be written: refused for root, too.
    std::fs::create_dir(proxy.options.routes_file.with_extension("json.new")).unwrap();
    let (error, message) = refusal(&proxy, &web(2, vec![])).await;
    assert_eq!(error, Refusal::NotSaved);
    assert!(
        message.starts_with("the route table could not be saved: cannot create "),
        "{message}"
    );
    assert_eq!(Client::connect(port).await.get("/").await.body, "only");
}

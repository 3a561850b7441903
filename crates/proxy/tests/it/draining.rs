//! Backends that leave: what they have in flight is finished, counted, and never added to.

use crate::support::{
    Client, Scripted, TestProxy, Upstream, arm, draining, read_head, soon, until,
};
use http_body_util::BodyExt as _;
use hyper::Method;
use proxy::Standing;
use proxy::limits::Timeouts;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_long_download_survives_the_removal_of_its_backend() {
    let proxy = TestProxy::start().await;
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let port = proxy.serve(1, vec![arm("v1", 1, &[&old])]).await;
    let mut downloading = Client::connect(port).await;
    let mut response = downloading
        .begin(Method::GET, "/download", "")
        .await
        .unwrap();
    old.shared.gate.add_permits(1);
    let first = soon("the first chunk", response.frame())
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert_eq!(
        &first[..],
        b"chunk 0\n",
        "chunks are passed on as they come"
    );

    proxy.serve(2, vec![arm("v2", 1, &[&new])]).await;
    let left = proxy.backend("old").await;
    assert_eq!(
        (left.standing, left.counts.in_flight),
        (Standing::Removed, 1)
    );
    let mut other = Client::connect(port).await;
    for _ in 0..20 {
        assert_eq!(other.get("/").await.body, "new");
    }
    assert_eq!(old.shared.n_seen(), 1);

    old.shared.gate.add_permits(9);
    let rest = soon("the rest", response.collect())
        .await
        .unwrap()
        .to_bytes();
    assert!(rest.ends_with(b"chunk 9\n"));
    proxy
        .until_backend("the end of the drain", "old", |backend| {
            backend.counts.in_flight == 0
        })
        .await;
    let left = proxy.backend("old").await;
    assert_eq!(
        (
            left.counts.started,
            left.counts.finished,
            left.counts.failed
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn an_upgraded_connection_is_passed_through_and_counted_until_it_closes() {
    let proxy = TestProxy::start().await;
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let port = proxy.serve(1, vec![arm("v1", 1, &[&old])]).await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let request =
        "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = soon("the head", read_head(&mut stream)).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(
        head.contains("upgrade: echo") && head.contains("x-steadfast-instance: old"),
        "{head}"
    );

    let mut echo = async |message: &[u8]| {
        stream.write_all(message).await.unwrap();
        let mut answer = vec![0; message.len()];
        soon("the echo", stream.read_exact(&mut answer))
            .await
            .unwrap();
        assert_eq!(answer, message);
    };
    echo(b"before").await;
    proxy
        .serve(
            2,
            vec![draining(arm("v1", 0, &[&old])), arm("v2", 1, &[&new])],
        )
        .await;
    echo(b"while draining").await;
    proxy.serve(3, vec![arm("v2", 1, &[&new])]).await;
    echo(&vec![7; 300_000]).await;
    let counts = proxy.backend("old").await.counts;
    assert_eq!((counts.in_flight, counts.upgraded), (1, 1));
    drop(stream);
    proxy
        .until_backend("the end", "old", |backend| {
            backend.counts.in_flight == 0 && backend.counts.upgraded == 0
        })
        .await;
    assert_eq!(proxy.backend("old").await.counts.failed, 0);
}

#[tokio::test]
async fn either_side_of_an_upgraded_connection_may_stop_speaking_and_go_on_listening() {
    let proxy = TestProxy::start().await;
    for is_backend_first in [true, false] {
        let (heard, mut hears) = tokio::sync::mpsc::channel(1);
        let talking = Scripted::start(move |_, mut stream| {
            let heard = heard.clone();
            async move {
                let _ = read_head(&mut stream).await;
                let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: talk\r\n\r\n";
                stream.write_all(head).await.unwrap();
                let mut said = String::new();
                if is_backend_first {
                    stream.shutdown().await.unwrap();
                    stream.read_to_string(&mut said).await.unwrap();
                } else {
                    stream.read_to_string(&mut said).await.unwrap();
                    stream.write_all(b"farewell").await.unwrap();
                }
                heard.send(said).await.unwrap();
            }
        })
        .await;
        let generation = if is_backend_first { 1 } else { 2 };
        let port = proxy.serve(generation, vec![talking.arm("v1")]).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: talk\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(
            soon("the head", read_head(&mut stream))
                .await
                .unwrap()
                .contains(" 101 ")
        );
        let mut answer = String::new();
        if is_backend_first {
            soon("the end of the backend", stream.read_to_string(&mut answer))
                .await
                .unwrap();
            stream.write_all(b"are you there?").await.unwrap();
            stream.shutdown().await.unwrap();
        } else {
            stream.write_all(b"are you there?").await.unwrap();
            stream.shutdown().await.unwrap();
            soon("the end of the backend", stream.read_to_string(&mut answer))
                .await
                .unwrap();
            assert_eq!(answer, "farewell");
        }
        assert_eq!(
            soon("what it heard", hears.recv()).await.unwrap(),
            "are you there?"
        );
    }
}

#[tokio::test]
async fn a_draining_instance_gets_nothing_while_its_version_goes_on() {
    let proxy = TestProxy::start().await;
    let (leaves, stays) = (
        Upstream::start("leaves").await,
        Upstream::start("stays").await,
    );
    let mut shrinking = arm("v1", 1, &[&leaves, &stays]);
    shrinking.backends[0].draining = true;
    let port = proxy.serve(1, vec![shrinking]).await;
    let mut client = Client::connect(port).await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.body, "stays");
    }
    assert_eq!(proxy.backend("leaves").await.standing, Standing::Draining);
    // Not even when nobody else is there: it may be about to end.
    stays.kill().await;
    assert_eq!(Client::connect(port).await.get("/").await.status, 503);
    assert_eq!(leaves.shared.n_seen(), 0);
}

#[tokio::test]
async fn idle_connections_of_a_drained_backend_are_closed_at_once() {
    // Nothing else would close them.
    let timeouts = Timeouts {
        pool_idle_ms_max: 3_600_000,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let new = Upstream::start("new").await;
    for leave in [|arm| vec![draining(arm)], |_| vec![]] {
        let n_closed = Arc::new(AtomicU64::new(0));
        let counter = n_closed.clone();
        let old = Scripted::start(move |_, mut stream| {
            let n_closed = counter.clone();
            async move {
                let _ = read_head(&mut stream).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
                let _ = read_head(&mut stream).await;
                n_closed.fetch_add(1, Ordering::SeqCst);
            }
        })
        .await;
        let generation = proxy.router.health().await.unwrap().generation.unwrap_or(0);
        let port = proxy.serve(generation + 1, vec![old.arm("v1")]).await;
        assert_eq!(Client::connect(port).await.get("/").await.body, "ok");
        assert_eq!(n_closed.load(Ordering::SeqCst), 0);
        proxy
            .serve(
                generation + 2,
                [leave(old.arm("v1")), vec![arm("v2", 1, &[&new])]].concat(),
            )
            .await;
        until("it is closed", || async {
            (n_closed.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_backend_that_comes_back_keeps_its_counters() {
    let proxy = TestProxy::start().await;
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await);
    let port = proxy.serve(1, vec![arm("v1", 1, &[&one])]).await;
    let mut client = Client::connect(port).await;
    client.get("/").await;
    proxy.serve(2, vec![arm("v2", 1, &[&two])]).await;
    client.get("/").await;
    proxy.serve(3, vec![arm("v1", 1, &[&one])]).await;
    client.get("/").await;
    let back = proxy.backend("one").await;
    assert_eq!((back.standing, back.counts.finished), (Standing::Active, 2));
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let mut proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let mut client = Client::connect(port).await;
    let asking = client.ask(Method::GET, "/hold", "");
    let stopping = async {
        until("the request has arrived", || async {
            (upstream.shared.n_seen() == 1).then_some(())
        })
        .await;
        assert!(proxy.router.stop().await.unwrap().stopping);
        let ended = proxy.proxy.take().unwrap().ended();
        let refused = async {
            // The port is closed while the request is still being answered.
            until("the port is closed", || async {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .is_err()
                    .then_some(())
            })
            .await;
            upstream.shared.gate.add_permits(1);
        };
        let (is_drained, ()) = tokio::join!(soon("the end", ended), refused);
        assert!(is_drained);
    };
    let (answer, ()) = tokio::join!(asking, stopping);
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (200, "only")
    );
    assert!(!proxy.options.control_socket.exists());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut proxy = TestProxy::start_with(Timeouts {
        drain_ms_max: 50,
        ..Timeouts::default()
    })
    .await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let mut client = Client::connect(port).await;
    let held = client.begin(Method::GET, "/hold", "");
    let stopping = async {
        until("the request has arrived", || async {
            (upstream.shared.n_seen() == 1).then_some(())
        })
        .await;
        let running = proxy.proxy.take().unwrap();
        running.stop();
        assert!(
            !soon("the end", running.ended()).await,
            "it says that something was cut off"
        );
    };
    tokio::select! {
        _ = held => panic!("answered"),
        () = stopping => {}
    }
}

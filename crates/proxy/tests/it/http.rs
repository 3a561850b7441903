//! HTTP/1.1 as a proxy has to speak it (RFC 9110, RFC 9112), and what it refuses.

use crate::support::{Client, Scripted, TestProxy, Upstream, arm, raw, read_head, soon, until};
use hyper::Method;
use proxy::limits::{HEADERS_MAX, LINGER_BYTES_MAX, REQUEST_BODY_BYTES_MAX, Timeouts};
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn served() -> (TestProxy, Upstream, u16) {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    (proxy, upstream, port)
}

/// Raw requests, with strings that the answer must and must not contain. `/request` answers with what arrived.
#[tokio::test]
async fn requests_are_passed_on_as_the_standard_says() {
    let (_proxy, _upstream, port) = served().await;
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "GET /request?a=b&c HTTP/1.1\r\nhost: shop.test\r\nx-mine: 1\r\n",
            &[
                "200 OK",
                "GET /request?a=b&c HTTP/1.1",
                "host: shop.test",
                "x-mine: 1",
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-proto: http",
                "x-forwarded-host: shop.test",
                "x-passed-on: 1",
                "x-steadfast-instance: only",
            ],
            &[
                "x-only-here",
                "keep-alive",
                "forged",
                "transfer-encoding: chunked\ncontent-length",
            ],
        ),
        (
            "GET /request HTTP/1.1\r\nhost: a\r\nconnection: x-private, keep-alive, host, close\r\nx-private: 1\r\nkeep-alive: 5\r\n\
             proxy-connection: x\r\nproxy-authorization: x\r\nte: trailers\r\n",
            &["200 OK", "host: a"],
            &["x-private", "keep-alive", "proxy-", "\nte: "],
        ),
        (
            "GET /request HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\nx-forwarded-proto: https\r\n\
             x-forwarded-host: outside\r\n",
            &[
                "x-forwarded-for: 1.1.1.1, 2.2.2.2, 127.0.0.1",
                "x-forwarded-proto: https",
                "x-forwarded-host: outside",
            ],
            &[],
        ),
        (
            "GET http://real.test:81/request?q HTTP/1.1\r\nhost: other\r\n",
            &["GET /request?q", "host: real.test:81"],
            &["host: other"],
        ),
        (
            "GET http://user:secret@real.test/request HTTP/1.1\r\nhost: other\r\n",
            &["host: real.test\n"],
            &["secret"],
        ),
        (
            "GET http://real.test HTTP/1.1\r\nhost: other\r\n",
            &["200 OK", "only"],
            &[],
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: a\r\n",
            &["200 OK", "only"],
            &[],
        ),
        (
            "GET /request HTTP/1.0\r\n",
            &["HTTP/1.0 200 OK", "GET /request HTTP/1.1"],
            &["transfer-encoding"],
        ),
        (
            "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n",
            &["405", "allow: GET"],
            &[],
        ),
        ("GET /request HTTP/1.1\r\n", &["400", "no Host header"], &[]),
        (
            "GET /request HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
            &["400", "more than one Host"],
            &[],
        ),
        ("GET /request\r\n", &["400"], &[]),
        ("\x16\x03\x01 this is TLS\r\n", &["400"], &[]),
        (
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n",
            &["400"],
            &[],
        ),
        (
            "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n",
            &["400"],
            &[],
        ),
        (
            "GET /request HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\n",
            &["200 OK"],
            &["upgrade: ", "http2-settings"],
        ),
        ("GET /status/204 HTTP/1.1\r\nhost: a\r\n", &["204"], &[]),
        (
            "GET /upgrade HTTP/1.1\r\nhost: a\r\n",
            &["502", "unasked"],
            &["101"],
        ),
    ];
    for (request, must, must_not) in cases {
        let close = if request.contains("connection: ") {
            ""
        } else {
            "connection: close\r\n"
        };
        let answer = raw(port, &format!("{request}{close}\r\n")).await;
        for expected in *must {
            assert!(
                answer.contains(expected),
                "{request}\nshould be answered with {expected}\n{answer}"
            );
        }
        for unexpected in *must_not {
            assert!(
                !answer.contains(unexpected),
                "{request}\nshould not be answered with {unexpected}\n{answer}"
            );
        }
    }
}

#[tokio::test]
async fn bodies_are_streamed_both_ways_and_arrive_whole() {
    let (_proxy, _upstream, port) = served().await;
    let mut client = Client::connect(port).await;
    let large = "0123456789abcdef".repeat(200_000);
    assert_eq!(
        client
            .ask(Method::POST, "/echo", &large)
            .await
            .unwrap()
            .body,
        large
    );
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for method in ["POST", "GET", "DELETE"] {
        let answer = raw(port, &chunked.replace("POST", method)).await;
        assert!(
            answer.contains("hello") && answer.contains(" world"),
            "{method}: {answer}"
        );
    }
    // A message with two lengths has the chunked one, and only that is passed on.
    let twofold = chunked
        .replace("/echo", "/request")
        .replace("\r\nconnection", "\r\ncontent-length: 3\r\nconnection");
    let answer = raw(port, &twofold).await;
    assert!(
        answer.contains("\ntransfer-encoding: chunked") && !answer.contains("\ncontent-length: 3"),
        "{answer}"
    );
    let expecting = "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    let answer = raw(port, expecting).await;
    assert!(
        answer.starts_with("HTTP/1.1 100") && answer.ends_with("hi"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_answer_with_two_lengths_is_passed_on_with_one() {
    let proxy = TestProxy::start().await;
    let twofold = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let _ = stream.write_all(answer).await;
    })
    .await;
    let port = proxy.serve(1, vec![twofold.arm("v1")]).await;
    let answer = raw(
        port,
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        !answer.contains("content-length") && answer.contains("5\r\nhello\r\n0\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_answer_to_head_keeps_its_length_and_has_no_body() {
    let (proxy, _upstream, port) = served().await;
    let mut client = Client::connect(port).await;
    for _ in 0..3 {
        let answer = client.ask(Method::HEAD, "/", "").await.unwrap();
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("content-length"),
                answer.body.as_str()
            ),
            (200, "4", "")
        );
    }
    assert_eq!(proxy.arm("v1").await.aborted, 0);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let (_proxy, upstream, port) = served().await;
    let many = (0..=HEADERS_MAX)
        .map(|n| format!("x-{n}: 1\r\n"))
        .collect::<String>();
    let long = format!("x-long: {}\r\n", "a".repeat(70_000));
    for headers in [many, long] {
        let answer = raw(port, &format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}\r\n")).await;
        assert!(
            answer.starts_with("HTTP/1.1 431"),
            "{} bytes of headers: {answer}",
            headers.len()
        );
    }
    let too_much = REQUEST_BODY_BYTES_MAX + 1;
    let answer = raw(port, &format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {too_much}\r\nconnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(upstream.shared.n_seen(), 0);
    // Most clients read only when they have written: they must get that far.
    let mut writing = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {too_much}\r\n\r\n");
    writing.write_all(head.as_bytes()).await.unwrap();
    soon(
        "the upload",
        writing.write_all(&vec![b'x'; LINGER_BYTES_MAX / 2]),
    )
    .await
    .unwrap();
    let answer = soon("the answer", read_head(&mut writing)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn slow_heads_and_silent_bodies_are_cut_off() {
    let timeouts = Timeouts {
        client_head_ms_max: 50,
        body_idle_ms_max: 50,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let answer = raw(port, "GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    assert!(!answer.contains("200"), "{answer}");
    assert_eq!(upstream.shared.n_seen(), 0);
    let answer = raw(
        port,
        "POST /hold HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf",
    )
    .await;
    assert!(
        answer.contains("408") && answer.contains("did not arrive in time"),
        "{answer}"
    );
    // A download that stops in the middle is cut off, too.
    // (One permit for it, and one in case the request above still holds its place.)
    upstream.shared.gate.add_permits(2);
    let answer = raw(port, "GET /download HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(
        answer.contains("chunk 0") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    until("nothing is in flight", || async {
        let counts = proxy.arm("v1").await;
        (counts.in_flight == 0 && counts.finished == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_stops_reading_does_not_hold_up_a_drain() {
    let timeouts = Timeouts {
        body_idle_ms_max: 50,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let endless = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n")
            .await;
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    let port = proxy.serve(1, vec![endless.arm("v1")]).await;
    let mut deaf = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    deaf.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    until("it is given up", || async {
        (proxy.arm("v1").await.aborted == 1).then_some(())
    })
    .await;
    assert_eq!(proxy.arm("v1").await.in_flight, 0);
}

#[tokio::test]
async fn a_long_upload_is_not_a_late_answer() {
    let timeouts = Timeouts {
        response_head_ms_max: 100,
        ..Timeouts::default()
    };
    let proxy = TestProxy::start_with(timeouts).await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let collecting = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let mut body = [0; 60];
        let _ = stream.read_exact(&mut body).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
    })
    .await;
    proxy.serve(2, vec![collecting.arm("v2")]).await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream
        .write_all(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 60\r\n\r\n")
        .await
        .unwrap();
    // Ten bytes every 30 ms: the whole takes longer than the limit, each step does not.
    let mut interval = tokio::time::interval(Duration::from_millis(30));
    for _ in 0..6 {
        interval.tick().await;
        stream.write_all(b"0123456789").await.unwrap();
    }
    let head = soon("the answer", read_head(&mut stream)).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (_proxy, _upstream, port) = served().await;
    let requests = "GET /status/201 HTTP/1.1\r\nhost: a\r\n\r\nGET /status/202 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = raw(port, requests).await;
    let (first, second) = (answer.find(" 201 ").unwrap(), answer.find(" 202 ").unwrap());
    assert!(first < second, "{answer}");
}

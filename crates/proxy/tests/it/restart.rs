//! Starting again: what a proxy knows from before, and when it refuses to start.

use crate::support::{Client, TestProxy, Upstream, arm, soon};
use proxy::{Options, Proxy};

#[tokio::test]
async fn a_proxy_that_starts_again_goes_on_with_the_last_table() {
    let mut proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(3, vec![arm("v1", 1, &[&upstream])]).await;
    Client::connect(port).await.get("/").await;
    let before = (
        proxy.router.routes().await.unwrap(),
        proxy.router.health().await.unwrap(),
    );
    proxy.restart().await;
    let after = (
        proxy.router.routes().await.unwrap(),
        proxy.router.health().await.unwrap(),
    );
    assert_eq!(
        (after.0.table, after.0.ports),
        (before.0.table, before.0.ports),
        "chosen ports stay"
    );
    assert_ne!(
        after.1.boot, before.1.boot,
        "a reader can see that counters began again"
    );
    assert_eq!(proxy.service().await.counts.started, 0);
    assert_eq!(Client::connect(port).await.get("/").await.body, "only");
}

#[tokio::test]
async fn what_a_killed_proxy_left_behind_is_replaced_and_a_second_one_refused() {
    let mut proxy = TestProxy::start().await;
    let second = Proxy::start(proxy.options.clone()).await.unwrap_err();
    assert!(
        second
            .to_string()
            .starts_with("another proxy is running here"),
        "{second}"
    );
    assert!(
        proxy.router.health().await.is_ok(),
        "the first is not disturbed"
    );
    let running = proxy.proxy.take().unwrap();
    running.stop();
    soon("the end", running.ended()).await;
    drop(std::os::unix::net::UnixListener::bind(&proxy.options.control_socket).unwrap());
    assert!(proxy.router.health().await.is_err());
    proxy.proxy = Some(Proxy::start(proxy.options.clone()).await.unwrap());
    assert!(proxy.router.health().await.is_ok());
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        control_socket: directory.path().join("control.sock"),
        routes_file: directory.path().join("routes.json"),
        timeouts: proxy::limits::Timeouts::default(),
    };
    std::fs::write(&options.routes_file, "not a table").unwrap();
    let error = Proxy::start(options.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot go on with the saved routes");
    std::fs::remove_file(&options.routes_file).unwrap();
    let far = Options {
        control_socket: directory.path().join("x".repeat(100)),
        ..options.clone()
    };
    let error = Proxy::start(far).await.unwrap_err();
    assert!(error.to_string().contains("99 are allowed"), "{error}");
    let nowhere = Options {
        routes_file: directory.path().join("absent/routes.json"),
        ..options
    };
    let error = Proxy::start(nowhere).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot open "), "{error}");
}

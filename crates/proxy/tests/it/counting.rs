//! What is counted: how each way to end shows, and that nothing stays in flight for ever.

use crate::support::{
    Client, Scripted, TestProxy, Upstream, arm, raw, read_head, until, version, web,
};
use contract::Router as _;
use hyper::Method;
use model::Outcome;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn every_way_to_end_is_counted_once() {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let port = proxy.serve(1, vec![arm("v1", 1, &[&upstream])]).await;
    let mut client = Client::connect(port).await;
    for (path, status) in [
        ("/", 200),
        ("/status/404", 404),
        ("/status/500", 500),
        ("/status/503", 503),
    ] {
        assert_eq!(client.get(path).await.status, status);
    }
    {
        // A client that goes away while it waits.
        let mut impatient = Client::connect(port).await;
        let asking = impatient.begin(Method::GET, "/hold", "");
        let seen = async {
            until("the request has arrived", || async {
                (upstream.shared.n_seen() == 5).then_some(())
            })
            .await;
            assert_eq!(proxy.arm("v1").await.in_flight, 1);
        };
        tokio::select! {
            _ = asking => panic!("answered"),
            () = seen => {}
        }
    }
    proxy
        .until_backend("nothing is in flight", "only", |backend| {
            backend.counts.in_flight == 0
        })
        .await;
    let (service, arm, backend) = (
        proxy.service().await.counts,
        proxy.arm("v1").await,
        proxy.backend("only").await.counts,
    );
    for counts in [service, arm, backend] {
        assert_eq!(
            (
                counts.started,
                counts.finished,
                counts.failed,
                counts.aborted
            ),
            (5, 5, 2, 1)
        );
        assert_eq!(
            counts
                .latency
                .iter()
                .map(|bucket| bucket.count)
                .sum::<u64>(),
            4
        );
    }
    let extract = proxy.router.counts().await.unwrap();
    assert_eq!(extract.len(), 1);
    let arm = &extract[0].arms[0];
    assert_eq!(
        (arm.version, arm.finished, arm.failed),
        (version("v1"), 4, 2)
    );
    assert_eq!(
        arm.in_flight
            .iter()
            .map(|(instance, n)| (instance.0.as_str(), *n))
            .collect::<Vec<_>>(),
        [("only", 0)]
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_has_failed() {
    let proxy = TestProxy::start().await;
    let breaking = Scripted::start(|_, mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await;
    })
    .await;
    let port = proxy.serve(1, vec![breaking.arm("v1")]).await;
    let answer = raw(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.ends_with("half"), "{answer}");
    let counts = until("the end", || async {
        let counts = proxy.arm("v1").await;
        (counts.finished == 1).then_some(counts)
    })
    .await;
    assert_eq!((counts.failed, counts.in_flight), (1, 0));
}

#[tokio::test]
async fn the_router_says_what_the_contract_asks_for() {
    let proxy = TestProxy::start().await;
    let upstream = Upstream::start("only").await;
    let router: &dyn contract::Router = &proxy.router;
    assert_eq!(router.current().await.unwrap(), None);
    assert_eq!(router.counts().await.unwrap(), []);
    let table = web(5, vec![arm("v1", 1, &[&upstream])]);
    let Outcome::Published { generation, ports } = router.publish(&table).await else {
        panic!("not published")
    };
    assert_eq!((generation, ports.len()), (5, 1));
    assert_eq!(router.current().await.unwrap(), Some(table.clone()));
    assert!(
        matches!(
            router.publish(&table).await,
            Outcome::Published { generation: 5, .. }
        ),
        "by key"
    );
    let older = web(4, vec![]);
    assert!(matches!(
        router.publish(&older).await,
        Outcome::Refused { .. }
    ));
    let absent = proxy::LocalRouter::new(proxy.options.control_socket.with_extension("absent"));
    assert!(matches!(
        absent.publish(&table).await,
        Outcome::Failed { .. }
    ));
    let error = absent.counts().await.unwrap_err().to_string();
    assert!(error.contains("is it running?"), "{error}");
}

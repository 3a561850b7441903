//! Traffic that moves: exact shares, and no failed request while tables change and instances come and go.

use crate::support::{Client, TestProxy, Upstream, arm, draining, soon, until, version};
use hyper::Method;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinSet;

#[tokio::test]
async fn shares_are_exact_over_a_hundred_requests() {
    let proxy = TestProxy::start().await;
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut client = None;
    for (generation, (old_weight, new_weight)) in [(95, 5), (75, 25), (1, 1), (0, 3), (100, 0)]
        .into_iter()
        .enumerate()
    {
        let generation = generation as u64 + 1;
        let port = proxy
            .serve(
                generation,
                vec![
                    arm("v1", old_weight, &[&old]),
                    arm("v2", new_weight, &[&new]),
                ],
            )
            .await;
        if client.is_none() {
            client = Some(Client::connect(port).await);
        }
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..100 {
            let answer = client.as_mut().unwrap().get("/").await;
            assert_eq!(answer.instance(), answer.body);
            *seen.entry(answer.version().to_owned()).or_default() += 1;
        }
        let share = |name: &str| seen.get(&version(name).to_string()).copied().unwrap_or(0);
        let expected = (
            100 * old_weight / (old_weight + new_weight),
            100 * new_weight / (old_weight + new_weight),
        );
        assert_eq!((share("v1"), share("v2")), expected);
    }
    assert_eq!(proxy.arm("v2").await.started, 5 + 25 + 50 + 100);
}

#[tokio::test]
async fn instances_of_a_version_take_turns() {
    let proxy = TestProxy::start().await;
    let upstreams = [
        Upstream::start("a").await,
        Upstream::start("b").await,
        Upstream::start("c").await,
    ];
    let port = proxy
        .serve(1, vec![arm("v1", 1, &upstreams.each_ref()[..])])
        .await;
    let mut client = Client::connect(port).await;
    for _ in 0..30 {
        client.get("/").await;
    }
    for upstream in &upstreams {
        assert_eq!(upstream.shared.n_seen(), 10);
    }
}

#[tokio::test]
async fn two_instances_alternate() {
    let proxy = TestProxy::start().await;
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await);
    let port = proxy.serve(1, vec![arm("v1", 1, &[&one, &two])]).await;
    let mut client = Client::connect(port).await;
    let mut last = client.get("/").await.body;
    for _ in 0..10 {
        let next = client.get("/").await.body;
        assert_ne!(next, last);
        last = next;
    }
}

#[tokio::test]
async fn publications_do_not_begin_the_shares_anew() {
    let proxy = TestProxy::start().await;
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut client = None;
    for generation in 1..=100 {
        let port = proxy
            .serve(
                generation,
                vec![arm("v1", 95, &[&old]), arm("v2", 5, &[&new])],
            )
            .await;
        if client.is_none() {
            client = Some(Client::connect(port).await);
        }
        client.as_mut().unwrap().get("/").await;
    }
    assert_eq!((old.shared.n_seen(), new.shared.n_seen()), (95, 5));
}

/// What clients saw.
#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    failures: std::sync::Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// A client that keeps its connection and sends one request after another, every third of them not repeatable.
async fn keep_asking(port: u16, tally: Arc<Tally>) {
    let mut client = Client::connect(port).await;
    let mut n = 0_u64;
    while !tally.is_over.load(Ordering::Relaxed) {
        n += 1;
        let answer = match n % 3 {
            0 => {
                client
                    .ask(Method::POST, "/echo", "a body that must arrive once")
                    .await
            }
            _ => client.ask(Method::GET, "/", "").await,
        };
        match answer {
            Ok(answer) if answer.status == 200 => {
                tally.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => tally
                .failures
                .lock()
                .unwrap()
                .push(format!("{}: {}", answer.status, answer.body)),
            Err(error) => {
                tally.failures.lock().unwrap().push(format!("{error:?}"));
                client = Client::connect(port).await;
            }
        }
    }
}

/// The promise this crate exists for. Instances are drained, seen to have nothing in flight, and killed without mercy;
/// requests that cannot be repeated are among the traffic, so a single one sent too late would be seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_tables_change_and_instances_come_and_go() {
    let proxy = TestProxy::start().await;
    let mut current = Upstream::start("instance-0").await;
    let mut generation = 1;
    let port = proxy
        .serve(generation, vec![arm("v0", 1, &[&current])])
        .await;
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        clients.spawn(keep_asking(port, tally.clone()));
    }
    for round in 1..=40 {
        let answered_before = tally.answered.load(Ordering::Relaxed);
        let next = Upstream::start(&format!("instance-{round}")).await;
        let (old_name, new_name) = (format!("v{}", round - 1), format!("v{round}"));
        for (old_weight, new_weight) in [(95, 5), (50, 50), (0, 100)] {
            generation += 1;
            proxy
                .serve(
                    generation,
                    vec![
                        arm(&old_name, old_weight, &[&current]),
                        arm(&new_name, new_weight, &[&next]),
                    ],
                )
                .await;
        }
        generation += 1;
        proxy
            .serve(
                generation,
                vec![
                    draining(arm(&old_name, 0, &[&current])),
                    arm(&new_name, 1, &[&next]),
                ],
            )
            .await;
        proxy
            .until_backend("the drain", &current.name, |backend| {
                backend.counts.in_flight == 0
            })
            .await;
        let n_seen = current.shared.n_seen();
        if round % 2 == 0 {
            current.kill().await;
        } else {
            let shared = current.shared.clone();
            current.stop().await;
            assert_eq!(shared.n_seen(), n_seen, "a request came after the drain");
        }
        generation += 1;
        proxy
            .serve(generation, vec![arm(&new_name, 1, &[&next])])
            .await;
        current = next;
        until("traffic in this round", || async {
            (tally.answered.load(Ordering::Relaxed) > answered_before + 50).then_some(())
        })
        .await;
    }
    tally.is_over.store(true, Ordering::Relaxed);
    soon("the clients end", async {
        while clients.join_next().await.is_some() {}
    })
    .await;
    let answered = tally.answered.load(Ordering::Relaxed);
    assert_eq!(
        *tally.failures.lock().unwrap(),
        Vec::<String>::new(),
        "of {answered}"
    );
    assert!(answered > 2_000, "{answered}");
    let service = proxy.service().await;
    assert_eq!(service.counts.started, answered);
    assert_eq!(
        (
            service.counts.finished,
            service.counts.failed,
            service.counts.aborted
        ),
        (answered, 0, 0)
    );
    assert!(generation > 200);
}

/// As above, but nobody drains: instances are killed in the middle of traffic, as machines do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_instance_costs_no_repeatable_request() {
    let proxy = TestProxy::start().await;
    let stays = Upstream::start("stays").await;
    let dies = Upstream::start("dies").await;
    let mut generation = 1;
    let port = proxy
        .serve(generation, vec![arm("v1", 1, &[&stays, &dies])])
        .await;
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let tally = tally.clone();
        clients.spawn(async move {
            let mut client = Client::connect(port).await;
            while !tally.is_over.load(Ordering::Relaxed) {
                let answer = client.get("/").await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                tally.answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut dies = Some(dies);
    for _ in 0..20 {
        let dying = dies.take().unwrap();
        let name = dying.name.clone();
        let seen = dying.shared.n_seen();
        until("traffic to the one that dies", || async {
            (dying.shared.n_seen() > seen + 20).then_some(())
        })
        .await;
        dying.kill().await;
        // It stays in the table for a while, as it does until somebody notices.
        let answered = tally.answered.load(Ordering::Relaxed);
        until("traffic without it", || async {
            (tally.answered.load(Ordering::Relaxed) > answered + 50).then_some(())
        })
        .await;
        generation += 1;
        let next = Upstream::start(&name).await;
        proxy
            .serve(generation, vec![arm("v1", 1, &[&stays, &next])])
            .await;
        dies = Some(next);
    }
    tally.is_over.store(true, Ordering::Relaxed);
    while let Some(client) = soon("the clients end", clients.join_next()).await {
        client.unwrap();
    }
    let service = proxy.service().await;
    assert_eq!((service.counts.failed, service.counts.retried), (0, 0));
    assert!(
        proxy.arm("v1").await.retried > 0,
        "nothing was ever killed in time"
    );
}

//! The suite that every router runs.

use crate::support::{Client, TestProxy, Upstream, arm, web};
use contract::Pending;
use contract::conformance::{self, RouterFixture};
use model::RouteTable;
use std::time::Duration;
use value::Name;

struct Fixture {
    old: Upstream,
    new: Upstream,
}

impl RouterFixture for Fixture {
    fn table(&self, generation: u64, variant: u32) -> RouteTable {
        web(
            generation,
            vec![
                arm("v1", 10 - variant, &[&self.old]),
                arm("v2", variant, &[&self.new]),
            ],
        )
    }

    fn request<'a>(&'a self, _service: &'a Name, port: u16) -> Pending<'a, ()> {
        Box::pin(async move {
            assert_eq!(Client::connect(port).await.get("/").await.status, 200);
        })
    }

    fn pause(&self) -> Pending<'_, ()> {
        Box::pin(async {
            let mut interval = tokio::time::interval(Duration::from_millis(2));
            interval.tick().await;
            interval.tick().await;
        })
    }
}

#[tokio::test]
async fn the_local_router_keeps_the_promises_of_routers() {
    let proxy = TestProxy::start().await;
    let fixture = Fixture {
        old: Upstream::start("old").await,
        new: Upstream::start("new").await,
    };
    conformance::router(&proxy.router, &fixture).await;
}

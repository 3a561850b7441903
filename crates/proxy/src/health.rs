//! Whether an instance may be expected to answer.
//!
//! Two sources: requests that could not be delivered mark an instance as down at once ([`Health::refused`]), and a
//! probe asks its health path at an interval ([`probe_until_aborted`]). One success brings it back, two failed probes
//! in a row take it out. Where nothing probes, a down instance is tried again after a while.
//!
//! This is a belief, used to order candidates. It never makes a request fail: when nobody is believed to be up,
//! everybody is tried. Whether a *new* instance is ready for traffic is decided by the control plane, not here.

use crate::limits::{HEAD_BYTES_MAX, PASSIVE_DOWN_MS, UNHEALTHY_AFTER_FAILURES, ms};
use crate::table::Backend;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

/// Down until a probe succeeds.
const UNTIL_PROBED: u64 = u64::MAX;

/// What is believed of one instance. Read for every request, so it is a number and not a lock.
#[derive(Debug)]
pub(crate) struct Health {
    /// Milliseconds on the process's clock from which the instance counts as up; 0 means now.
    up_from_ms: AtomicU64,
    failures: AtomicU32,
    is_probed: AtomicBool,
}

impl Health {
    /// A new instance is believed to be up: the control plane would not have published it otherwise.
    pub(crate) fn new() -> Self {
        Self {
            up_from_ms: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            is_probed: AtomicBool::new(false),
        }
    }

    /// Whether it is believed to be up.
    pub(crate) fn is_up(&self, now_ms: u64) -> bool {
        self.up_from_ms.load(Ordering::Relaxed) <= now_ms
    }

    /// A connection was refused, or lost before a byte of an answer.
    pub(crate) fn refused(&self, now_ms: u64) {
        let until = if self.is_probed.load(Ordering::Relaxed) {
            UNTIL_PROBED
        } else {
            now_ms + PASSIVE_DOWN_MS
        };
        self.up_from_ms.store(until, Ordering::Relaxed);
    }

    /// A probe ended.
    fn probed(&self, is_well: bool) {
        if is_well {
            self.failures.store(0, Ordering::Relaxed);
            self.up_from_ms.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= UNHEALTHY_AFTER_FAILURES {
            // The count starts again, so that it cannot run over in an instance that is down for weeks.
            self.failures
                .store(UNHEALTHY_AFTER_FAILURES - 1, Ordering::Relaxed);
            self.up_from_ms.store(UNTIL_PROBED, Ordering::Relaxed);
        }
    }

    /// Nothing probes the instance (any more), so nothing would bring it back.
    pub(crate) fn unprobed(&self, now_ms: u64) {
        self.is_probed.store(false, Ordering::Relaxed);
        let _ = self.up_from_ms.compare_exchange(
            UNTIL_PROBED,
            now_ms,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

/// Probes one backend at an interval until the task is aborted.
pub(crate) async fn probe_until_aborted(backend: Arc<Backend>, check: model::Health) {
    backend.health.is_probed.store(true, Ordering::Relaxed);
    let mut interval = tokio::time::interval(ms(check.interval_ms));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Bounded by the publication that takes the backend out of the table and aborts this; each turn waits.
    loop {
        interval.tick().await;
        let is_well =
            tokio::time::timeout(ms(check.timeout_ms), probe(&backend, &check.path)).await;
        backend.health.probed(
            matches!(is_well, Ok(Some(status)) if status.is_success() || status.is_redirection()),
        );
    }
}

/// One probe, on a connection of its own so that it sees what a new client would see.
async fn probe(backend: &Backend, path: &str) -> Option<StatusCode> {
    let stream = TcpStream::connect(backend.address).await.ok()?;
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_header_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(HOST, backend.address.to_string())
        .header(USER_AGENT, "steadfast-proxy")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    // The connection lives in this future and ends with it; the body of the answer is not read.
    let mut response = std::pin::pin!(sender.send_request(request));
    let response = tokio::select! {
        biased;
        response = response.as_mut() => response,
        // It may end because it has delivered its only answer.
        _ = connection => response.await,
    };
    Some(response.ok()?.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn belief_follows_what_was_seen() {
        let health = Health::new();
        assert!(health.is_up(0));
        health.refused(10);
        assert!(!health.is_up(10 + PASSIVE_DOWN_MS - 1));
        assert!(health.is_up(10 + PASSIVE_DOWN_MS));

        health.is_probed.store(true, Ordering::Relaxed);
        health.probed(true);
        health.probed(false);
        assert!(health.is_up(0), "one lost probe is not enough");
        health.probed(false);
        assert!(!health.is_up(u64::MAX - 1));
        health.probed(false);
        health.probed(true);
        assert!(health.is_up(0), "one success is enough");
        health.probed(false);
        assert!(health.is_up(0), "and the count of failures began again");

        health.refused(0);
        assert!(!health.is_up(u64::MAX - 1), "only a probe brings it back");
        health.unprobed(5);
        assert!(health.is_up(5), "unless nothing probes any more");
    }
}

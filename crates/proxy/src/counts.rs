//! What the data plane counts, for the judge of a rollout and for drains.
//!
//! A [`Tally`] exists per service, per version and per backend. Every attempt ends in exactly one [`Outcome`], each
//! with one counter of its own, so "in flight" is a difference that cannot go negative and no sum can disagree with its
//! parts. Counters only grow and belong to one run of the process, named by its boot id.
//!
//! A [`Flight`] is one attempt at one backend, a [`Visit`] one request of a client; both count when they are dropped,
//! so a panic or a client that goes away leaves no request in flight for ever.

use crate::control::{Bucket, Numbers};
use crate::table::Backend;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Fine enough that a shifted percentile is seen (a quarter of a power of two), up to [`EXPONENT_MAX`].
const BUCKETS_PER_POWER: usize = 4;

/// Latencies from 2^28 microseconds (four and a half minutes) on share the last bucket.
const EXPONENT_MAX: usize = 28;

const N_BUCKETS: usize = EXPONENT_MAX * BUCKETS_PER_POWER;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client got the backend's whole answer, and it was not a 5xx.
    Succeeded,
    /// The client got a 5xx, of the backend or of ours, or an answer that broke off.
    Failed,
    /// Nothing had been answered and the request could be repeated: it was taken to another connection or instance.
    Retried,
    /// The client went away, or broke its own request.
    Aborted,
}

/// Counters of one service, version or backend.
#[derive(Debug)]
pub(crate) struct Tally {
    started: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
    aborted: AtomicU64,
    upgrades_begun: AtomicU64,
    upgrades_ended: AtomicU64,
    latency: Box<[AtomicU64]>,
}

/// One attempt at one backend, from the choice to the last byte of the answer.
#[derive(Debug)]
pub(crate) struct Flight {
    backend: Arc<Backend>,
    outcome: Outcome,
    started: Instant,
}

/// One request of a client to a service, from its routing to the last byte of the answer.
#[derive(Debug)]
pub(crate) struct Visit {
    service: Arc<Tally>,
    outcome: Outcome,
    started: Instant,
}

/// One upgraded connection, for as long as it is open.
#[derive(Debug)]
pub(crate) struct Upgraded {
    flight: Flight,
    visit: Visit,
}

impl Tally {
    /// All counters at zero.
    pub(crate) fn new() -> Self {
        Self {
            started: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            upgrades_begun: AtomicU64::new(0),
            upgrades_ended: AtomicU64::new(0),
            latency: (0..N_BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Attempts begun and not ended.
    pub(crate) fn in_flight(&self) -> u64 {
        // The ends are read first, so an attempt that begins and ends meanwhile cannot make the difference negative.
        let ended = self.ended();
        self.started.load(Ordering::Acquire).saturating_sub(ended)
    }

    fn ended(&self) -> u64 {
        [&self.succeeded, &self.failed, &self.retried, &self.aborted]
            .iter()
            .map(|n| n.load(Ordering::Acquire))
            .sum()
    }

    fn start(&self) {
        self.started.fetch_add(1, Ordering::AcqRel);
    }

    fn end(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Succeeded => &self.succeeded,
            Outcome::Failed => &self.failed,
            Outcome::Retried => &self.retried,
            Outcome::Aborted => &self.aborted,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }

    fn answered_after(&self, latency_us: u64) {
        if let Some(bucket) = self.latency.get(bucket_of(latency_us)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A consistent reading: what has ended is never more than what has started.
    pub(crate) fn numbers(&self) -> Numbers {
        let upgrades_ended = self.upgrades_ended.load(Ordering::Acquire);
        let succeeded = self.succeeded.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Acquire);
        let retried = self.retried.load(Ordering::Acquire);
        let aborted = self.aborted.load(Ordering::Acquire);
        let started = self.started.load(Ordering::Acquire);
        let finished = succeeded + failed + retried + aborted;
        Numbers {
            started,
            finished,
            failed,
            retried,
            aborted,
            in_flight: started.saturating_sub(finished),
            upgraded: self
                .upgrades_begun
                .load(Ordering::Acquire)
                .saturating_sub(upgrades_ended),
            latency: self
                .latency
                .iter()
                .enumerate()
                .map(|(bucket_idx, n)| Bucket {
                    up_to_us: bucket_ceiling(bucket_idx),
                    count: n.load(Ordering::Relaxed),
                })
                .filter(|bucket| bucket.count > 0)
                .collect(),
        }
    }
}

impl Flight {
    /// Counts the attempt as begun. The caller holds the table while it chooses and calls this, so that after a
    /// published change no uncounted request can be on its way to a backend that has left.
    pub(crate) fn begin(backend: Arc<Backend>) -> Self {
        backend.tally.start();
        backend.arm_tally.start();
        Self {
            backend,
            outcome: Outcome::Aborted,
            started: Instant::now(),
        }
    }

    /// The backend of this attempt.
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// What will be counted at the end; without a word the client is taken to have gone away.
    pub(crate) fn will(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// The head of the answer, ours or the backend's, is there.
    pub(crate) fn answered(&self) {
        let latency_us = us_since(self.started);
        self.backend.tally.answered_after(latency_us);
        self.backend.arm_tally.answered_after(latency_us);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.backend.tally.end(self.outcome);
        self.backend.arm_tally.end(self.outcome);
    }
}

impl Visit {
    /// Counts the request as begun.
    pub(crate) fn begin(service: Arc<Tally>) -> Self {
        service.start();
        Self {
            service,
            outcome: Outcome::Aborted,
            started: Instant::now(),
        }
    }

    /// What will be counted at the end; without a word the client is taken to have gone away.
    pub(crate) fn will(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&self) {
        self.service.answered_after(us_since(self.started));
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.service.end(self.outcome);
    }
}

impl Upgraded {
    /// Counts the connection as open, on top of the request that opened it and stays in flight with it.
    pub(crate) fn begin(mut flight: Flight, mut visit: Visit) -> Self {
        flight.will(Outcome::Succeeded);
        visit.will(Outcome::Succeeded);
        let opened = Self { flight, visit };
        for tally in opened.tallies() {
            tally.upgrades_begun.fetch_add(1, Ordering::AcqRel);
        }
        opened
    }

    fn tallies(&self) -> [&Tally; 3] {
        [
            &self.flight.backend.tally,
            &self.flight.backend.arm_tally,
            &self.visit.service,
        ]
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        for tally in self.tallies() {
            tally.upgrades_ended.fetch_add(1, Ordering::AcqRel);
        }
    }
}

fn us_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Log-linear: a bucket per microsecond up to 4, then four per power of two.
fn bucket_of(latency_us: u64) -> usize {
    let Some(exponent) = latency_us.checked_ilog2().filter(|&exponent| exponent >= 2) else {
        return usize::try_from(latency_us).unwrap_or(0);
    };
    let quarter = (latency_us >> (exponent - 2)) & 3;
    let bucket = (u64::from(exponent) - 1) * 4 + quarter;
    usize::try_from(bucket)
        .unwrap_or(N_BUCKETS)
        .min(N_BUCKETS - 1)
}

/// The largest latency that falls into a bucket, in microseconds.
fn bucket_ceiling(bucket_idx: usize) -> u64 {
    let bucket = u64::try_from(bucket_idx).unwrap_or(u64::MAX);
    if bucket_idx + 1 >= N_BUCKETS {
        return u64::MAX;
    }
    if bucket < 4 {
        return bucket;
    }
    let (exponent, quarter) = (bucket / 4 + 1, bucket % 4);
    ((5 + quarter) << (exponent - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_meet_without_gaps() {
        for bucket_idx in 0..N_BUCKETS - 1 {
            let ceiling = bucket_ceiling(bucket_idx);
            assert_eq!(bucket_of(ceiling), bucket_idx);
            assert_eq!(bucket_of(ceiling + 1), bucket_idx + 1);
        }
        assert_eq!(bucket_of(u64::MAX), N_BUCKETS - 1);
        assert_eq!(bucket_ceiling(N_BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn each_end_is_counted_once_and_in_flight_is_the_difference() {
        let tally = Tally::new();
        for outcome in [
            Outcome::Succeeded,
            Outcome::Failed,
            Outcome::Retried,
            Outcome::Aborted,
        ] {
            tally.start();
            assert_eq!(tally.in_flight(), 1);
            tally.end(outcome);
        }
        let numbers = tally.numbers();
        assert_eq!(
            (numbers.started, numbers.finished, numbers.in_flight),
            (4, 4, 0)
        );
        assert_eq!(
            (numbers.failed, numbers.retried, numbers.aborted),
            (1, 1, 1)
        );
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_a_quarter_wide(latency_us in 0_u64..(1 << 28)) {
            let ceiling = bucket_ceiling(bucket_of(latency_us));
            prop_assert!(latency_us <= ceiling && ceiling - latency_us <= latency_us / 4);
        }
    }
}

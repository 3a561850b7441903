//! Bodies on their way through: streamed in both directions, never collected, with a limit on size and silence.
//!
//! [`ResponseBody`] also carries what has to be settled when the last byte is through: the counters of the request and
//! the connection to the backend, which can be used again only then.

use crate::counts::{Flight, Outcome, Visit};
use crate::limits::{REQUEST_BODY_BYTES_MAX, ms};
use crate::pool::Lease;
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection it came on failed.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
    /// Nothing came for too long.
    #[error("the body was silent for {limit_ms} ms")]
    Silent {
        /// How long was waited.
        limit_ms: u64,
    },
    /// More than is allowed.
    #[error("the body is larger than {REQUEST_BODY_BYTES_MAX} bytes")]
    TooLarge,
}

/// What was wrong with a request's body, told to whoever answers the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client broke it off.
    Broken,
    /// The client was silent for too long.
    Silent,
    /// The client sent more than is allowed.
    TooLarge,
}

/// How a request's body fares: shared between the body, which the connection to the backend owns, and the handler.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyWatch(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    fault: AtomicU8,
    n_frames: AtomicU64,
    is_client_slow: AtomicBool,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// None for requests without a body.
    streamed: Option<Streamed>,
}

#[derive(Debug)]
struct Streamed {
    incoming: Incoming,
    silence: Silence,
    n_bytes: u64,
    watch: BodyWatch,
}

/// The body of a response.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    /// Of a backend.
    Relayed(Box<Relayed>),
    /// Ours: a sentence.
    Text(Option<Bytes>),
}

/// A backend's answer on its way to the client.
#[derive(Debug)]
pub(crate) struct Relayed {
    incoming: Incoming,
    silence: Silence,
    /// What to count if it goes through whole.
    outcome: Outcome,
    settles: Option<Settles>,
}

/// What has to be settled at the end of an answer.
#[derive(Debug)]
struct Settles {
    flight: Flight,
    visit: Visit,
    lease: Lease,
}

/// Notices silence, and stalled writes. Costs nothing while bytes flow: the timer is made at the first pause.
#[derive(Debug)]
pub(crate) struct Silence {
    limit_ms: u64,
    timer: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl BodyWatch {
    fn set(&self, fault: Fault) {
        let code = match fault {
            Fault::Broken => 1,
            Fault::Silent => 2,
            Fault::TooLarge => 3,
        };
        self.0.fault.store(code, Ordering::Release);
    }

    /// What was wrong, if anything.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self.0.fault.load(Ordering::Acquire) {
            1 => Some(Fault::Broken),
            2 => Some(Fault::Silent),
            3 => Some(Fault::TooLarge),
            _ => None,
        }
    }

    /// How many pieces of the body the backend has taken.
    pub(crate) fn n_frames(&self) -> u64 {
        self.0.n_frames.load(Ordering::Acquire)
    }

    /// Whether the backend would take more than the client has sent.
    pub(crate) fn is_client_slow(&self) -> bool {
        self.0.is_client_slow.load(Ordering::Acquire)
    }

    fn polled(&self, is_client_slow: bool) {
        self.0
            .is_client_slow
            .store(is_client_slow, Ordering::Release);
        if !is_client_slow {
            self.0.n_frames.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Silence {
    /// Nothing has been waited for yet.
    pub(crate) fn new(limit_ms: u64) -> Self {
        Self {
            limit_ms,
            timer: None,
            is_running: false,
        }
    }

    /// Something moved.
    pub(crate) fn broken(&mut self) {
        self.is_running = false;
    }

    /// Ready when there has been silence for the whole limit.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + ms(self.limit_ms);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !self.is_running {
            self.is_running = true;
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }
}

impl RequestBody {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self { streamed: None }
    }

    /// What the client sends. How it fares is noted in the watch.
    pub(crate) fn streamed(incoming: Incoming, idle_ms_max: u64, watch: BodyWatch) -> Self {
        let silence = Silence::new(idle_ms_max);
        Self {
            streamed: Some(Streamed {
                incoming,
                silence,
                n_bytes: 0,
                watch,
            }),
        }
    }

    /// Whether there is nothing in it, so that the request can be sent again.
    pub(crate) fn is_empty(&self) -> bool {
        self.streamed.is_none()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(streamed) = &mut self.get_mut().streamed else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut streamed.incoming).poll_frame(context);
        streamed.watch.polled(polled.is_pending());
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                streamed.silence.broken();
                let n_bytes = frame.data_ref().map_or(0, |data| {
                    u64::try_from(data.remaining()).unwrap_or(u64::MAX)
                });
                streamed.n_bytes = streamed.n_bytes.saturating_add(n_bytes);
                if streamed.n_bytes > REQUEST_BODY_BYTES_MAX {
                    streamed.watch.set(Fault::TooLarge);
                    return Poll::Ready(Some(Err(BodyError::TooLarge)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                streamed.watch.set(Fault::Broken);
                Poll::Ready(Some(Err(BodyError::Broken(error))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(streamed.silence.poll(context));
                streamed.watch.set(Fault::Silent);
                Poll::Ready(Some(Err(BodyError::Silent {
                    limit_ms: streamed.silence.limit_ms,
                })))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.streamed
            .as_ref()
            .is_none_or(|streamed| streamed.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.streamed.as_ref().map_or_else(
            || SizeHint::with_exact(0),
            |streamed| streamed.incoming.size_hint(),
        )
    }
}

impl ResponseBody {
    /// A backend's answer. When it is through, `outcome` is counted and the connection kept.
    pub(crate) fn relayed(
        incoming: Incoming,
        idle_ms_max: u64,
        outcome: Outcome,
        flight: Flight,
        visit: Visit,
        lease: Lease,
    ) -> Self {
        let settles = Some(Settles {
            flight,
            visit,
            lease,
        });
        Self::Relayed(Box::new(Relayed {
            incoming,
            silence: Silence::new(idle_ms_max),
            outcome,
            settles,
        }))
    }

    /// A sentence of ours.
    pub(crate) fn text(text: String) -> Self {
        Self::Text(Some(Bytes::from(text)))
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::Text(None)
    }
}

impl Relayed {
    fn settle(&mut self, outcome: Outcome, is_whole: bool) {
        let Some(Settles {
            mut flight,
            mut visit,
            lease,
        }) = self.settles.take()
        else {
            return;
        };
        // The connection first: whoever sees nothing in flight must find it closed or back in the pool.
        if is_whole {
            lease.release();
        } else {
            drop(lease);
        }
        flight.will(outcome);
        visit.will(outcome);
    }

    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.silence.broken();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.settle(Outcome::Failed, false);
                Poll::Ready(Some(Err(BodyError::Broken(error))))
            }
            Poll::Ready(None) => {
                self.settle(self.outcome, true);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.silence.poll(context));
                self.settle(Outcome::Failed, false);
                Poll::Ready(Some(Err(BodyError::Silent {
                    limit_ms: self.silence.limit_ms,
                })))
            }
        }
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        // A server that knows the length does not ask for the end: what has been read to its end went through.
        if self.incoming.is_end_stream() {
            self.settle(self.outcome, true);
        } else {
            self.settle(Outcome::Aborted, false);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Relayed(relayed) => relayed.poll_frame(context),
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Relayed(relayed) => relayed.incoming.is_end_stream(),
            Self::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Relayed(relayed) => relayed.incoming.size_hint(),
            Self::Text(text) => SizeHint::with_exact(
                text.as_ref()
                    .map_or(0, |text| u64::try_from(text.len()).unwrap_or(u64::MAX)),
            ),
        }
    }
}

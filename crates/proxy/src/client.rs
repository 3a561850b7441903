//! The other side of the control socket: how the control plane speaks to a proxy on this machine.
//!
//! [`LocalRouter`] implements [`contract::Router`] and adds what an operator asks for. Each call is one exchange on a
//! connection of its own, so a proxy that was killed and started again needs no reconnecting. Calls need a
//! tokio runtime and start no task.

use crate::control::{
    CountsAnswer, ErrorAnswer, HealthAnswer, PublishAnswer, Refusal, RoutesAnswer, chain,
};
use crate::diag;
use crate::limits::{CONTROL_ANSWER_BYTES_MAX, HEAD_BYTES_MAX, Timeouts, ms};
use bytes::Bytes;
use contract::{Pending, Router, Unavailable};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONNECTION, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use model::{InstanceId, Outcome, RouteTable};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use tokio::net::UnixStream;

/// A proxy on this machine, met through its control socket.
#[derive(Debug, Clone)]
pub struct LocalRouter {
    socket: PathBuf,
    limit_ms: u64,
}

/// Why a proxy did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there; nothing was sent.
    #[error("no proxy answers on {}; is it running?", socket.display())]
    Nobody {
        /// The control socket.
        socket: PathBuf,
        /// In the system's words.
        #[source]
        source: io::Error,
    },
    /// The exchange broke off; the proxy may have acted.
    #[error("the exchange with the proxy on {} broke off", socket.display())]
    Broken {
        /// The control socket.
        socket: PathBuf,
        /// How.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time; the proxy may have acted.
    #[error("the proxy on {} did not answer within {limit_ms} ms", socket.display())]
    Late {
        /// The control socket.
        socket: PathBuf,
        /// How long was waited.
        limit_ms: u64,
    },
    /// The proxy refused.
    #[error("the proxy refused: {}", answer.message)]
    Refused {
        /// With these words.
        answer: ErrorAnswer,
    },
    /// The answer is not one that this program knows.
    #[error("the proxy on {} answered {status} with a body that is not understood", socket.display())]
    Strange {
        /// The control socket.
        socket: PathBuf,
        /// HTTP status.
        status: u16,
        /// What is wrong with the body.
        #[source]
        source: serde_json::Error,
    },
}

impl LocalRouter {
    /// The proxy whose control socket is at this path. Nothing is opened yet.
    pub fn new(socket: PathBuf) -> Self {
        // The proxy waits as long for us as we for it; saving a table may take another while.
        Self {
            socket,
            limit_ms: 2 * Timeouts::default().control_ms_max,
        }
    }

    /// Puts a table in force; see [`Router::publish`].
    ///
    /// # Errors
    ///
    /// [`AskError::Refused`] and [`AskError::Nobody`] had no effect; after the others nobody knows. Publishing the same
    /// table again is safe.
    pub async fn put_routes(&self, table: &RouteTable) -> Result<PublishAnswer, AskError> {
        let broken = |source: serde_json::Error| self.broken(source);
        let body = serde_json::to_vec(table).map_err(broken)?;
        self.ask(Method::PUT, "/v1/routes", Bytes::from(body)).await
    }

    /// The table in force and the ports.
    ///
    /// # Errors
    ///
    /// When the proxy does not answer; see [`AskError`].
    pub async fn routes(&self) -> Result<RoutesAnswer, AskError> {
        self.ask(Method::GET, "/v1/routes", Bytes::new()).await
    }

    /// Everything that was counted; [`Router::counts`] is an extract of it.
    ///
    /// # Errors
    ///
    /// When the proxy does not answer; see [`AskError`].
    pub async fn all_counts(&self) -> Result<CountsAnswer, AskError> {
        self.ask(Method::GET, "/v1/counts", Bytes::new()).await
    }

    /// Whether the proxy is there, and which one.
    ///
    /// # Errors
    ///
    /// When the proxy does not answer; see [`AskError`].
    pub async fn health(&self) -> Result<HealthAnswer, AskError> {
        self.ask(Method::GET, "/v1/healthz", Bytes::new()).await
    }

    /// Asks for a graceful stop. The proxy answers at once and ends when it has drained.
    ///
    /// # Errors
    ///
    /// When the proxy does not answer; see [`AskError`].
    pub async fn stop(&self) -> Result<HealthAnswer, AskError> {
        self.ask(Method::POST, "/v1/stop", Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, AskError> {
        let exchange = self.exchange(method, path, body);
        let late = |_| AskError::Late {
            socket: self.socket.clone(),
            limit_ms: self.limit_ms,
        };
        let (status, bytes) = tokio::time::timeout(ms(self.limit_ms), exchange)
            .await
            .map_err(late)??;
        let strange = |source| AskError::Strange {
            socket: self.socket.clone(),
            status: status.as_u16(),
            source,
        };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(strange);
        }
        let answer: ErrorAnswer = serde_json::from_slice(&bytes).map_err(strange)?;
        Err(AskError::Refused { answer })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), AskError> {
        let nobody = |source| AskError::Nobody {
            socket: self.socket.clone(),
            source,
        };
        let stream = UnixStream::connect(&self.socket).await.map_err(nobody)?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_header_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| self.broken(source))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "proxy")
            .header(CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|source| self.broken(source))?;
        let answer = async move {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let bytes = Limited::new(response.into_body(), CONTROL_ANSWER_BYTES_MAX)
                .collect()
                .await?
                .to_bytes();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, bytes))
        };
        // The connection is driven here, beside the answer, and ends with it.
        let mut answer = std::pin::pin!(answer);
        let answered = tokio::select! {
            biased;
            answered = answer.as_mut() => answered,
            _ = connection => answer.await,
        };
        answered.map_err(|source| AskError::Broken {
            socket: self.socket.clone(),
            source,
        })
    }

    fn broken(&self, source: impl std::error::Error + Send + Sync + 'static) -> AskError {
        AskError::Broken {
            socket: self.socket.clone(),
            source: Box::new(source),
        }
    }
}

impl Router for LocalRouter {
    fn publish<'a>(&'a self, table: &'a RouteTable) -> Pending<'a, Outcome> {
        Box::pin(async move {
            match self.put_routes(table).await {
                Ok(PublishAnswer {
                    generation, ports, ..
                }) => Outcome::Published { generation, ports },
                Err(AskError::Refused { answer }) => refused(&answer),
                Err(error @ AskError::Nobody { .. }) => Outcome::Failed {
                    diagnostics: diag::unreachable(chain(&error)),
                    retry_after_ms: None,
                },
                Err(
                    error @ (AskError::Broken { .. }
                    | AskError::Late { .. }
                    | AskError::Strange { .. }),
                ) => Outcome::Unknown { why: chain(&error) },
            }
        })
    }

    fn current(&self) -> Pending<'_, Result<Option<RouteTable>, Unavailable>> {
        Box::pin(async move {
            self.routes()
                .await
                .map(|answer| answer.table)
                .map_err(unavailable)
        })
    }

    fn counts(&self) -> Pending<'_, Result<Vec<model::Counts>, Unavailable>> {
        Box::pin(async move { self.all_counts().await.map(extract).map_err(unavailable) })
    }
}

/// What another attempt cannot change is refused; what may pass (a port in use, a full disk) has failed.
fn refused(answer: &ErrorAnswer) -> Outcome {
    let diagnostics = diag::refused(answer);
    match answer.error {
        Refusal::Invalid
        | Refusal::TooLarge
        | Refusal::Stale
        | Refusal::Conflict
        | Refusal::NotFound => Outcome::Refused { diagnostics },
        Refusal::Port | Refusal::NotSaved | Refusal::Stopping | Refusal::TooSlow => {
            Outcome::Failed {
                diagnostics,
                retry_after_ms: None,
            }
        }
    }
}

fn unavailable(error: AskError) -> Unavailable {
    Unavailable(chain(&error))
}

/// What a judge and a drain need of the counts. Answers that the client did not wait for, and attempts that were taken
/// elsewhere, say nothing about a version and are left out of `finished`.
fn extract(answer: CountsAnswer) -> Vec<model::Counts> {
    let arm = |arm: crate::ArmCounts| {
        let mut in_flight: BTreeMap<InstanceId, u64> = BTreeMap::new();
        for backend in arm.backends {
            // An instance that moved to another address is one instance.
            *in_flight.entry(backend.instance).or_default() += backend.counts.in_flight;
        }
        let counts = arm.counts;
        model::ArmCounts {
            version: arm.version,
            finished: counts
                .finished
                .saturating_sub(counts.retried.saturating_add(counts.aborted)),
            failed: counts.failed,
            in_flight: in_flight.into_iter().collect(),
        }
    };
    let service = |service: crate::ServiceCounts| model::Counts {
        service: service.service,
        boot: answer.boot,
        arms: service.arms.into_iter().map(arm).collect(),
    };
    answer.services.into_iter().map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_change_is_refused_and_what_may_pass_has_failed() {
        let cases = [
            (Refusal::Invalid, "SF1101", true),
            (Refusal::TooLarge, "SF1101", true),
            (Refusal::Stale, "SF1102", true),
            (Refusal::Conflict, "SF1102", true),
            (Refusal::Port, "SF1103", false),
            (Refusal::NotSaved, "SF1104", false),
            (Refusal::Stopping, "SF1105", false),
            (Refusal::TooSlow, "SF1105", false),
            (Refusal::NotFound, "SF1105", true),
        ];
        for (error, code, is_final) in cases {
            let outcome = refused(&ErrorAnswer {
                error,
                message: "because".to_owned(),
            });
            let (diagnostics, found) = match outcome {
                Outcome::Refused { diagnostics } => (diagnostics, true),
                Outcome::Failed { diagnostics, .. } => (diagnostics, false),
                other => panic!("{other:?}"),
            };
            let diagnostic = &diagnostics.0[0];
            assert_eq!(
                (diagnostic.code.as_ref(), found),
                (code, is_final),
                "{error:?}"
            );
            assert_eq!(diagnostic.detail, "because");
        }
        assert_eq!(diag::unreachable(String::new()).0[0].code, "SF1106");
    }
}

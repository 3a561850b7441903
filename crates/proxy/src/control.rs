//! The control socket: HTTP/1.1 with JSON bodies on a Unix socket that only the owner can open.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/routes` with a [`model::RouteTable`] | [`PublishAnswer`], once the table is on disk and in force |
//! | `GET /v1/routes` | [`RoutesAnswer`] |
//! | `GET /v1/counts` | [`CountsAnswer`] |
//! | `GET /v1/healthz` | [`HealthAnswer`] |
//! | `POST /v1/stop` | 202, then a graceful stop |
//!
//! Everything that is refused is answered with an [`ErrorAnswer`]: a code for programs, a sentence for people. This
//! file holds the types of the answers and the handlers; what a publication does is in `publish`.

use crate::limits::{
    BUFFER_BYTES_MAX, CONTROL_BODY_BYTES_MAX, CONTROL_CONNECTIONS_MAX, HEAD_BYTES_MAX, ms,
};
use crate::linger::Lingering;
use crate::publish::{Plane, PublishError};
use crate::tasks::TaskKind;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::{InstanceId, RouteTable, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use value::Name;

/// Answer to `PUT /v1/routes`: the table is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishAnswer {
    /// Its generation.
    pub generation: u64,
    /// Which life of the proxy answers.
    pub boot: u64,
    /// Port on which each service listens, those that the proxy chose included.
    pub ports: BTreeMap<Name, u16>,
}

/// Answer to `GET /v1/routes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesAnswer {
    /// Which life of the proxy answers.
    pub boot: u64,
    /// The table in force, none before the first.
    pub table: Option<RouteTable>,
    /// Port on which each service listens.
    pub ports: BTreeMap<Name, u16>,
}

/// Answer to `GET /v1/healthz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthAnswer {
    /// Which life of the proxy answers.
    pub boot: u64,
    /// Its process.
    pub pid: u32,
    /// Generation of the table in force, none before the first.
    pub generation: Option<u64>,
    /// True while it finishes what is in flight before it ends.
    pub stopping: bool,
}

/// Answer to `GET /v1/counts`. All counters grow from zero with each life of the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsAnswer {
    /// Which life of the proxy counted.
    pub boot: u64,
    /// Generation of the table in force, none before the first.
    pub generation: Option<u64>,
    /// By service, sorted by name; those that left the table stay while they have something in flight.
    pub services: Vec<ServiceCounts>,
}

/// What was counted for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCounts {
    /// Its name.
    pub service: Name,
    /// Requests of clients. Unlike those of arms and backends these are not attempts: nothing is `retried` here.
    pub counts: Numbers,
    /// By version, sorted.
    pub arms: Vec<ArmCounts>,
}

/// What was counted for one version of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmCounts {
    /// Which version.
    pub version: Version,
    /// Its weight in the table in force, 0 when it has none or is not in it.
    pub weight: u32,
    /// Attempts at its backends, those that have been forgotten included.
    pub counts: Numbers,
    /// By instance, sorted.
    pub backends: Vec<BackendCounts>,
}

/// What was counted for one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendCounts {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it is.
    pub address: String,
    /// Whether it may get requests.
    pub standing: Standing,
    /// Whether it answers its health checks and takes connections, as far as is known.
    pub healthy: bool,
    /// Attempts at it.
    pub counts: Numbers,
}

/// Place of a backend in the table in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Gets requests by the weight of its version.
    Active,
    /// In the table, gets no new requests.
    Draining,
    /// No longer in the table; shown until its last request has ended, and for a while after.
    Removed,
}

/// Cumulative counters. `finished` is the sum of what succeeded (not stated), `failed`, `retried` and `aborted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Begun.
    pub started: u64,
    /// Ended, in whatever way.
    pub finished: u64,
    /// Ended with a 5xx, of the backend or of the proxy, or with an answer that broke off.
    pub failed: u64,
    /// Ended unanswered and taken to another connection or instance; the client saw nothing of it.
    pub retried: u64,
    /// Ended by the client.
    pub aborted: u64,
    /// `started - finished`, upgraded connections included.
    pub in_flight: u64,
    /// Upgraded connections (WebSocket and others) that are open.
    pub upgraded: u64,
    /// Time to the head of the answer, by buckets that are not empty, shortest first.
    pub latency: Vec<Bucket>,
}

/// One bucket of a latency histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The longest latency that falls into it, in microseconds.
    pub up_to_us: u64,
    /// How many fell into it (into it alone: buckets do not include the shorter ones).
    pub count: u64,
}

/// Answer to everything that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// For programs.
    pub error: Refusal,
    /// For people: what, and what to do.
    pub message: String,
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The body is not a route table, or one that cannot be served.
    Invalid,
    /// The body is larger than [`CONTROL_BODY_BYTES_MAX`].
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// A newer table is in force.
    Stale,
    /// The same generation is in force with other content.
    Conflict,
    /// A service cannot listen on its port.
    Port,
    /// The table could not be saved; the old one stays in force.
    NotSaved,
    /// The proxy is about to end.
    Stopping,
    /// No such path, or not with this method.
    NotFound,
}

/// Accepts on the control socket for as long as the process lives.
pub(crate) async fn listen(plane: Arc<Plane>, listener: UnixListener) {
    let permits = Arc::new(Semaphore::new(CONTROL_CONNECTIONS_MAX));
    // Bounded by the life of the process; each turn waits for a permit and a connection.
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(plane.clone(), stream);
                plane.tasks.spawn(TaskKind::ControlConnection, async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(_) => crate::listen::back_off().await,
        }
    }
}

async fn serve(plane: Arc<Plane>, stream: UnixStream) {
    let limit = ms(plane.timeouts.control_ms_max);
    let service = service_fn(|request| {
        let plane = plane.clone();
        async move { Ok::<_, Infallible>(handle(&plane, request).await) }
    });
    let stream = Lingering::new(stream, plane.timeouts.control_ms_max, Arc::default());
    // A client that speaks something else gets a 400 from hyper and is cut off; there is nobody to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limit)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(plane: &Arc<Plane>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::PUT, "/v1/routes") => match read_table(plane, body).await {
            Ok(table) => publish(plane, table).await,
            Err(refused) => refused,
        },
        (&Method::GET, "/v1/routes") => json(StatusCode::OK, &plane.routes()),
        (&Method::GET, "/v1/counts") => json(StatusCode::OK, &plane.counts()),
        (&Method::GET, "/v1/healthz") => json(StatusCode::OK, &plane.health()),
        (&Method::POST, "/v1/stop") => {
            plane.stop();
            json(StatusCode::ACCEPTED, &plane.health())
        }
        (_, "/v1/routes" | "/v1/counts" | "/v1/healthz" | "/v1/stop") => {
            let mut response = refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                Refusal::NotFound,
                format!("{} is not a method of {}", head.method, head.uri.path()),
            );
            let allowed = match head.uri.path() {
                "/v1/routes" => "GET, PUT",
                "/v1/stop" => "POST",
                _ => "GET",
            };
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(allowed));
            response
        }
        (_, path) => refuse(
            StatusCode::NOT_FOUND,
            Refusal::NotFound,
            format!(
                "{path} is not known here; there are /v1/routes, /v1/counts, /v1/healthz and /v1/stop"
            ),
        ),
    }
}

async fn read_table(plane: &Plane, body: Incoming) -> Result<RouteTable, Response<Full<Bytes>>> {
    let limit_ms = plane.timeouts.control_ms_max;
    let too_large = || {
        let message = format!("a route table may have {CONTROL_BODY_BYTES_MAX} bytes at most");
        Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::TooLarge,
            message,
        ))
    };
    if body.size_hint().lower() > CONTROL_BODY_BYTES_MAX as u64 {
        return too_large();
    }
    let limited = Limited::new(body, CONTROL_BODY_BYTES_MAX).collect();
    let bytes = match tokio::time::timeout(ms(limit_ms), limited).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return too_large();
        }
        Ok(Err(error)) => {
            let message = format!("the route table broke off on its way: {error}");
            return Err(refuse(StatusCode::BAD_REQUEST, Refusal::Invalid, message));
        }
        Err(_) => {
            let message = format!("the route table did not arrive within {limit_ms} ms");
            return Err(refuse(
                StatusCode::REQUEST_TIMEOUT,
                Refusal::TooSlow,
                message,
            ));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            Refusal::Invalid,
            format!("the body is not a route table: {error}"),
        )
    })
}

async fn publish(plane: &Arc<Plane>, table: RouteTable) -> Response<Full<Bytes>> {
    // In a task of its own: a control plane that is killed while it waits must not leave a publication half done.
    let publication = {
        let plane = plane.clone();
        async move { plane.publish(table).await }
    };
    let published = plane.tasks.spawn(TaskKind::Publication, publication).await;
    let error = match published {
        Ok(Ok(answer)) => return json(StatusCode::OK, &answer),
        Ok(Err(error)) => error,
        Err(_) => {
            let message = "the publication panicked; ask /v1/routes what is in force".to_owned();
            return refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                Refusal::NotSaved,
                message,
            );
        }
    };
    let (status, refusal) = match &error {
        PublishError::Table(_) => (StatusCode::UNPROCESSABLE_ENTITY, Refusal::Invalid),
        PublishError::Stale { .. } => (StatusCode::CONFLICT, Refusal::Stale),
        PublishError::Conflict { .. } => (StatusCode::CONFLICT, Refusal::Conflict),
        PublishError::Port { .. } => (StatusCode::CONFLICT, Refusal::Port),
        PublishError::NotSaved(_) => (StatusCode::INSUFFICIENT_STORAGE, Refusal::NotSaved),
        PublishError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, Refusal::Stopping),
    };
    refuse(status, refusal, chain(&error))
}

/// An error and what caused it, as one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

fn refuse(status: StatusCode, error: Refusal, message: String) -> Response<Full<Bytes>> {
    json(status, &ErrorAnswer { error, message })
}

fn json<T: Serialize>(status: StatusCode, answer: &T) -> Response<Full<Bytes>> {
    let (status, bytes) = match serde_json::to_vec(answer) {
        Ok(bytes) => (status, bytes),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

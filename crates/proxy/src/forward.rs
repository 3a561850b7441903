//! One request of a client, from its head to the head of its answer.
//!
//! [`handle`] refuses what cannot be forwarded, then offers the request to one backend after another until one answers
//! ([`offer`]). Whether it may be offered again is decided by what is *known* about the failed attempt:
//!
//! * nothing of it was sent (connection refused, or the request came back unsent): always;
//! * it may have been sent, it has no body and its method is idempotent (RFC 9110 section 9.2.2): yes, after a failure
//!   on a connection that was used before by the same backend on a new one, after any other by the next backend;
//! * anything else: never, because the backend may have acted on it. The client gets a 502.
//!
//! It does not cache, rewrite, compress, authenticate or stick clients to instances.

use crate::body::{BodyWatch, Fault, RequestBody, ResponseBody};
use crate::control::chain;
use crate::counts::{Flight, Outcome, Visit};
use crate::limits::{ATTEMPTS_MAX, REQUEST_BODY_BYTES_MAX, ms};
use crate::pool::Lease;
use crate::publish::Plane;
use crate::table::{Decision, Itinerary};
use crate::upgrade;
use hyper::body::{Body, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::PathAndQuery;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Response header that names the version which answered: the first digits of its digest.
pub const VERSION_HEADER: &str = "x-steadfast-version";

/// Response header that names the instance which answered.
pub const INSTANCE_HEADER: &str = "x-steadfast-instance";

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers that belong to one connection and are never passed on (RFC 9110 section 7.6.1, and those of older
/// practice). `Trailer` is passed on, as trailers are.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What is the same for all requests of one client connection.
#[derive(Debug)]
pub(crate) struct Client {
    /// The data plane.
    pub(crate) plane: Arc<Plane>,
    /// The port it came in by.
    pub(crate) port: u16,
    /// Its address, as added to `X-Forwarded-For`.
    pub(crate) address: HeaderValue,
    /// Set when the connection changes its protocol.
    pub(crate) is_upgraded: Arc<AtomicBool>,
}

/// A request as it will be sent, as often as that takes.
struct Outgoing {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: RequestBody,
    watch: BodyWatch,
    /// The client's side of the connection, when it asked for an upgrade.
    upgrade: Option<OnUpgrade>,
}

/// How an attempt at one backend ended.
enum Attempt {
    /// With the head of an answer.
    Answered(Response<Incoming>, Lease),
    /// Without, and the request can be offered to another.
    Lost { status: StatusCode, why: String },
    /// Without, and it must not be offered to anybody else.
    Over { status: StatusCode, why: String },
}

/// Answers one request. Trouble becomes an answer, too: this never fails.
pub(crate) async fn handle(client: &Client, request: Request<Incoming>) -> Response<ResponseBody> {
    match outgoing(client, request) {
        Ok(outgoing) => offer(client, outgoing).await,
        Err((status, why)) => {
            let mut response = sentence(status, why);
            if status == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(
                    ALLOW,
                    HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
                );
            }
            response
        }
    }
}

/// Makes a client's request into one for a backend, or says why that cannot be.
fn outgoing(
    client: &Client,
    mut request: Request<Incoming>,
) -> Result<Outgoing, (StatusCode, String)> {
    let bad = |why: &str| Err((StatusCode::BAD_REQUEST, why.to_owned()));
    if request.method() == Method::CONNECT {
        return Err((
            StatusCode::METHOD_NOT_ALLOWED,
            "this is not a proxy for CONNECT".to_owned(),
        ));
    }
    let wanted_upgrade = wanted_upgrade(&request);
    let upgrade = wanted_upgrade
        .is_some()
        .then(|| hyper::upgrade::on(&mut request));
    let (head, incoming) = request.into_parts();
    let mut headers = head.headers;
    if headers.get_all(HOST).iter().count() > 1 {
        return bad("the request has more than one Host header");
    }
    if head.version == Version::HTTP_11 && !headers.contains_key(HOST) {
        return bad("the request has no Host header");
    }
    if content_length(&headers).is_some_and(|n_bytes| n_bytes > REQUEST_BODY_BYTES_MAX) {
        let why = format!("a request body may have {REQUEST_BODY_BYTES_MAX} bytes at most");
        return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    // The authority of a request in absolute form stands above the Host header (RFC 9112 section 3.2.2); what
    // it may say about a user does not belong there.
    if let Some(authority) = head.uri.authority() {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let Ok(host) = HeaderValue::from_str(host) else {
            return bad("the request names no valid host");
        };
        headers.insert(HOST, host);
    }
    let target = head
        .uri
        .into_parts()
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    remove_hop_by_hop(&mut headers);
    if let Some(protocol) = wanted_upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    forwarded(&mut headers, &client.address);
    let watch = BodyWatch::default();
    let body = if incoming.is_end_stream() {
        RequestBody::empty()
    } else {
        if !headers.contains_key(CONTENT_LENGTH) {
            // Said aloud, because hyper would leave the body of a GET out otherwise.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        RequestBody::streamed(
            incoming,
            client.plane.timeouts.body_idle_ms_max,
            watch.clone(),
        )
    };
    Ok(Outgoing {
        method: head.method,
        uri: Uri::from(target),
        headers,
        body,
        watch,
        upgrade,
    })
}

/// The protocol that the client wants to change to, if that can be passed on. HTTP/2 without TLS cannot: it would carry
/// any number of requests past the routing.
fn wanted_upgrade(request: &Request<Incoming>) -> Option<HeaderValue> {
    let protocol = request.headers().get(UPGRADE)?;
    let names_upgrade =
        tokens(request.headers(), &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let is_http2 = protocol
        .to_str()
        .ok()?
        .split(',')
        .any(|name| name.trim().to_ascii_lowercase().starts_with("h2"));
    let is_alone = request.body().is_end_stream() && request.version() == Version::HTTP_11;
    (names_upgrade && is_alone && !is_http2).then(|| protocol.clone())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Of two lengths the chunked one counts, and only it may be passed on (RFC 9112 section 6.3): two readers that
    // disagree about where a message ends are how requests are smuggled.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers, &CONNECTION)
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            // A client must not be able to take these away: they decide where the message ends and where it goes.
            .filter(|name| ![HOST, CONTENT_LENGTH].contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Says where the request came from. An address is added to what stands there; scheme and host are left as a proxy in
/// front of this one may have set them.
fn forwarded(headers: &mut HeaderMap, client: &HeaderValue) {
    let mut chain: Vec<&[u8]> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let chain = if chain.is_empty() {
        client.clone()
    } else {
        chain.push(client.as_bytes());
        // Made of parts of valid values, so it is one.
        HeaderValue::from_bytes(&chain.join(&b", "[..])).unwrap_or_else(|_| client.clone())
    };
    headers.insert(X_FORWARDED_FOR, chain);
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
    if let Some(host) = headers.get(HOST).cloned() {
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
}

/// Offers the request to one backend after another.
async fn offer(client: &Client, mut outgoing: Outgoing) -> Response<ResponseBody> {
    let mut itinerary = Itinerary::default();
    let mut lost: Option<(Flight, StatusCode, String)> = None;
    for _ in 0..ATTEMPTS_MAX {
        let mut flight = match client.plane.begin(client.port, &mut itinerary) {
            Decision::Try(flight) => flight,
            Decision::Nobody(service) if lost.is_none() => {
                let why = format!("service {service} has no instance that could answer");
                return refuse(None, itinerary.visit, StatusCode::SERVICE_UNAVAILABLE, why);
            }
            Decision::NoService if lost.is_none() => {
                let why = "no service is published on this port any more".to_owned();
                return refuse(None, itinerary.visit, StatusCode::SERVICE_UNAVAILABLE, why);
            }
            Decision::Nobody(_) | Decision::NoService => break,
        };
        if let Some((mut flight, ..)) = lost.take() {
            flight.will(Outcome::Retried);
        }
        match attempt(client, &flight, &mut outgoing).await {
            Attempt::Answered(response, lease) => {
                return relay(
                    client,
                    outgoing.upgrade,
                    response,
                    flight,
                    itinerary.visit,
                    lease,
                );
            }
            Attempt::Over { status, why } => {
                return refuse(Some(flight), itinerary.visit, status, why);
            }
            Attempt::Lost { status, why } => {
                flight.will(Outcome::Failed);
                itinerary.tried.push(flight.backend().clone());
                lost = Some((flight, status, why));
            }
        }
    }
    let (flight, status, why) = match lost {
        Some((flight, status, why)) => (Some(flight), status, why),
        None => (
            None,
            StatusCode::SERVICE_UNAVAILABLE,
            "no instance was tried".to_owned(),
        ),
    };
    let service = flight
        .as_ref()
        .map(|flight| flight.backend().service.clone())
        .unwrap_or_default();
    let n_tried = itinerary.tried.len();
    refuse(
        flight,
        itinerary.visit,
        status,
        format!("no instance of service {service} answered ({n_tried} tried); the last: {why}"),
    )
}

/// One backend, at most two connections: a used one, and a new one if the used one turns out to be dead.
async fn attempt(client: &Client, flight: &Flight, outgoing: &mut Outgoing) -> Attempt {
    let (plane, backend) = (&client.plane, flight.backend());
    let timeouts = &plane.timeouts;
    let age_ms_max = if outgoing.is_repeatable() {
        timeouts.pool_idle_ms_max
    } else {
        timeouts.pool_idle_unrepeatable_ms_max
    };
    if let Some(used) = backend.pool.take(age_ms_max) {
        let attempt = exchange(client, flight, outgoing, used).await;
        if !matches!(attempt, Attempt::Lost { .. }) {
            return attempt;
        }
        // It says nothing against the backend: idle connections end.
    }
    let connecting = backend.pool.connect(&plane.tasks, timeouts.connect_ms_max);
    let new = match connecting.await {
        Ok(new) => new,
        Err(error) => {
            if error.is_about_the_peer() {
                backend.health.refused(plane.now_ms());
            }
            let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, chain(&error));
            return Attempt::Lost { status, why };
        }
    };
    let attempt = exchange(client, flight, outgoing, new).await;
    if matches!(attempt, Attempt::Lost { .. }) {
        backend.health.refused(plane.now_ms());
    }
    attempt
}

/// One connection.
async fn exchange(
    client: &Client,
    flight: &Flight,
    outgoing: &mut Outgoing,
    mut lease: Lease,
) -> Attempt {
    let instance = &flight.backend().instance;
    let is_repeatable = outgoing.is_repeatable();
    let request = outgoing.request(is_repeatable);
    let limit_ms = client.plane.timeouts.response_head_ms_max;
    let answer = pin!(lease.sender.try_send_request(request));
    let mut error = match wait(answer, &outgoing.watch, limit_ms).await {
        Some(Ok(response)) => return Attempt::Answered(response, lease),
        Some(Err(error)) => error,
        None => {
            let why = format!("instance {instance} did not answer within {limit_ms} ms");
            return Attempt::Over {
                status: StatusCode::GATEWAY_TIMEOUT,
                why,
            };
        }
    };
    let is_unsent = match error.take_message() {
        None => false,
        Some(unsent) => {
            (outgoing.headers, outgoing.body) = (unsent.headers().clone(), unsent.into_body());
            true
        }
    };
    let error = error.into_error();
    if let Some(fault) = outgoing.watch.fault() {
        return client_fault(fault);
    }
    let (status, why) = (
        StatusCode::BAD_GATEWAY,
        format!("instance {instance}: {}", chain(&error)),
    );
    // A backend that answered with something that is not HTTP would do so again.
    if error.is_parse() || !(is_unsent || is_repeatable) {
        return Attempt::Over { status, why };
    }
    Attempt::Lost { status, why }
}

/// Waits for an answer. The limit is on a backend that does nothing: while it takes a long upload, or the client is the
/// one that is slow, the waiting begins anew. `None` when the limit has passed.
async fn wait<T>(
    mut answer: Pin<&mut impl Future<Output = T>>,
    watch: &BodyWatch,
    limit_ms: u64,
) -> Option<T> {
    // Ends, because a body has a limit on its bytes and on the silence between them.
    loop {
        let before = watch.n_frames();
        match tokio::time::timeout(ms(limit_ms), answer.as_mut()).await {
            Ok(answer) => return Some(answer),
            Err(_) if watch.is_client_slow() || watch.n_frames() != before => {}
            Err(_) => return None,
        }
    }
}

fn client_fault(fault: Fault) -> Attempt {
    let (status, why) = match fault {
        Fault::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a request body may have {REQUEST_BODY_BYTES_MAX} bytes at most"),
        ),
        Fault::Silent => (
            StatusCode::REQUEST_TIMEOUT,
            "the request body did not arrive in time".to_owned(),
        ),
        Fault::Broken => (
            StatusCode::BAD_REQUEST,
            "the request body broke off".to_owned(),
        ),
    };
    Attempt::Over { status, why }
}

impl Outgoing {
    /// Whether it may be sent again although it may have arrived.
    fn is_repeatable(&self) -> bool {
        self.body.is_empty() && self.method.is_idempotent() && self.upgrade.is_none()
    }

    /// The request for one attempt. If it can be repeated a copy is kept, otherwise it is gone until it comes back
    /// unsent.
    fn request(&mut self, keep_copy: bool) -> Request<RequestBody> {
        let headers = if keep_copy {
            self.headers.clone()
        } else {
            std::mem::take(&mut self.headers)
        };
        let mut request = Request::new(std::mem::replace(&mut self.body, RequestBody::empty()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// Passes a backend's answer on.
fn relay(
    client: &Client,
    upgrade: Option<OnUpgrade>,
    response: Response<Incoming>,
    mut flight: Flight,
    visit: Option<Visit>,
    lease: Lease,
) -> Response<ResponseBody> {
    let Some(visit) = visit else {
        return refuse(
            Some(flight),
            None,
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request was not counted".to_owned(),
        );
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(client_side) = upgrade else {
            let why = format!(
                "instance {} changed the protocol unasked",
                flight.backend().instance
            );
            return refuse(Some(flight), Some(visit), StatusCode::BAD_GATEWAY, why);
        };
        return upgrade::relay(client, client_side, response, flight, visit);
    }
    let outcome = if response.status().is_server_error() {
        Outcome::Failed
    } else {
        Outcome::Succeeded
    };
    // Until the body is there to say better, an answer that goes nowhere was given up by the client.
    flight.will(Outcome::Aborted);
    flight.answered();
    visit.answered();
    let (mut head, incoming) = response.into_parts();
    remove_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
    sign(&mut head.headers, &flight);
    let idle_ms_max = client.plane.timeouts.body_idle_ms_max;
    Response::from_parts(
        head,
        ResponseBody::relayed(incoming, idle_ms_max, outcome, flight, visit, lease),
    )
}

/// Names who answered.
pub(crate) fn sign(headers: &mut HeaderMap, flight: &Flight) {
    headers.insert(
        HeaderName::from_static(VERSION_HEADER),
        flight.backend().version_header.clone(),
    );
    headers.insert(
        HeaderName::from_static(INSTANCE_HEADER),
        flight.backend().instance_header.clone(),
    );
}

/// An answer of ours in place of a backend's. Below 500 it is the client's fault and counts as its own abort.
pub(crate) fn refuse(
    flight: Option<Flight>,
    visit: Option<Visit>,
    status: StatusCode,
    why: String,
) -> Response<ResponseBody> {
    let outcome = if status.is_server_error() {
        Outcome::Failed
    } else {
        Outcome::Aborted
    };
    let mut response = sentence(status, why);
    if let Some(mut flight) = flight {
        sign(response.headers_mut(), &flight);
        flight.answered();
        flight.will(outcome);
    }
    if let Some(mut visit) = visit {
        visit.answered();
        visit.will(outcome);
    }
    response
}

fn sentence(status: StatusCode, why: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::text(format!("steadfast: {why}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

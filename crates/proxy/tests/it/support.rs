//! What the tests are made of: a proxy in a directory of its own, servers that can be stopped and killed, clients that
//! keep their connections, and waiting for a condition with a bound.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::{Arm, Backend, Digest, Health, InstanceId, Route, RouteTable, Version};
use proxy::limits::Timeouts;
use proxy::{BackendCounts, LocalRouter, Numbers, Options, Proxy, PublishAnswer, ServiceCounts};
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Nothing in these tests takes longer, on however slow a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Ends with the future, or fails the test when that takes too long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// Asks again until the answer is there, or fails the test when that takes too long.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let mut interval = tokio::time::interval(Duration::from_millis(2));
    soon(what, async {
        loop {
            interval.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    })
    .await
}

pub(crate) fn version(name: &str) -> Version {
    Version(Digest::of(name.as_bytes()))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

// ---- the proxy ----

pub(crate) struct TestProxy {
    pub(crate) router: LocalRouter,
    pub(crate) options: Options,
    pub(crate) proxy: Option<Proxy>,
    _directory: TempDir,
}

impl TestProxy {
    pub(crate) async fn start() -> Self {
        Self::start_with(Timeouts::default()).await
    }

    pub(crate) async fn start_with(timeouts: Timeouts) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            control_socket: directory.path().join("control.sock"),
            routes_file: directory.path().join("routes.json"),
            timeouts,
        };
        let proxy = Some(Proxy::start(options.clone()).await.unwrap());
        Self {
            router: LocalRouter::new(options.control_socket.clone()),
            options,
            proxy,
            _directory: directory,
        }
    }

    pub(crate) async fn publish(&self, table: &RouteTable) -> PublishAnswer {
        self.router.put_routes(table).await.unwrap()
    }

    /// Publishes one service `web` and returns its port.
    pub(crate) async fn serve(&self, generation: u64, arms: Vec<Arm>) -> u16 {
        self.publish(&web(generation, arms)).await.ports["web"]
    }

    /// Stops gracefully and starts again in the same directory.
    pub(crate) async fn restart(&mut self) {
        let proxy = self.proxy.take().unwrap();
        proxy.stop();
        assert!(
            soon("the proxy ends", proxy.ended()).await,
            "something was cut off"
        );
        self.proxy = Some(Proxy::start(self.options.clone()).await.unwrap());
    }

    pub(crate) async fn service(&self) -> ServiceCounts {
        let counts = self.router.all_counts().await.unwrap();
        counts
            .services
            .into_iter()
            .find(|service| &*service.service == "web")
            .unwrap()
    }

    pub(crate) async fn arm(&self, name: &str) -> Numbers {
        let service = self.service().await;
        service
            .arms
            .into_iter()
            .find(|arm| arm.version == version(name))
            .unwrap()
            .counts
    }

    pub(crate) async fn backend(&self, name: &str) -> BackendCounts {
        let service = self.service().await;
        let mut backends = service.arms.into_iter().flat_map(|arm| arm.backends);
        backends.find(|backend| backend.instance.0 == name).unwrap()
    }

    pub(crate) async fn until_backend(
        &self,
        what: &str,
        name: &str,
        holds: impl Fn(&BackendCounts) -> bool,
    ) {
        until(what, || async {
            holds(&self.backend(name).await).then_some(())
        })
        .await;
    }
}

/// No probing.
pub(crate) fn unprobed() -> Health {
    Health {
        path: String::new(),
        interval_ms: 0,
        timeout_ms: 0,
        deadline_ms: 0,
    }
}

pub(crate) fn web(generation: u64, arms: Vec<Arm>) -> RouteTable {
    RouteTable {
        generation,
        routes: vec![route("web", 0, arms)],
    }
}

pub(crate) fn route(service: &str, port: u16, arms: Vec<Arm>) -> Route {
    Route {
        service: service.into(),
        port,
        arms,
        health: unprobed(),
    }
}

pub(crate) fn arm(name: &str, weight: u32, backends: &[&Upstream]) -> Arm {
    let backends = backends.iter().map(|upstream| upstream.backend()).collect();
    Arm {
        version: version(name),
        weight,
        backends,
    }
}

pub(crate) fn backend(instance: &str, address: SocketAddr) -> Backend {
    Backend {
        instance: InstanceId(instance.to_owned()),
        address: address.to_string(),
        draining: false,
    }
}

pub(crate) fn draining(mut arm: Arm) -> Arm {
    for backend in &mut arm.backends {
        backend.draining = true;
    }
    arm
}

// ---- servers ----

/// A server that answers by path; ends when dropped.
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinSet<()>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    name: String,
    /// Requests that have arrived.
    pub(crate) seen: Mutex<Vec<String>>,
    /// One permit lets one chunk of `/download`, or one `/hold`, go.
    pub(crate) gate: Semaphore,
    /// Status of the health path.
    pub(crate) health: AtomicU16,
    pub(crate) n_probes: AtomicU64,
}

impl Shared {
    pub(crate) fn n_seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

type TestBody = BoxBody<Bytes, hyper::Error>;

fn text(text: impl Into<Bytes>) -> TestBody {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed()
}

impl Upstream {
    pub(crate) async fn start(name: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            seen: Mutex::default(),
            gate: Semaphore::new(0),
            health: AtomicU16::new(200),
            n_probes: AtomicU64::new(0),
        });
        let (stop, stopping) = watch::channel(false);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, shared.clone(), stopping));
        Self {
            name: name.to_owned(),
            address,
            shared,
            stop,
            accepting,
        }
    }

    pub(crate) fn backend(&self) -> Backend {
        backend(&self.name, self.address)
    }

    /// Stops as a well-behaved server does on SIGTERM: closes the listener and idle connections, finishes the rest.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        soon("the upstream stops", async {
            while self.accepting.join_next().await.is_some() {}
        })
        .await;
    }

    /// Dies as a process does on SIGKILL, with a reset on every connection.
    pub(crate) async fn kill(mut self) {
        self.accepting.shutdown().await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                // Closed means reset, unless closed in order.
                rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
                stream.set_nodelay(true).unwrap();
                connections.spawn(serve(stream, shared.clone(), stopping.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|&stopping| stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(shared: &Arc<Shared>, mut request: Request<Incoming>) -> Response<TestBody> {
    let path = request.uri().path().to_owned();
    if path == "/health" {
        shared.n_probes.fetch_add(1, Ordering::SeqCst);
        let status = StatusCode::from_u16(shared.health.load(Ordering::SeqCst)).unwrap();
        return Response::builder().status(status).body(text("")).unwrap();
    }
    shared
        .seen
        .lock()
        .unwrap()
        .push(format!("{} {}", request.method(), request.uri()));
    if let Some(status) = path.strip_prefix("/status/") {
        return Response::builder()
            .status(status)
            .body(text(format!("status {status}")))
            .unwrap();
    }
    match path.as_str() {
        "/echo" => Response::new(request.into_body().boxed()),
        "/request" => {
            let mut lines = format!(
                "{} {} {:?}\n",
                request.method(),
                request.uri(),
                request.version()
            );
            for (name, value) in request.headers() {
                lines.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
            }
            Response::builder()
                .header("connection", "x-only-here")
                .header("x-only-here", "1")
                .header("keep-alive", "timeout=5")
                .header("x-passed-on", "1")
                .header("x-steadfast-version", "forged")
                .body(text(lines))
                .unwrap()
        }
        "/hold" => {
            shared.gate.acquire().await.unwrap().forget();
            Response::new(text(shared.name.clone()))
        }
        "/download" => Response::new(gated_chunks(shared.clone())),
        "/upgrade" => {
            let upgrade = hyper::upgrade::on(&mut request);
            // Beside the connection, not in it: the connection must send the 101 first.
            let echo = async move {
                let Ok(upgraded) = upgrade.await else { return };
                let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            };
            spawn(echo);
            Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header("connection", "upgrade")
                .header("upgrade", "echo")
                .body(text(""))
                .unwrap()
        }
        _ => Response::new(text(shared.name.clone())),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the echo of a test server ends with its connection"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// Ten chunks, each let go by one permit of the gate.
fn gated_chunks(shared: Arc<Shared>) -> TestBody {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    spawn(async move {
        for chunk_idx in 0..10 {
            shared.gate.acquire().await.unwrap().forget();
            if sender
                .send(Bytes::from(format!("chunk {chunk_idx}\n")))
                .await
                .is_err()
            {
                return;
            }
        }
    });
    Chunks(receiver).boxed()
}

struct Chunks(tokio::sync::mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// A server that speaks whatever the script says, once per connection.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    pub(crate) n_connections: Arc<AtomicU64>,
    _accepting: JoinSet<()>,
}

impl Scripted {
    pub(crate) async fn start<F: Future<Output = ()> + Send + 'static>(
        script: impl Fn(u64, TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let n_connections = Arc::new(AtomicU64::new(0));
        let counter = n_connections.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(script(counter.fetch_add(1, Ordering::SeqCst), stream));
            }
        });
        Self {
            address,
            n_connections,
            _accepting: accepting,
        }
    }

    pub(crate) fn arm(&self, name: &str) -> Arm {
        Arm {
            version: version(name),
            weight: 1,
            backends: vec![backend(name, self.address)],
        }
    }
}

/// Reads one request head.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

// ---- clients ----

/// A client that keeps one connection, and opens another only after an error.
pub(crate) struct Client {
    sender: SendRequest<TestBody>,
    _connection: JoinSet<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn version(&self) -> &str {
        self.header(proxy::VERSION_HEADER)
    }

    pub(crate) fn instance(&self) -> &str {
        self.header(proxy::INSTANCE_HEADER)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let mut driving = JoinSet::new();
        driving.spawn(async move {
            let _ = connection.await;
        });
        Self {
            sender,
            _connection: driving,
        }
    }

    pub(crate) async fn begin(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shop.test");
        self.sender.ready().await?;
        self.sender
            .send_request(request.body(text(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> hyper::Result<Answer> {
        soon("an answer", async {
            let response = self.begin(method, path, body).await?;
            let (head, body) = response.into_parts();
            let body = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        })
        .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, "").await.unwrap()
    }
}

/// Bytes as they are: sends them and reads until the other side closes.
pub(crate) async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end like another.
    let _ = soon("the end of a raw answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

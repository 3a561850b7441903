//! A server for HTTP on this machine that answers what a test tells it to, and remembers what it was asked.

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a path is answered with.
#[derive(Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The connection is closed after this many bytes of the body.
    pub(crate) breaks_after: Option<usize>,
    /// So many times the answer is 503 first.
    pub(crate) n_refusals: usize,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What was asked: path with query, and the header `Authorization`.
pub(crate) type Asked = (String, Option<String>);

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Reply>,
    asked: Vec<Asked>,
    sent: Vec<String>,
    headers: Vec<hyper::HeaderMap>,
    /// Where repositories are, that `git http-backend` serves below `/git/`.
    repositories: Option<PathBuf>,
}

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    port: u16,
    scheme: &'static str,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With TLS, if a configuration is given.
    pub(crate) async fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = serve(listener, state.clone(), tls);
        #[expect(clippy::disallowed_methods, reason = "the server of a test")]
        let task = tokio::spawn(task);
        Self {
            state,
            port,
            scheme,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn reply(&self, path: &str, reply: Reply) {
        self.state
            .lock()
            .unwrap()
            .replies
            .insert(path.to_owned(), reply);
    }

    pub(crate) fn serve_git(&self, repositories: PathBuf) {
        self.state.lock().unwrap().repositories = Some(repositories);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The bodies of requests that had one.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.state.lock().unwrap().sent.clone()
    }

    /// What requests had in a header.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        let state = self.state.lock().unwrap();
        let values = state.headers.iter().map(|headers| headers.get(name));
        let values = values.map(|value| Some(value?.to_str().unwrap().to_owned()));
        values.collect()
    }

    /// A registry below `/m/` with versions of one module, each at an address.
    pub(crate) fn registry(&self, module: &str, versions: &[(&str, &str)]) {
        let list: Vec<_> = versions
            .iter()
            .map(|(version, _)| serde_json::json!({ "version": version }))
            .collect();
        let body = serde_json::json!({ "modules": [{ "versions": list }] }).to_string();
        self.reply(&format!("/m/{module}/versions"), Reply::new(200, body));
        for (version, location) in versions {
            let reply = Reply::new(204, "").with("X-Terraform-Get", location);
            self.reply(&format!("/m/{module}/{version}/download"), reply);
        }
    }
}

async fn serve(
    listener: TcpListener,
    state: Arc<Mutex<State>>,
    tls: Option<Arc<rustls::ServerConfig>>,
) {
    loop {
        // Ends with the test.
        let (stream, _) = listener.accept().await.unwrap();
        let (state, tls) = (state.clone(), tls.clone());
        let connection = async move {
            let service = service_fn(|request| answer(request, state.clone()));
            let http = hyper::server::conn::http1::Builder::new();
            match tls {
                None => {
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                }
                Some(tls) => {
                    // A client that does not trust us is what some tests are about.
                    if let Ok(stream) = tokio_rustls::TlsAcceptor::from(tls).accept(stream).await {
                        let _ = http.serve_connection(TokioIo::new(stream), service).await;
                    }
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the server of a test")]
        tokio::spawn(connection);
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Parts>, Infallible> {
    let path = request.uri().path_and_query().unwrap().as_str().to_owned();
    let is_git = path.starts_with("/git/");
    let authorization = request
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    let (head, body) = request.into_parts();
    let body = http_body_util::BodyExt::collect(body)
        .await
        .unwrap()
        .to_bytes();
    let (reply, repositories) = {
        let mut state = state.lock().unwrap();
        if !body.is_empty() && !is_git {
            let body = String::from_utf8_lossy(&body).into_owned();
            state.sent.push(body);
        }
        state.asked.push((path.clone(), authorization));
        state.headers.push(head.headers.clone());
        // A signature in a query is another one each time.
        let known = state.replies.contains_key(&path);
        let plain = path.split('?').next().unwrap_or_default();
        let name = if known { path.as_str() } else { plain };
        let reply = state.replies.get_mut(name).map(|reply| {
            if reply.n_refusals > 0 {
                reply.n_refusals -= 1;
                return Reply::new(503, "later");
            }
            reply.clone()
        });
        (reply, state.repositories.clone())
    };
    if let (None, Some(repositories), true) = (&reply, repositories, is_git) {
        return Ok(backend(&head, &body, &repositories).await);
    }
    let reply = reply.unwrap_or_else(|| Reply::new(404, "nothing here"));
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.breaks_after {
        None => Parts::Whole(Full::new(Bytes::from(reply.body))),
        Some(n_bytes) => {
            response = response.header("content-length", reply.body.len());
            Parts::Broken(Some(Bytes::from(reply.body[..n_bytes].to_vec())))
        }
    };
    Ok(response.body(body).unwrap())
}

/// A body, or the beginning of one.
enum Parts {
    Whole(Full<Bytes>),
    Broken(Option<Bytes>),
}

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                let part = std::pin::Pin::new(body).poll_frame(context);
                part.map(|part| part.map(|part| part.map_err(|never| match never {})))
            }
            Self::Broken(first) => std::task::Poll::Ready(Some(match first.take() {
                Some(part) => Ok(hyper::body::Frame::data(part)),
                None => Err(std::io::Error::other("broken off, as the test wants it")),
            })),
        }
    }
}

/// Git's own server, run for one request.
async fn backend(
    head: &hyper::http::request::Parts,
    body: &[u8],
    repositories: &std::path::Path,
) -> Response<Parts> {
    let header = |name: &str| {
        head.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path().strip_prefix("/git").unwrap())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut said = Vec::new();
    let write = async {
        let _ = stdin.write_all(body).await;
        drop(stdin);
    };
    let (_, read) = tokio::join!(write, stdout.read_to_end(&mut said));
    read.unwrap();
    child.wait().await.unwrap();
    let split = said
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&said[..split]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap().parse::<u16>().unwrap()),
            _ => response.header(name, value),
        };
    }
    response
        .body(Parts::Whole(Full::new(Bytes::from(
            said[split + 4..].to_vec(),
        ))))
        .unwrap()
}

/// `user:password` as a header has it.
pub(crate) fn basic(login: &str) -> String {
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(login)
    )
}

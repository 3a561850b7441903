//! A small client for HTTP and HTTPS: GET with redirects, and forms, bounded in time and size.
//!
//! One connection per request: what is fetched here is few and large. TLS is rustls with the certificates that the
//! machine trusts. Whoever asks says which token and headers belong to a host; they are never sent to another one.

use crate::limits::{ATTEMPTS_MAX, BACKOFF_MS, CONNECT_MS_MAX, REDIRECTS_MAX, SILENCE_MS_MAX};
use crate::settings::Settings;
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How the program calls itself.
const AGENT: &str = concat!("steadfast/", env!("CARGO_PKG_VERSION"));

/// Longest answer of a proxy to a request for a tunnel, in bytes.
const TUNNEL_ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Why something could not be had over HTTP.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    #[error(
        "\"{0}\" is no address that can be asked: it begins with http:// or https:// and names a host"
    )]
    Address(String),
    #[error("{host} cannot be reached")]
    Unreachable {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("{host} did not answer within {limit_ms} ms")]
    Silent { host: String, limit_ms: u64 },
    #[error("the connection to {host} broke before everything had come")]
    Broken {
        host: String,
        #[source]
        source: hyper::Error,
    },
    #[error("the answer of {host} is longer than {limit_bytes} bytes")]
    TooLong { host: String, limit_bytes: u64 },
    #[error("{url} leads from one address to the next more than {REDIRECTS_MAX} times")]
    Redirects { url: String },
    #[error("{from} leads from an encrypted connection to one that is not: {to}")]
    Downgrade { from: String, to: String },
    #[error("what came cannot be kept")]
    Keep(#[source] io::Error),
}

impl HttpError {
    /// Whether the same request may succeed a moment later.
    fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Broken { .. }
        )
    }
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after all redirects.
    pub(crate) url: Uri,
    /// The body, unless it went into a sink.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Where a body goes.
pub(crate) trait Sink: Send {
    /// Everything so far does not count: the request is made again.
    fn restart(&mut self) -> io::Result<()>;
    /// The next part.
    fn take(&mut self, part: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }

    fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.extend_from_slice(part);
        Ok(())
    }
}

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a str,
    /// A bearer token for the host of the address.
    pub(crate) token: Option<&'a str>,
    /// More headers, for the same host.
    pub(crate) headers: &'a [Header],
    /// What is sent: a form, encoded as one. It is sent to nobody else, so that redirects are answers. It must be one
    /// that can be sent twice.
    pub(crate) form: Option<&'a str>,
    pub(crate) limit_bytes: u64,
}

/// A name and a value.
pub(crate) type Header = (&'static str, String);

/// The client.
#[derive(Clone)]
pub(crate) struct Client {
    settings: Arc<Settings>,
    tls: Arc<OnceLock<Arc<rustls::ClientConfig>>>,
}

impl Client {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            tls: Arc::default(),
        }
    }

    /// A document: the whole body is kept in memory.
    pub(crate) async fn document(&self, ask: Ask<'_>) -> Result<Answer, HttpError> {
        let mut body = Vec::new();
        let mut answer = self.get(ask, &mut body).await?;
        if answer.status.is_success() {
            answer.body = body;
        }
        Ok(answer)
    }

    /// Follows redirects, and asks again where that may help. Bodies of answers that are no success come back in the
    /// answer, in part; only that of a success goes into the sink.
    pub(crate) async fn get(&self, ask: Ask<'_>, sink: &mut dyn Sink) -> Result<Answer, HttpError> {
        let mut attempt = 1;
        loop {
            // Ends at the last attempt.
            let is_last = attempt >= ATTEMPTS_MAX;
            match self.follow(&ask, sink).await {
                Ok(answer) if is_last || !is_overloaded(answer.status) => return Ok(answer),
                Err(error) if is_last || !error.is_passing() => return Err(error),
                Ok(_) | Err(_) => {}
            }
            // Fetching changes nothing outside, so it is no action of the loop, whose retries are in the book.
            tokio::time::sleep(Duration::from_millis(BACKOFF_MS << attempt)).await;
            attempt += 1;
            sink.restart().map_err(HttpError::Keep)?;
        }
    }

    async fn follow(&self, ask: &Ask<'_>, sink: &mut dyn Sink) -> Result<Answer, HttpError> {
        let mut url = parse(ask.url)?;
        let origin = origin(&url);
        for _ in 0..=REDIRECTS_MAX {
            let ask = match self::origin(&url) == origin {
                true => *ask,
                false => Ask {
                    limit_bytes: ask.limit_bytes,
                    ..Ask::default()
                },
            };
            let answer = self.once(&url, &ask, sink).await?;
            if !answer.status.is_redirection() || ask.form.is_some() {
                return Ok(answer);
            }
            let Some(to) = answer.header(LOCATION.as_str()) else {
                return Ok(answer);
            };
            let next = parse(&join(&url, to))?;
            if url.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(HttpError::Downgrade {
                    from: shown(&url),
                    to: shown(&next),
                });
            }
            url = next;
        }
        Err(HttpError::Redirects { url: shown(&url) })
    }

    async fn once(
        &self,
        url: &Uri,
        ask: &Ask<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, HttpError> {
        let limit_bytes = ask.limit_bytes;
        let host = host_of(url);
        let stream = within(&host, CONNECT_MS_MAX, self.connect(url))
            .await?
            .map_err(|source| HttpError::Unreachable {
                host: host.clone(),
                source,
            })?;
        let broken = |source| HttpError::Broken {
            host: host.clone(),
            source,
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let request = self.request(url, ask)?;
        // The connection is driven here, beside the request, so that nothing goes on when the caller gives up.
        let mut connection = std::pin::pin!(connection);
        let mut is_open = true;
        let mut answer = std::pin::pin!(sender.send_request(request));
        let head = within(&host, SILENCE_MS_MAX, async {
            loop {
                // Ends with the head of the answer, at the latest when the connection is closed.
                tokio::select! {
                    head = &mut answer => return head,
                    _ = &mut connection, if is_open => is_open = false,
                }
            }
        });
        let (head, mut body) = head.await?.map_err(broken)?.into_parts();
        let mut kept = Vec::new();
        let mut n_bytes = 0;
        loop {
            // Ends with the body, which has a limit.
            let part = within(&host, SILENCE_MS_MAX, async {
                loop {
                    // As above.
                    tokio::select! {
                        part = body.frame() => return part,
                        _ = &mut connection, if is_open => is_open = false,
                    }
                }
            });
            let Some(part) = part.await? else { break };
            let Ok(part) = part.map_err(broken)?.into_data() else {
                continue;
            };
            n_bytes += part.len() as u64;
            if n_bytes > limit_bytes {
                return Err(HttpError::TooLong { host, limit_bytes });
            }
            if head.status.is_success() {
                sink.take(&part).map_err(HttpError::Keep)?;
            } else if kept.len() < TUNNEL_ANSWER_BYTES_MAX {
                kept.extend_from_slice(&part);
            }
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            url: url.clone(),
            body: kept,
        })
    }

    fn request(&self, url: &Uri, ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, HttpError> {
        let refuse = || HttpError::Address(shown(url));
        let authority = url.authority().ok_or_else(refuse)?.as_str();
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let through_proxy = url.scheme_str() == Some("http") && self.proxy(url).is_some();
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let target = if through_proxy {
            format!("http://{host}{path}")
        } else {
            path.to_owned()
        };
        let mut request = Request::builder()
            .method(if ask.form.is_some() {
                Method::POST
            } else {
                Method::GET
            })
            .uri(target)
            .header(HOST, host)
            .header(USER_AGENT, AGENT);
        let authorization = match ask.token {
            Some(token) => Some(format!("Bearer {token}")),
            None if !login.is_empty() => {
                let encoded = base64::engine::general_purpose::STANDARD
                    .encode(crate::address::decoded(login));
                Some(format!("Basic {encoded}"))
            }
            None => None,
        };
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(&authorization).map_err(|_| refuse())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in ask.headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| refuse())?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        if ask.form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Bytes::copy_from_slice(ask.form.unwrap_or_default().as_bytes());
        request.body(Full::new(body)).map_err(|_| refuse())
    }

    /// The proxy for an address, from the environment.
    fn proxy(&self, url: &Uri) -> Option<Uri> {
        self.settings.proxy(url.scheme_str()?, url.host()?)
    }

    async fn connect(&self, url: &Uri) -> io::Result<Box<dyn Stream>> {
        let (host, port) = (url.host().unwrap_or_default(), port_of(url));
        let is_encrypted = url.scheme_str() == Some("https");
        let mut stream = match self.proxy(url) {
            Some(proxy) => {
                let mut stream = dial(proxy.host().unwrap_or_default(), port_of(&proxy)).await?;
                if is_encrypted {
                    tunnel(&mut stream, &proxy, host, port).await?;
                }
                stream
            }
            None => dial(host, port).await?,
        };
        if !is_encrypted {
            stream.flush().await?;
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(io::Error::other)?;
        let connector = tokio_rustls::TlsConnector::from(self.tls()?);
        Ok(Box::new(connector.connect(name, stream).await?))
    }

    fn tls(&self) -> io::Result<Arc<rustls::ClientConfig>> {
        if let Some(known) = self.tls.get() {
            return Ok(known.clone());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots(&self.settings))
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

/// Whom this machine trusts, or who the environment says.
pub(crate) fn roots(settings: &Settings) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let named = |name: &str| settings.variable(name).map(std::path::Path::new);
    let found = match (named("SSL_CERT_FILE"), named("SSL_CERT_DIR")) {
        (None, None) => rustls_native_certs::load_native_certs(),
        (file, directory) => rustls_native_certs::load_certs_from_paths(file, directory),
    };
    // Certificates that cannot be read are left out, as every browser does; without any, no server is trusted.
    roots.add_parsable_certificates(found.certs);
    roots
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(crate) async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks a proxy for a connection to a server.
async fn tunnel(stream: &mut TcpStream, proxy: &Uri, host: &str, port: u16) -> io::Result<()> {
    let login = proxy
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    let login = login.map_or_else(String::new, |(login, _)| {
        let encoded =
            base64::engine::general_purpose::STANDARD.encode(crate::address::decoded(login));
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte, so that nothing of what follows is taken.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= TUNNEL_ANSWER_BYTES_MAX {
            return Err(io::Error::other("the proxy answers without end"));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    if line
        .split(' ')
        .nth(1)
        .is_some_and(|status| status.starts_with('2'))
    {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "the proxy {} refuses: {line}",
        host_of(proxy)
    )))
}

async fn within<T>(
    host: &str,
    limit_ms: u64,
    future: impl Future<Output = T>,
) -> Result<T, HttpError> {
    let limit = Duration::from_millis(limit_ms);
    let silent = |_| HttpError::Silent {
        host: host.to_owned(),
        limit_ms,
    };
    tokio::time::timeout(limit, future).await.map_err(silent)
}

fn is_overloaded(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || matches!(status.as_u16(), 500 | 502..=504)
}

pub(crate) fn parse(url: &str) -> Result<Uri, HttpError> {
    let refuse = || HttpError::Address(crate::address::without_secrets(url));
    let bare = url.split('#').next().unwrap_or(url);
    let parsed: Uri = bare.parse().map_err(|_| refuse())?;
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    let has_host = parsed.host().is_some_and(|host| !host.is_empty());
    if is_http && has_host {
        Ok(parsed)
    } else {
        Err(refuse())
    }
}

/// An address seen from another.
pub(crate) fn join(base: &Uri, relative: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("https");
    let authority = base.authority().map_or("", |authority| authority.as_str());
    if relative.contains("://") {
        return relative.to_owned();
    }
    if let Some(rest) = relative.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    if relative.starts_with('/') {
        return format!("{scheme}://{authority}{relative}");
    }
    let directory = base
        .path()
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let (path, query) = relative.split_at(relative.find('?').unwrap_or(relative.len()));
    let mut parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{scheme}://{authority}/{}{query}", parts.join("/"))
}

/// Scheme, host and port: what a token is given for.
fn origin(url: &Uri) -> (Option<String>, Option<String>, u16) {
    let host = url.host().map(str::to_ascii_lowercase);
    (url.scheme_str().map(str::to_owned), host, port_of(url))
}

fn port_of(url: &Uri) -> u16 {
    url.port_u16()
        .unwrap_or(if url.scheme_str() == Some("https") {
            443
        } else {
            80
        })
}

fn host_of(url: &Uri) -> String {
    let port = url
        .port_u16()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", url.host().unwrap_or_default())
}

/// An address without login and query, for messages.
fn shown(url: &Uri) -> String {
    format!(
        "{}://{}{}",
        url.scheme_str().unwrap_or_default(),
        host_of(url),
        url.path()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_seen_from_others() {
        let base = parse("https://h:8443/a/b/c?x=1").unwrap();
        for (relative, joined) in [
            ("d", "https://h:8443/a/b/d"),
            ("./d/?y", "https://h:8443/a/b/d/?y"),
            ("../d", "https://h:8443/a/d"),
            ("../../../d", "https://h:8443/d"),
            ("/d", "https://h:8443/d"),
            ("//o/d", "https://o/d"),
            ("http://o/d", "http://o/d"),
        ] {
            assert_eq!(join(&base, relative), joined);
        }
        for bad in [
            "",
            "x",
            "ftp://h/",
            "/a",
            "https://",
            "https:///a",
            "http://h h/",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

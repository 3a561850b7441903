//! A gRPC connection to a provider: one HTTP/2 connection over a socket, made once and never again. A provider that
//! has gone away does not come back.

use crate::handshake::Place;
use crate::limits::{CONNECT_MS_MAX, MESSAGE_BYTES_MAX, WINDOW_BYTES};
use crate::method::{Major, Method};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

/// A connection that calls can be made on, many at once.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    http: SendRequest<Body>,
    major: Major,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("its socket takes no connection")]
    Socket(#[source] io::Error),
    #[error("it does not speak HTTP/2 on its socket")]
    Http(#[source] hyper::Error),
    #[error("it did not take a connection within {} s", CONNECT_MS_MAX / 1_000)]
    TimedOut,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The connection broke, before or while the call was made.
    #[error("the connection to it broke")]
    Broken,
    #[error("it does not know the call {0}")]
    Unimplemented(&'static str),
    #[error("it did not answer the call {method} within {} s", timeout_ms / 1_000)]
    TimedOut {
        method: &'static str,
        timeout_ms: u64,
    },
    #[error("the call {method} failed: {message}")]
    Failed {
        method: &'static str,
        message: String,
    },
}

impl Connection {
    /// Connects to a provider that speaks this major.
    pub(crate) async fn open(place: &Place, major: Major) -> Result<Self, ConnectError> {
        let opening = async {
            match place {
                Place::Unix(path) => {
                    let stream = UnixStream::connect(path).await;
                    Self::over(stream.map_err(ConnectError::Socket)?, major).await
                }
                Place::Tcp(address) => {
                    let stream = TcpStream::connect(address).await;
                    Self::over(stream.map_err(ConnectError::Socket)?, major).await
                }
            }
        };
        tokio::time::timeout(Duration::from_millis(CONNECT_MS_MAX), opening)
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        major: Major,
    ) -> Result<Self, ConnectError> {
        let (http, driver) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(ConnectError::Http)?;
        crate::task::spawn(async move {
            // How it ended is told to every call that was under way.
            let _ = driver.await;
        });
        Ok(Self { http, major })
    }

    /// Whether the other side has gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.http.is_closed()
    }

    /// What the provider speaks.
    pub(crate) fn major(&self) -> Major {
        self.major
    }

    /// Makes a call of the service `Provider`.
    pub(crate) async fn call<Q, A>(
        &self,
        method: Method,
        request: Q,
        timeout_ms: u64,
    ) -> Result<A, CallError>
    where
        Q: Message + Send + 'static,
        A: Message + Default + Send + 'static,
    {
        let name = method.name(self.major);
        self.call_path(&method.path(self.major), name, request, timeout_ms)
            .await
    }

    /// Makes a call by its path.
    pub(crate) async fn call_path<Q, A>(
        &self,
        path: &str,
        name: &'static str,
        request: Q,
        timeout_ms: u64,
    ) -> Result<A, CallError>
    where
        Q: Message + Send + 'static,
        A: Message + Default + Send + 'static,
    {
        let failed = |message: String| CallError::Failed {
            method: name,
            message,
        };
        let path = path
            .parse()
            .map_err(|_| failed("no such path".to_owned()))?;
        let mut grpc = Grpc::new(Http(self.http.clone()))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let calling = async {
            grpc.ready().await.map_err(|_| CallError::Broken)?;
            let codec = ProstCodec::<Q, A>::default();
            let answer = grpc.unary(tonic::Request::new(request), path, codec).await;
            answer
                .map(tonic::Response::into_inner)
                .map_err(|status| match status.code() {
                    tonic::Code::Unimplemented => CallError::Unimplemented(name),
                    tonic::Code::Unavailable => CallError::Broken,
                    // A status that was not sent by the other side comes from the connection.
                    _ if std::error::Error::source(&status).is_some() => CallError::Broken,
                    code => failed(format!("{} ({code:?})", status.message())),
                })
        };
        tokio::time::timeout(Duration::from_millis(timeout_ms), calling)
            .await
            .unwrap_or(Err(CallError::TimedOut {
                method: name,
                timeout_ms,
            }))
    }
}

/// The connection in the form that tonic takes.
struct Http(SendRequest<Body>);

impl tower_service::Service<http::Request<Body>> for Http {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(ctx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // HTTP/2 wants to know whom it speaks to, and a socket of the file system has no name that could be said.
        let path = request.uri().path_and_query().cloned();
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(http::uri::Scheme::HTTP);
        parts.authority = Some(http::uri::Authority::from_static("localhost"));
        parts.path_and_query = path.or(Some(http::uri::PathAndQuery::from_static("/")));
        // Of a path it is one with a host too; where it were none, the server would refuse it.
        if let Ok(uri) = http::Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        Box::pin(self.0.send_request(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{Mock, Script};
    use crate::wire;

    #[tokio::test]
    async fn a_call_that_is_not_answered_ends() {
        let script = r#"{"faults": [{"call": "ConfigureProvider", "does": "hang"}]}"#;
        let mock = Mock::new(Script::parse(script).unwrap(), Major::Six).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mock");
        mock.serve_at(&path).unwrap();
        let connection = Connection::open(&Place::Unix(path), Major::Six)
            .await
            .unwrap();
        let request = wire::Configure {
            config: Some(wire::DynamicValue {
                msgpack: vec![0x80],
                json: Vec::new(),
            }),
            ..wire::Configure::default()
        };
        let answer: Result<wire::Found, CallError> =
            connection.call(Method::Configure, request, 20).await;
        let error = answer.unwrap_err();
        let found = crate::diag::no_answer("example.com/a/mock", &error, None);
        assert_eq!(found.code, "SF1505");
        assert!(
            found.detail.contains("ConfigureProvider"),
            "{}",
            found.detail
        );
    }
}

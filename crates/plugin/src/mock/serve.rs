//! A mock on a socket: HTTP/2, gRPC, and which request is which call.

use super::Inner;
use super::answer::{self, Reply};
use crate::limits::{MESSAGE_BYTES_MAX, WINDOW_BYTES};
use crate::method::Method;
use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::io;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status};

/// Whether and how a mock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    No,
    Asked,
    Crash,
}

/// What a request for the end is sent to.
const SHUTDOWN: &str = "/plugin.GRPCController/Shutdown";

/// Serves until it is asked to shut down.
pub(super) async fn serve(mock: Arc<Inner>, listener: UnixListener) -> io::Result<()> {
    let (end, mut ended) = watch::channel(End::No);
    let end = Arc::new(end);
    loop {
        // Ends when it is asked to, or with its socket.
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            how = ended.wait_for(|end| *end != End::No) => {
                let crash = how.is_ok_and(|how| *how == End::Crash);
                return if crash { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) };
            }
        };
        let (mock, end, mut ended) = (mock.clone(), end.clone(), ended.clone());
        crate::task::spawn(async move {
            let service = service_fn(move |request| {
                let (mock, end) = (mock.clone(), end.clone());
                async move { Ok::<_, Infallible>(respond(mock, &end, request).await) }
            });
            let served = Builder::new(TokioExecutor::new())
                .initial_stream_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // Whoever connected has gone.
                _ = served => {}
                // Everybody loses the connection.
                _ = ended.wait_for(|end| *end == End::Crash) => {}
            }
        });
    }
}

async fn respond(
    mock: Arc<Inner>,
    end: &Arc<watch::Sender<End>>,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    let mut grpc = tonic::server::Grpc::new(Raw)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let method = Method::of_path(&path)
        .filter(|(_, major)| *major == mock.offered.major)
        .map(|(method, _)| method);
    let calls = Calls {
        mock,
        method,
        path: path.clone(),
        end: end.clone(),
    };
    let answered = grpc.unary(calls, request).await;
    if path == SHUTDOWN {
        end.send_replace(End::Asked);
    }
    answered
}

/// The calls of one request.
struct Calls {
    mock: Arc<Inner>,
    method: Option<Method>,
    path: String,
    end: Arc<watch::Sender<End>>,
}

impl tower_service::Service<Request<Vec<u8>>> for Calls {
    type Response = Response<Vec<u8>>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let (mock, method, path) = (self.mock.clone(), self.method, self.path.clone());
        let end = self.end.clone();
        Box::pin(async move {
            let Some(method) = method else {
                return if path == SHUTDOWN {
                    Ok(Response::new(Vec::new()))
                } else {
                    Err(Status::unimplemented(path))
                };
            };
            match answer::answer(&mock, method, &request.into_inner()) {
                Ok(Reply::Message(bytes)) => Ok(Response::new(bytes)),
                Ok(Reply::Never) => core::future::pending().await,
                Ok(Reply::Crash) => {
                    end.send_replace(End::Crash);
                    core::future::pending().await
                }
                Err(status) => Err(status),
            }
        })
    }
}

/// Messages as they are: what is in them is read by whoever knows the call.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(out, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; bytes::Buf::remaining(from)];
        bytes::Buf::copy_to_slice(from, &mut item);
        Ok(Some(item))
    }
}

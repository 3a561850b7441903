//! Listening sockets of services and the connections of their clients.
//!
//! A listener ends when its service leaves the table or the proxy stops: it takes what is already in its
//! backlog, closes the socket, and lets every connection finish the request it is in.

use crate::forward::{self, Client};
use crate::limits::{
    ACCEPT_BACKOFF_MS, BUFFER_BYTES_MAX, CLIENT_CONNECTIONS_MAX, HEAD_BYTES_MAX, ms,
};
use crate::linger::Lingering;
use crate::pool::tune;
use crate::publish::Plane;
use crate::tasks::TaskKind;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Closes a listener when it is dropped.
#[derive(Debug)]
pub(crate) struct Closer {
    /// The task that accepts; it ends as soon as the socket is closed.
    pub(crate) accepting: tokio::task::JoinHandle<()>,
    /// Dropped to ask for the end.
    pub(crate) open: watch::Sender<()>,
}

/// Starts to accept.
pub(crate) fn start(plane: &Arc<Plane>, port: u16, listener: TcpListener) -> Closer {
    let (open, is_open) = watch::channel(());
    let accepting = plane.tasks.spawn(
        TaskKind::Listener,
        accept(plane.clone(), port, listener, is_open),
    );
    Closer { accepting, open }
}

/// Waits a little after the system refused an accept: it lacks descriptors or memory, which takes time to change. An
/// established connection that was reset in the backlog comes here too; the wait is short enough for that.
pub(crate) async fn back_off() {
    tokio::time::sleep(ms(ACCEPT_BACKOFF_MS)).await;
}

async fn accept(
    plane: Arc<Plane>,
    port: u16,
    listener: TcpListener,
    mut is_open: watch::Receiver<()>,
) {
    let connected =
        |stream: TcpStream, address: SocketAddr, permit, is_open: &watch::Receiver<()>| {
            let connection = serve(plane.clone(), port, stream, address, is_open.clone());
            plane.tasks.spawn(TaskKind::ClientConnection, async move {
                connection.await;
                drop::<OwnedSemaphorePermit>(permit);
            });
        };
    // Bounded by the closer; each turn waits for a connection.
    loop {
        // One permit per connection; without one, clients wait in the backlog.
        let next = async {
            let permit = plane.permits.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        tokio::select! {
            // Nothing is ever sent: this is the sender being dropped.
            _ = is_open.changed() => break,
            accepted = next => match accepted {
                None => break,
                Some((Ok((stream, address)), permit)) => connected(stream, address, permit, &is_open),
                Some((Err(_), _)) => back_off().await,
            }
        }
    }
    // Whoever has connected before the end is served.
    for _ in 0..CLIENT_CONNECTIONS_MAX {
        let waiting = poll_fn(|context| match listener.poll_accept(context) {
            Poll::Ready(Ok(waiting)) => Poll::Ready(Some(waiting)),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
        });
        let (Some((stream, address)), Ok(permit)) =
            (waiting.await, plane.permits.clone().try_acquire_owned())
        else {
            return;
        };
        connected(stream, address, permit, &is_open);
    }
}

async fn serve(
    plane: Arc<Plane>,
    port: u16,
    stream: TcpStream,
    address: SocketAddr,
    mut is_open: watch::Receiver<()>,
) {
    tune(&stream);
    let header_read_timeout = ms(plane.timeouts.client_head_ms_max);
    let address = HeaderValue::from_str(&address.ip().to_string())
        .unwrap_or(HeaderValue::from_static("unknown"));
    let is_upgraded = Arc::new(AtomicBool::new(false));
    let stream = Lingering::new(stream, plane.timeouts.body_idle_ms_max, is_upgraded.clone());
    let client = Arc::new(Client {
        plane,
        port,
        address,
        is_upgraded,
    });
    let service = service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(forward::handle(&client, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read_timeout)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong with a client's connection is the client's to notice: hyper answers bad requests by itself.
    tokio::select! {
        // The connection first: a request that has arrived is read before the end is noticed.
        biased;
        _ = connection.as_mut() => return,
        _ = is_open.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

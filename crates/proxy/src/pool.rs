//! Connections to one backend: opened when needed, kept while they are young, closed at once when the backend leaves.
//!
//! The pool is our own because three things matter here that a general client hides: whether a connection has been used
//! before (a request lost on it may then have met nothing but an idle timeout), how old an idle one is (a request that
//! cannot be repeated gets only a very young one), and that a drained backend keeps no connection.

use crate::body::RequestBody;
use crate::limits::{
    BUFFER_BYTES_MAX, HEAD_BYTES_MAX, POOL_IDLE_PER_BACKEND_MAX, POOL_LOOKS_MAX,
    TCP_KEEPALIVE_SECONDS, ms,
};
use crate::tasks::{TaskKind, Tasks};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The system said so.
    #[error("cannot connect to {address}")]
    Refused {
        /// To whom.
        address: SocketAddr,
        /// In its words.
        #[source]
        source: std::io::Error,
    },
    /// No answer in time.
    #[error("{address} did not accept a connection within {limit_ms} ms")]
    Late {
        /// Who.
        address: SocketAddr,
        /// How long was waited.
        limit_ms: u64,
    },
    /// The connection was there and the protocol could not begin.
    #[error("cannot speak HTTP to {address}")]
    Handshake {
        /// To whom.
        address: SocketAddr,
        /// Why.
        #[source]
        source: hyper::Error,
    },
}

impl ConnectError {
    /// Whether it says something about the backend. That the proxy has no descriptor, port or memory left does not.
    pub(crate) fn is_about_the_peer(&self) -> bool {
        let Self::Refused { source, .. } = self else {
            return true;
        };
        let ours = [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::NOBUFS,
            Errno::ADDRNOTAVAIL,
        ];
        Errno::from_io_error(source).is_none_or(|errno| !ours.contains(&errno))
    }
}

/// Idle connections to one backend.
#[derive(Debug)]
pub(crate) struct Pool {
    address: SocketAddr,
    idle: Mutex<Idle>,
}

#[derive(Debug)]
struct Idle {
    is_open: bool,
    /// Youngest last.
    resting: Vec<Resting>,
}

#[derive(Debug)]
struct Resting {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection that carries one request at a time.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Sends requests on it.
    pub(crate) sender: SendRequest<RequestBody>,
    pool: Arc<Pool>,
}

impl Pool {
    /// An empty pool.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::new(Idle {
                is_open: true,
                resting: Vec::new(),
            }),
        }
    }

    /// The youngest idle connection that is ready and no older than so many milliseconds.
    pub(crate) fn take(self: &Arc<Self>, age_ms_max: u64) -> Option<Lease> {
        let mut idle = self.lock();
        let mut looks = POOL_LOOKS_MAX;
        let mut position = idle.resting.len();
        while position > 0 && looks > 0 {
            (position, looks) = (position - 1, looks - 1);
            let resting = idle.resting.get(position)?;
            if resting.since.elapsed() > ms(age_ms_max) {
                // All before it are older.
                return None;
            }
            if resting.sender.is_closed() {
                idle.resting.remove(position);
            } else if resting.sender.is_ready() {
                let Resting { sender, .. } = idle.resting.remove(position);
                return Some(Lease {
                    sender,
                    pool: self.clone(),
                });
            }
        }
        None
    }

    /// Opens a new connection.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        tasks: &Tasks,
        limit_ms: u64,
    ) -> Result<Lease, ConnectError> {
        let address = self.address;
        let stream = match tokio::time::timeout(ms(limit_ms), TcpStream::connect(address)).await {
            Err(_) => return Err(ConnectError::Late { address, limit_ms }),
            Ok(Err(source)) => return Err(ConnectError::Refused { address, source }),
            Ok(Ok(stream)) => stream,
        };
        tune(&stream);
        let (sender, connection) = http1::Builder::new()
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::Handshake { address, source })?;
        // Errors of the connection reach whoever waits for an answer on it.
        tasks.spawn(TaskKind::UpstreamConnection, connection.with_upgrades());
        Ok(Lease {
            sender,
            pool: self.clone(),
        })
    }

    /// Takes connections again.
    pub(crate) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Closes what is idle and keeps nothing from now on.
    pub(crate) fn close(&self) {
        let closed = {
            let mut idle = self.lock();
            idle.is_open = false;
            std::mem::take(&mut idle.resting)
        };
        drop(closed);
    }

    /// Closes what has been idle for longer than so many milliseconds, or was closed by the other side.
    pub(crate) fn sweep(&self, age_ms_max: u64) {
        self.lock().resting.retain(|resting| {
            !resting.sender.is_closed() && resting.since.elapsed() <= ms(age_ms_max)
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        // Nothing can panic while it is held; if it did, a list of idle connections is still a list.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Gives the connection back after a whole answer. It may not be ready for the next request yet; [`Pool::take`]
    /// looks.
    pub(crate) fn release(self) {
        if self.sender.is_closed() {
            return;
        }
        let mut idle = self.pool.lock();
        if idle.is_open && idle.resting.len() < POOL_IDLE_PER_BACKEND_MAX {
            idle.resting.push(Resting {
                sender: self.sender,
                since: Instant::now(),
            });
        }
    }
}

/// Sends small messages at once, and notices peers that vanished. Both are improvements only: a system that does not
/// know them still serves.
pub(crate) fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = stream.as_fd();
    let _ = rustix::net::sockopt::set_socket_keepalive(socket, true);
    let _ =
        rustix::net::sockopt::set_tcp_keepidle(socket, Duration::from_secs(TCP_KEEPALIVE_SECONDS));
}

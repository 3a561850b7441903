//! Every limit of the data plane, with its unit in its name and the reason for its size.
//!
//! Constants bound what the program may hold; [`Timeouts`] bounds how long it may wait, and can be shortened by tests.
//! Nothing here is read from the route table: the control plane can change routes, never the limits.

use std::time::Duration;

/// Services in one route table. Each has a listening socket, so the system's limits are near anyway.
pub const SERVICES_MAX: usize = 256;

/// Arms (versions) of one service: two during a canary, a few more while old ones drain.
pub const ARMS_PER_SERVICE_MAX: usize = 64;

/// Backends of one service over all its arms.
pub const BACKENDS_PER_SERVICE_MAX: usize = 1_024;

/// Bytes in the name of a service, a version or an instance; they are sent as header values.
pub const NAME_BYTES_MAX: usize = 253;

/// Sum of the weights of one service: shares can be stated in hundredths of a percent. The schedule that makes shares
/// exact has at most this many entries.
pub const WEIGHT_SUM_MAX: u32 = 10_000;

/// Bytes of a health path.
pub const HEALTH_PATH_BYTES_MAX: usize = 1_024;

/// Shortest and longest time between two probes of an instance, and the longest a probe may take.
pub const HEALTH_INTERVAL_MS_MIN: u64 = 10;
/// See [`HEALTH_INTERVAL_MS_MIN`].
pub const HEALTH_INTERVAL_MS_MAX: u64 = 600_000;
/// See [`HEALTH_INTERVAL_MS_MIN`].
pub const HEALTH_TIMEOUT_MS_MAX: u64 = 60_000;

/// Failed probes in a row after which an instance gets no more requests. One is too few: a single lost probe would
/// move traffic.
pub const UNHEALTHY_AFTER_FAILURES: u32 = 2;

/// How long an instance that refused a connection is avoided when nothing probes it.
pub const PASSIVE_DOWN_MS: u64 = 1_000;

/// Bytes in the body of a request on the control socket: a full table of the sizes above fits.
pub const CONTROL_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Connections served at once on the control socket. Its readers are the control plane and a person or two.
pub const CONTROL_CONNECTIONS_MAX: usize = 32;

/// Bytes of an answer that the client of the control socket will read: counts of a full table fit.
pub const CONTROL_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of the saved route table that will be read at a start.
pub const ROUTES_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of a path of a Unix socket (`sun_path` on Linux is 108 with its final zero; elsewhere it may be 104), less
/// the suffix under which the socket is born.
pub const SOCKET_PATH_BYTES_MAX: usize = 99;

/// Client connections over all services. Above it new ones wait in the backlog of the listening socket.
pub const CLIENT_CONNECTIONS_MAX: usize = 16_384;

/// Header fields in a request or a response. This is also hyper's default, up to which it needs no allocation.
pub const HEADERS_MAX: usize = 100;

/// Bytes of a request or response head.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes that one connection may buffer in each direction.
pub const BUFFER_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a request body. Bodies are streamed, so this guards the instances, not the proxy.
pub const REQUEST_BODY_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Bytes read and dropped, and time waited, so that a client can read an answer that came before the end of
/// its request.
pub const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// See [`LINGER_BYTES_MAX`].
pub const LINGER_MS_MAX: u64 = 1_000;

/// Instances that one request may be offered to before the client is told that none answered.
pub const ATTEMPTS_MAX: usize = 8;

/// Idle connections kept for one backend.
pub const POOL_IDLE_PER_BACKEND_MAX: usize = 256;

/// Idle connections looked at for one request: those that are closed or not yet ready are passed over.
pub const POOL_LOOKS_MAX: usize = 16;

/// Backends that left the table and stay visible in the counts after they have drained.
pub const RETIRED_BACKENDS_MAX: usize = 256;

/// Versions that left the table and stay visible in the counts after they have drained.
pub const RETIRED_ARMS_MAX: usize = 256;

/// Pause after the system had no file descriptor left for an accepted connection.
pub const ACCEPT_BACKOFF_MS: u64 = 20;

/// Time between two sweeps that close idle connections past their age and forget drained backends.
pub const SWEEP_INTERVAL_MS: u64 = 500;

/// Seconds of silence after which the system asks whether the peer of a connection still exists. Long-lived upgraded
/// connections have no other bound.
pub const TCP_KEEPALIVE_SECONDS: u64 = 60;

/// Times to wait; [`Timeouts::default`] is what the program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the opening of a client connection, or the end of its last response, to the end of the next request head.
    /// It is both the guard against slow heads and the life of an idle client connection; it is long because closing
    /// an idle connection may cross a request on its way.
    pub client_head_ms_max: u64,
    /// To open a TCP connection to a backend.
    pub connect_ms_max: u64,
    /// From the last byte of a request that a backend took to the head of its response; past it the client gets a 504.
    pub response_head_ms_max: u64,
    /// Silence in the middle of a body, in either direction; also how long a client may leave an answer unread.
    pub body_idle_ms_max: u64,
    /// Age of an idle connection to a backend. Just under five seconds, the shortest idle timeout that common servers
    /// ship with, so that we close before they do.
    pub pool_idle_ms_max: u64,
    /// Age of an idle connection that may carry a request which cannot be repeated. Short, because nobody can tell
    /// whether such a request was lost or executed when the backend closes just then.
    pub pool_idle_unrepeatable_ms_max: u64,
    /// One exchange on the control socket.
    pub control_ms_max: u64,
    /// From the wish to stop to the end of the process, whatever is still in flight.
    pub drain_ms_max: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            client_head_ms_max: 75_000,
            connect_ms_max: 2_000,
            response_head_ms_max: 60_000,
            body_idle_ms_max: 300_000,
            pool_idle_ms_max: 4_000,
            pool_idle_unrepeatable_ms_max: 500,
            control_ms_max: 10_000,
            drain_ms_max: 30_000,
        }
    }
}

/// Milliseconds as a [`Duration`].
pub(crate) fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

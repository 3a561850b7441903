//! A proxy between a provider and its services, which makes the network what it is on bad days: requests that land
//! late, answers that are lost, services that turn requests away.
//!
//! A request is read whole before anything is done about it, so that it lands even when who sent it is dead.

use super::http::Request;
use sim::Rng;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest time that a request is held for whoever is to be killed meanwhile.
const HELD_MS_MAX: u64 = 2_000;

/// Something that goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It is answered with 500, and never gets there.
    Error,
    /// It is answered with 503, and never gets there.
    Unavailable,
    /// It is turned away.
    Throttled,
    /// The connection is reset before it gets there.
    ResetBefore,
    /// It gets there; the connection is reset instead of an answer.
    ResetAfter,
}

/// All of them.
pub(crate) const FAULTS: [Fault; 5] = [
    Fault::Error,
    Fault::Unavailable,
    Fault::Throttled,
    Fault::ResetBefore,
    Fault::ResetAfter,
];

/// What the network is like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// Every request takes so much longer.
    pub latency_ms: u64,
    /// Of a thousand changing requests, so many land late.
    pub late_per_mille: u64,
    /// Up to so late.
    pub late_ms_max: u64,
    /// Of a thousand requests, so many go wrong.
    pub faults_per_mille: u64,
    /// A service of which every request goes wrong.
    pub down: Option<&'static str>,
}

/// When somebody is told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// When it is here and not there yet.
    Before,
    /// When it was carried out and not answered yet.
    After,
}

/// Tells somebody of the n-th changing request from now on, and holds it meanwhile.
struct Armed {
    left: u64,
    when: When,
    tell: Box<dyn Fn() + Send>,
}

struct State {
    upstream: SocketAddr,
    rng: Mutex<Rng>,
    weather: Mutex<Weather>,
    armed: Mutex<Option<Armed>>,
    counts: Mutex<Counts>,
}

/// What passed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Requests.
    pub requests: u64,
    /// Those that change something.
    pub changing: u64,
    /// Those that landed late.
    pub late: u64,
    /// What went wrong.
    pub faults: BTreeMap<Fault, u64>,
}

/// See the module's header.
pub(crate) struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pause(time: Duration) {
    let (_open, never) = mpsc::sync_channel::<()>(1);
    // Nobody sends: it waits for as long as was said.
    let _ = never.recv_timeout(time);
}

impl Proxy {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn start(upstream: SocketAddr, rng: Rng) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            upstream,
            rng: Mutex::new(rng),
            weather: Mutex::default(),
            armed: Mutex::default(),
            counts: Mutex::default(),
        });
        let of_thread = state.clone();
        std::thread::spawn(move || {
            // Ends with this program: a connection that cannot be taken is the peer's trouble.
            for stream in listener.incoming().flatten() {
                let state = of_thread.clone();
                std::thread::spawn(move || state.serve(stream));
            }
        });
        Ok(Self { address, state })
    }

    /// From now on, the network is like this.
    pub(crate) fn weather(&self, weather: Weather) {
        *locked(&self.state.weather) = weather;
    }

    /// Tells of the n-th changing request from now on.
    pub(crate) fn arm(&self, n: u64, when: When, tell: Box<dyn Fn() + Send>) {
        let left = n.max(1);
        *locked(&self.state.armed) = Some(Armed { left, when, tell });
    }

    /// Tells of none any more.
    pub(crate) fn disarm(&self) {
        *locked(&self.state.armed) = None;
    }

    /// What passed so far.
    pub(crate) fn counts(&self) -> Counts {
        locked(&self.state.counts).clone()
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) {
        let Ok(Some(request)) = Request::read(&mut stream) else {
            return;
        };
        let changes = request.changes();
        let armed = self.counted(changes);
        let (late, fault) = self.drawn(&request, changes);
        let told = |when: When| {
            if let Some((tell, _)) = armed.as_ref().filter(|(_, at)| *at == when) {
                tell();
                pause(Duration::from_millis(HELD_MS_MAX / 4));
            }
        };
        told(When::Before);
        let latency_ms = locked(&self.weather).latency_ms;
        if latency_ms > 0 {
            pause(Duration::from_millis(latency_ms));
        }
        if late > 0 {
            locked(&self.counts).late += 1;
            pause(Duration::from_millis(late));
        }
        if let Some(fault) = fault {
            *locked(&self.counts).faults.entry(fault).or_default() += 1;
        }
        let answer = match fault {
            Some(Fault::ResetBefore) => return reset(&stream),
            Some(fault @ (Fault::Error | Fault::Unavailable | Fault::Throttled)) => {
                refusal(fault, &request)
            }
            Some(Fault::ResetAfter) | None => request.send(self.upstream).unwrap_or_default(),
        };
        told(When::After);
        if fault == Some(Fault::ResetAfter) {
            return reset(&stream);
        }
        // Who asked may be dead by now.
        let _ = stream.write_all(&answer);
    }

    /// Counts a request; the armed one is taken out.
    fn counted(&self, changes: bool) -> Option<(Box<dyn Fn() + Send>, When)> {
        let mut counts = locked(&self.counts);
        counts.requests += 1;
        if !changes {
            return None;
        }
        counts.changing += 1;
        let mut armed = locked(&self.armed);
        if let Some(armed) = armed.as_mut() {
            armed.left -= 1;
        }
        let taken = armed.take_if(|armed| armed.left == 0)?;
        Some((taken.tell, taken.when))
    }

    fn drawn(&self, request: &Request, changes: bool) -> (u64, Option<Fault>) {
        let weather = locked(&self.weather).clone();
        let mut rng = locked(&self.rng);
        let is_late = changes && rng.chance(weather.late_per_mille);
        let late = if is_late {
            rng.between(1, weather.late_ms_max)
        } else {
            0
        };
        let is_down = weather.down.is_some_and(|down| down == request.service());
        let goes_wrong = is_down || rng.chance(weather.faults_per_mille);
        let fault = rng.pick(&FAULTS).copied().filter(|_| goes_wrong);
        (late, fault)
    }
}

/// A connection that is reset, and not closed.
fn reset(stream: &TcpStream) {
    // Where it cannot be, it is closed in the middle, which is as bad.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

fn refusal(fault: Fault, request: &Request) -> Vec<u8> {
    let (status, code) = match fault {
        Fault::Throttled if request.is_json() => ("400 Bad Request", "ThrottlingException"),
        Fault::Throttled => ("503 Service Unavailable", "RequestLimitExceeded"),
        Fault::Unavailable => ("503 Service Unavailable", "ServiceUnavailable"),
        Fault::Error | Fault::ResetBefore | Fault::ResetAfter => {
            ("500 Internal Server Error", "InternalFailure")
        }
    };
    let (kind, body) = if request.is_json() {
        let body = format!("{{\"__type\":\"{code}\",\"message\":\"a bad day\"}}");
        ("application/x-amz-json-1.1", body)
    } else if request.service() == "ec2" {
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>a bad day</Message></Error></Errors>\
             <RequestID>0</RequestID></Response>"
        );
        ("text/xml", body)
    } else {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>a bad day</Message></Error>\
             <RequestId>0</RequestId></ErrorResponse>"
        );
        ("text/xml", body)
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

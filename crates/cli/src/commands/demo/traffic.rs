//! The demo's customers: keep-alive connections that ask the shop for its page all the while, and count what they get.
//!
//! Requests are due at fixed times whether or not earlier ones were answered late, so a stall is seen as one.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Connections the requests are spread over.
const CONNECTIONS: u32 = 8;

/// Longest time one request may take.
const REQUEST_MS_MAX: u64 = 10_000;

/// Largest answer, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Most header lines of an answer.
const HEADERS_MAX: usize = 100;

/// What the customers of one environment saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By version, as the data plane names it; what no version answered is under the empty name.
    pub by_version: BTreeMap<String, Answers>,
    /// The first few failures in words.
    pub failures: Vec<String>,
    /// Time of every request in microseconds.
    pub latency_us: Vec<u32>,
}

/// Answers of one version.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answers {
    /// All.
    pub sent: u64,
    /// Status 500 and above, or none.
    pub failed: u64,
    /// When the first and the last came, in milliseconds since 1970.
    pub first_ms: i64,
    /// See `first_ms`.
    pub last_ms: i64,
}

/// Customers at work.
pub(super) struct Traffic {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    workers: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Traffic {
    /// Prepares so many requests per second to a port; [`Traffic::run`] sends them.
    pub(super) fn new(port: u16, rate: u32, now_ms: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let workers = (0..CONNECTIONS)
            .map(|number| {
                let worker = Worker {
                    port,
                    pause: Duration::from_secs(1) * CONNECTIONS / rate.max(1),
                    offset: Duration::from_secs(1) * number / rate.max(1),
                    seen: seen.clone(),
                    stop: stop.clone(),
                    now_ms: now_ms.clone(),
                };
                Box::pin(worker.work()) as _
            })
            .collect();
        Self {
            seen,
            stop,
            workers,
        }
    }

    /// What is needed to look on and to stop.
    pub(super) fn watch(&self) -> Watch {
        Watch {
            seen: self.seen.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Sends until told to stop. Blocks the thread.
    pub(super) fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut workers = tokio::task::JoinSet::new();
        runtime.block_on(async {
            for worker in self.workers {
                workers.spawn(worker);
            }
            while workers.join_next().await.is_some() {}
        });
        Ok(())
    }
}

/// Looks at the customers from outside.
#[derive(Clone)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Looks at what was seen so far.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// No further request is sent.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Worker {
    port: u16,
    pause: Duration,
    offset: Duration,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

struct Answer {
    status: u16,
    version: String,
    keep: bool,
}

impl Worker {
    async fn work(self) {
        let mut connection: Option<BufReader<TcpStream>> = None;
        let mut due = Instant::now() + self.offset;
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep_until(due.into()).await;
            let asked = tokio::time::timeout(
                Duration::from_millis(REQUEST_MS_MAX),
                self.ask(connection.take()),
            );
            let result = match asked.await {
                Ok(result) => result,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            };
            self.note(due, result, &mut connection);
            due += self.pause;
        }
    }

    fn note(
        &self,
        due: Instant,
        result: io::Result<(Answer, BufReader<TcpStream>)>,
        connection: &mut Option<BufReader<TcpStream>>,
    ) {
        let now_ms = (self.now_ms)();
        let took = u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.latency_us.push(took);
        let (version, failure) = match result {
            Ok((answer, open)) => {
                *connection = answer.keep.then_some(open);
                let failure = (answer.status >= 500).then(|| format!("status {}", answer.status));
                (answer.version, failure)
            }
            Err(error) => (String::new(), Some(error.to_string())),
        };
        let answers = seen.by_version.entry(version.clone()).or_default();
        if answers.sent == 0 {
            answers.first_ms = now_ms;
        }
        answers.sent += 1;
        answers.last_ms = now_ms;
        if let Some(failure) = failure {
            answers.failed += 1;
            if seen.failures.len() < 20 {
                seen.failures
                    .push(format!("version {version:?}: {failure}"));
            }
        }
    }

    async fn ask(
        &self,
        open: Option<BufReader<TcpStream>>,
    ) -> io::Result<(Answer, BufReader<TcpStream>)> {
        let mut stream = match open {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        stream
            .get_mut()
            .write_all(b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n")
            .await?;
        let answer = read_answer(&mut stream).await?;
        Ok((answer, stream))
    }
}

/// Reads one answer as HTTP/1.1 (RFC 9112) frames it when the length is given; the shop and the data plane give it.
async fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| malformed("no status line"))?;
    let mut answer = Answer {
        status,
        version: String::new(),
        keep: true,
    };
    let mut length = None;
    for _ in 0..HEADERS_MAX {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            proxy::VERSION_HEADER => value.clone_into(&mut answer.version),
            "connection" => answer.keep = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let length = length
        .filter(|length| *length <= BODY_BYTES_MAX)
        .ok_or_else(|| malformed("no length"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(answer)
}

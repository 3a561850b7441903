//! A provider that runs: started by us or by somebody else, reached, and stopped again.
//!
//! A provider that we start listens on a socket in a directory that only we can enter, without TLS: the directory's
//! permissions say who may connect. It stands in a process group of its own, so that Ctrl-C at a terminal does not
//! reach it, and sees our whole environment, because that is where credentials are.

use crate::connection::{CallError, ConnectError, Connection};
use crate::directory::Directory;
use crate::handshake::{Handshake, HandshakeError, parse};
use crate::limits::{EXIT_NOTICE_MS_MAX, HANDSHAKE_BYTES_MAX, HANDSHAKE_MS_MAX, SHUTDOWN_MS_MAX};
use crate::log::Log;
use crate::method::Method;
use crate::reattach::Reattach;
use crate::wire;
use core::time::Duration;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// By this a provider knows that a host has started it, and not a person.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Providers are written in Go, and large ones spend a third of their start on collecting garbage. With half as many
/// collections the one of AWS starts in four fifths of the time and takes 16% more memory. Who has said how often stays
/// in charge.
const GO_COLLECTION: (&str, &str) = ("GOGC", "200");

/// How a provider comes to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// This program is started.
    Program(PathBuf),
    /// Somebody has started it already.
    Reattach(Reattach),
}

/// Why a provider does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("a directory for its socket cannot be made")]
    Directory(#[source] io::Error),
    #[error("it cannot be started")]
    Spawn(#[source] io::Error),
    #[error("it said nothing within {} s", HANDSHAKE_MS_MAX / 1_000)]
    Silent { log: String },
    #[error("it ended before it said where it listens ({status})")]
    Ended {
        status: String,
        /// Somebody has ended it, with SIGKILL.
        is_killed: bool,
        log: String,
    },
    #[error("it does not shake hands as a provider does")]
    Handshake {
        #[source]
        error: HandshakeError,
        log: String,
    },
    #[error("it cannot be reached")]
    Connect(#[source] ConnectError),
}

/// A provider that runs.
#[derive(Debug)]
pub(crate) struct Process {
    connection: Connection,
    started: Option<Started>,
}

/// What a provider writes to its standard error.
#[derive(Clone, Debug)]
struct Said {
    log: Arc<Mutex<Log>>,
    /// Closed when there is nothing more to come.
    open: watch::Receiver<()>,
}

/// What belongs to a provider that we have started.
#[derive(Debug)]
struct Started {
    child: tokio::sync::Mutex<Child>,
    pid: Option<Pid>,
    said: Said,
    /// Held for its end: it removes the directory.
    _directory: Directory,
}

impl Process {
    /// Starts a provider, or finds the one that runs.
    pub(crate) async fn start(
        launch: &Launch,
        tether: Option<&[OsString]>,
    ) -> Result<Self, StartError> {
        match launch {
            Launch::Program(program) => Self::spawn(program, tether).await,
            Launch::Reattach(Reattach { place, major }) => {
                let connection = Connection::open(place, *major).await;
                Ok(Self {
                    connection: connection.map_err(StartError::Connect)?,
                    started: None,
                })
            }
        }
    }

    async fn spawn(program: &Path, tether: Option<&[OsString]>) -> Result<Self, StartError> {
        let directory = Directory::make().map_err(StartError::Directory)?;
        let mut command = command(program, tether);
        if std::env::var_os(GO_COLLECTION.0).is_none() {
            command.env(GO_COLLECTION.0, GO_COLLECTION.1);
        }
        let mut child = command
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_UNIX_SOCKET_DIR", directory.path())
            // Where those that are too old to know the line above make their socket.
            .env("TMPDIR", directory.path())
            .env_remove("PLUGIN_CLIENT_CERT")
            .env_remove("PLUGIN_MULTIPLEX_GRPC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(StartError::Spawn)?;
        let Some(stderr) = child.stderr.take() else {
            return Err(StartError::Spawn(io::ErrorKind::BrokenPipe.into()));
        };
        let log = Arc::new(Mutex::new(Log::default()));
        let said = Said {
            open: keep(stderr, log.clone()),
            log,
        };
        let handshake = shake_hands(&mut child, &said).await?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let connection = Connection::open(&handshake.place, handshake.major).await;
        Ok(Self {
            connection: connection.map_err(StartError::Connect)?,
            started: Some(Started {
                child: tokio::sync::Mutex::new(child),
                pid,
                said,
                _directory: directory,
            }),
        })
    }

    /// Whether its connection is closed: a provider has no other one.
    pub(crate) fn is_gone(&self) -> bool {
        self.connection.is_closed()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How the provider ended and what it said last, if it has ended or does so now that its connection broke.
    pub(crate) async fn last_words(&self) -> Option<String> {
        let started = self.started.as_ref()?;
        let status = started.wait(EXIT_NOTICE_MS_MAX).await?;
        let last = started.said.last().await;
        Some(if last.is_empty() {
            status.to_string()
        } else {
            format!("{status}; its last words:\n{last}")
        })
    }

    /// Asks what is under way to wind up. The calls still answer.
    pub(crate) async fn stop(&self) {
        let asking =
            self.connection
                .call::<_, wire::Stopped>(Method::Stop, wire::Empty {}, SHUTDOWN_MS_MAX);
        // One that cannot stop goes on, and its calls tell what came of it.
        let _: Result<wire::Stopped, CallError> = asking.await;
    }

    /// Ends a provider that we have started: by asking it, and by killing it when it does not go.
    pub(crate) async fn close(&self) {
        let Some(started) = &self.started else {
            return;
        };
        let path = "/plugin.GRPCController/Shutdown";
        let asking = self.connection.call_path::<_, wire::Empty>(
            path,
            "Shutdown",
            wire::Empty {},
            SHUTDOWN_MS_MAX,
        );
        // A provider that goes at once breaks the connection instead of answering.
        let asked: Result<wire::Empty, CallError> = asking.await;
        let goes = !matches!(asked, Err(CallError::Unimplemented(_)));
        if goes && started.wait(SHUTDOWN_MS_MAX).await.is_some() {
            return;
        }
        if let Some(pid) = started.pid {
            // It may have gone in this very moment.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        started.wait(SHUTDOWN_MS_MAX).await;
    }
}

impl Started {
    /// The status it ended with, if it ends in time.
    async fn wait(&self, time_ms: u64) -> Option<ExitStatus> {
        let ending = async { self.child.lock().await.wait().await };
        let ended = timeout(Duration::from_millis(time_ms), ending).await;
        ended.ok()?.ok()
    }
}

/// The program, or what becomes it.
fn command(program: &Path, tether: Option<&[OsString]>) -> Command {
    let Some([through, words @ ..]) = tether else {
        return Command::new(program);
    };
    let mut command = Command::new(through);
    command
        .args(words)
        .arg(std::process::id().to_string())
        .arg(program);
    command
}

/// Reads the line on standard output; what comes after it is passed over for as long as the provider lives.
async fn shake_hands(child: &mut Child, said: &Said) -> Result<Handshake, StartError> {
    let Some(stdout) = child.stdout.take() else {
        return Err(StartError::Spawn(io::ErrorKind::BrokenPipe.into()));
    };
    let mut stdout = BufReader::new(stdout);
    let limit = Duration::from_millis(HANDSHAKE_MS_MAX);
    let Ok(line) = timeout(limit, first_line(&mut stdout)).await else {
        return Err(StartError::Silent {
            log: said.last().await,
        });
    };
    let line = match line {
        Ok(line) if !line.is_empty() => line,
        // It has closed its output; only its end tells why.
        Ok(_) | Err(_) => {
            let ended = timeout(Duration::from_millis(EXIT_NOTICE_MS_MAX), child.wait()).await;
            let is_killed = match &ended {
                Ok(Ok(status)) => status.signal() == Some(Signal::KILL.as_raw()),
                Ok(Err(_)) | Err(_) => false,
            };
            let status = match ended {
                Ok(Ok(status)) => status.to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it has closed its output and runs on".to_owned(),
            };
            return Err(StartError::Ended {
                status,
                is_killed,
                log: said.last().await,
            });
        }
    };
    keep(stdout, said.log.clone());
    match parse(&line) {
        Ok(handshake) => Ok(handshake),
        Err(error) => {
            // What it has to say it says on its way out.
            let _ = timeout(Duration::from_millis(EXIT_NOTICE_MS_MAX), child.wait()).await;
            Err(StartError::Handshake {
                error,
                log: said.last().await,
            })
        }
    }
}

async fn first_line(stdout: &mut BufReader<ChildStdout>) -> io::Result<String> {
    let mut line = Vec::new();
    let mut limited = stdout.take(HANDSHAKE_BYTES_MAX as u64);
    limited.read_until(b'\n', &mut line).await?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Takes lines into the log until the stream ends.
fn keep(
    stream: impl AsyncRead + Send + Unpin + 'static,
    log: Arc<Mutex<Log>>,
) -> watch::Receiver<()> {
    let (end, open) = watch::channel(());
    crate::task::spawn(async move {
        let _end = end;
        let mut lines = BufReader::new(stream);
        loop {
            // Ends with the stream. A line without an end comes in pieces.
            let mut line = Vec::new();
            let mut limited = (&mut lines).take(HANDSHAKE_BYTES_MAX as u64);
            match limited.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.line(&String::from_utf8_lossy(&line));
                }
            }
        }
    });
    open
}

impl Said {
    /// What it wrote last, once the rest has come: a provider that has ended, or is about to, says why at the end.
    async fn last(&self) -> String {
        let mut open = self.open.clone();
        // What is still open holds the pipe without writing.
        let _ = timeout(Duration::from_millis(EXIT_NOTICE_MS_MAX), open.changed()).await;
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tail()
    }
}

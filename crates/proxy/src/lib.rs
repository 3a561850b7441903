//! The data plane: a process of its own that spreads requests over the instances of services.
//!
//! It listens on one port per service, chooses an instance by the weights of the route table in force, and streams
//! request and answer through: HTTP/1.1 with keep-alive on both sides, and any upgraded protocol. The control plane
//! publishes whole route tables over a Unix socket; the acknowledgement means that the table is on disk and that every
//! routing decision from then on follows it. Between publications the proxy needs nobody: the control plane
//! may die, and a proxy that starts again goes on with the last table.
//!
//! Start reading at [`serve`]; then `publish` (how a table comes into force), `forward` (what happens to one request),
//! `table` and `choose` (who gets it). [`LocalRouter`] is the other side of the socket.
//!
//! Deliberately not here: TLS, HTTP/2, caching, rewriting, rate limits, sticky sessions, and any opinion on whether a
//! version is good; the counts are given to those who judge. The library prints nothing.

mod body;
mod choose;
mod client;
mod control;
mod counts;
mod diag;
mod forward;
mod health;
pub mod limits;
mod linger;
mod listen;
mod pool;
mod publish;
mod store;
mod table;
mod tasks;
mod upgrade;

pub use client::{AskError, LocalRouter};
pub use control::{
    ArmCounts, BackendCounts, Bucket, CountsAnswer, ErrorAnswer, HealthAnswer, Numbers,
    PublishAnswer, Refusal, RoutesAnswer, ServiceCounts, Standing,
};
pub use forward::{INSTANCE_HEADER, VERSION_HEADER};
pub use publish::PublishError;
pub use store::StoreError;
pub use table::TableError;

use crate::limits::{SOCKET_PATH_BYTES_MAX, Timeouts};
use crate::publish::Plane;
use crate::tasks::TaskKind;
use rustix::fs::FlockOperation;
use rustix::process::Resource;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

/// Where the proxy lives and how long it waits.
#[derive(Debug, Clone)]
pub struct Options {
    /// Path of the control socket, created with mode 0600. Its directory must exist and should be private.
    pub control_socket: PathBuf,
    /// Path of the saved route table. A file with `.lock` added to its name keeps a second proxy away.
    pub routes_file: PathBuf,
    /// Times to wait.
    pub timeouts: Timeouts,
}

/// Why the proxy could not start, or run on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another proxy uses the same saved route table.
    #[error("another proxy is running here; it holds {}", path.display())]
    AlreadyRunning {
        /// The lock.
        path: PathBuf,
    },
    /// A file or socket could not be made.
    #[error("cannot {what} {}", path.display())]
    Path {
        /// To do what.
        what: &'static str,
        /// With which path.
        path: PathBuf,
        /// In the system's words.
        #[source]
        source: io::Error,
    },
    /// The system takes only short paths for sockets.
    #[error(
        "the path of the control socket has {found} bytes, {SOCKET_PATH_BYTES_MAX} are allowed: {}",
        path.display()
    )]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// Its bytes.
        found: usize,
    },
    /// The saved route table cannot be read.
    #[error("cannot go on with the saved routes")]
    Saved(#[from] StoreError),
    /// The saved route table cannot be put in force again.
    #[error("cannot put the saved routes in force again")]
    Restore(#[from] PublishError),
    /// The system gives no threads or signals.
    #[error("cannot {what}")]
    System {
        /// To do what.
        what: &'static str,
        /// In its words.
        #[source]
        source: io::Error,
    },
}

/// A proxy that runs in the tasks of the current runtime. [`serve`] is this and a process around it.
#[derive(Debug)]
pub struct Proxy {
    plane: Arc<Plane>,
    options: Options,
    /// Released when the proxy has ended.
    _lock: File,
}

/// Runs the proxy until it is told to stop, by SIGTERM, SIGINT or the control socket; then drains and returns (told a
/// second time, it returns without the drain). Blocks; brings its own runtime. SIGHUP is ignored, so that a
/// proxy outlives the terminal it was started from.
///
/// # Errors
///
/// When it cannot start; see [`ServeError`].
pub fn serve(options: Options) -> Result<(), ServeError> {
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| ServeError::System {
            what: "start threads",
            source,
        })?;
    let served = runtime.block_on(async {
        let catch = |kind| {
            signal(kind).map_err(|source| ServeError::System {
                what: "catch signals",
                source,
            })
        };
        let mut terminate = catch(SignalKind::terminate())?;
        let mut interrupt = catch(SignalKind::interrupt())?;
        let _ignored = catch(SignalKind::hangup())?;
        let proxy = Proxy::start(options).await?;
        let plane = proxy.plane.clone();
        let ended = proxy.ended();
        let mut ended = std::pin::pin!(ended);
        tokio::select! {
            _ = ended.as_mut() => return Ok(()),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        plane.stop();
        tokio::select! {
            _ = ended => {}
            // Asked twice: whoever asks will not wait for the drain.
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    });
    // What is left has had its time to drain.
    runtime.shutdown_background();
    served
}

impl Proxy {
    /// Starts to serve: with the routes that were saved last, if there are any. When this returns, all ports of theirs
    /// and the control socket are open.
    ///
    /// # Errors
    ///
    /// When it cannot start; see [`ServeError`].
    pub async fn start(options: Options) -> Result<Self, ServeError> {
        let lock = lock(&options.routes_file)?;
        let plane = Arc::new(Plane::new(
            random_boot(),
            options.routes_file.clone(),
            options.timeouts,
        ));
        if let Some(saved) = store::load(&options.routes_file)? {
            plane.restore(saved).await?;
        }
        let listener = control_socket(&options.control_socket)?;
        plane.tasks.spawn(
            TaskKind::ControlListener,
            control::listen(plane.clone(), listener),
        );
        plane.tasks.spawn(TaskKind::Sweep, plane.clone().sweep());
        Ok(Self {
            plane,
            options,
            _lock: lock,
        })
    }

    /// Asks for a graceful stop: no new connections, what is in flight is finished until the drain deadline.
    pub fn stop(&self) {
        self.plane.stop();
    }

    /// Waits for the end. True when nothing in flight was cut off.
    pub async fn ended(self) -> bool {
        let is_drained = self.plane.stopped().await;
        // The lock is still held, so this cannot be another proxy's socket.
        let _ = std::fs::remove_file(&self.options.control_socket);
        is_drained
    }
}

/// One proxy per saved route table, for as long as the file is open.
fn lock(routes_file: &Path) -> Result<File, ServeError> {
    let mut path = routes_file.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = opened.map_err(|source| ServeError::Path {
        what: "open",
        path: path.clone(),
        source,
    })?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ServeError::AlreadyRunning { path }),
        Err(errno) => Err(ServeError::Path {
            what: "lock",
            path,
            source: errno.into(),
        }),
    }
}

/// Opens the control socket under another name and renames it: what a killed proxy left behind is replaced, and nobody
/// finds it before it has its mode.
fn control_socket(path: &Path) -> Result<UnixListener, ServeError> {
    let found = path.as_os_str().as_bytes().len();
    if found > SOCKET_PATH_BYTES_MAX {
        return Err(ServeError::SocketPath {
            path: path.to_owned(),
            found,
        });
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let refused = |what, path: &Path| {
        let path = path.to_owned();
        move |source| ServeError::Path { what, path, source }
    };
    match std::fs::remove_file(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused("remove", &fresh)(error)),
    }
    let listener = UnixListener::bind(&fresh).map_err(refused("listen on", &fresh))?;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&fresh, private).map_err(refused("set the mode of", &fresh))?;
    std::fs::rename(&fresh, path).map_err(refused("replace", path))?;
    Ok(listener)
}

/// A name for this life of the process. Random, because a counter would have to be saved, and small enough to be exact
/// in every JSON reader. The standard library seeds its hashers from the system.
fn random_boot() -> u64 {
    RandomState::new().build_hasher().finish() >> 11
}

/// As many descriptors as the system allows: two per request. If it refuses, accepting backs off when they run out.
fn raise_descriptor_limit() {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(Resource::Nofile, limit);
}

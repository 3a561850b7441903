//! Workloads as supervised processes on one machine.
//!
//! Each instance has a directory and a small process of its own beside it, the shim, which starts the workload, starts
//! it again when it dies, keeps its log, and stops it when asked. The shim outlives the control plane: whoever opens
//! the same directory later finds, observes and stops what runs. There is no daemon and no state but the directory;
//! whether a shim lives is answered by the kernel, through a lock it lets go of however the shim dies
//! (`docs/decisions/0007-shim-per-instance.md`).
//!
//! Deliberately absent: isolation. A workload runs as the user of the control plane and sees the whole machine.
//! Containers are another runtime's business.
//!
//! Start at [`LocalRuntime`], the control plane's side, and [`shim::run`], the other.

mod diag;
mod files;
mod health;
mod limits;
mod log;
mod memory;
mod observe;
mod place;
mod port;
mod process;
mod program;
mod record;
pub mod shim;
mod stop;

pub use diag::CODES;
pub use record::Supervision;

use contract::{InstanceReport, Outcome, Pending, Runtime, Unavailable};
use files::chain;
use limits::{CHANGE_TIMEOUT_MS, INSTANCE_NAME_BYTES_MAX, INSTANCES_MAX, LOG_LINES_MAX, POLL_MS};
use model::{InstanceId, InstanceSpec};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a [`LocalRuntime`] needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where instances and logs are kept; made when the first instance is placed.
    pub directory: PathBuf,
    /// Command that ends up in [`shim::run`]: a program and the words before those the runtime adds, such as the path
    /// of this program and `shim`.
    pub shim_command: Vec<OsString>,
    /// How instances placed from now on are looked after.
    pub supervision: Supervision,
}

impl Options {
    /// With the default supervision.
    pub fn new(directory: PathBuf, shim_command: Vec<OsString>) -> Self {
        Self {
            directory,
            shim_command,
            supervision: Supervision::default(),
        }
    }
}

/// The control plane's side: places, observes and stops instances on this machine.
///
/// Holds nothing that a new one would not find again. Its calls need a running tokio runtime with time and network.
pub struct LocalRuntime {
    home: Home,
    /// Callers of this process queue here, fairly, before one of them asks for the lock of the directory.
    queue: tokio::sync::Mutex<()>,
}

/// Held while a directory is made, moved away or given a port: two places at once must not choose the same port, nor a
/// stop remove what a place has just made. Waits for a few files, never for a workload. The lock is in the file system
/// because an old control plane may still be at work when the next one begins.
struct Changing<'a> {
    _turn: tokio::sync::MutexGuard<'a, ()>,
    _lock: std::fs::File,
}

/// The options with what follows from them; cheap to clone into blocking calls.
#[derive(Clone)]
struct Home {
    options: std::sync::Arc<Options>,
}

impl LocalRuntime {
    /// Touches nothing: a runtime that is never used leaves no trace.
    pub fn new(options: Options) -> Self {
        // The shim leaves this directory, so relative paths must not reach it.
        let directory = std::path::absolute(&options.directory).unwrap_or(options.directory);
        let options = std::sync::Arc::new(Options {
            directory,
            ..options
        });
        Self {
            home: Home { options },
            queue: tokio::sync::Mutex::new(()),
        }
    }

    /// Takes the right to change directories; the inner result is about the directory of the runtime itself.
    async fn change(&self) -> Result<Result<Changing<'_>, files::FileError>, Unavailable> {
        let turn = self.queue.lock().await;
        let home = self.home.clone();
        let lock = match blocking(move || home.lock_file()).await? {
            Ok(lock) => lock,
            Err(error) => return Ok(Err(error)),
        };
        let deadline = Instant::now() + Duration::from_millis(CHANGE_TIMEOUT_MS);
        while lock.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(Unavailable(format!(
                    "another Steadfast has been changing instances in {} for {CHANGE_TIMEOUT_MS} ms",
                    self.home.options.directory.display()
                )));
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
        Ok(Ok(Changing {
            _turn: turn,
            _lock: lock,
        }))
    }

    /// The last lines (at most 10,000) that an instance wrote, also after it was stopped; none when nothing is kept.
    /// Bytes that are no text and control characters are replaced, so that the lines can go to a terminal.
    pub fn logs(&self, instance: &InstanceId, lines_max: usize) -> Vec<String> {
        if !is_usable(instance) {
            return Vec::new();
        }
        let running = self.home.instance(instance);
        let log = if running.is_dir() {
            running.join("log")
        } else {
            log::archived(&self.home.logs(), &instance.0)
        };
        log::last_lines(&log, lines_max.min(LOG_LINES_MAX))
    }
}

impl Runtime for LocalRuntime {
    fn place<'a>(&'a self, spec: &'a InstanceSpec, unpacked: &'a Path) -> Pending<'a, Outcome> {
        Box::pin(place::place(self, spec, unpacked))
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, grace_ms: u64) -> Pending<'a, Outcome> {
        Box::pin(stop::stop(self, instance, grace_ms))
    }

    fn observe<'a>(
        &'a self,
        instance: &'a InstanceId,
    ) -> Pending<'a, Result<InstanceReport, Unavailable>> {
        Box::pin(observe::observe(self, instance))
    }

    fn list(&self) -> Pending<'_, Result<Vec<InstanceId>, Unavailable>> {
        let home = self.home.clone();
        Box::pin(async move {
            blocking(move || home.list())
                .await?
                .map_err(|error| Unavailable(chain(&error)))
        })
    }
}

impl Home {
    fn lock_file(&self) -> Result<std::fs::File, files::FileError> {
        use files::During;
        files::create_dir(&self.options.directory)?;
        let path = self.options.directory.join("lock");
        files::open_private(&path).during("open", &path)
    }

    fn instances(&self) -> PathBuf {
        self.options.directory.join("instances")
    }

    fn instance(&self, instance: &InstanceId) -> PathBuf {
        self.instances().join(&instance.0)
    }

    fn logs(&self) -> PathBuf {
        self.options.directory.join("logs")
    }

    /// Where directories go before they are removed, so that they vanish from `instances` in one step.
    fn trash(&self) -> PathBuf {
        self.options.directory.join("trash")
    }

    /// All instances that have a directory, sorted.
    fn list(&self) -> Result<Vec<InstanceId>, files::FileError> {
        use files::During;
        let path = self.instances();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).during("list", &path),
        };
        let mut instances = Vec::new();
        for entry in entries {
            if instances.len() == INSTANCES_MAX {
                let too_many = format!("there are more than {INSTANCES_MAX} instances");
                return Err(std::io::Error::other(too_many)).during("list", &path);
            }
            let name = entry.during("list", &path)?.file_name();
            let instance = InstanceId(name.to_string_lossy().into_owned());
            if is_usable(&instance) {
                instances.push(instance);
            }
        }
        instances.sort();
        Ok(instances)
    }
}

/// Whether a name can become the name of a directory: nothing that leads elsewhere, hides, or needs quoting.
fn is_usable(instance: &InstanceId) -> bool {
    let name = instance.0.as_bytes();
    name.len() <= INSTANCE_NAME_BYTES_MAX
        && name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Runs what waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unavailable> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Unavailable(format!("a call to the disk was given up: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_usable() {
        for (name, usable) in [
            ("web-1", true),
            ("web.a_b-0f", true),
            ("1", true),
            ("", false),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("a/b", false),
            ("../a", false),
            ("a b", false),
            ("a\0", false),
            ("ä", false),
            ("-rf", false),
        ] {
            assert_eq!(is_usable(&InstanceId(name.to_owned())), usable, "{name:?}");
        }
        let long = |length| is_usable(&InstanceId("x".repeat(length)));
        assert!(long(INSTANCE_NAME_BYTES_MAX) && !long(INSTANCE_NAME_BYTES_MAX + 1));
    }

    #[test]
    fn every_code_has_a_page() {
        let codes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes");
        for code in CODES {
            let page = std::fs::read_to_string(codes.join(format!("{code}.md")));
            assert!(
                page.is_ok_and(|text| text.starts_with(&format!("# {code}: "))),
                "{code}"
            );
        }
    }
}

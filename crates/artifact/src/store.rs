//! [`Store`]: the embedded artifact store, and the way of a build from specification to digest.
//!
//! What is decided here: whether a build is done at all, in which order the other parts of this room are called, and
//! whose fault a failure is. `Refused` is said where another attempt must end the same way (the source, the command,
//! the files), `Failed` where it need not (a full disk). Nothing is known only in memory: a store may be used by
//! several processes at once and may lose any of them at any time.

use crate::command::{self, Ended};
use crate::diag::{self, Ran};
use crate::layer::{self, Content, LayerError};
use crate::layout::{Layout, LayoutError, Verified, disk, layer_reader};
use crate::limits::{
    ARTIFACT_NAME_BYTES_MAX, BUILD_MS_MAX, LOCK_RETRY_MS, LOCK_WAIT_MS_MAX, LOG_BYTES_MAX,
};
use crate::oci::{Config, Descriptor};
use crate::output::last_lines;
use crate::path::TreePath;
use crate::pick::{self, PickError};
use crate::scratch::{Scratch, try_lock};
use crate::source::{Source, SourceError};
use crate::unpack::{self, UnpackError};
use contract::{Artifacts, Pending, Unavailable};
use model::{BuildSpec, Digest, Outcome};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use value::Diagnostic;

/// Where a [`Store`] finds sources and keeps artifacts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project's directory; sources are relative to it.
    pub project: PathBuf,
    /// The store's own directory. Made when it is first needed.
    pub directory: PathBuf,
}

/// Builds artifacts and keeps them in an OCI image layout on the local disk. Cloning shares it; several processes may
/// use one directory.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    project: PathBuf,
    layout: Layout,
}

/// Why there is no artifact.
enum Trouble {
    /// Another attempt would end the same way.
    Refused(Diagnostic),
    /// Another attempt may succeed.
    Failed(Diagnostic),
}

/// A specification that can be built.
struct Job {
    spec: BuildSpec,
    digest: Digest,
    files: BTreeMap<TreePath, TreePath>,
}

/// What there is before the command runs.
enum Prepared {
    /// It was built before, and every byte of it has just been verified.
    Known(Digest),
    /// A copy of the source that is what the specification says.
    Fresh(Workplace),
}

/// A temporary directory with a copy of the source, a home and a place for temporary files.
struct Workplace {
    scratch: Scratch,
    log: File,
}

impl Store {
    /// A store in this directory. Touches nothing yet.
    pub fn new(options: Options) -> Self {
        // A relative directory must mean the same later. Where there is no current directory, it stays as it is and the
        // first use says what is wrong.
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let layout = Layout {
            directory: absolute(options.directory),
        };
        Self {
            inner: Arc::new(Inner {
                project: absolute(options.project),
                layout,
            }),
        }
    }

    /// Does something that waits for a disk where waiting holds nobody up.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> io::Result<T> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(io::Error::other)
    }

    async fn build_artifact(&self, spec: &BuildSpec) -> Result<Digest, Trouble> {
        let job = Arc::new(Job::check(spec)?);
        let prepared = {
            let job = job.clone();
            self.blocking(move |inner| inner.prepare(&job)).await??
        };
        let mut workplace = match prepared {
            Prepared::Known(artifact) => return Ok(artifact),
            Prepared::Fresh(workplace) => workplace,
        };
        if !job.spec.build.is_empty() {
            workplace = self.run(&job, workplace).await?;
        }
        let artifact = {
            let job = job.clone();
            self.blocking(move |inner| inner.pack(&job, &workplace))
                .await??
        };
        let digest = artifact.digest;
        let lock = self.lock_index().await?;
        self.blocking(move |inner| {
            inner.layout.list(&job.spec.name, artifact)?;
            drop(lock);
            inner.layout.note_built(&job.digest, &digest)
        })
        .await??;
        Ok(digest)
    }

    /// Runs the build command, keeps its output, and says what is wrong if it failed.
    async fn run(&self, job: &Arc<Job>, workplace: Workplace) -> Result<Workplace, Trouble> {
        let name = &job.spec.name;
        let Some((program, arguments)) = job.spec.build.split_first() else {
            return Ok(workplace);
        };
        let timeout_ms = job.spec.timeout_ms.min(BUILD_MS_MAX);
        let order = command::Order {
            program,
            arguments,
            directory: &workplace.source(),
            environment: workplace.environment(&job.spec.inherit),
            log: workplace.log.try_clone()?,
            timeout: Duration::from_millis(timeout_ms),
        };
        let ended = command::run(order).await;
        let log = self.inner.layout.log(name, &job.digest);
        let tail = {
            let log = log.clone();
            self.blocking(move |_| workplace.keep_log(&log)).await?
        };
        let (workplace, tail) = tail.map_err(|error| disk("written", &log, error))?;
        let ran = Ran {
            name,
            command: &job.spec.build,
            tail: &tail,
            log: &log,
        };
        Err(Trouble::Refused(match ended {
            Ok(Ended::Exited(status)) if status.success() => return Ok(workplace),
            Ok(Ended::Exited(status)) => diag::build_failed(&ran, &status.to_string()),
            Ok(Ended::TimedOut) => diag::timed_out(&ran, timeout_ms),
            Ok(Ended::TooMuchOutput) => diag::too_much_output(&ran, LOG_BYTES_MAX),
            Err(error @ command::CommandError::Start { .. }) => diag::not_started(name, &error),
            Err(error @ command::CommandError::Lost { .. }) => {
                return Err(Trouble::Failed(diag::store_unusable(&error)));
            }
        }))
    }

    async fn lock_index(&self) -> Result<File, Trouble> {
        let path = self.inner.layout.index_lock();
        let unusable = |error| Trouble::from(disk("locked", &path, error));
        for _ in 0..LOCK_WAIT_MS_MAX / LOCK_RETRY_MS {
            if let Some(lock) = try_lock(&path).map_err(unusable)? {
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(LOCK_RETRY_MS)).await;
        }
        let held = format!("another process has held it for {LOCK_WAIT_MS_MAX} ms");
        Err(unusable(io::Error::other(held)))
    }
}

impl Artifacts for Store {
    fn fingerprint<'a>(&'a self, source: &'a str) -> Pending<'a, Result<Digest, Unavailable>> {
        Box::pin(async move {
            let source = source.to_owned();
            let found = self
                .blocking(move |inner| inner.scan(&source)?.fingerprint())
                .await
                .map_err(|error| Unavailable(error.to_string()))?;
            found.map_err(|error| unavailable(&diag::source_unusable(&error)))
        })
    }

    fn build<'a>(&'a self, spec: &'a BuildSpec) -> Pending<'a, Outcome> {
        Box::pin(async move {
            match self.build_artifact(spec).await {
                Ok(artifact) => Outcome::Built { artifact },
                Err(Trouble::Refused(diagnostic)) => Outcome::Refused {
                    diagnostics: diagnostic.into(),
                },
                Err(Trouble::Failed(diagnostic)) => Outcome::Failed {
                    diagnostics: diagnostic.into(),
                    retry_after_ms: None,
                },
            }
        })
    }

    fn unpack<'a>(&'a self, artifact: &'a Digest) -> Pending<'a, Result<PathBuf, Unavailable>> {
        Box::pin(async move {
            let artifact = *artifact;
            self.blocking(move |inner| inner.unpack(&artifact))
                .await
                .map_err(|error| Unavailable(error.to_string()))?
                .map_err(|diagnostic| unavailable(&diagnostic))
        })
    }
}

impl Inner {
    fn scan(&self, source: &str) -> Result<Source, SourceError> {
        Source::scan(&self.project, source, &self.layout.directory)
    }

    fn prepare(&self, job: &Job) -> Result<Prepared, Trouble> {
        self.layout.prepare()?;
        if let Some(artifact) = self.layout.built(&job.digest)? {
            match self.layout.verify(&artifact) {
                Ok(verified) if verified.config == job.config() => {
                    return Ok(Prepared::Known(artifact));
                }
                // What is damaged is built again, and replaced by good content.
                Ok(_) => {}
                Err(error) if error.is_content() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let workplace = Workplace::new(self.layout.scratch()?)?;
        let source = &job.spec.source;
        let found = self.scan(source)?.copy(&workplace.source())?;
        let expected = job.spec.source_digest;
        if found != expected {
            return Err(Trouble::Refused(diag::source_changed(
                &job.spec.name,
                source,
                &expected.to_string(),
                &found.to_string(),
            )));
        }
        Ok(Prepared::Fresh(workplace))
    }

    fn pack(&self, job: &Job, workplace: &Workplace) -> Result<Descriptor, Trouble> {
        let name = &job.spec.name;
        // Links in the way to the store itself must not make everything look as if it lay outside.
        let root = fs::canonicalize(workplace.source())?;
        let contents = pick::pick(&root, &job.files).map_err(|error| {
            Trouble::Refused(match error {
                PickError::Missing { .. } => diag::not_built(name, &error),
                _ => diag::not_packed(name, &error),
            })
        })?;
        job.check_run(&contents)?;
        let packed = workplace.scratch.path().join("layer");
        let layer =
            layer::write(&contents, File::create_new(&packed)?).map_err(|error| match error {
                LayerError::Write(_) => Trouble::Failed(diag::store_unusable(&error)),
                _ => Trouble::Refused(diag::not_packed(name, &error)),
            })?;
        Ok(self
            .layout
            .store(&workplace.scratch, &packed, layer, &job.config())?)
    }

    fn unpack(&self, artifact: &Digest) -> Result<PathBuf, Diagnostic> {
        let place = self.layout.unpacked(artifact);
        let mut verified = self
            .layout
            .verify(artifact)
            .map_err(|error| unusable_content(artifact, &error))?;
        let unusable = |error| unusable_unpacked(artifact, &place, error);
        if fs::symlink_metadata(&place).is_err() {
            self.layout
                .prepare()
                .map_err(|error| diag::store_unusable(&error))?;
            let scratch = self
                .layout
                .scratch()
                .map_err(|error| diag::store_unusable(&error))?;
            let fresh = scratch.path().join("unpacked");
            fs::create_dir(&fresh).map_err(|error| diag::store_unusable(&error))?;
            read_layer(artifact, &mut verified, &mut |layer| {
                unpack::extract(layer, &fresh).map_err(unusable)
            })?;
            if unpack::place(&fresh, &place).map_err(unusable)? {
                return Ok(place);
            }
            // Another process was faster; its work is checked like any other.
            verified
                .layer_file
                .rewind()
                .map_err(|error| diag::store_unusable(&error))?;
        }
        read_layer(artifact, &mut verified, &mut |layer| {
            unpack::compare(layer, &place).map_err(unusable)
        })?;
        Ok(place)
    }
}

/// Reads a verified layer, and makes sure that what was read is what had been verified: the file may be changed between
/// the two readings.
fn read_layer(
    artifact: &Digest,
    verified: &mut Verified,
    use_it: &mut dyn FnMut(&mut dyn io::Read) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let expected = verified.layer.digest;
    let mut layer = layer_reader(verified);
    let used = use_it(&mut layer);
    let (_, found, _) = layer.finish();
    if used.is_ok() && found != expected {
        let error = io::Error::other("its layer changed while it was read");
        return Err(diag::damaged(&artifact.to_string(), &error, BUILD_AGAIN));
    }
    used
}

impl Job {
    fn check(spec: &BuildSpec) -> Result<Self, Trouble> {
        let refuse = |what: String| Trouble::Refused(diag::unusable(&spec.name, &what));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if spec.name.is_empty()
            || spec.name.len() > ARTIFACT_NAME_BYTES_MAX
            || spec.name.starts_with('-')
            || !spec.name.chars().all(plain)
        {
            return Err(refuse(format!(
                "its name becomes part of file names and references; it must be made of ASCII letters, digits, `_` and \
                 `-`, and have at most {ARTIFACT_NAME_BYTES_MAX} of them"
            )));
        }
        if spec.files.is_empty() {
            return Err(refuse("`files` names nothing to pack".to_owned()));
        }
        let mut files = BTreeMap::new();
        for (to, from) in &spec.files {
            let parse = |path: &str| {
                TreePath::parse_written(path)
                    .map_err(|error| refuse(format!("`{path}` in `files`: {error}")))
            };
            // `.` is the whole of the built source, which would drag along whatever the build left lying about.
            let (to, from) = (parse(to)?, parse(from)?);
            if files.insert(to.clone(), from).is_some() {
                return Err(refuse(format!("`files` names `{to}` twice")));
            }
        }
        let encoded = model::encode(spec);
        Ok(Self {
            digest: Digest::of_parts("steadfast.build.1", &[&encoded]),
            spec: spec.clone(),
            files,
        })
    }

    /// A run command that names a file of the artifact must find it there.
    fn check_run(&self, contents: &BTreeMap<TreePath, Content>) -> Result<(), Trouble> {
        let Some(path) = self.spec.run.first().filter(|run| run.starts_with("./")) else {
            return Ok(());
        };
        let refuse = |what: &str| {
            let what = format!("`run` starts `{path}`, {what}");
            Err(Trouble::Refused(diag::unusable(&self.spec.name, &what)))
        };
        match TreePath::parse_written(path)
            .ok()
            .and_then(|path| contents.get(&path))
        {
            None => refuse("which is not among `files`"),
            Some(content) if !content.is_executable() => refuse("which is not an executable file"),
            Some(_) => Ok(()),
        }
    }

    fn config(&self) -> Config {
        Config {
            name: self.spec.name.to_string(),
            run: self.spec.run.clone(),
            build: self.spec.build.clone(),
            source: self.spec.source_digest,
        }
    }
}

impl Workplace {
    fn new(scratch: Scratch) -> io::Result<Self> {
        for part in ["source", "home", "tmp"] {
            fs::create_dir(scratch.path().join(part))?;
        }
        // Builds sometimes print what they should not; nobody else needs to read it.
        let log = File::options()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(scratch.path().join("log"))?;
        Ok(Self { scratch, log })
    }

    fn source(&self) -> PathBuf {
        self.scratch.path().join("source")
    }

    /// All that a build sees of the world: a few things that are the same everywhere, and what it names.
    fn environment(&self, inherit: &[String]) -> Vec<(OsString, OsString)> {
        let place = |part| self.scratch.path().join(part).into_os_string();
        let mut environment: BTreeMap<OsString, OsString> = BTreeMap::from([
            ("HOME".into(), place("home")),
            ("LANG".into(), "C.UTF-8".into()),
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
            ("SOURCE_DATE_EPOCH".into(), "0".into()),
            ("TMPDIR".into(), place("tmp")),
            ("TZ".into(), "UTC".into()),
        ]);
        for name in inherit {
            if let Some(value) = std::env::var_os(name) {
                environment.insert(name.into(), value);
            }
        }
        environment.into_iter().collect()
    }

    /// Puts the output where it stays, and gives its last lines.
    fn keep_log(self, to: &Path) -> io::Result<(Self, Vec<String>)> {
        fs::rename(self.scratch.path().join("log"), to)?;
        let tail = last_lines(to)?;
        Ok((self, tail))
    }
}

/// What to do about damaged content.
const BUILD_AGAIN: &str = "Nothing was started from it. Release the same source again: the build replaces damaged \
                           content by good. If it comes back, the disk or somebody with access to it is at work.";

fn unusable_content(artifact: &Digest, error: &LayoutError) -> Diagnostic {
    if error.is_content() {
        diag::damaged(&artifact.to_string(), error, BUILD_AGAIN)
    } else {
        diag::store_unusable(error)
    }
}

fn unusable_unpacked(artifact: &Digest, place: &Path, error: UnpackError) -> Diagnostic {
    let advice = match &error {
        UnpackError::Disk { .. } => return diag::store_unusable(&error),
        UnpackError::Layer(_) => {
            "It was made by something else than Steadfast; it is never unpacked.".to_owned()
        }
        UnpackError::Differs { .. } => format!(
            "Something wrote to it after it was unpacked; a service must keep its files elsewhere. Nothing was started \
             from it. See who wrote there, then remove {}: it is unpacked again from the verified layer.",
            place.display()
        ),
    };
    diag::damaged(&artifact.to_string(), &error, &advice)
}

fn unavailable(diagnostic: &Diagnostic) -> Unavailable {
    Unavailable(diag::text(diagnostic))
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Failed(diag::store_unusable(&error))
    }
}

impl From<LayoutError> for Trouble {
    fn from(error: LayoutError) -> Self {
        Self::Failed(diag::store_unusable(&error))
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        if error.is_ours() {
            Self::Failed(diag::store_unusable(&error))
        } else {
            Self::Refused(diag::source_unusable(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_layer;
    use crate::layout::Verified;
    use crate::oci::{Config, Descriptor, LAYER_TYPE};
    use model::Digest;
    use std::fs::{self, File};
    use std::io;

    #[test]
    fn a_layer_that_changes_after_it_was_verified_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("layer");
        fs::write(&path, "good").unwrap();
        let mut verified = Verified {
            config: Config {
                name: String::new(),
                run: Vec::new(),
                build: Vec::new(),
                source: Digest::of(b""),
            },
            layer: Descriptor::new(LAYER_TYPE, Digest::of(b"good"), 4),
            layer_file: File::open(&path).unwrap(),
        };
        let artifact = Digest::of(b"manifest");
        let read = |verified: &mut Verified| {
            read_layer(&artifact, verified, &mut |layer| {
                io::copy(layer, &mut io::sink()).unwrap();
                Ok(())
            })
        };
        read(&mut verified).unwrap();
        io::Seek::rewind(&mut verified.layer_file).unwrap();
        fs::write(&path, "evil").unwrap();
        assert_eq!(read(&mut verified).unwrap_err().code, "SF0711");
    }
}

//! A runtime in a temporary directory, an artifact with the test workload in it, and ways to wait for what processes
//! do.

use contract::{InstanceReport, Outcome, Runtime};
use model::{Digest, InstanceId, InstanceSpec, InstanceState, Version};
use runtime_local::{LocalRuntime, Options, Supervision};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time anything here may take; only reached when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything a test needs; stops what is left when it goes.
pub(crate) struct House {
    pub(crate) temporary: tempfile::TempDir,
    pub(crate) runtime: LocalRuntime,
    pub(crate) options: Options,
}

impl House {
    /// With restarts that come quickly and run out quickly.
    pub(crate) fn new() -> Self {
        Self::with(Supervision {
            backoff_ms_first: 1,
            backoff_ms_max: 10,
            restarts_max: 3,
            ..Supervision::default()
        })
    }

    pub(crate) fn with(supervision: Supervision) -> Self {
        Self::below("run", supervision)
    }

    /// With the runtime's directory at this path in the temporary one.
    pub(crate) fn below(directory: &str, supervision: Supervision) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let unpacked = temporary.path().join("unpacked");
        std::fs::create_dir(&unpacked).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_test-workload"), unpacked.join("work"))
            .unwrap();
        let options = Options {
            supervision,
            ..Options::new(
                temporary.path().join(directory),
                vec![
                    env!("CARGO_BIN_EXE_runtime-local-shim").into(),
                    "shim".into(),
                ],
            )
        };
        Self {
            temporary,
            runtime: LocalRuntime::new(options.clone()),
            options,
        }
    }

    /// What a control plane that starts again has.
    pub(crate) fn another_runtime(&self) -> LocalRuntime {
        LocalRuntime::new(self.options.clone())
    }

    pub(crate) fn unpacked(&self) -> PathBuf {
        self.temporary.path().join("unpacked")
    }

    /// A path for a workload to write to.
    pub(crate) fn file(&self, name: &str) -> String {
        self.temporary.path().join(name).display().to_string()
    }

    pub(crate) fn instance(&self, id: &InstanceId) -> PathBuf {
        self.options.directory.join("instances").join(&id.0)
    }

    pub(crate) async fn place(&self, spec: &InstanceSpec) -> Outcome {
        self.runtime.place(spec, &self.unpacked()).await
    }

    /// Places it and says where it listens.
    pub(crate) async fn placed(&self, spec: &InstanceSpec) -> String {
        match self.place(spec).await {
            Outcome::Placed { address } => address,
            other => panic!("{other:?}"),
        }
    }

    /// Names of all instances, with spaces between.
    pub(crate) async fn listed(&self) -> String {
        let all = self.runtime.list().await.unwrap();
        let names: Vec<String> = all.into_iter().map(|id| id.0).collect();
        names.join(" ")
    }

    /// Looks until it is so.
    pub(crate) async fn until(&self, id: &InstanceId, state: InstanceState) -> InstanceReport {
        self.until_report(id, |report| report.state == state).await
    }

    pub(crate) async fn until_report(
        &self,
        id: &InstanceId,
        wanted: impl Fn(&InstanceReport) -> bool,
    ) -> InstanceReport {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                let report = self.runtime.observe(id).await.unwrap();
                if wanted(&report) {
                    return report;
                }
                last = Some(report);
            }
        });
        match waited.await {
            Ok(report) => report,
            Err(_) => panic!("not seen in time; last was {last:?}"),
        }
    }

    /// A number in the state that the shim wrote: `shim`, or `pid` of the process.
    pub(crate) fn number(&self, id: &InstanceId, name: &str) -> i32 {
        let text = std::fs::read_to_string(self.instance(id).join("status.json")).unwrap();
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        let value = match name {
            "pid" => &status["process"]["pid"],
            other => &status[other],
        };
        i32::try_from(value.as_i64().unwrap()).unwrap()
    }

    pub(crate) fn status_text(&self, id: &InstanceId, name: &str) -> String {
        let text = std::fs::read_to_string(self.instance(id).join("status.json")).unwrap();
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        status[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for House {
    /// Nothing may outlive a test, least of all one that failed.
    fn drop(&mut self) {
        let runtime = self.another_runtime();
        let stopped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async {
                    for id in runtime.list().await.unwrap_or_default() {
                        runtime.stop(&id, 0).await;
                    }
                });
        });
        let _ = stopped.join();
    }
}

/// The test workload with these manners, see `tests/bin/workload.rs`.
pub(crate) fn spec(name: &str, manners: &[&str]) -> InstanceSpec {
    let digest = Digest::of(b"the test workload");
    let mut run = vec!["./work".to_owned()];
    run.extend(manners.iter().map(|word| (*word).to_owned()));
    InstanceSpec {
        instance: InstanceId(name.to_owned()),
        service: "web".into(),
        version: Version(digest),
        artifact: digest,
        run,
        env: [("GREETING".into(), "hello".to_owned())].into(),
        health_path: "/healthz".to_owned(),
        health_timeout_ms: 5_000,
        memory_bytes_max: 0,
    }
}

/// Waits for a condition that nothing announces.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while !condition() {
            tick.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "not seen in time: {what}");
}

/// Whether a process runs; one that waits to be reaped does not.
pub(crate) fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

pub(crate) fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// A process number that a workload wrote to a file.
pub(crate) async fn number_in(file: &str) -> i32 {
    until("a number is written", || {
        std::fs::read_to_string(file).is_ok_and(|text| !text.is_empty())
    })
    .await;
    std::fs::read_to_string(file).unwrap().parse().unwrap()
}

/// The code of the only finding of an outcome without effect.
pub(crate) fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused { diagnostics } | Outcome::Failed { diagnostics, .. } => {
            assert_eq!(diagnostics.0.len(), 1, "{outcome:?}");
            &diagnostics.0[0].code
        }
        other => panic!("{other:?}"),
    }
}

/// Asks the workload for a path; what comes back does not matter.
pub(crate) async fn get(address: &str, path: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let _ = stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// Names of what is in a directory, sorted; nothing when it is not there.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

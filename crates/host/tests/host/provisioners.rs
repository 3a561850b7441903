//! Provisioners on this machine: the suite of `contract`, and what a lost one leaves behind.

use contract::conformance::{self, ProvisionersFixture};
use contract::{Inquiry, Outcome, Provisioners};
use host::Exec;
use model::{
    ActionId, Address, Key, Mode, ModulePath, OnFailure, Provision, ResourceAddress, RunId,
};
use std::path::{Path, PathBuf};
use value::{Type, Value};

struct Local {
    project: PathBuf,
}

/// A provisioner with these arguments.
pub(crate) fn provision(kind: &str, config: &[(&'static str, Value)]) -> Provision {
    let resource = ResourceAddress {
        module: ModulePath::default(),
        mode: Mode::Managed,
        kind: "terraform_data".into(),
        name: "a".into(),
    };
    let config = config.iter().cloned();
    Provision {
        address: Address {
            resource,
            key: Key::None,
        },
        kind: kind.into(),
        config: Value::object(config.map(|(name, value)| (name.into(), value)).collect()),
        connection: None,
        on_failure: OnFailure::Fail,
    }
}

fn local(command: &str) -> Provision {
    let null = Value::null(Type::Any);
    let config = [("command", Value::string(command)), ("interpreter", null)];
    provision("local-exec", &config)
}

impl ProvisionersFixture for Local {
    fn good(&self, said: &str) -> Provision {
        local(&format!("echo {said}; echo {said} >> said"))
    }
    fn failing(&self) -> Provision {
        local("echo about to fail; exit 3")
    }
    fn count(&self, said: &str) -> Option<usize> {
        let log = std::fs::read_to_string(self.project.join("said")).ok()?;
        Some(log.lines().filter(|line| *line == said).count())
    }
}

pub(crate) fn exec(root: &Path) -> Exec {
    Exec::new(root.join("project"), root.join("scratch"))
}

pub(crate) fn action() -> ActionId {
    ActionId::of(RunId(7), "step:1")
}

#[tokio::test]
async fn provisioners_of_this_machine_conform() {
    let root = tempfile::tempdir().unwrap();
    let project = root.path().join("project");
    std::fs::create_dir(&project).unwrap();
    conformance::provisioners(&exec(root.path()), &Local { project }).await;
    let left: Vec<_> = std::fs::read_dir(root.path().join("scratch"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "what is told is not kept: {left:?}");
}

#[tokio::test]
async fn one_that_ended_without_telling_how_is_unclear() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("project")).unwrap();
    // It kills the shell around it, which so writes nothing down.
    let provision = local("echo last words; kill -9 $PPID; exit 0");
    let exec = exec(root.path());
    match exec.run(action(), &provision).await {
        Outcome::Broken { output, .. } => assert_eq!(output, "last words"),
        other => panic!("{other:?}"),
    }
    match exec.inquire(action(), &provision).await {
        Inquiry::Unclear { what } => assert!(what.contains("last words"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_it_leaves_running_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("project")).unwrap();
    let provision = local("(while [ -e ../project ]; do sleep 0.05; done) & echo started");
    let exec = exec(root.path());
    let outcome = exec.run(action(), &provision).await;
    let started = Outcome::Provisioned {
        output: "started".into(),
    };
    assert_eq!(outcome, started);
}

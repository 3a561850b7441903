//! A provider of our own, scripted by data: for tests, and for comparing what we ask of a provider with what Terraform
//! asks.
//!
//! A [`Script`] says which types there are and how they behave; [`Mock`] serves them over gRPC in either major of the
//! protocol, and writes down every call. Objects live as long as the mock, or in a file. It forgets nothing it was
//! told and checks nothing it was not told to check.

mod answer;
mod plan;
mod record;
mod script;
mod serve;
mod world;

pub use record::Call;
pub use script::{Script, ScriptError};

use crate::method::Major;
use crate::schema::Offered;
use serde_json::{Value as Json, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UnixListener;
use value::Value;
use world::World;

/// A scripted provider.
#[derive(Clone, Debug)]
pub struct Mock(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) script: Script,
    pub(crate) offered: Offered,
    state: Mutex<State>,
}

/// What changes while it serves.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) calls: Vec<Call>,
    /// What it was configured with last.
    pub(crate) config: Option<Value>,
    /// How often each fault has struck.
    pub(crate) struck: Vec<u32>,
}

impl Mock {
    /// A provider after a script, in one of the majors.
    ///
    /// # Errors
    /// When the script's types are none of the protocol.
    pub fn new(script: Script, major: Major) -> Result<Self, ScriptError> {
        let offered = script.offered(major)?;
        Ok(Self(Arc::new(Inner {
            script,
            offered,
            state: Mutex::default(),
        })))
    }

    /// The same, with objects in a file that outlives it.
    #[must_use]
    pub fn with_world_in(self, file: &Path) -> Self {
        self.0.state().world = World::in_file(file);
        self
    }

    /// Serves on a socket until the end of the process, or until it is asked to shut down.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn serve(&self, listener: UnixListener) -> io::Result<()> {
        serve::serve(self.0.clone(), listener).await
    }

    /// Serves in a task of this process, on a socket of this path.
    ///
    /// # Errors
    /// When there can be no socket of this path.
    pub fn serve_at(&self, path: &Path) -> io::Result<()> {
        let listener = UnixListener::bind(path)?;
        let mock = self.clone();
        crate::task::spawn(async move {
            // It ends with the runtime of the test.
            let _ = mock.serve(listener).await;
        });
        Ok(())
    }

    /// What `TF_REATTACH_PROVIDERS` must be for a mock that serves at this path under an address.
    pub fn reattach(&self, address: &str, path: &Path) -> String {
        let entry = json!({
            "Protocol": "grpc",
            "ProtocolVersion": self.0.offered.major.number(),
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": "unix", "String": path },
        });
        json!({ address: entry }).to_string()
    }

    /// All calls since the last time this was asked, in the order in which they came.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.state().calls)
    }

    /// The number of objects of a type.
    pub fn count(&self, kind: &str) -> usize {
        self.0.state().world.count(kind)
    }

    /// An object disappears behind the back of whoever made it.
    pub fn lose(&self, id: &str) -> bool {
        self.0.state().world.remove(id).is_some()
    }

    /// An attribute of an object changes behind the back of whoever made it.
    pub fn alter(&self, id: &str, attribute: &str, value: &Json) -> bool {
        self.0.alter(id, attribute, value)
    }

    /// The ids of all objects.
    pub fn ids(&self) -> Vec<String> {
        self.0.state().world.ids()
    }
}

impl Inner {
    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alter(&self, id: &str, attribute: &str, json: &Json) -> bool {
        let mut state = self.state();
        let Some((kind, object)) = state.world.get(id) else {
            return false;
        };
        let mut entries = object.entries().cloned().unwrap_or_default();
        let Some(ty) = entries.get(attribute).map(Value::ty) else {
            return false;
        };
        let Some(value) = script::value(json, &ty) else {
            return false;
        };
        entries.insert(attribute.into(), value);
        state.world.put(id, &kind, Value::object(entries));
        true
    }
}

/// The mock as a program: what a process does that was started as a provider.
///
/// The environment says what it is: `MOCK_SCRIPT` (the path of a script), `MOCK_PROTOCOL` (5 or 6), `MOCK_WORLD` (the
/// path of a file for its objects).
///
/// # Errors
/// When the script or the socket cannot be used.
pub async fn program(say: &dyn Fn(&str)) -> io::Result<()> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let path = variable("MOCK_SCRIPT").ok_or_else(|| wrong("MOCK_SCRIPT is not set".to_owned()))?;
    let script = Script::parse(&std::fs::read_to_string(path)?);
    let script = script.map_err(|error| wrong(error.to_string()))?;
    let number = std::env::var("MOCK_PROTOCOL")
        .ok()
        .and_then(|text| text.parse().ok());
    let major = number.and_then(Major::of).unwrap_or(Major::Six);
    let mut mock = Mock::new(script, major).map_err(|error| wrong(error.to_string()))?;
    if let Some(world) = variable("MOCK_WORLD") {
        mock = mock.with_world_in(&world);
    }
    let directory = variable("PLUGIN_UNIX_SOCKET_DIR").unwrap_or_else(std::env::temp_dir);
    let socket = directory.join(format!("mock-{}", std::process::id()));
    let listener = UnixListener::bind(&socket)?;
    say(&format!(
        "1|{}|unix|{}|grpc|",
        major.number(),
        socket.display()
    ));
    mock.serve(listener).await
}

//! Who plays AWS: a `moto_server` for each program, which forgets everything when it ends.

use super::Bench;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long it may take until it listens.
const START_MS_MAX: u64 = 120_000;

/// What it says when it does.
const LISTENS: &str = "Running on";

/// The program on the PATH.
pub(crate) fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|place| place.join("moto_server"));
    places.find(|program| program.is_file())
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start(bench: &Bench) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("cannot start a server: {error}");
        // Free now; whoever takes it in the next moment makes the start fail, and nothing else.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        drop(listener);
        let child = Command::new(&bench.moto)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            // Certificates are issued at once, and not in the middle of a comparison.
            .env("MOTO_ACM_VALIDATION_WAIT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let mut server = Self { child, address };
        server.wait()?;
        Ok(server)
    }

    /// Waits until it listens; what it says after that is read and dropped.
    fn wait(&mut self) -> Result<(), String> {
        let said = self.child.stderr.take().ok_or("what it says is not read")?;
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if line.contains(LISTENS) {
                    let _ = sender.try_send(());
                }
            }
        });
        let listens = receiver.recv_timeout(Duration::from_millis(START_MS_MAX));
        listens.map_err(|_| "the server ended, or does not listen".to_owned())
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is our child and not yet waited for, so its id is its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

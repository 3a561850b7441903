//! Machines of scripts: OpenSSH servers on this one, each with a key of its own and a file for it.

use super::builtins::Stop;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Where Debian and most others put it.
const SSHD: &str = "/usr/sbin/sshd";

/// A server that ends with its script.
pub(crate) struct Machine {
    process: Child,
    pub(crate) port: u16,
}

impl Machine {
    /// A server with its files in this directory: `user` is the key to log in with, `host.pub` the key it has.
    pub(crate) fn start(directory: &Path) -> Result<Self, Stop> {
        if !Path::new(SSHD).exists() {
            let needs = std::env::var("STEADFAST_TEST_NEEDS").unwrap_or_default();
            return Err(match needs.contains("sshd") {
                true => Stop::Wrong(format!("there is no {SSHD}")),
                false => Stop::Skip(format!("there is no {SSHD}")),
            });
        }
        let wrong = |error: std::io::Error| Stop::Wrong(error.to_string());
        // As root it wants its directory, which a service manager would make.
        let _ = fs::create_dir_all("/run/sshd");
        fs::create_dir_all(directory).map_err(wrong)?;
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(directory.join(name))
                .status()
                .map_err(wrong)?;
            assert!(made.success());
        }
        let authorized = directory.join("authorized");
        fs::copy(directory.join("user.pub"), &authorized).map_err(wrong)?;
        fs::set_permissions(&authorized, fs::Permissions::from_mode(0o600)).map_err(wrong)?;
        for _ in 0..20 {
            let free = TcpListener::bind("127.0.0.1:0").map_err(wrong)?;
            let port = free.local_addr().map_err(wrong)?.port();
            drop(free);
            if let Some(process) = listening(directory, port).map_err(wrong)? {
                return Ok(Self { process, port });
            }
            // Somebody else took the port meanwhile.
        }
        Err(Stop::Wrong("the SSH server does not come up".to_owned()))
    }
}

fn listening(directory: &Path, port: u16) -> std::io::Result<Option<Child>> {
    let at = |name: &str| directory.join(name).display().to_string();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n",
        at("host"),
        at("authorized")
    );
    fs::write(at("config"), config)?;
    let mut process = Command::new(SSHD)
        .args(["-D", "-e", "-f", &at("config")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(at("log"))?)
        .spawn()?;
    while process.try_wait()?.is_none() {
        if fs::read_to_string(at("log"))?.contains("Server listening on 127.0.0.1") {
            return Ok(Some(process));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Machines on loopback: OpenSSH servers, each with a file system of its own over that of this machine, in memory.

use crate::measure;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian and most others put it.
const SSHD: &str = "/usr/sbin/sshd";
/// Longest time in which a server comes up.
const UP_SECONDS_MAX: u64 = 30;

/// The system of one machine, in the directory where this runs; then its server.
const APART: &str = "mount --make-rprivate /
mkdir apart
mount -t tmpfs tmpfs apart
for d in etc usr var home opt srv root; do
  mkdir apart/$d apart/$d.work
  mount -t overlay overlay -o lowerdir=/$d,upperdir=apart/$d,workdir=apart/$d.work /$d
done
mkdir -p /etc/cron.d
# What this machine does at every login is not measured: Ansible logs in for every task.
rm -f ~/.bashrc ~/.profile ~/.bash_profile
# Ansible wants to see it, and does not call it for a file in /etc/cron.d.
[ -x /usr/bin/crontab ] || { printf '#!/bin/sh\\n' >/usr/bin/crontab; chmod 755 /usr/bin/crontab; }
exec \"$@\"";

/// Some machines.
pub(crate) struct Farm {
    root: tempfile::TempDir,
    machines: Vec<Machine>,
}

struct Machine {
    server: Child,
    port: u16,
}

impl Farm {
    /// Starts so many.
    pub(crate) fn start(size: usize) -> Result<Self, String> {
        let trouble = |error: std::io::Error| format!("cannot start machines: {error}");
        let root = tempfile::Builder::new()
            .prefix("steadfast-bench-")
            .tempdir();
        let mut farm = Self {
            root: root.map_err(trouble)?,
            machines: Vec::new(),
        };
        // As root it wants its directory, which a service manager would make.
        fs::create_dir_all("/run/sshd").map_err(trouble)?;
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(farm.root.path().join(name))
                .status()
                .map_err(trouble)?;
            if !made.success() {
                return Err("ssh-keygen makes no key".to_owned());
            }
        }
        for n in 0..size {
            let place = farm.directory(&format!("machine-{n}"))?;
            let machine = farm.machine(&place).map_err(trouble)?;
            farm.machines.push(machine);
        }
        Ok(farm)
    }

    fn machine(&self, place: &Path) -> std::io::Result<Machine> {
        let free = TcpListener::bind("127.0.0.1:0")?;
        let port = free.local_addr()?.port();
        drop(free);
        let (host, user) = (self.key("host"), self.key("user"));
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}.pub\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n",
            host.display(),
            user.display()
        );
        fs::write(place.join("config"), config)?;
        let log = place.join("log");
        let mut server = Command::new("unshare")
            .args([
                "-m", "-u", "sh", "-ec", APART, "apart", SSHD, "-D", "-e", "-f",
            ])
            .arg(place.join("config"))
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(UP_SECONDS_MAX) {
            let said = fs::read_to_string(&log)?;
            if said.contains("Server listening") {
                return Ok(Machine { server, port });
            }
            if server.try_wait()?.is_some() {
                return Err(std::io::Error::other(said));
            }
            std::thread::yield_now();
        }
        let _ = server.kill();
        let _ = server.wait();
        Err(std::io::ErrorKind::TimedOut.into())
    }

    /// A directory beside the machines.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.root.path().join(name);
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {name}: {error}"))?;
        Ok(path)
    }

    /// Where a private key is.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The ports of the machines.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.machines.iter().map(|machine| machine.port)
    }

    /// CPU time of all that ran on the machines, and runs there.
    pub(crate) fn cpu(&self) -> Duration {
        let servers = self.machines.iter().map(|machine| machine.server.id());
        servers.map(measure::cpu_below).sum()
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            let _ = machine.server.kill();
            let _ = machine.server.wait();
        }
    }
}

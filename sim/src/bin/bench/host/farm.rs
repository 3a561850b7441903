//! Machines: OpenSSH servers, each with a network and a file system of its own, this over that of this machine, in
//! memory. What is left of a network ends with its server.

use crate::measure;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where Debian and most others put it.
const SSHD: &str = "/usr/sbin/sshd";
/// Longest time in which a server comes up.
const UP_SECONDS_MAX: u64 = 30;

/// Machines of which each has its own four addresses in one network (RFC 2544 keeps it for measurements).
const MACHINES_MAX: usize = 64 * 256;

/// Machines that this process has started: the network of one that was ended goes a moment later.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// The system of one machine, in the directory where this runs; then its server. The words before that are the name of
/// the link to it, its address on this side and on the other, and who started it.
const APART: &str = "link=$1 near=$2 far=$3 outside=/proc/$4/ns/net
shift 4
ip link add net0 type veth peer name $link netns $outside
ip address add $far/30 dev net0
ip link set net0 up
ip link set lo up
nsenter --net=$outside ip address add $near/30 dev $link
nsenter --net=$outside ip link set $link up
mount --make-rprivate /
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
    address: Ipv4Addr,
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
            let number = STARTED.fetch_add(1, Ordering::Relaxed);
            if number >= MACHINES_MAX {
                return Err(format!("there are at most {MACHINES_MAX} machines"));
            }
            let machine = farm.machine(&place, number).map_err(trouble)?;
            farm.machines.push(machine);
        }
        Ok(farm)
    }

    fn machine(&self, place: &Path, n: usize) -> std::io::Result<Machine> {
        let [near, address] = addresses(n);
        let (host, user) = (self.key("host"), self.key("user"));
        let config = format!(
            "ListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}.pub\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n",
            host.display(),
            user.display()
        );
        fs::write(place.join("config"), config)?;
        let log = place.join("log");
        let starter = std::process::id();
        let mut server = Command::new("unshare")
            // What is left running on it ends with it.
            .args(["-m", "-u", "-n", "-p", "-f", "--kill-child"])
            .args(["sh", "-ec", APART, "apart"])
            .args([format!("sf{starter}-{n}"), near.to_string()])
            .args([address.to_string(), starter.to_string()])
            .args([SSHD, "-D", "-e", "-f"])
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
                return Ok(Machine { server, address });
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

    /// The addresses of the machines; their servers are where SSH has them.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.machines.iter().map(|machine| machine.address)
    }

    /// CPU time of all that ran on the machines, and runs there.
    pub(crate) fn cpu(&self) -> Duration {
        let servers = self.machines.iter().map(|machine| machine.server.id());
        servers.map(measure::cpu_below).sum()
    }
}

/// The addresses on this side and on that of a machine.
fn addresses(n: usize) -> [Ipv4Addr; 2] {
    let [third, fourth] = [n / 64, n % 64 * 4].map(|byte| u8::try_from(byte).unwrap_or(u8::MAX));
    [1, 2].map(|host| Ipv4Addr::new(198, 18, third, fourth.saturating_add(host)))
}

impl Drop for Farm {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            let _ = machine.server.kill();
            let _ = machine.server.wait();
        }
    }
}

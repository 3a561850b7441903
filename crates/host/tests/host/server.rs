//! An OpenSSH server that a test starts, on this machine.
//!
//! Where there is no `sshd` such tests have nothing to say, unless `STEADFAST_TEST_NEEDS` names it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use value::Value;

/// Where Debian and most others put it.
const SSHD: &str = "/usr/sbin/sshd";

/// A system of its own: over its directories lie others, in memory.
const APART: &str = "mount --make-rprivate /
mkdir -p apart
mount -t tmpfs tmpfs apart
for d in etc usr var home; do
  mkdir apart/$d apart/$d.work
  mount -t overlay overlay -o lowerdir=/$d,upperdir=apart/$d,workdir=apart/$d.work /$d
done";

/// A server with one account: whoever runs the test.
pub(crate) struct Server {
    pub(crate) root: tempfile::TempDir,
    process: Child,
    pub(crate) port: u16,
    pub(crate) user: String,
}

impl Server {
    /// None where there is no server to start.
    pub(crate) fn start() -> Option<Self> {
        Self::started(None)
    }

    /// A server whose system is its own: what is changed in it is changed nowhere else. The script runs in it first, as
    /// root, in a directory of the test; where the test does not run as root there is no such server.
    pub(crate) fn apart(setup: &str) -> Option<Self> {
        let is_root = rustix::process::geteuid().is_root();
        // The programs of Debian that such tests ask for.
        let programs = ["/usr/bin/dpkg-deb", "/usr/bin/apt-get", "/usr/sbin/useradd"];
        let is_debian = programs.iter().all(|program| Path::new(program).exists());
        (is_root && is_debian).then(|| Self::started(Some(setup)))?
    }

    fn started(setup: Option<&str>) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            let needs = std::env::var("STEADFAST_TEST_NEEDS").unwrap_or_default();
            assert!(!needs.contains("sshd"), "there is no {SSHD}");
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("project")).unwrap();
        // As root it wants its directory, which a service manager would make.
        let _ = fs::create_dir_all("/run/sshd");
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(root.path().join(name))
                .status()
                .unwrap();
            assert!(made.success());
        }
        let authorized = root.path().join("authorized");
        fs::copy(root.path().join("user.pub"), &authorized).unwrap();
        fs::set_permissions(&authorized, fs::Permissions::from_mode(0o600)).unwrap();
        let (process, port) = listening(root.path(), setup);
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        Some(Self {
            root,
            process,
            port,
            user,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn connection(&self, more: &[(&'static str, Value)]) -> Value {
        let given = [
            ("host", Value::string("127.0.0.1")),
            ("port", Value::number(i64::from(self.port))),
            ("user", Value::string(&self.user)),
            ("private_key", Value::string(self.read("user"))),
            ("agent", Value::bool(false)),
            ("host_key", Value::string(self.read("host.pub").trim())),
        ];
        let all = given.into_iter().chain(more.iter().cloned());
        Value::object(all.map(|(name, value)| (name.into(), value)).collect())
    }
}

impl Server {
    /// Ends every connection, as a network does that goes away.
    pub(crate) fn cut(&self) {
        let children = |parent: u32| -> Vec<u32> {
            let path = format!("/proc/{parent}/task/{parent}/children");
            let found = fs::read_to_string(path).unwrap_or_default();
            let numbers = found.split_ascii_whitespace();
            numbers.filter_map(|number| number.parse().ok()).collect()
        };
        for child in children(self.process.id()) {
            for process in children(child).into_iter().chain([child]) {
                let pid = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
                // It may be gone already.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// A server process, and the port on which it listens.
fn listening(root: &Path, setup: Option<&str>) -> (Child, u16) {
    let at = |name: &str| root.join(name).display().to_string();
    for _ in 0..20 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n",
            at("host"),
            at("authorized")
        );
        fs::write(root.join("config"), config).unwrap();
        let mut command = match setup {
            None => Command::new(SSHD),
            Some(setup) => {
                let mut command = Command::new("unshare");
                let script = format!("{APART}\n{setup}\nexec {SSHD} \"$@\"");
                // Whatever is left running in it ends with it.
                command.args(["-m", "-u", "-p", "-f", "--kill-child", "--mount-proc"]);
                command.args(["sh", "-ec", &script, "apart"]);
                command
            }
        };
        let mut process = command
            .current_dir(root)
            .args(["-D", "-e", "-f"])
            .arg(root.join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(root.join("log")).unwrap())
            .spawn()
            .unwrap();
        while process.try_wait().unwrap().is_none() {
            let said = fs::read_to_string(root.join("log")).unwrap();
            if said.contains("Server listening on 127.0.0.1") {
                return (process, port);
            }
            std::thread::yield_now();
        }
        // Somebody else took the port meanwhile.
    }
    panic!("{}", fs::read_to_string(root.join("log")).unwrap());
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

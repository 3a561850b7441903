//! The console on a terminal: a pseudo terminal of our own on one side, the program on the other.
//!
//! What is expected is waited for, with a bound; what the program prints goes through its line editor, so texts are
//! looked for in it and not compared whole.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says by panicking what is wrong"
)]

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Longest time for an answer.
const ANSWER_MS_MAX: u64 = 30_000;

/// What the arrow key upwards sends.
const UP: &str = "\u{1b}[A";

/// A program on a terminal.
struct Terminal {
    keyboard: File,
    printed: Receiver<Vec<u8>>,
    seen: String,
    program: Child,
}

impl Terminal {
    fn start(directory: &Path, state: &Path) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let open = || -> OwnedFd {
            let path = name.to_str().unwrap();
            let file = File::options().read(true).write(true).open(path);
            file.unwrap().into()
        };
        let program = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .args(["console", "-var", "region=us"])
            .current_dir(directory)
            .env_clear()
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", state)
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        let controller: OwnedFd = controller;
        let keyboard = File::from(controller.try_clone().unwrap());
        let mut screen = File::from(controller);
        let (send, printed) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the program and its side of the terminal are gone.
            while let Ok(length) = screen.read(&mut bytes) {
                let read = bytes.get(..length).unwrap_or(&bytes);
                if length == 0 || send.send(read.to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self {
            keyboard,
            printed,
            seen: String::new(),
            program,
        };
        terminal.wait_for("> ");
        terminal
    }

    fn type_in(&mut self, keys: &str) {
        self.seen.clear();
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text has been printed since something was last typed.
    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self
                .printed
                .recv_timeout(Duration::from_millis(ANSWER_MS_MAX))
            {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {text:?}, only {:?}", self.seen);
                }
            }
        }
    }

    /// Types a line and waits for its answer, and for the prompt after it: what is typed earlier is lost.
    fn ask(&mut self, keys: &str, answer: &str) {
        self.type_in(keys);
        self.wait_for(answer);
        let at = self.seen.find(answer).unwrap_or(0);
        self.seen.drain(..at + answer.len());
        self.wait_for("> ");
    }

    fn ends(mut self) -> i32 {
        self.program.wait().unwrap().code().unwrap()
    }
}

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let text = "variable \"region\" {}\nvariable \"replicas\" { default = 2 }\nlocals {\n  ports = { web = [80, 443], \
                admin = [8080] }\n}\nresource \"terraform_data\" \"web\" {\n  input = var.region\n}\n";
    std::fs::write(directory.path().join("main.tf"), text).unwrap();
    directory
}

#[test]
fn questions_are_answered_until_the_person_leaves() {
    let (directory, state) = (project(), tempfile::tempdir().unwrap());
    let mut terminal = Terminal::start(directory.path(), state.path());
    terminal.ask("var.region\r", "\"us\"");
    terminal.ask("var.regoin\r", "Did you mean");
    // Over several lines while a bracket is open.
    terminal.ask("[1 + 1,\r40 + 2\r]\r", "42,");
    terminal.ask("help\r", "Type an expression");
    terminal.type_in("exit\r");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn names_complete_and_earlier_lines_come_back() {
    let (directory, state) = (project(), tempfile::tempdir().unwrap());
    let mut terminal = Terminal::start(directory.path(), state.path());
    terminal.ask("local.ports.we\t[1] + 1\r", "444");
    // Two candidates are listed, and the line goes on.
    terminal.ask("var.re\t\t", "replicas");
    terminal.ask("p\t + 40\r", "42");
    terminal.ask("cidrsu\t\t", "cidrsubnets(");
    // Ctrl-C drops the line, and the next is a new one.
    terminal.ask("\u{3}", "\n");
    terminal.ask("upper(\"y\")\r", "\"Y\"");
    // A line that begins with a blank is not kept.
    terminal.ask(" lower(\"SECRET\")\r", "\"secret\"");
    terminal.ask(&format!("{UP}\r"), "\"Y\"");
    terminal.type_in("\u{4}");
    assert_eq!(terminal.ends(), 0);

    let history = state.path().join("steadfast/console-history");
    let kept = std::fs::read_to_string(&history).unwrap();
    assert!(
        kept.contains("upper(\"y\")") && !kept.contains("SECRET"),
        "{kept}"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&history).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    // The next conversation has it.
    let mut terminal = Terminal::start(directory.path(), state.path());
    terminal.ask(&format!("{UP}\r"), "\"Y\"");
    terminal.type_in("\u{4}");
    assert_eq!(terminal.ends(), 0);
}

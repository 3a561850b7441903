//! The commands of scripts.
//!
//! Files: `cat`, `ls`, `cp`, `mv`, `rm`, `mkdir`, `chmod MODE PATH`, `write PATH TEXT`, `append PATH TEXT`,
//! `replace PATH OLD NEW`, `flip PATH [TEXT]` (changes one bit, of the last such text or in the middle of
//! the largest file below a directory), `poke PATH OFFSET HEX`,
//! `fill PATH` (writes until the disk is full), `small-disk PATH SIZE` (a file system of its own), `service PATH` (the
//! program that is deployed), `provider PATH SCRIPT` (a provider that behaves as the script says, with its objects in
//! world.json).
//! Processes: `terraform ...` (the real one; without it on the PATH the script ends there), `wait NAME`,
//! `signal NAME SIGNAL`, `until PATH [TEXT]` (the file is there and contains this),
//! `until-printed NAME TEXT`, `stdin TEXT` (without a text: someone who does not answer) or `stdin-from PATH` for the
//! next command, `leaking` (the next command is started with descriptor 9 open), `env NAME=VALUE` for all that follow,
//! `port NAME` (a free one), `occupy PORT`, `vacate PORT`, `http PORT PATH`, `serve PORT PATH [LOGIN]` (this file, to
//! whoever asks with this login), `bucket PORT NAME` (an empty one of a simulated AWS, `moto_server`; without it on the
//! PATH the script ends there), `google-bucket PORT NAME` (the same of Google, `gcp-storage-emulator`), `machine NAME`
//! (an OpenSSH server on the port `$NAME`, with the keys `NAME/user` to log in with and `NAME/host.pub`; without `sshd`
//! the script ends there).
//! Outputs: `keep PATH` (what the last command wrote to its standard output), `save NAME PATTERN` (what a `[..]` of it
//! stands for in the last output: the last but one where it ends with one, else the last), `never TEXT` (no output from
//! here on contains it), `absent PATH TEXT` (no file below it contains this).
//! Conditions: `only-as-root`, `not-as-root`.

use super::expect::{Redactor, captured};
use super::machine::Machine;
use super::process::{self, Input, Output, Started};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Why a script goes no further.
pub(crate) enum Stop {
    /// This machine cannot do it.
    Skip(String),
    /// The step cannot be carried out.
    Wrong(String),
}

/// The state of one script.
pub(crate) struct Shell {
    directory: tempfile::TempDir,
    outputs: tempfile::TempDir,
    project: PathBuf,
    env: Vec<(String, String)>,
    variables: BTreeMap<String, String>,
    stdin: Input,
    leaking: bool,
    background: BTreeMap<String, Started>,
    listeners: Vec<TcpListener>,
    machines: Vec<Machine>,
    mounted: Option<PathBuf>,
    never: Vec<String>,
    last: Vec<String>,
    last_stdout: String,
    n_commands: usize,
    redactor: Redactor,
}

impl Shell {
    /// A directory with these files.
    pub(crate) fn new(files: &BTreeMap<String, String>) -> Self {
        let directory = tempfile::Builder::new().prefix("sf-").tempdir().unwrap();
        let project = directory.path().canonicalize().unwrap();
        for (path, text) in files {
            let path = project.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let env = [
            ("PATH", &*path),
            ("HOME", "/nonexistent"),
            ("USER", "operator"),
        ];
        Self {
            redactor: Redactor::new(&project.to_string_lossy()),
            project,
            directory,
            outputs: tempfile::tempdir().unwrap(),
            env: env
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            variables: BTreeMap::new(),
            stdin: Input::Closed,
            leaking: false,
            background: BTreeMap::new(),
            listeners: Vec::new(),
            machines: Vec::new(),
            mounted: None,
            never: Vec::new(),
            last: Vec::new(),
            last_stdout: String::new(),
            n_commands: 0,
        }
    }

    /// Carries out a command, and gives what it printed in the form of a script.
    pub(crate) fn run(&mut self, command: &str) -> Result<Vec<String>, Stop> {
        let mut words = split(&self.substituted(command));
        if words.is_empty() {
            return Err(Stop::Wrong("an empty command".to_owned()));
        }
        let verb = words.remove(0);
        let terraform = match verb.as_str() {
            "steadfast" => None,
            "terraform" => Some(on_path("terraform").ok_or_else(|| {
                Stop::Skip("there is no terraform on the PATH to compare with".to_owned())
            })?),
            _ => {
                let rest: Vec<&str> = words.iter().map(String::as_str).collect();
                return self.builtin(&verb, &rest);
            }
        };
        let name = words.pop_if(|word| word.starts_with('&'));
        self.n_commands += 1;
        let files = self.outputs.path().join(self.n_commands.to_string());
        let steadfast = Path::new(env!("CARGO_BIN_EXE_steadfast"));
        let program = terraform.as_deref().unwrap_or(steadfast);
        let stdin = std::mem::take(&mut self.stdin);
        let leaking = std::mem::take(&mut self.leaking);
        let directory = &self.project;
        let mut env = self.env.clone();
        if terraform.is_some() {
            // Nothing of this machine, and nobody is called.
            for (name, value) in [
                ("TF_CLI_CONFIG_FILE", "/dev/null"),
                ("CHECKPOINT_DISABLE", "1"),
            ] {
                env.push((name.to_owned(), value.to_owned()));
            }
        }
        let started = Started::start(program, &words, directory, &env, &stdin, &files, leaking);
        match name {
            Some(name) => {
                self.background.insert(name[1..].to_owned(), started);
                Ok(Vec::new())
            }
            None => self.finish(started),
        }
    }

    fn finish(&mut self, started: Started) -> Result<Vec<String>, Stop> {
        let output = started.finish().map_err(Stop::Wrong)?;
        let both = format!("{}{}", output.stdout, output.stderr);
        for text in &self.never {
            if both.contains(text.as_str()) {
                return Err(Stop::Wrong(format!("the output contains {text}:\n{both}")));
            }
        }
        self.last_stdout.clone_from(&output.stdout);
        self.last = both.lines().map(str::to_owned).collect();
        Ok(shown(&output, &self.redactor))
    }

    fn substituted(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for (name, value) in self.variables.iter().rev() {
            word = word.replace(&format!("${name}"), value);
        }
        word
    }

    fn path(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }

    fn builtin(&mut self, verb: &str, words: &[&str]) -> Result<Vec<String>, Stop> {
        let done = Ok(Vec::new());
        match (verb, words) {
            ("wait", [name]) => {
                let started = self.background.remove(*name);
                self.finish(started.ok_or_else(|| wrong("no such command in the background"))?)
            }
            ("signal", [name, signal]) => {
                let started = self.background.get(*name);
                let started = started.ok_or_else(|| wrong("no such command in the background"))?;
                process::signal(started.id(), signal);
                done
            }
            ("until", [path, text @ ..]) => {
                let path = self.path(path);
                let text = text.first().copied().unwrap_or_default();
                let is_so =
                    || std::fs::read_to_string(&path).is_ok_and(|found| found.contains(text));
                if process::wait_for(is_so) {
                    done
                } else {
                    Err(wrong("it never came to be"))
                }
            }
            ("keep", [path]) => {
                std::fs::write(self.path(path), &self.last_stdout).unwrap();
                done
            }
            ("leaking", []) => {
                self.leaking = true;
                done
            }
            ("stdin", [text]) => {
                self.stdin = Input::Text(text.replace("\\n", "\n"));
                done
            }
            ("stdin-from", [path]) => {
                let text = std::fs::read_to_string(self.path(path));
                let text = text.map_err(|error| Stop::Wrong(error.to_string()))?;
                self.stdin = Input::Text(text);
                done
            }
            ("stdin", []) => {
                self.stdin = Input::Silent;
                done
            }
            ("until-printed", [name, text]) => {
                let started = self.background.get(*name);
                let started = started.ok_or_else(|| wrong("no such command in the background"))?;
                if process::wait_for(|| started.printed().contains(text)) {
                    done
                } else {
                    Err(Stop::Wrong(format!(
                        "it printed only:\n{}",
                        started.printed()
                    )))
                }
            }
            ("env", [assignment]) => {
                let (name, value) = assignment
                    .split_once('=')
                    .ok_or_else(|| wrong("NAME=VALUE"))?;
                self.env.retain(|(known, _)| known != name);
                self.env.push((name.to_owned(), value.to_owned()));
                done
            }
            ("save", [name, pattern]) => {
                let found = self.last.iter().find_map(|line| captured(pattern, line));
                let found = found.and_then(|mut found| {
                    if pattern.ends_with("[..]") && found.len() > 2 {
                        found.pop();
                    }
                    found.pop()
                });
                let found = found.ok_or_else(|| Stop::Wrong(self.last.join("\n    ")))?;
                self.variables.insert((*name).to_owned(), found);
                done
            }
            ("never", [text]) => {
                self.never.push((*text).to_owned());
                done
            }
            ("absent", [path, text]) => {
                let found = files_with(&self.project.join(path), text.as_bytes());
                let found = found.map_err(|error| Stop::Wrong(error.to_string()))?;
                if found.is_empty() {
                    return done;
                }
                Err(Stop::Wrong(format!("{text} is in {}", found.join(", "))))
            }
            ("port", [name]) => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
                let port = listener.local_addr().unwrap().port();
                self.variables.insert((*name).to_owned(), port.to_string());
                done
            }
            ("occupy", [port]) => {
                let port: u16 = port.parse().map_err(|_| wrong("not a port"))?;
                self.listeners
                    .push(TcpListener::bind(("127.0.0.1", port)).unwrap());
                done
            }
            ("vacate", [port]) => {
                let port: u16 = port.parse().map_err(|_| wrong("not a port"))?;
                let is_other = |one: &TcpListener| one.local_addr().unwrap().port() != port;
                self.listeners.retain(is_other);
                done
            }
            ("serve", [port, path, login @ ..]) => {
                let port: u16 = port.parse().map_err(|_| wrong("not a port"))?;
                let login = login.first().map(|login| (*login).to_owned());
                serve(port, self.path(path), login);
                done
            }
            ("bucket", [port, name]) => self.bucket(port, name),
            ("google-bucket", [port, name]) => {
                let words = ["start", "--host", "127.0.0.1", "--in-memory"];
                let more = ["--port", port, "--default-bucket", name];
                let words = [words, more].concat();
                self.server("gcp-storage-emulator", &words)?;
                let asked = format!("GET /storage/v1/b/{name} HTTP/1.1");
                until_made("gcp-storage-emulator", port, &asked)
            }
            ("machine", [name]) => {
                let machine = Machine::start(&self.project.join(name))?;
                let port = machine.port.to_string();
                self.variables.insert((*name).to_owned(), port);
                self.machines.push(machine);
                done
            }
            ("http", [port, path]) => http(port, path, &self.redactor),
            ("only-as-root", []) if !is_root() => Err(Stop::Skip("this needs root".to_owned())),
            ("not-as-root", []) if is_root() => Err(Stop::Skip(
                "root may do what this shows to be refused".to_owned(),
            )),
            ("only-as-root" | "not-as-root", []) => done,
            ("small-disk", [path, size]) => self.small_disk(path, size),
            _ => self
                .files(verb, words)
                .map_err(|error| Stop::Wrong(error.to_string())),
        }
    }

    fn files(&self, verb: &str, words: &[&str]) -> std::io::Result<Vec<String>> {
        let mut out = Vec::new();
        match (verb, words) {
            ("cat", [path]) => {
                let text = String::from_utf8_lossy(&std::fs::read(self.path(path))?).into_owned();
                out = text.lines().map(|line| self.redactor.line(line)).collect();
            }
            ("ls", [path]) => {
                for entry in std::fs::read_dir(self.path(path))? {
                    out.push(self.redactor.line(&entry?.file_name().to_string_lossy()));
                }
                out.sort();
            }
            ("cp", [from, to]) => {
                std::fs::copy(self.path(from), self.path(to))?;
            }
            ("mv", [from, to]) => std::fs::rename(self.path(from), self.path(to))?,
            ("rm", [path]) if self.path(path).is_dir() => std::fs::remove_dir_all(self.path(path))?,
            ("rm", [path]) => std::fs::remove_file(self.path(path))?,
            ("mkdir", [path]) => std::fs::create_dir_all(self.path(path))?,
            ("chmod", [mode, path]) => {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = u32::from_str_radix(mode, 8).map_err(std::io::Error::other)?;
                std::fs::set_permissions(self.path(path), std::fs::Permissions::from_mode(mode))?;
            }
            ("write", [path, text]) => {
                std::fs::write(self.path(path), format!("{}\n", text.replace("\\n", "\n")))?;
            }
            ("append", [path, text]) => {
                let old = std::fs::read_to_string(self.path(path))?;
                std::fs::write(
                    self.path(path),
                    format!("{old}{}\n", text.replace("\\n", "\n")),
                )?;
            }
            ("replace", [path, old, new]) => {
                let text = std::fs::read_to_string(self.path(path))?;
                let at = text
                    .find(old)
                    .ok_or_else(|| std::io::Error::other("it is not there"))?;
                std::fs::write(
                    self.path(path),
                    format!("{}{new}{}", &text[..at], &text[at + old.len()..]),
                )?;
            }
            ("flip", [path, text]) => {
                let path = self.path(path);
                let mut bytes = std::fs::read(&path)?;
                let at = bytes
                    .windows(text.len())
                    .rposition(|window| window == text.as_bytes())
                    .ok_or_else(|| std::io::Error::other("it is not there"))?;
                bytes[at] ^= 1;
                overwrite(&path, &bytes)?;
            }
            ("flip", [path]) => {
                let path = largest_file(&self.path(path))?;
                let mut bytes = std::fs::read(&path)?;
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                overwrite(&path, &bytes)?;
            }
            ("poke", [path, offset, hex]) => {
                let path = self.path(path);
                let mut bytes = std::fs::read(&path)?;
                let offset: usize = offset.parse().map_err(std::io::Error::other)?;
                for (index, pair) in hex.as_bytes().chunks(2).enumerate() {
                    let pair = std::str::from_utf8(pair).map_err(std::io::Error::other)?;
                    bytes[offset + index] =
                        u8::from_str_radix(pair, 16).map_err(std::io::Error::other)?;
                }
                overwrite(&path, &bytes)?;
            }
            ("fill", [path]) => {
                let mut file = std::fs::File::create(self.path(path))?;
                while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
            }
            ("service", [path]) => {
                let path = self.path(path);
                std::fs::create_dir_all(path.parent().unwrap_or(&self.project))?;
                std::fs::copy(std::env::current_exe()?, path)?;
            }
            ("provider", [path, script]) => {
                let (path, script) = (self.path(path), self.path(script));
                std::fs::create_dir_all(path.parent().unwrap_or(&self.project))?;
                let program = std::env::current_exe()?;
                let world = self.path("world.json");
                let text = format!(
                    "#!/bin/sh\nexport MOCK_SCRIPT='{}' MOCK_WORLD='{}'\nexec '{}' serve-provider\n",
                    script.display(),
                    world.display(),
                    program.display()
                );
                std::fs::write(&path, text)?;
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
            }
            _ => {
                return Err(std::io::Error::other(format!(
                    "there is no command `{verb}` with {} words",
                    words.len()
                )));
            }
        }
        Ok(out)
    }

    fn small_disk(&mut self, path: &str, size: &str) -> Result<Vec<String>, Stop> {
        let path = self.path(path);
        std::fs::create_dir_all(&path).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            return Err(Stop::Skip(
                "this machine lets nobody mount a small disk".to_owned(),
            ));
        }
        self.mounted = Some(path);
        Ok(Vec::new())
    }
}

impl Shell {
    /// Starts moto and makes a bucket.
    fn bucket(&self, port: &str, name: &str) -> Result<Vec<String>, Stop> {
        self.server("moto_server", &["-H", "127.0.0.1", "-p", port])?;
        until_made("moto_server", port, &format!("PUT /{name} HTTP/1.1"))
    }

    /// Starts a program of PyPI that plays a service, and ends with the script.
    fn server(&self, name: &str, words: &[&str]) -> Result<(), Stop> {
        let Some(program) = on_path(name) else {
            return Err(Stop::Skip(format!(
                "there is no {name} on the PATH (of PyPI)"
            )));
        };
        Command::new(program)
            .args(words)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(|_| ())
            .map_err(|error| Stop::Wrong(format!("{name} does not start: {error}")))
    }
}

/// Asks a service for a bucket until there is one.
fn until_made(name: &str, port: &str, request: &str) -> Result<Vec<String>, Stop> {
    let make = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
        write!(
            stream,
            "{request}\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let is_made = || {
        let answer = make().unwrap_or_default();
        answer.split(' ').nth(1) == Some("200")
    };
    match process::wait_for(is_made) {
        true => Ok(Vec::new()),
        false => Err(Stop::Wrong(format!("{name} does not come up"))),
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // First those that could start more.
        for started in self.background.values() {
            process::signal(started.id(), "KILL");
        }
        for _ in 0..2 {
            process::end_all_in(self.directory.path());
        }
        while let Some((_, started)) = self.background.pop_first() {
            let _ = started.finish();
        }
        if let Some(path) = &self.mounted {
            let _ = Command::new("umount").arg("-l").arg(path).status();
        }
    }
}

fn wrong(what: &str) -> Stop {
    Stop::Wrong(what.to_owned())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

/// What was printed, in the form of a script.
fn shown(output: &Output, redactor: &Redactor) -> Vec<String> {
    let lines = |text: &str| -> Vec<String> {
        text.trim_end()
            .lines()
            .map(|line| redactor.line(line.trim_end()))
            .collect()
    };
    let mut all = lines(&output.stdout);
    all.extend(
        lines(&output.stderr)
            .into_iter()
            .map(|line| format!("! {line}").trim_end().to_owned()),
    );
    if output.code != 0 {
        all.push(format!("? {}", output.code));
    }
    all
}

/// The words of a command; quotes of both kinds hold spaces together.
fn split(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// The largest file below a directory.
fn largest_file(directory: &Path) -> std::io::Result<PathBuf> {
    let mut found: Option<(u64, PathBuf)> = None;
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() {
                open.push(path);
            } else if found
                .as_ref()
                .is_none_or(|(size, _)| metadata.len() > *size)
            {
                found = Some((metadata.len(), path));
            }
        }
    }
    let (_, path) = found.ok_or_else(|| std::io::Error::other("there is no file"))?;
    Ok(path)
}

/// Writes into a file that may be read-only, keeping its permissions.
fn overwrite(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let before = std::fs::metadata(path)?.permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    std::fs::write(path, bytes)?;
    std::fs::set_permissions(path, before)
}

/// Status and body of a request.
fn http(port: &str, path: &str, redactor: &Redactor) -> Result<Vec<String>, Stop> {
    let port: u16 = port.parse().map_err(|_| wrong("not a port"))?;
    let request = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(process::COMMAND_SECONDS_MAX)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = match request() {
        Ok(text) => text,
        Err(error) => return Ok(vec![format!("no answer: {:?}", error.kind())]),
    };
    let status = text.lines().next().unwrap_or_default();
    let status = status.trim_start_matches("HTTP/1.1 ");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok([status, body]
        .map(|line| redactor.line(line.trim_end()))
        .into())
}

/// Answers each request with the file, or says that there is none; with a login (in the form of the header), only who
/// has it. Ends with the program of the tests.
fn serve(port: u16, path: PathBuf, login: Option<String>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(n) => request.extend_from_slice(&part[..n]),
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let is_known = login
                .as_ref()
                .is_none_or(|login| request.contains(login.as_str()));
            let (status, body) = match std::fs::read(&path) {
                _ if !is_known => ("401 Unauthorized", Vec::new()),
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
    });
}

/// The files at or below a path that contain these bytes.
fn files_with(path: &Path, wanted: &[u8]) -> std::io::Result<Vec<String>> {
    if !path.is_dir() {
        let content = std::fs::read(path)?;
        let found = content.windows(wanted.len()).any(|part| part == wanted);
        return Ok(found
            .then(|| path.display().to_string())
            .into_iter()
            .collect());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        found.extend(files_with(&entry?.path(), wanted)?);
    }
    Ok(found)
}

/// The program of this name that a shell would start.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

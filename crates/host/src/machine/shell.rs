//! One shell of a machine as a dialogue: requests go in, and each answer is cut out of what comes back.
//!
//! A request is a script that runs in a subshell with an empty input. Its text is written to the input of a shell that
//! stays, and is followed by a mark that nobody can guess, on both outputs; the answer is what stands before the mark.
//! So a request costs a way there and back and one fork, and what it is given is seen in no list of processes.

use crate::limits::{ANSWER_BYTES_MAX, CLOSE_MS_MAX, READ_BYTES, TAIL_BYTES_MAX};
use crate::process::quoted;
use core::time::Duration;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What every shell is told first: words of the system that can be read, programs where administrators find them, and
/// functions that scripts use.
const PRELUDE: &str = include_str!("prelude.sh");

/// A script with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    text: String,
    /// Whether it may take long, so that others do not wait for it.
    pub(crate) is_long: bool,
    /// Time it has.
    pub(crate) timeout_ms: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its exit status.
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A shell that waits for requests.
pub(crate) struct Shell {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Stream<ChildStdout>,
    stderr: Stream<ChildStderr>,
    nonce: String,
    n_asked: u64,
}

/// An output that is read piece by piece.
struct Stream<R> {
    reader: R,
    buffer: Vec<u8>,
}

impl Request {
    /// A script, with `$1`, `$2` and so on.
    pub(crate) fn new<'a>(script: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let words: String = arguments
            .into_iter()
            .map(|word| format!(" {}", quoted(word)))
            .collect();
        Self {
            text: format!("set --{words}\n{script}"),
            is_long: false,
            timeout_ms: crate::limits::REQUEST_TIMEOUT_MS,
        }
    }

    /// The same as one that may take so long.
    pub(crate) fn long(self, timeout_ms: u64) -> Self {
        Self {
            is_long: true,
            timeout_ms,
            ..self
        }
    }
}

impl Reply {
    /// Its output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The end of what it complained about, in one piece.
    pub(crate) fn complaint(&self) -> String {
        tail(&self.stderr)
    }
}

/// The end of a text.
pub(crate) fn tail(text: &str) -> String {
    let text = text.trim();
    let from = text.len().saturating_sub(TAIL_BYTES_MAX);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    from.and_then(|at| text.get(at..))
        .unwrap_or(text)
        .to_owned()
}

impl Shell {
    /// Starts a program that becomes a shell.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(io::Error::other("a process without its outputs"));
        };
        let random = || RandomState::new().build_hasher().finish();
        Ok(Self {
            child,
            stdin,
            stdout: Stream::new(stdout),
            stderr: Stream::new(stderr),
            nonce: format!("{:016x}{:016x}", random(), random()),
            n_asked: 0,
        })
    }

    /// Waits until it answers at all.
    ///
    /// # Errors
    /// What it said instead.
    pub(crate) async fn greet(&mut self, timeout_ms: u64) -> Result<(), String> {
        // Not in a subshell: what it says holds for all that follows.
        self.exchange(PRELUDE, timeout_ms).await.map(|_| ())
    }

    /// Asks, and waits for the answer. After an error nothing more can be asked.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Reply, String> {
        let script = format!("( {}\n) </dev/null", request.text);
        self.exchange(&script, request.timeout_ms).await
    }

    async fn exchange(&mut self, script: &str, timeout_ms: u64) -> Result<Reply, String> {
        self.n_asked += 1;
        let mark = format!("{}.{}", self.nonce, self.n_asked);
        // Not the whole mark in one piece, so that a shell that repeats what it reads does not seem to answer.
        let (one, two) = mark.split_at(8);
        let text = format!(
            "steadfast_mark='{one}''{two}'; printf '%s begin\\n' \"$steadfast_mark\"; \
             printf '%s begin\\n' \"$steadfast_mark\" >&2\n\
             {script}\n\
             printf '\\n%s %s\\n' \"$steadfast_mark\" \"$?\"; printf '\\n%s\\n' \"$steadfast_mark\" >&2\n"
        );
        let Some(stdin) = self.stdin.as_mut() else {
            return Err("it was closed".to_owned());
        };
        let writing = async {
            // Who does not listen any more has said why, or says it now.
            let _ = stdin.write_all(text.as_bytes()).await;
            Ok::<(), String>(())
        };
        let both = async {
            tokio::try_join!(
                writing,
                self.stdout.answer(&mark),
                self.stderr.answer(&mark)
            )
        };
        let answered = timeout(Duration::from_millis(timeout_ms), both).await;
        let why = match answered {
            Ok(Ok(((), (stdout, status), (stderr, _)))) => {
                return Ok(Reply {
                    status: status.trim().parse().unwrap_or(i32::MAX),
                    stdout,
                    stderr: String::from_utf8_lossy(&stderr).into_owned(),
                });
            }
            Ok(Err(why)) => why,
            Err(_) => format!("there was no answer within {timeout_ms} ms"),
        };
        let said = self.last_words().await;
        Err(if said.is_empty() { why } else { said })
    }

    /// What it complained about before it ended.
    async fn last_words(&mut self) -> String {
        self.stdin = None;
        let rest = self.stderr.rest();
        let _ = timeout(Duration::from_millis(CLOSE_MS_MAX), rest).await;
        let said = String::from_utf8_lossy(&self.stderr.buffer);
        let said: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains(&self.nonce))
            .collect();
        tail(&said.join("\n"))
    }

    /// Lets it end.
    pub(crate) async fn close(mut self) {
        self.stdin = None;
        let ended = timeout(Duration::from_millis(CLOSE_MS_MAX), self.child.wait()).await;
        if ended.is_err() {
            // It is of no use any more, and what it is waiting for is not ours.
            let _ = self.child.kill().await;
        }
    }
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
        }
    }

    /// What stands between the two marks, and what stands behind the second one.
    async fn answer(&mut self, mark: &str) -> Result<(Vec<u8>, String), String> {
        let begin = format!("{mark} begin\n");
        let at = self.find(begin.as_bytes()).await?;
        self.buffer.drain(..at + begin.len());
        let end = format!("\n{mark}");
        let at = self.find(end.as_bytes()).await?;
        let answer: Vec<u8> = self.buffer.drain(..at).collect();
        self.buffer.drain(..end.len());
        let at = self.find(b"\n").await?;
        let behind: Vec<u8> = self.buffer.drain(..=at).collect();
        Ok((answer, String::from_utf8_lossy(&behind).into_owned()))
    }

    /// Reads until these bytes have come; where they begin.
    async fn find(&mut self, wanted: &[u8]) -> Result<usize, String> {
        let mut from = 0;
        // Bounded by the size of an answer.
        loop {
            let piece = self.buffer.get(from..).unwrap_or_default();
            if let Some(at) = piece.windows(wanted.len()).position(|here| here == wanted) {
                return Ok(from + at);
            }
            from = self.buffer.len().saturating_sub(wanted.len());
            if self.buffer.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
            }
            if self.more().await? == 0 {
                return Err("the connection ended".to_owned());
            }
        }
    }

    async fn more(&mut self) -> Result<usize, String> {
        self.buffer.reserve(READ_BYTES);
        let read = self.reader.read_buf(&mut self.buffer).await;
        read.map_err(|error| error.to_string())
    }

    /// Reads to the end.
    async fn rest(&mut self) {
        while self.buffer.len() <= ANSWER_BYTES_MAX {
            match self.more().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

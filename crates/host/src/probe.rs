//! [`Looks`]: one look at whether an object is healthy, by HTTP, TCP or a command of this machine.
//!
//! The HTTP is a plain GET that reads no further than the status line: no redirects, no body. Over TLS a server is one
//! that this machine trusts, as browsers and `curl` have it.

use crate::diag::{self, Trouble};
use crate::limits::{LOOK_ANSWER_CHARS_MAX, STATUS_LINE_BYTES_MAX};
use crate::process::{Ended, Run, shown};
use crate::tls::Tls;
use contract::{Pending, Probes, Sight};
use core::time::Duration;
use model::{ActionId, Probe, RunId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use value::{Diagnostics, Value};

/// Looks at the health of objects from this machine.
///
/// Its futures need a tokio runtime with time and I/O.
#[derive(Clone, Debug)]
pub struct Looks {
    /// Commands run here, and relative paths start here.
    project: PathBuf,
    /// For the locks of running commands.
    scratch: PathBuf,
    tls: Tls,
}

/// What was seen: an answer that is as it should be, or one that is not.
type Seen = Result<String, String>;

impl Looks {
    /// Looks for this project. Locks of running commands are in `scratch`.
    pub fn new(project: PathBuf, scratch: PathBuf) -> Self {
        Self {
            project,
            scratch,
            tls: Tls::default(),
        }
    }

    /// The same, with the certificates of a file (PEM) in place of those that this machine trusts.
    #[must_use]
    pub fn trusting(self, certificates: PathBuf) -> Self {
        Self {
            tls: Tls::trusting(certificates),
            ..self
        }
    }

    async fn see(&self, probe: &Probe, timeout_ms: u64) -> Result<Seen, Trouble> {
        let text = |name: &str| probe.target.get(name).and_then(Value::as_str);
        if let Some(url) = text("http") {
            let page = Page::parse(url).ok_or_else(|| diag::not_looked_at(url))?;
            let asked = self.get(&page);
            let answered = timeout(Duration::from_millis(timeout_ms), asked).await;
            return Ok(judged(
                url,
                &probe.manner.statuses,
                answered.ok(),
                timeout_ms,
            ));
        }
        if let Some(address) = text("tcp") {
            let connected = TcpStream::connect(address);
            return Ok(
                match timeout(Duration::from_millis(timeout_ms), connected).await {
                    Ok(Ok(_)) => Ok(format!("{address} takes connections")),
                    Ok(Err(error)) => Err(format!("{address} takes no connections: {error}")),
                    Err(_) => Err(format!("{address} did not answer within {timeout_ms} ms")),
                },
            );
        }
        let words = probe.target.get("command").and_then(Value::elements);
        let argv: Option<Vec<String>> = words.map(|words| {
            let words = words.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        });
        match argv {
            Some(argv) if !argv.is_empty() => self.run(probe, argv, timeout_ms).await,
            Some(_) | None => Err(diag::not_looked_at("an empty command, or nothing").into()),
        }
    }

    async fn get(&self, page: &Page<'_>) -> Result<u16, String> {
        let address = &page.address;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("cannot connect to {address}: {error}"))?;
        if !page.is_encrypted {
            return ask(stream, page).await;
        }
        let secured = self.tls.connect(page.host(), stream).await;
        let secured = secured.map_err(|error| format!("no TLS with {address}: {error}"))?;
        ask(secured, page).await
    }

    async fn run(
        &self,
        probe: &Probe,
        argv: Vec<String>,
        timeout_ms: u64,
    ) -> Result<Seen, Trouble> {
        let command = shown(&argv);
        let run = Run {
            argv,
            environment: BTreeMap::new(),
            directory: self.project.clone(),
            timeout_ms,
        };
        // One look at an object at a time: one that an engine before this one began may still run.
        let name = ActionId::of(RunId(0), &format!("health:{}", probe.address));
        let lock = self.scratch.join(format!("{name}.health.lock"));
        Ok(match run.run(&lock).await {
            Ended::Exited(status, _) if status.success() => Ok(format!("{command} ended well")),
            Ended::Exited(status, output) => {
                let said = output.last();
                let said = if said.is_empty() {
                    said
                } else {
                    format!(": {said}")
                };
                Err(format!("{command} ended with {status}{said}"))
            }
            Ended::TimedOut(_) => Err(format!("{command} took longer than {timeout_ms} ms")),
            Ended::NotStarted(error) => Err(format!("{command} could not be started: {error}")),
            Ended::Busy => Err(format!("{command} still runs from before")),
        })
    }
}

impl Probes for Looks {
    fn look<'a>(
        &'a self,
        probe: &'a Probe,
        timeout_ms: u64,
    ) -> Pending<'a, Result<Sight, Diagnostics>> {
        Box::pin(async move {
            let seen = self.see(probe, timeout_ms).await;
            let seen = seen
                .map_err(Trouble::into_diagnostics)
                .map_err(|mut found| {
                    for one in &mut found.0 {
                        one.address.get_or_insert_with(|| probe.address.to_string());
                    }
                    found
                })?;
            let healthy = seen.is_ok();
            let answer = seen.unwrap_or_else(|why| why);
            Ok(Sight {
                healthy,
                answer: answer.chars().take(LOOK_ANSWER_CHARS_MAX).collect(),
            })
        })
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Page<'a> {
    is_encrypted: bool,
    /// A host with its port.
    address: String,
    path: &'a str,
}

impl<'a> Page<'a> {
    /// Takes an address apart that begins with `http://` or `https://`.
    fn parse(url: &'a str) -> Option<Self> {
        let (is_encrypted, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at_checked(end)?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains('@') || path.starts_with('?') {
            return None;
        }
        if !is_plain(host) || !is_plain(path) {
            return None;
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let address = match (has_port, is_encrypted) {
            (true, _) => host.to_owned(),
            (false, true) => format!("{host}:443"),
            (false, false) => format!("{host}:80"),
        };
        Some(Self {
            is_encrypted,
            address,
            path: if path.is_empty() { "/" } else { path },
        })
    }

    /// The host without its port, as a certificate names it.
    fn host(&self) -> &str {
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_matches(['[', ']'])
    }
}

fn judged(
    url: &str,
    statuses: &[u16],
    answered: Option<Result<u16, String>>,
    timeout_ms: u64,
) -> Seen {
    match answered {
        None => Err(format!("GET {url} was not answered within {timeout_ms} ms")),
        Some(Err(why)) => Err(format!("GET {url} was not answered: {why}")),
        Some(Ok(status)) => {
            let good = if statuses.is_empty() {
                (200..300).contains(&status)
            } else {
                statuses.contains(&status)
            };
            let said = format!("GET {url} answered {status}");
            if good { Ok(said) } else { Err(said) }
        }
    }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    page: &Page<'_>,
) -> Result<u16, String> {
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    let Page { address, path, .. } = page;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: steadfast\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut line = Vec::with_capacity(STATUS_LINE_BYTES_MAX);
    while !line.contains(&b'\n') && line.len() < STATUS_LINE_BYTES_MAX {
        if stream.read_buf(&mut line).await.map_err(broke)? == 0 {
            return Err("the connection was closed without an answer".to_owned());
        }
    }
    status(&line).ok_or_else(|| "the answer is not HTTP/1.1".to_owned())
}

/// The status of a status line (RFC 9112, section 4).
fn status(line: &[u8]) -> Option<u16> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = core::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    let (minor, rest) = rest.split_once(' ')?;
    let status = rest.trim_end().split(' ').next()?;
    let are_digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    (are_digits(minor, 1) && are_digits(status, 3)).then(|| status.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (url, parts) in [
            ("http://a", Some(("a:80", "a", "/"))),
            ("http://a:8080/x?y=1#z", Some(("a:8080", "a", "/x?y=1"))),
            ("http://[::1]:8/", Some(("[::1]:8", "::1", "/"))),
            ("http://[::1]/", Some(("[::1]:80", "::1", "/"))),
            ("https://a", Some(("a:443", "a", "/"))),
            ("https://a:8443/x", Some(("a:8443", "a", "/x"))),
            ("https://", None),
            ("http://", None),
            ("http:///x", None),
            ("http://a b/", None),
            ("http://a/x\r\nHost: b", None),
            ("http://user@a/", None),
            ("a:80", None),
        ] {
            let page = Page::parse(url);
            let found = page
                .as_ref()
                .map(|page| (page.address.as_str(), page.host(), page.path));
            assert_eq!(found, parts, "{url}");
            let is_encrypted = page.is_some_and(|page| page.is_encrypted);
            assert_eq!(is_encrypted, parts.is_some() && url.starts_with("https:"));
        }
    }

    #[test]
    fn status_lines() {
        for (line, found) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 503 Service Unavailable\n", Some(503)),
            ("HTTP/1.1 204\r\n", Some(204)),
            ("HTTP/1.1 2000\r\n", None),
            ("HTTP/1.1 +20 OK\r\n", None),
            ("HTTP/2 200\r\n", None),
            ("SSH-2.0-OpenSSH\r\n", None),
            ("\r\n", None),
        ] {
            assert_eq!(status(line.as_bytes()), found, "{line:?}");
        }
    }
}

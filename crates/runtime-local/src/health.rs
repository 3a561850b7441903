//! One health check: a plain HTTP/1.1 GET over TCP that reads no further than the status line.
//!
//! Deliberately no client library: no redirects, no TLS, no keep-alive, no body. RFC 9112 section 4 is all it needs.

use crate::limits::{HEALTH_STATUS_LINE_BYTES_MAX, HEALTH_TIMEOUT_MS_MAX};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Passed with what was answered, or failed with why.
pub(crate) async fn check(address: &str, path: &str, timeout_ms: u64) -> Result<String, String> {
    let timeout_ms = timeout_ms.clamp(1, HEALTH_TIMEOUT_MS_MAX);
    let answered = tokio::time::timeout(Duration::from_millis(timeout_ms), ask(address, path));
    match answered.await {
        Err(_) => Err(format!(
            "GET {path} was not answered within {timeout_ms} ms"
        )),
        Ok(Err(why)) => Err(format!("GET {path} was not answered: {why}")),
        Ok(Ok(status)) if (200..400).contains(&status) => {
            Ok(format!("GET {path} answered {status}"))
        }
        Ok(Ok(status)) => Err(format!("GET {path} answered {status}")),
    }
}

async fn ask(address: &str, path: &str) -> Result<u16, String> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("cannot connect to {address}: {error}"))?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: steadfast-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| format!("the connection broke: {error}"))?;
    let mut answer = Vec::with_capacity(HEALTH_STATUS_LINE_BYTES_MAX);
    while !answer.contains(&b'\n') && answer.len() < HEALTH_STATUS_LINE_BYTES_MAX {
        let read = stream
            .read_buf(&mut answer)
            .await
            .map_err(|error| format!("the connection broke: {error}"))?;
        if read == 0 {
            return Err("the connection was closed without an answer".to_owned());
        }
    }
    parse_status_line(&answer).ok_or_else(|| "the answer is not HTTP/1.1".to_owned())
}

fn parse_status_line(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = core::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    let mut parts = rest.trim_end().splitn(3, ' ');
    let minor = parts.next()?;
    let status = parts.next()?;
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(minor, 1) && digits(status, 3))
        .then(|| status.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn status_lines() {
        for (answer, status) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 503 Service Unavailable\n", Some(503)),
            ("HTTP/1.1 204 \r\n", Some(204)),
            ("HTTP/1.1 204\r\n", Some(204)),
            ("HTTP/1.1 2000\r\n", None),
            ("HTTP/1.1 +20 OK\r\n", None),
            ("HTTP/2 200\r\n", None),
            ("HTTP/1.11 200\r\n", None),
            ("SSH-2.0-OpenSSH\r\n", None),
            ("\r\n", None),
        ] {
            assert_eq!(parse_status_line(answer.as_bytes()), status, "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(answer in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse_status_line(&answer);
        }
    }

    /// What a server sends after the request, and what the check says of it.
    async fn against(reply: &'static [u8]) -> Result<String, String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            for part in reply.chunks(3) {
                let _ = stream.write_all(part).await;
                let _ = stream.flush().await;
            }
            request
        };
        let (request, result) = tokio::join!(serve, check(&address, "/healthz?x=1", 5_000));
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("GET /healthz?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
        result
    }

    #[tokio::test]
    async fn answers() {
        assert_eq!(
            against(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await,
            Ok("GET /healthz?x=1 answered 200".to_owned())
        );
        assert_eq!(
            against(b"HTTP/1.1 500 No\r\n\r\n").await,
            Err("GET /healthz?x=1 answered 500".to_owned())
        );
        for (reply, why) in [
            (&b""[..], "closed without an answer"),
            (b"HTTP/1.1", "closed without an answer"),
            (b"gibberish\r\n", "not HTTP/1.1"),
            (&[b'x'; 5_000], "not HTTP/1.1"),
        ] {
            let error = against(reply).await.unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_never_answers_fails_the_check() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let error = check(&address, "/", 20).await.unwrap_err();
        assert_eq!(error, "GET / was not answered within 20 ms");
        drop(listener);
        let error = check(&address, "/", 5_000).await.unwrap_err();
        assert!(error.contains("cannot connect"), "{error}");
    }
}

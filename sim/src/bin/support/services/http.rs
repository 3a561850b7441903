//! The little of HTTP that a proxy and a look at a server need: one request and one answer on each connection.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Longest body of a request.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Longest time that a peer may take between two pieces.
const PIECE_MS_MAX: u64 = 120_000;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// Reads one; none when the peer sends nothing.
    ///
    /// # Errors
    /// When it ends in the middle, or is none.
    pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        stream.set_read_timeout(Some(Duration::from_millis(PIECE_MS_MAX)))?;
        let mut bytes = Vec::new();
        let mut piece = [0; 16 << 10];
        let end = loop {
            // Ends with the head, with the stream, or at the limit.
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let n = stream.read(&mut piece)?;
            if n == 0 && bytes.is_empty() {
                return Ok(None);
            }
            if n == 0 || bytes.len() > HEAD_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            bytes.extend(piece.get(..n).unwrap_or_default());
        };
        let mut request = Self {
            body: bytes.split_off(end),
            head: bytes,
        };
        let length = request.header("content-length");
        let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        if length > BODY_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while request.body.len() < length {
            let n = stream.read(&mut piece)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            request.body.extend(piece.get(..n).unwrap_or_default());
        }
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head);
        head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// The service that it is for, as its signature says.
    pub(crate) fn service(&self) -> String {
        // Credential=KEY/DATE/REGION/SERVICE/aws4_request
        let signed = self.header("authorization").unwrap_or_default();
        signed.split('/').nth(3).unwrap_or_default().to_owned()
    }

    /// What is asked for, such as `PutParameter`.
    pub(crate) fn operation(&self) -> String {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next().unwrap_or_default().to_owned();
        }
        let body = String::from_utf8_lossy(&self.body);
        let mut pairs = body.split('&');
        let action = pairs.find_map(|pair| pair.strip_prefix("Action="));
        action.unwrap_or_default().to_owned()
    }

    /// Whether it makes, changes or removes something.
    pub(crate) fn changes(&self) -> bool {
        let operation = self.operation();
        [
            "Create", "Put", "Delete", "Set", "Update", "Add", "Attach", "Modify", "Remove",
        ]
        .iter()
        .any(|verb| operation.starts_with(verb))
    }

    /// Whether its answers are JSON, and not XML.
    pub(crate) fn is_json(&self) -> bool {
        self.header("x-amz-target").is_some()
    }

    /// The answer of a server, whole.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks off.
    pub(crate) fn send(&self, to: SocketAddr) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(Duration::from_millis(PIECE_MS_MAX)))?;
        let head = String::from_utf8_lossy(&self.head);
        let mut sent = String::new();
        for line in head.trim_end().lines() {
            let is_ours = line.to_ascii_lowercase().starts_with("connection:");
            if !is_ours {
                sent.push_str(line);
                sent.push_str("\r\n");
            }
        }
        sent.push_str("Connection: close\r\n\r\n");
        stream.write_all(sent.as_bytes())?;
        stream.write_all(&self.body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// A request of our own.
    pub(crate) fn new(service: &str, target: Option<&str>, body: &str) -> Self {
        let kind = match target {
            Some(target) => {
                format!("X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1")
            }
            None => "Content-Type: application/x-www-form-urlencoded".to_owned(),
        };
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n",
            body.len()
        );
        Self {
            head: head.into_bytes(),
            body: body.as_bytes().to_vec(),
        }
    }
}

/// The body of an answer.
pub(crate) fn body(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
    body.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_what_they_ask_of_whom() {
        let json = Request::new("ssm", Some("AmazonSSM.PutParameter"), "{}");
        assert_eq!(
            (json.service().as_str(), json.operation().as_str()),
            ("ssm", "PutParameter")
        );
        assert!(json.changes() && json.is_json());
        let form = Request::new("ec2", None, "Version=1&Action=DescribeVpcs");
        assert_eq!(
            (form.service().as_str(), form.operation().as_str()),
            ("ec2", "DescribeVpcs")
        );
        assert!(!form.changes() && !form.is_json());
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"), "rest");
    }
}

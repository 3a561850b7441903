//! Asks the service `catalog` for what is sold.
//!
//! One connection is kept and used again; times are short, because a page without prices is better than a slow page.
//! Reads only the JSON that `catalog` writes: a list of flat objects, without escapes in its strings.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Something that is sold.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What it costs.
    pub cents: u32,
}

/// A client of the service.
pub struct Catalog {
    /// `host:port`, empty when there is no catalog.
    authority: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Catalog {
    /// For a URL like `http://127.0.0.1:8080`. Connects when it is first asked.
    pub fn new(url: &str) -> Self {
        let authority = url.strip_prefix("http://").unwrap_or(url);
        Self {
            authority: authority.trim_end_matches('/').to_owned(),
            connection: None,
        }
    }

    /// What is sold, in the catalog's order.
    pub fn items(&mut self) -> io::Result<Vec<Item>> {
        // A connection that was kept may have been closed meanwhile; a fresh one gets a second chance.
        if let Some(kept) = self.connection.take() {
            if let Ok(items) = self.ask(kept) {
                return Ok(items);
            }
        }
        let mut last = io::Error::other("no address");
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
                    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
                    return self.ask(BufReader::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn ask(&mut self, mut connection: BufReader<TcpStream>) -> io::Result<Vec<Item>> {
        let request = format!("GET /items HTTP/1.1\r\nHost: {}\r\n\r\n", self.authority);
        connection.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut keep, mut first) = (None, true, String::new());
        let mut limited = (&mut connection).take(ANSWER_BYTES_MAX);
        loop {
            let mut line = String::new();
            if limited.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse::<u64>().ok(),
                Some(("connection", value)) => keep = value != "close",
                _ if first.is_empty() => first = line,
                _ => {}
            }
        }
        let ok = first.split(' ').nth(1) == Some("200");
        let (Some(length), true) = (length.filter(|n| *n <= limited.limit()), ok) else {
            return Err(io::Error::other(format!("the catalog says {first}")));
        };
        let mut body = vec![0; length as usize];
        connection.read_exact(&mut body)?;
        if keep {
            self.connection = Some(connection);
        }
        let body = String::from_utf8_lossy(&body);
        parse(&body).ok_or_else(|| io::Error::other("the catalog's list cannot be read"))
    }
}

fn parse(json: &str) -> Option<Vec<Item>> {
    let list = json.trim().strip_prefix('[')?.strip_suffix(']')?;
    list.split('{').skip(1).map(parse_item).collect()
}

fn parse_item(object: &str) -> Option<Item> {
    let (fields, _) = object.split_once('}')?;
    let (_, name) = fields.split_once(r#""name":""#)?;
    let (name, _) = name.split_once('"')?;
    let (_, cents) = fields.split_once(r#""cents":"#)?;
    let cents = cents.split(',').next()?.trim().parse().ok()?;
    Some(Item {
        name: name.to_owned(),
        cents,
    })
}

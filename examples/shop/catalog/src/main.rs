//! catalog: what the shop sells, as JSON.
//!
//! A complete HTTP/1.1 service in one file with nothing but the standard library, so that it builds anywhere in a
//! second. It deliberately does not catch SIGTERM, which the standard library cannot do: whoever stops it first takes
//! it out of the route and waits for its last answer, as Steadfast's proxy does.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What is sold: a name and a price in cents.
const ITEMS: [(&str, u32); 4] = [
    ("Teapot", 2400),
    ("Cup", 650),
    ("Sugar bowl", 900),
    ("Spoon", 320),
];

const HEADER_BYTES_MAX: u64 = 16 * 1024;
const BODY_BYTES_MAX: u64 = 1024 * 1024;
const CONNECTIONS_MAX: usize = 1024;
const STACK_BYTES: usize = 256 * 1024;
/// Longer than a proxy keeps an idle connection, so that the proxy closes it and never finds it closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

struct Request {
    method: String,
    path: String,
    keep_alive: bool,
}

struct Response {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

fn main() -> io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_default();
    let Ok(port) = port.parse::<u16>() else {
        eprintln!("catalog: PORT must be a port number, but is {port:?}");
        std::process::exit(2);
    };
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("catalog listens on {}", listener.local_addr()?);
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        // A connection that broke before it was taken is nobody's trouble.
        let Ok(stream) = stream else { continue };
        if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
            // Full: closing tells the client to try elsewhere.
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let counted = open.clone();
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let started = thread.spawn(move || {
            // A client that went away in the middle is its own trouble.
            let _ = serve(stream);
            counted.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Answers one request after the other, until one side has had enough.
fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE_TIMEOUT))?;
    stream.set_write_timeout(Some(IDLE_TIMEOUT))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(read) = read_request(&mut reader)? {
        let (response, keep_alive, head) = match &read {
            Ok(request) => (answer(request), request.keep_alive, request.method == "HEAD"),
            Err(refusal) => (plain(refusal, refusal), false, false),
        };
        write_response(&mut writer, &response, keep_alive, head)?;
        if !keep_alive {
            break;
        }
    }
    Ok(())
}

fn answer(request: &Request) -> Response {
    let known = ["/items", "/healthz"].contains(&request.path.as_str());
    match (request.method.as_str(), request.path.as_str()) {
        (_, _) if !known => plain("404 Not Found", "not found"),
        ("GET" | "HEAD", "/healthz") => plain("200 OK", "ok"),
        ("GET" | "HEAD", _) => Response {
            status: "200 OK",
            content_type: "application/json",
            body: items_json(),
        },
        _ => plain("405 Method Not Allowed", "only GET and HEAD"),
    }
}

fn items_json() -> String {
    let items = ITEMS.map(|(name, cents)| format!(r#"{{"name":"{name}","cents":{cents}}}"#));
    format!("[{}]\n", items.join(","))
}

fn plain(status: &'static str, text: &str) -> Response {
    Response {
        status,
        content_type: "text/plain; charset=utf-8",
        body: format!("{text}\n"),
    }
}

/// Reads one request with its body. None when the client closed between two; a status when it cannot be answered.
fn read_request(
    reader: &mut BufReader<TcpStream>,
) -> io::Result<Option<Result<Request, &'static str>>> {
    let mut limited = reader.take(HEADER_BYTES_MAX);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if limited.read_until(b'\n', &mut line)? == 0 || !line.ends_with(b"\n") {
            let too_large = limited.limit() == 0;
            return Ok(too_large.then_some(Err("431 Request Header Fields Too Large")));
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        if !line.is_empty() {
            lines.push(line.into_owned());
        } else if !lines.is_empty() {
            break;
        }
    }
    let mut words = lines[0].split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Ok(Some(Err("400 Bad Request")));
    };
    let mut headers = BTreeMap::new();
    for line in &lines[1..] {
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Some(Err("400 Bad Request")));
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.contains_key("transfer-encoding") {
        return Ok(Some(Err("411 Length Required")));
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    match length.parse::<u64>() {
        Ok(length) if length <= BODY_BYTES_MAX => {
            // Nobody wants the body, but the next request begins after it.
            io::copy(&mut reader.take(length), &mut io::sink())?;
        }
        Ok(_) => return Ok(Some(Err("413 Content Too Large"))),
        Err(_) => return Ok(Some(Err("400 Bad Request"))),
    }
    let connection = headers.get("connection").map(|value| value.to_ascii_lowercase());
    let keep_alive = match connection.as_deref() {
        Some("close") => false,
        Some("keep-alive") => true,
        _ => version == "HTTP/1.1",
    };
    Ok(Some(Ok(Request {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or(target).to_owned(),
        keep_alive,
    })))
}

fn write_response(
    writer: &mut TcpStream,
    response: &Response,
    keep_alive: bool,
    head: bool,
) -> io::Result<()> {
    let mut text = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n",
        response.status,
        response.content_type,
        response.body.len(),
        if keep_alive { "keep-alive" } else { "close" },
    );
    if response.status.starts_with("405") {
        text.push_str("Allow: GET, HEAD\r\n");
    }
    text.push_str("\r\n");
    if !head {
        text.push_str(&response.body);
    }
    writer.write_all(text.as_bytes())
}

//! The service that scripts deploy: a small HTTP server on `PORT` whose manners are the words it is started with.
//!
//! `unhealthy` answers its health check with 503, `exit` ends at once, `says TEXT` is its answer to everything else,
//! `$GREETING` comes after it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

/// Serves until it is ended.
pub(crate) fn serve(words: &[String]) -> ExitCode {
    let says = |word: &str| words.iter().any(|one| one == word);
    if says("exit") {
        println!("cannot read my configuration");
        return ExitCode::from(3);
    }
    let text = words
        .iter()
        .position(|word| word == "says")
        .and_then(|at| words.get(at + 1))
        .map_or("hello", |text| text);
    let text = format!("{text} {}", std::env::var("GREETING").unwrap_or_default());
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("listening");
    for stream in listener.incoming().flatten() {
        answer(stream, says("unhealthy"), text.trim());
    }
    ExitCode::SUCCESS
}

fn answer(mut stream: TcpStream, unhealthy: bool, text: &str) {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let status = if unhealthy && request.starts_with(b"GET /healthz ") {
        "503 Service Unavailable"
    } else {
        "200 OK"
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
}

/// What the same program does as a provider: the mock, as its environment says.
pub(crate) fn provide() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let say = |line: &str| {
        println!("{line}");
        std::io::stdout().flush().unwrap();
    };
    match runtime.block_on(plugin::mock::program(&say)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As the runtime of a broken provider says it.
            let _ = writeln!(std::io::stderr(), "panic: {error}");
            ExitCode::from(2)
        }
    }
}

//! A workload with bad habits, for the tests of this crate: a small HTTP server on `PORT` whose manners are the words
//! it is started with.
//!
//! `healthy` (also the default) answers 200, `unhealthy` 503, `exit N` ends at once, `deaf` ignores SIGTERM,
//! `say TEXT` prints it, `print N` prints N lines, `grandchild FILE` starts a sleeping child and writes its number,
//! `daemon FILE` one that leaves its group, `memory N` takes N bytes and tells whether it got them, `env FILE` writes
//! its environment. Whoever asks for `/die` gets its end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::exit,
    clippy::zombie_processes,
    reason = "a test's workload: it fails by failing, and leaving children behind is one of its habits"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let mut status = "200 OK";
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap();
        match word.as_str() {
            "unhealthy" => status = "503 Service Unavailable",
            "exit" => return ExitCode::from(next().parse::<u8>().unwrap()),
            // The shell sets the signal aside; what it executes inherits that.
            "deaf" => {
                let rest: Vec<String> = words.collect();
                let me = std::env::current_exe().unwrap();
                let error = std::os::unix::process::CommandExt::exec(
                    Command::new("/bin/sh")
                        .arg("-c")
                        .arg("trap '' TERM; exec \"$@\"")
                        .arg("sh")
                        .arg(me)
                        .args(rest),
                );
                panic!("{error}");
            }
            "grandchild" => child(&["sleep", "1000"], &next()),
            "daemon" => child(&["setsid", "sleep", "1000"], &next()),
            "print" => {
                for number in 0..next().parse::<u64>().unwrap() {
                    println!("line {number}");
                }
            }
            "memory" => {
                let mut bytes: Vec<u8> = Vec::new();
                match bytes.try_reserve_exact(next().parse().unwrap()) {
                    Ok(()) => println!("got the memory"),
                    Err(_) => println!("did not get the memory"),
                }
            }
            "env" => {
                let all: Vec<String> = std::env::vars()
                    .map(|(name, value)| format!("{name}={value}\n"))
                    .collect();
                std::fs::write(next(), all.concat()).unwrap();
            }
            "say" => println!("{}", next()),
            _ => {}
        }
    }
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for stream in listener.incoming().flatten() {
        answer(stream, status);
    }
    ExitCode::SUCCESS
}

fn child(command: &[&str], file: &str) {
    let child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::write(file, child.id().to_string()).unwrap();
}

fn answer(mut stream: TcpStream, status: &str) {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    if request.starts_with(b"GET /die ") {
        std::process::exit(7);
    }
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}

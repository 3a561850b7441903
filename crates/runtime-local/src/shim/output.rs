//! The pipe between the workload and its log.
//!
//! The shim reads it, so that the log can be bounded while the workload runs, and never stops reading, so that a full
//! disk cannot block the workload.

use crate::limits::{LOG_CHUNK_BYTES, LOG_CHUNKS_AT_ONCE_MAX};
use crate::log::RotatingLog;
use std::cell::RefCell;
use std::io::{PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe::Receiver;

/// Everything the workload says, and what the shim says about it.
pub(super) struct Output {
    receiver: Receiver,
    writer: PipeWriter,
    // Borrowed only within one synchronous call; the shim has one thread.
    log: RefCell<RotatingLog>,
}

impl Output {
    /// Needs a running tokio runtime.
    pub(super) fn new(log: RotatingLog) -> std::io::Result<Self> {
        let (reader, writer): (PipeReader, PipeWriter) = std::io::pipe()?;
        Ok(Self {
            receiver: Receiver::from_owned_fd(OwnedFd::from(reader))?,
            writer,
            log: RefCell::new(log),
        })
    }

    /// An end of the pipe for a workload.
    pub(super) fn writer(&self) -> std::io::Result<PipeWriter> {
        self.writer.try_clone()
    }

    /// Moves output to the log; ends only when the pipe breaks, which it does not while the shim holds both ends.
    pub(super) async fn pump(&self) {
        while self.receiver.readable().await.is_ok() {
            self.drain();
            // A workload that writes without pause keeps the pipe full; the shim's other duties get their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Adds a line of the shim's own, after all that was written before it.
    pub(super) fn note(&self, text: &str) {
        self.drain();
        self.log
            .borrow_mut()
            .write(format!("[steadfast] {text}\n").as_bytes());
    }

    fn drain(&self) {
        let mut chunk = [0; LOG_CHUNK_BYTES];
        for _ in 0..LOG_CHUNKS_AT_ONCE_MAX {
            match self.receiver.try_read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(read) => {
                    if let Some(bytes) = chunk.get(..read) {
                        self.log.borrow_mut().write(bytes);
                    }
                }
            }
        }
    }
}

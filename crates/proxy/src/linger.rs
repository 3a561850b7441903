//! Connections that have to end: closed so that the other side still gets to read the last answer, and given
//! up when the other side no longer reads.
//!
//! A request that is refused before its end (too large, too slow, not HTTP) leaves bytes unread. Closing then makes the
//! system send a reset, and a reset throws away the answer that was on its way. So the end is announced first, and what
//! still comes is read and dropped, up to a limit of bytes and time (as nginx does, `lingering_close`).

use crate::body::Silence;
use crate::limits::{LINGER_BYTES_MAX, LINGER_MS_MAX, ms};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream with a patient end.
#[derive(Debug)]
pub(crate) struct Lingering<S> {
    stream: S,
    /// A client that stops reading would keep its backend busy, and a drain waiting, for ever.
    stall: Silence,
    /// Set when the protocol has changed: then the end of one direction says nothing about the other.
    is_upgraded: Arc<AtomicBool>,
    ending: Option<Ending>,
}

#[derive(Debug)]
struct Ending {
    until: Pin<Box<Sleep>>,
    n_bytes: usize,
}

impl<S> Lingering<S> {
    /// Wraps a stream. A write may wait for the other side for so many milliseconds; the flag switches the patience at
    /// the end off.
    pub(crate) fn new(stream: S, stall_ms_max: u64, is_upgraded: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            stall: Silence::new(stall_ms_max),
            is_upgraded,
            ending: None,
        }
    }

    /// Lets a write through, unless it has waited for too long.
    fn unless_stalled<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall.broken();
            return written;
        }
        ready!(self.stall.poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other side does not read",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.unless_stalled(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.unless_stalled(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ending.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if this.is_upgraded.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let ending = this.ending.get_or_insert_with(|| Ending {
            until: Box::pin(tokio::time::sleep(ms(LINGER_MS_MAX))),
            n_bytes: 0,
        });
        let mut scratch = [0; 4096];
        while ending.n_bytes < LINGER_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    ending.n_bytes += buffer.filled().len()
                }
                // The other side has closed, too.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return ending.until.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

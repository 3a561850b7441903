//! Readers and writers that digest and count what passes through them.
//! They deliberately judge nothing: whoever holds the expected digest compares.

use model::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};

/// Passes bytes on, and knows their digest and number.
pub(crate) struct Digesting<T> {
    inner: T,
    hasher: Sha256,
    bytes: u64,
}

impl<T> Digesting<T> {
    /// Around a reader or writer.
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            bytes: 0,
        }
    }

    /// The inner one, and digest and number of what passed.
    pub(crate) fn finish(self) -> (T, Digest, u64) {
        (
            self.inner,
            Digest(self.hasher.finalize().into()),
            self.bytes,
        )
    }

    /// Bytes that passed so far.
    pub(crate) fn passed(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher
            .update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Digest and length of everything a reader has.
pub(crate) fn digest_of(reader: &mut dyn Read) -> io::Result<(Digest, u64)> {
    let mut reader = Digesting::new(reader);
    io::copy(&mut reader, &mut io::sink())?;
    let (_, digest, bytes) = reader.finish();
    Ok((digest, bytes))
}

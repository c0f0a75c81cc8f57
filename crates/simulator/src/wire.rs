//! The socket under hyper, with the two things that only a socket can do wrong: a reset, and a byte at a time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What the answers of a connection may ask of its socket.
#[derive(Debug, Default)]
pub(crate) struct Control {
    reset: AtomicBool,
    one_byte: AtomicBool,
}

impl Control {
    /// Closing sends a TCP reset instead of an orderly end.
    pub(crate) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Every byte in a write of its own, until told otherwise.
    pub(crate) fn one_byte(&self, on: bool) {
        self.one_byte.store(on, Ordering::Relaxed);
    }
}

/// A socket under a [`Control`].
pub(crate) struct Wire {
    inner: TokioIo<TcpStream>,
    control: Arc<Control>,
    /// Bytes that went out alone.
    alone: u32,
    /// The reader's turn before the next byte.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { inner: TokioIo::new(stream), control, alone: 0, pause: None }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Relaxed) {
            // With a linger of zero the kernel answers the close with RST.
            let _ = self.inner.inner().set_zero_linger();
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.control.one_byte.load(Ordering::Relaxed) {
            return Pin::new(&mut self.inner).poll_write(cx, buf);
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf.get(..1).unwrap_or(buf)));
        self.alone = self.alone.wrapping_add(1);
        // A pause after each byte would take minutes: the kernel may join up to sixteen of them for the reader.
        if self.alone.is_multiple_of(16) {
            self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(1))));
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.control.one_byte.load(Ordering::Relaxed) {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

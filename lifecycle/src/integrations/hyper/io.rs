//! The stream under a connection, which knows when the connection is over, also where it was upgraded.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::integrations::connection::Connection;

/// How long a client may send nothing, and how long in all it has, to close its side of a connection that ends. What it
/// sends until then is read: bytes that nobody has read when a socket is closed make the kernel reset it, and a client
/// that is still sending does not get to read why it should not.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_IN_ALL: Duration = Duration::from_secs(2);

struct Farewell {
    until: Instant,
    quiet: Pin<Box<Sleep>>,
}

impl Farewell {
    fn begin() -> Self {
        let quiet = Box::pin(tokio::time::sleep(FAREWELL));
        Farewell { until: Instant::now() + FAREWELL_IN_ALL, quiet }
    }

    fn heard(&mut self) {
        self.quiet.as_mut().reset(self.until.min(Instant::now() + FAREWELL));
    }
}

pub(super) struct Io<T> {
    stream: T,
    connection: Connection,
    /// The drain's time is up, and the upgraded connection is still there.
    cut_off: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    farewell: Option<Farewell>,
    /// The server waits until all of these are gone.
    _alive: mpsc::Sender<Infallible>,
}

impl<T> Io<T> {
    pub(super) fn new(stream: T, connection: Connection, alive: mpsc::Sender<Infallible>) -> Self {
        Io { stream, connection, cut_off: None, farewell: None, _alive: alive }
    }

    /// Whether whoever reads the upgraded connection is to find its end.
    fn is_cut_off(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(gate) = self.connection.upgraded() else { return false };
        let cut_off = self.cut_off.get_or_insert_with(|| Box::pin(gate.cut_off().clone().cancelled_owned()));
        cut_off.as_mut().poll(cx).is_ready()
    }
}

impl<T> Drop for Io<T> {
    fn drop(&mut self) {
        self.connection.closed();
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut_off(cx) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Io<T> {
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let farewell = self.farewell.get_or_insert_with(Farewell::begin);
        let mut unread = [0; 16 * 1024];
        loop {
            if farewell.quiet.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut unread = ReadBuf::new(&mut unread);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unread)) {
                Ok(()) if !unread.filled().is_empty() => farewell.heard(),
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Io<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.farewell.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.connection.is_leaving() && self.connection.upgraded().is_none() {
            ready!(self.poll_farewell(cx));
        }
        Poll::Ready(Ok(()))
    }
}

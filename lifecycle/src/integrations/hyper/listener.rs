//! Where connections come from.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// What [`serve`](super::serve) accepts connections from: a `TcpListener`, a `UnixListener`, or something that stands on
/// one of them, as for TLS.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Who is at its other end.
    type Addr: Clone + Send + Sync + 'static;

    /// The next connection. An error concerns that connection, or passes: it will be called again.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>>;

    /// The connections that the system has accepted meanwhile, without waiting for another. What is still there when the
    /// listener goes is reset by the system.
    fn backlog(self) -> impl Iterator<Item = (Self::Io, Self::Addr)>;
}

macro_rules! listeners {
    ($($listener:ident, $stream:ident, $addr:ty, |$from:ident| $into:expr;)*) => {$(
        impl Listener for $listener {
            type Io = $stream;
            type Addr = $addr;

            fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<($stream, $addr)>> {
                $listener::poll_accept(self, cx).map_ok(|(stream, $from)| (stream, $into))
            }

            fn backlog(self) -> impl Iterator<Item = ($stream, $addr)> {
                // tokio would say that there is none until its driver has heard of one: the kernel is asked.
                let listener = self.into_std();
                std::iter::from_fn(move || {
                    let listener = listener.as_ref().ok()?;
                    loop {
                        match listener.accept() {
                            Ok((stream, $from)) => {
                                let stream = stream.set_nonblocking(true).and_then(|()| $stream::from_std(stream));
                                match stream {
                                    Ok(stream) => return Some((stream, $into)),
                                    Err(_) => continue,
                                }
                            }
                            Err(error) if passes(&error) => {}
                            Err(_) => return None,
                        }
                    }
                })
            }
        }
    )*};
}
listeners! {
    TcpListener, TcpStream, SocketAddr, |from| from;
}
#[cfg(unix)]
listeners! {
    UnixListener, UnixStream, (), |_from| ();
}

/// Whether the error is that connection's alone.
pub(super) fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

//! An axum service behind TLS: a listener of the service's own stands on tokio's. The arguments name the certificate and its key.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use lifecycle::hyper::Listener;
use lifecycle::on_shutdown;
use lifecycle::tower::TrackLayer;
use lifecycle_stacks::scene::told;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = Secure;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Secure, SocketAddr)>> {
        let (stream, from) = ready!(Listener::poll_accept(&mut self.tcp, cx))?;
        Poll::Ready(Ok((Secure::Greeting(Box::new(self.acceptor.accept(stream))), from)))
    }

    fn backlog(self) -> impl Iterator<Item = (Secure, SocketAddr)> {
        let Tls { tcp, acceptor } = self;
        tcp.backlog().map(move |(stream, from)| (Secure::Greeting(Box::new(acceptor.accept(stream))), from))
    }
}

/// A connection that is greeted when it is first read: no client can keep the others from being accepted.
enum Secure {
    Greeting(Box<Accept<TcpStream>>),
    Open(Box<TlsStream<TcpStream>>),
}

impl Secure {
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let Secure::Greeting(greeting) = self {
            *self = Secure::Open(Box::new(ready!(Pin::new(greeting).poll(cx))?));
        }
        match self {
            Secure::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Secure::Greeting(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Secure {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Secure {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_shutdown(cx)
    }
}

fn acceptor() -> TlsAcceptor {
    let [certificate, key] = [1, 2].map(|nth| std::env::args().nth(nth).unwrap());
    let certificates = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn slow(ConnectInfo(from): ConnectInfo<SocketAddr>) -> String {
    say("a slow request runs");
    told("go on").await;
    say("a slow request ends");
    format!("slow but sure for {}\n", from.ip())
}

#[on_shutdown]
fn close_database() {
    say("the database is closed");
}

#[lifecycle::main]
async fn main() -> io::Result<()> {
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    say(format!("listening on {}", tcp.local_addr()?));
    let app = Router::new().route("/slow", get(slow)).layer(TrackLayer::new());
    lifecycle::axum::serve(Tls { tcp, acceptor: acceptor() }, app).await
}

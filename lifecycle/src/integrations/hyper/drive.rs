//! One connection, from its first byte to its end in order.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use ::http::{Request, Response};
use ::hyper::body::{Body, Incoming};
use ::hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::BoxError;
use super::io::Io;
use super::service::OnConnection;
use crate::integrations::connection::Connection;

/// How long a quiet connection is kept for a request that is on its way. hyper closes one at once, also one whose first
/// request it has not read, and its client would see a reset.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

enum Stage {
    Serving,
    /// It is quiet, and nothing is lost by waiting.
    Listening(Pin<Box<Sleep>>),
    Told,
}

pub(super) async fn to_its_end<T, S, B>(
    builder: Builder<TokioExecutor>,
    io: TokioIo<Io<T>>,
    service: OnConnection<S>,
    connection: Connection,
    told: CancellationToken,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut serving = pin!(builder.serve_connection_with_upgrades(io, service));
    let mut told = pin!(told.cancelled());
    let mut stage = Stage::Serving;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(served) = serving.as_mut().poll(cx) {
                if let Err(error) = served {
                    tracing::debug!(error, "a connection ended early");
                }
                return Poll::Ready(());
            }
            match &mut stage {
                Stage::Serving => {
                    ready!(told.as_mut().poll(cx));
                    connection.leave();
                    stage = Stage::Listening(Box::pin(tokio::time::sleep(ON_ITS_WAY)));
                }
                Stage::Listening(time) => {
                    if !connection.may_be_told() {
                        ready!(time.as_mut().poll(cx));
                    }
                    serving.as_mut().graceful_shutdown();
                    stage = Stage::Told;
                }
                Stage::Told => return Poll::Pending,
            }
        }
    })
    .await;
}

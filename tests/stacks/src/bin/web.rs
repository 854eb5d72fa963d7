//! An axum service. The first argument says what serves it, the others whether the layer is there and what the test plays.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::stream::{self, Stream};
use lifecycle::tower::TrackLayer;
use lifecycle::{CancellationToken, on_shutdown, worker};
use lifecycle_stacks::scene::{block_on, told, told_blocking};
use tokio::net::{TcpListener, UnixListener};

fn plays(word: &str) -> bool {
    std::env::args().any(|argument| argument == word)
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

static WORKED: AtomicUsize = AtomicUsize::new(0);

async fn work() -> String {
    tokio::time::sleep(Duration::from_millis(1)).await;
    format!("{}\n", WORKED.fetch_add(1, Ordering::Relaxed))
}

async fn slow() -> &'static str {
    say("a slow request runs");
    told("go on").await;
    say("a slow request ends");
    "slow but sure\n"
}

/// Keeps the thread, on which everything else runs too.
async fn block() -> &'static str {
    say("the thread is blocked");
    told_blocking("go on");
    "blocked\n"
}

/// With an end of its own.
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    say("a stream begins");
    Sse::new(stream::unfold(0, |n| async move {
        match n {
            0 => Some((Ok(Event::default().data("first")), 1)),
            1 => {
                told("go on").await;
                Some((Ok(Event::default().data("last")), 2))
            }
            _ => {
                say("a stream ends");
                None
            }
        }
    }))
}

/// With none.
async fn ticks() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok(Event::default().data("tick")), ()))
    }))
}

async fn socket(upgrade: WebSocketUpgrade) -> Response {
    if plays("upgraded") {
        upgrade.on_upgrade(lifecycle::tower::upgraded(talk))
    } else {
        upgrade.on_upgrade(talk)
    }
}

async fn talk(mut socket: WebSocket) {
    let deaf = plays("deaf");
    loop {
        tokio::select! {
            () = lifecycle::stopping(), if !deaf => {
                let bye = CloseFrame { code: 1001, reason: "restarting".into() };
                // Errors: it is gone already.
                let _ = socket.send(Message::Close(Some(bye))).await;
                // The client's answer.
                while let Some(Ok(_)) = socket.recv().await {}
                break;
            }
            message = socket.recv() => match message {
                Some(Ok(message @ Message::Text(_))) => socket.send(message).await.unwrap(),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => break,
            },
        }
    }
    say("a socket ends");
}

#[on_shutdown]
fn close_database() {
    say(format!("the database is closed after {} orders", WORKED.load(Ordering::Relaxed)));
}

/// On a port of their own, to the very end.
#[worker(order = 100)]
async fn probes(token: CancellationToken) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format!("probes at {}", listener.local_addr()?));
    lifecycle::axum::serve(listener, lifecycle::axum::probes())
        .with_graceful_shutdown(token.cancelled_owned())
        .await
}

/// A thread that nothing of the service's can block says when new requests are refused.
fn say_when_closed() {
    std::thread::spawn(|| {
        block_on(lifecycle::stopping());
        while !lifecycle::stats().groups[0].closed {
            std::thread::yield_now();
        }
        say("closed");
    });
}

fn app() -> Router {
    let app = Router::new()
        .route("/work", post(work))
        .route("/slow", post(slow).get(slow))
        .route("/block", get(block))
        .route("/events", get(events))
        .route("/ticks", get(ticks))
        .route("/socket", any(socket))
        .route("/who", get(|axum::extract::ConnectInfo(from): axum::extract::ConnectInfo<std::net::SocketAddr>| async move {
            from.ip().to_string().into_response()
        }));
    match (plays("no-layer"), plays("ends-streams")) {
        (true, _) => app,
        (_, true) => app.layer(TrackLayer::new().end_event_streams()),
        _ => app.layer(TrackLayer::new().exempt("/who")),
    }
}

async fn serve() -> std::io::Result<()> {
    if let Some(path) = std::env::var_os("SOCKET") {
        let listener = UnixListener::bind(path)?;
        say("listening on a socket");
        return lifecycle::axum::serve(listener, app()).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format!("listening on {}", listener.local_addr()?));
    say_when_closed();
    match std::env::args().nth(1).as_deref() {
        Some("lifecycle") => lifecycle::axum::serve(listener, app()).await,
        Some("axum") => axum::serve(listener, app()).with_graceful_shutdown(lifecycle::stopping()).await,
        // Which knows of no shutdown.
        _ => axum::serve(listener, app()).await,
    }
}

fn main() -> std::process::ExitCode {
    let threads =
        if plays("one-thread") { lifecycle::Flavor::CurrentThread } else { lifecycle::Flavor::MultiThread };
    lifecycle::builder().flavor(threads).run(serve)
}

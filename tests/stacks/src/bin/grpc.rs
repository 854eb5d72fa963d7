//! A tonic service, written as tonic's own generator would. The first argument says what serves it.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use futures_util::stream::{self, Stream};
use lifecycle::on_shutdown;
use lifecycle::tower::TrackLayer;
use lifecycle_stacks::scene::{block_on, plays, scenario, told};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic_prost::ProstCodec;
use tower::{Layer, Service};

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, tonic::Status>> + Send>>;

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

struct Say;

impl UnaryService<Text> for Say {
    type Response = Text;
    type Future = Answer<tonic::Response<Text>>;

    fn call(&mut self, request: tonic::Request<Text>) -> Self::Future {
        Box::pin(async move {
            let Text { text } = request.into_inner();
            if text == "slow" {
                say("a slow call runs");
                told("go on").await;
                say("a slow call ends");
            }
            Ok(tonic::Response::new(Text { text }))
        })
    }
}

struct Count;

impl ServerStreamingService<Text> for Count {
    type Response = Text;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Text, tonic::Status>> + Send>>;
    type Future = Answer<tonic::Response<Self::ResponseStream>>;

    fn call(&mut self, _: tonic::Request<Text>) -> Self::Future {
        let numbers = stream::unfold(0, |n| async move {
            match n {
                0 => {}
                1 => told("go on").await,
                _ => {
                    say("a stream ends");
                    return None;
                }
            }
            Some((Ok(Text { text: n.to_string() }), n + 1))
        });
        Box::pin(async move { Ok(tonic::Response::new(Box::pin(numbers) as Self::ResponseStream)) })
    }
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "stacks.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Text, Text>::default());
            Ok(match request.uri().path() {
                "/stacks.Echo/Say" => grpc.unary(Say, request).await,
                "/stacks.Echo/Count" => grpc.server_streaming(Count, request).await,
                _ => tonic::Status::unimplemented("no such call").into_http(),
            })
        })
    }
}

#[on_shutdown]
fn close_database() {
    say("the database is closed");
}

fn say_when_closed() {
    std::thread::spawn(|| {
        block_on(lifecycle::stopping());
        while !lifecycle::stats().groups[0].closed {
            std::thread::yield_now();
        }
        say("closed");
    });
}

async fn serve() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format!("listening on {}", listener.local_addr()?));
    say_when_closed();
    let health = lifecycle::tonic::health([Echo::NAME]);
    match &*scenario() {
        "tonic" => {
            tonic::transport::Server::builder()
                .layer(TrackLayer::new())
                .add_service(health)
                .add_service(Echo)
                .serve_with_incoming_shutdown(TcpIncoming::from(listener), lifecycle::stopping())
                .await?;
        }
        _ => {
            let routes = TrackLayer::new().layer(Routes::new(health).add_service(Echo));
            let server = lifecycle::tonic::serve(listener, routes);
            // Which then still answers, with the reason why not.
            let server = if plays("to the end of the drain") {
                server.with_graceful_shutdown(lifecycle::drained())
            } else {
                server
            };
            server.await?;
        }
    }
    Ok(())
}

#[lifecycle::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serve().await
}

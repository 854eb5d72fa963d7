//! The layer by itself: what it counts, what it refuses, and what it leaves as it is.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use axum::{Router, routing::get};
use futures_util::stream;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, StreamBody};
use lifecycle::signals::SIGTERM;
use lifecycle::tower::{TrackBody, TrackLayer};
use lifecycle::{in_flight, stats, testing, tracked};
use tower::{Layer, Service, ServiceExt, service_fn};

#[lifecycle::group]
struct Jobs;

#[tracked]
async fn place_order() -> Result<&'static str, StatusCode> {
    Ok(if in_flight() == 1 { "counted once" } else { "counted twice" })
}

#[tracked]
async fn next_row(row: u32) -> Result<u32, lifecycle::Rejected> {
    Ok(row)
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn text<B: http_body::Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Rows that are tracked calls themselves.
fn rows() -> Body {
    Body::from_stream(stream::unfold(0, |n| async move {
        (n < 3).then_some(())?;
        let row = next_row(n).await.map(|row| format!("{row} "));
        Some((row, n + 1))
    }))
}

fn app() -> Router {
    Router::new()
        .route("/order", get(place_order))
        .route("/rows", get(|| async { rows() }))
        .route("/health", get(|| async { "healthy" }))
        .layer(TrackLayer::new().exempt("/health").exempt_if(|request| request.headers.contains_key("probe")))
}

#[lifecycle::test]
async fn a_request_is_counted_with_its_body_and_with_what_it_calls() {
    assert_eq!(text(app().oneshot(request("/order")).await.unwrap()).await, "counted once");
    let answered = app().oneshot(request("/rows")).await.unwrap();
    let given_up = app().oneshot(request("/rows")).await.unwrap();
    assert_eq!(in_flight(), 2, "their bodies are to come");
    drop(given_up);
    assert_eq!(in_flight(), 1);

    let shutdown = tokio::spawn(testing::signal(SIGTERM));
    lifecycle::stopping().await;
    while !stats().groups[0].closed {
        tokio::task::yield_now().await;
    }
    // What a body calls is a part of its request, though nobody else is let in.
    assert!(next_row(7).await.is_err());
    assert_eq!(text(answered).await, "0 1 2 ");
    let report = shutdown.await.unwrap();
    assert_eq!((report.exit_code, report.calls.awaited), (0, 1));
}

#[lifecycle::test]
async fn once_it_drains_requests_are_refused_but_for_those_that_are_exempt() {
    testing::signal(SIGTERM).await;

    let refused = app().oneshot(request("/order")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (&refused.headers()["retry-after"], &refused.headers()["connection"]),
        (&"1".parse().unwrap(), &"close".parse().unwrap())
    );
    assert_eq!(text(refused).await, "the service is shutting down\n");

    let mut of_http2 = request("/order");
    *of_http2.version_mut() = Version::HTTP_2;
    let refused = app().oneshot(of_http2).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.headers().contains_key("connection"));

    let mut of_grpc = request("/order");
    of_grpc.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc+proto"));
    let refused = app().oneshot(of_grpc).await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()["grpc-status"]),
        (StatusCode::OK, &"14".parse().unwrap())
    );
    assert_eq!(refused.headers()["grpc-message"], "the service is shutting down");
    assert!(refused.into_body().is_end_stream());

    let healthy = app().oneshot(request("/health")).await.unwrap();
    assert_eq!(healthy.headers()["connection"], "close", "clients are sent elsewhere all the same");
    assert_eq!(text(healthy).await, "healthy");
    let mut probe = request("/order");
    probe.headers_mut().insert("probe", HeaderValue::from_static("1"));
    // It gets as far as the handler, whose own call is refused.
    assert_eq!(app().oneshot(probe).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    let refused: u64 =
        stats().calls.iter().filter(|call| call.name == "request").map(|call| call.refused).sum();
    assert_eq!(refused, 3);
}

#[lifecycle::test]
async fn while_it_is_paused_the_connection_is_kept() {
    lifecycle::pause();
    let refused = app().oneshot(request("/order")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.headers().contains_key("connection"));
    assert_eq!(text(refused).await, "the service is paused\n");
    lifecycle::resume();
    let served = app().oneshot(request("/order")).await.unwrap();
    assert!(!served.headers().contains_key("connection"));
    assert_eq!(text(served).await, "counted once");
}

#[lifecycle::test]
async fn requests_may_belong_to_another_group() {
    let mut service = TrackLayer::group::<Jobs>().layer(service_fn(async |_: Request<Body>| {
        let groups = stats().groups.into_iter().map(|group| format!("{} {}", group.name, group.in_flight));
        Ok::<_, Infallible>(Response::new(groups.collect::<Vec<_>>().join(", ")))
    }));
    let response = service.call(request("/")).await.unwrap();
    assert_eq!(text(response).await, "Requests 0, Jobs 1");
}

/// A body with everything that one can have.
struct Whole(Option<Frame<axum::body::Bytes>>, bool);

impl http_body::Body for Whole {
    type Data = axum::body::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<axum::body::Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
    fn is_end_stream(&self) -> bool {
        self.1
    }
    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(3);
        hint.set_upper(5);
        hint
    }
}

async fn through<B>(body: B) -> TrackBody<B>
where
    B: http_body::Body<Data = axum::body::Bytes> + Send + 'static,
{
    let body = std::cell::Cell::new(Some(body));
    let mut service = TrackLayer::new().layer(service_fn(|_: Request<Body>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
    }));
    service.call(request("/")).await.unwrap().into_body()
}

#[lifecycle::test]
async fn a_body_keeps_its_trailers_and_what_it_says_of_its_size_and_end() {
    let open = through(Whole(None, false)).await;
    assert_eq!(
        (open.size_hint().lower(), open.size_hint().upper(), open.is_end_stream()),
        (3, Some(5), false)
    );
    drop(open);
    assert!(through(Whole(None, true)).await.is_end_stream());

    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("abc"));
    let frames = [Frame::data(axum::body::Bytes::from("x")), Frame::trailers(trailers)];
    let body = through(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)))).await;
    let whole = body.collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["checksum"], "abc");
    assert_eq!(whole.to_bytes(), "x");
    assert_eq!(in_flight(), 0);
}

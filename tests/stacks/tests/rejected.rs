//! Tracked functions that return what their stack returns, without `reject`, called once the requests are closed.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use axum::body::Body;
use axum::extract::Json;
use axum::http::{self, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use lifecycle::signals::SIGTERM;
use lifecycle::{RejectReason, Rejected, testing, tracked};
use rmcp::ErrorData;
use tonic::{Code, Status};

#[tracked]
async fn page() -> Response {
    "a page".into_response()
}

#[tracked]
fn page_now() -> http::Response<String> {
    http::Response::new("a page".to_owned())
}

#[tracked]
async fn order() -> axum::response::Result<Json<u32>> {
    Ok(Json(7))
}

#[tracked]
async fn or_a_status() -> Result<&'static str, StatusCode> {
    Ok("served")
}

#[tracked]
async fn or_a_pair() -> Result<&'static str, (StatusCode, String)> {
    Ok("served")
}

#[tracked]
async fn or_a_response() -> Result<&'static str, Response> {
    Ok("served")
}

#[tracked]
async fn or_an_io_error() -> std::io::Result<&'static str> {
    Ok("served")
}

#[tracked]
async fn say(request: tonic::Request<String>) -> Result<tonic::Response<String>, Status> {
    Ok(tonic::Response::new(request.into_inner()))
}

#[tracked]
async fn tool() -> Result<String, ErrorData> {
    Ok("searched".to_owned())
}

async fn assert_refuses<B>(response: http::Response<B>)
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["connection"], "close");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"the service is shutting down\n");
}

#[lifecycle::test]
async fn each_answers_in_its_stacks_own_words() {
    assert_eq!(page().await.status(), StatusCode::OK);
    assert_eq!(page_now().status(), StatusCode::OK);
    assert_eq!(order().await.unwrap().0, 7);
    assert_eq!(or_a_status().await, Ok("served"));
    assert_eq!(or_a_pair().await.unwrap(), "served");
    assert_eq!(or_a_response().await.unwrap(), "served");
    assert_eq!(or_an_io_error().await.unwrap(), "served");
    assert_eq!(say(tonic::Request::new("hello".to_owned())).await.unwrap().into_inner(), "hello");
    assert_eq!(tool().await.unwrap(), "searched");

    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");

    assert_refuses(page().await).await;
    assert_refuses(page_now()).await;
    assert_refuses(order().await.into_response()).await;
    assert_refuses(or_a_response().await.unwrap_err()).await;
    assert_eq!(or_a_status().await, Err(StatusCode::SERVICE_UNAVAILABLE));
    let (status, why) = or_a_pair().await.unwrap_err();
    assert_eq!((status, &*why), (StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down"));
    assert_eq!(or_an_io_error().await.unwrap_err().to_string(), "the service is shutting down");
    let status = say(tonic::Request::new("hello".to_owned())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the service is shutting down"));
    let error = tool().await.unwrap_err();
    assert_eq!((error.code.0, &*error.message), (-32000, "the service is shutting down"));

    // The same by hand, as from a service's own error type.
    let rejected = Rejected::new(RejectReason::ShuttingDown);
    assert_refuses::<Body>(rejected.into_response()).await;
}

/// What a service's own error is made with; in a pause a client need not go elsewhere.
#[test]
fn each_conversion_says_why() {
    let (going, paused) = (Rejected::new(RejectReason::ShuttingDown), Rejected::new(RejectReason::Paused));
    for (rejected, why) in [(going, "the service is shutting down"), (paused, "the service is paused")] {
        assert_eq!(StatusCode::from(rejected), StatusCode::SERVICE_UNAVAILABLE);
        let pair = <(StatusCode, String)>::from(rejected);
        assert_eq!(pair, (StatusCode::SERVICE_UNAVAILABLE, why.to_owned()));
        assert_eq!(std::io::Error::from(rejected).to_string(), why);
        let status = Status::from(rejected);
        assert_eq!((status.code(), status.message()), (Code::Unavailable, why));
        let error = ErrorData::from(rejected);
        assert_eq!((error.code.0, &*error.message, error.data), (-32000, why, None));
        let response = http::Response::<String>::from(rejected);
        assert_eq!((response.status(), response.body().trim_end()), (StatusCode::SERVICE_UNAVAILABLE, why));
        let by_axum: Response = rejected.into_response();
        for headers in [response.headers(), by_axum.headers()] {
            assert_eq!(headers["retry-after"], "1");
            assert_eq!(headers.contains_key("connection"), rejected == going);
        }
    }
}

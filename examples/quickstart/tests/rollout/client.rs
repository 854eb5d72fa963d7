//! Clients that ask without a pause, and connections caught in every other state.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::service::within;

const ORDER: &str = r#"{"item":"tea","quantity":2}"#;

/// How requests and connections ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// 200.
    pub(crate) accepted: u64,
    /// 503 with `Retry-After`.
    pub(crate) refused: u64,
    /// Connections refused because nobody listens any more: nothing was sent on them.
    pub(crate) unreachable: u64,
    /// Everything else: resets, lost answers, other statuses.
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unreachable += other.unreachable;
        self.wrong.extend(other.wrong);
    }

    fn answer(&mut self, status: StatusCode, retry_after: bool, body: &str) {
        match status {
            StatusCode::OK => self.accepted += 1,
            StatusCode::SERVICE_UNAVAILABLE if retry_after => self.refused += 1,
            other => self.wrong.push(format!("{other}, Retry-After: {retry_after}, {body:?}")),
        }
    }
}

/// Clients at work.
pub(crate) struct Clients {
    tasks: Vec<JoinHandle<Tally>>,
    answered: Arc<watch::Sender<u64>>,
}

/// Starts `each` clients that keep their connection and `each` that do not. A client ends when nobody listens any more.
pub(crate) fn keep_asking(address: SocketAddr, each: usize) -> Clients {
    let answered = Arc::new(watch::Sender::new(0));
    let tasks = (0..2 * each)
        .map(|n| tokio::spawn(ask_until_unreachable(address, n % 2 == 0, Arc::clone(&answered))))
        .collect();
    Clients { tasks, answered }
}

impl Clients {
    /// How many requests were answered 200 so far.
    pub(crate) fn answered(&self) -> u64 {
        *self.answered.borrow()
    }

    pub(crate) async fn until_answered(&self, count: u64) {
        let mut answered = self.answered.subscribe();
        within("answers", answered.wait_for(|&n| n >= count)).await.unwrap();
    }

    pub(crate) async fn join(self) -> Tally {
        let mut sum = Tally::default();
        for task in self.tasks {
            sum.add(within("a client's end", task).await.unwrap());
        }
        sum
    }
}

async fn ask_until_unreachable(
    address: SocketAddr,
    keep_alive: bool,
    answered: Arc<watch::Sender<u64>>,
) -> Tally {
    let mut tally = Tally::default();
    loop {
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                tally.unreachable += 1;
                return tally;
            }
            Err(error) => {
                tally.wrong.push(format!("connecting: {error}"));
                return tally;
            }
        };
        if let Err(error) = ask_on(stream, address, keep_alive, &answered, &mut tally).await {
            tally.wrong.push(format!("on a connection: {error:?}"));
            return tally;
        }
    }
}

/// Asks on one connection until either side closes it in good order; an error is a reset or a lost answer.
async fn ask_on(
    stream: TcpStream,
    address: SocketAddr,
    keep_alive: bool,
    answered: &watch::Sender<u64>,
    tally: &mut Tally,
) -> hyper::Result<()> {
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    loop {
        let answer = sender.send_request(order(address, keep_alive)).await?;
        let last = !keep_alive || closes(&answer);
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        tally.answer(head.status, head.headers.contains_key(RETRY_AFTER), &String::from_utf8_lossy(&body));
        if head.status == StatusCode::OK {
            answered.send_modify(|n| *n += 1);
        }
        if last {
            break;
        }
    }
    drop(sender);
    connection.await.unwrap()
}

fn order(address: SocketAddr, keep_alive: bool) -> Request<Full<Bytes>> {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/orders")
        .header(HOST, address.to_string())
        .header(CONTENT_TYPE, "application/json");
    let request = if keep_alive { request } else { request.header(CONNECTION, "close") };
    request.body(Full::from(ORDER)).unwrap()
}

fn closes<B>(answer: &Response<B>) -> bool {
    answer.headers().get(CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// Kept-alive connections with an answered request and nothing else on them.
pub(crate) struct Idle(Vec<TcpStream>);

impl Idle {
    pub(crate) async fn connect(address: SocketAddr, count: usize) -> Self {
        let mut idle = Vec::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /health HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            read_until(&mut stream, "in flight: 0\n").await;
            idle.push(stream);
        }
        Idle(idle)
    }

    /// What was wrong with the way the service closed them.
    pub(crate) async fn closed_without_reset(self) -> Vec<String> {
        let mut wrong = Vec::new();
        for mut stream in self.0 {
            match within("an idle connection's end", stream.read(&mut [0; 64])).await {
                Ok(0) => {}
                other => wrong.push(format!("an idle connection ended with {other:?}")),
            }
        }
        wrong
    }
}

/// Requests whose head the service has read and whose body it is still waiting for.
pub(crate) struct HalfSent {
    waiting: Vec<TcpStream>,
    answers: Vec<JoinHandle<Tally>>,
}

impl HalfSent {
    pub(crate) async fn send(address: SocketAddr, count: usize) -> Self {
        let mut waiting = Vec::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!(
                "POST /orders HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nexpect: 100-continue\r\n\r\n",
                ORDER.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
            waiting.push(stream);
        }
        HalfSent { waiting, answers: Vec::new() }
    }

    /// Sends one body after the other until one is refused, then the rest at once. Returns how many came after the refusal.
    ///
    /// The service lets go of its listener a moment before it refuses, and no state tells from outside that this moment
    /// is over: what is sent in it is admitted, and answered once the database is unlocked.
    pub(crate) async fn finish(&mut self) -> u64 {
        let refusals = Arc::new(watch::Sender::new(0));
        let mut refused = refusals.subscribe();
        let mut patience = Duration::from_millis(10);
        let mut waiting = self.waiting.drain(..);
        for stream in waiting.by_ref() {
            self.answers.push(tokio::spawn(send_body(stream, Arc::clone(&refusals))));
            if tokio::time::timeout(patience, refused.wait_for(|&n| n > 0)).await.is_ok() {
                break;
            }
            patience *= 2;
        }
        let rest: Vec<_> =
            waiting.map(|stream| tokio::spawn(send_body(stream, Arc::clone(&refusals)))).collect();
        let count = rest.len() as u64;
        self.answers.extend(rest);
        within("refusals", refused.wait_for(|&n| n > count)).await.unwrap();
        count
    }

    pub(crate) async fn join(self) -> Tally {
        let mut sum = Tally::default();
        for answer in self.answers {
            sum.add(within("a half-sent request's answer", answer).await.unwrap());
        }
        sum
    }
}

async fn send_body(mut stream: TcpStream, refusals: Arc<watch::Sender<u64>>) -> Tally {
    let mut tally = Tally::default();
    let mut answer = String::new();
    let asked = stream.write_all(ORDER.as_bytes()).await;
    // To the end: the service must also close the connection in good order.
    let read = stream.read_to_string(&mut answer).await;
    match (&asked, &read, status(&answer)) {
        (Ok(()), Ok(_), Some(status)) => {
            let answer = answer.to_lowercase();
            tally.answer(status, answer.contains("\r\nretry-after: "), &answer);
        }
        _ => tally.wrong.push(format!("half-sent request: {asked:?}, {read:?}, {answer:?}")),
    }
    refusals.send_modify(|n| *n += tally.refused);
    tally
}

fn status(answer: &str) -> Option<StatusCode> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

async fn read_until(stream: &mut TcpStream, end: &str) {
    within("an answer", async {
        let mut answer = Vec::new();
        while !answer.ends_with(end.as_bytes()) {
            answer.push(stream.read_u8().await.unwrap());
        }
    })
    .await;
}

//! SIGTERM amid what real clients do to an axum service: curl, Node's keep-alive agent, undici, Node's HTTP/2, a WebSocket
//! library. Each with its control: without the layer, or without the server, the same does not hold.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::time::Duration;

use lifecycle_stacks::child::{Child, Ended, PATIENCE, talkative};
use lifecycle_stacks::clients::{curl, curl_running, node, python};
use serde_json::Value;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

struct Web {
    child: Child,
    url: String,
    probes: String,
}

fn after<'a>(line: &'a str, text: &str) -> &'a str {
    line.split_once(text).unwrap().1
}

impl Web {
    fn start(plays: &[&str]) -> Self {
        Self::start_with(plays, &[])
    }

    fn start_with(plays: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = talkative(env!("CARGO_BIN_EXE_web"), plays);
        command.envs(env.iter().copied());
        let child = Child::start(command);
        let probes = format!("http://{}", after(&child.wait_for("probes at "), "probes at "));
        let url = format!("http://{}", after(&child.wait_for("listening on "), "listening on "));
        Web { child, url, probes }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn signal(&self) {
        self.child.signal(libc::SIGTERM);
    }

    fn ended(self) -> Ended {
        self.child.wait(PATIENCE)
    }
}

const IN_ORDER: [(&str, &str); 3] = [("Requests", "done"), ("close_database", "done"), ("probes", "done")];

/// Amid the traffic of so many clients. Returns their tally.
fn hammer(web: Web, by: &str) -> (Value, Ended) {
    let hammer = node(FOLDER, "hammer.cjs", &[&*web.at("/work"), "16", by]);
    hammer.wait_for("going");
    web.signal();
    let said = hammer.wait(PATIENCE);
    assert_eq!(said.code, Some(0), "{said:?}");
    let tally = serde_json::from_str(said.stdout.last().unwrap()).unwrap();
    (tally, web.ended())
}

fn assert_nothing_is_lost(tally: &Value, ended: &Ended) {
    assert_eq!(tally["wrong"], Value::Array(Vec::new()), "{tally}");
    assert_eq!(tally["unreachable"], 16, "each goes on until nobody listens: {tally}");
    let closed = &ended.stdout[ended.line("the database is closed")];
    assert_eq!(*closed, format!("the database is closed after {} orders", tally["ok"]));
    ended.assert(0, &IN_ORDER);
}

#[test]
fn keep_alive_clients_lose_nothing_nodes_agent() {
    let (tally, ended) = hammer(Web::start(&["lifecycle"]), "http");
    assert_nothing_is_lost(&tally, &ended);
}

#[test]
fn keep_alive_clients_lose_nothing_undici() {
    let (tally, ended) = hammer(Web::start(&["lifecycle"]), "undici");
    assert_nothing_is_lost(&tally, &ended);
}

/// Twenty connections that the kernel has accepted and the service, whose only thread is blocked, has not, each with a request.
fn backlog(server: &str, layer: &str) -> (Vec<String>, Ended) {
    let web = Web::start(&[server, layer, "one-thread"]);
    let blocked = curl_running(&[&web.at("/block")]);
    web.child.wait_for("the thread is blocked");
    let url = web.at("/work");
    let asked = ["--verbose", "--include", "--data", "{}", &url];
    let waiting: Vec<Child> = (0..20).map(|_| curl_running(&asked)).collect();
    for client in &waiting {
        client.wait_for_stderr("> POST /work");
    }
    web.signal();
    web.child.wait_for("closed");
    web.child.say("go on");
    let answers = waiting.into_iter().map(|client| client.wait(PATIENCE).stdout.join("\n")).collect();
    assert_eq!(blocked.wait(PATIENCE).stdout, ["blocked"]);
    (answers, web.ended())
}

#[test]
fn the_backlog_is_answered_and_a_refusal_says_when_to_come_again() {
    let (answers, ended) = backlog("lifecycle", "layer");
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.contains("\nretry-after: 1\r") && answer.contains("\nconnection: close\r"),
            "{answer}"
        );
        assert!(answer.ends_with("the service is shutting down"), "{answer}");
    }
    assert_eq!(ended.report()["calls"]["refused"], 20);
    ended.assert(0, &IN_ORDER);
}

#[test]
fn one_who_is_refused_in_the_middle_of_a_large_request_gets_to_read_why() {
    let web = Web::start(&["lifecycle", "one-thread"]);
    let blocked = curl_running(&[&web.at("/block")]);
    web.child.wait_for("the thread is blocked");
    let upload = python(FOLDER, "upload.py", &[&web.url["http://".len()..], "/work", "8000000"]);
    upload.wait_for("the head is sent");
    web.signal();
    web.child.wait_for("closed");
    web.child.say("go on");
    let said = upload.wait(PATIENCE);
    assert_eq!(said.stdout[1], "503 the service is shutting down", "{said:?}");
    assert_eq!(blocked.wait(PATIENCE).stdout, ["blocked"]);
    web.ended().assert(0, &IN_ORDER);
}

#[test]
fn control_without_the_layer_nobody_is_refused() {
    let (answers, _) = backlog("lifecycle", "no-layer");
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200 ")), "{answers:?}");
}

#[test]
fn control_axums_own_server_resets_the_backlog() {
    let (answers, _) = backlog("axum", "layer");
    assert!(answers.iter().any(String::is_empty), "{answers:?}");
}

#[test]
fn what_runs_is_finished_and_what_is_idle_does_not_hold_up_the_end() {
    let web = Web::start(&["lifecycle"]);
    let idle = node(FOLDER, "idle.cjs", &[&web.at("/who")]);
    idle.wait_for("idle after 200");
    let slow = curl_running(&["--include", "--request", "POST", &web.at("/slow")]);
    web.child.wait_for("a slow request runs");
    web.signal();
    // While the request runs.
    let idle = idle.wait(PATIENCE);
    assert_eq!(idle.stdout, ["idle after 200", "closed in order"]);
    assert!(!curl(&[&web.at("/who")]).success, "nobody listens any more");
    let (ready, live) = (format!("{}/ready", web.probes), format!("{}/live", web.probes));
    assert!(curl(&["--include", &ready]).stdout.starts_with("HTTP/1.1 503 "));
    assert_eq!(curl(&[&live]).stdout, "live\n");
    web.child.say("go on");
    let answer = slow.wait(PATIENCE).stdout.join("\n");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("slow but sure"), "{answer}");
    assert!(answer.contains("\nconnection: close\r"), "{answer}");
    let ended = web.ended();
    assert!(ended.line("a slow request ends") < ended.line("the database is closed"));
    ended.assert(0, &IN_ORDER);
}

#[test]
fn with_nothing_but_an_idle_connection_it_ends_long_before_the_drain_would() {
    let web = Web::start(&["lifecycle"]);
    let idle = node(FOLDER, "idle.cjs", &[&web.at("/who")]);
    idle.wait_for("idle after 200");
    web.signal();
    let ended = web.ended();
    assert_eq!(idle.wait(PATIENCE).stdout, ["idle after 200", "closed in order"]);
    ended.assert(0, &IN_ORDER);
    assert!(
        ended.report()["took_ms"].as_f64().unwrap() < 10_000.0,
        "of the drain's 15 s: {}",
        ended.report()
    );
}

/// A stream that is open at the signal and ends when it is told to. Returns where its end and the database's came.
fn stream(plays: &[&str]) -> (String, Ended) {
    let web = Web::start(plays);
    let client = curl_running(&[&web.at("/events")]);
    client.wait_for("data: first");
    web.signal();
    web.child.wait_for("closed");
    web.child.say("go on");
    let said = client.wait(PATIENCE).stdout.join(" ");
    (said, web.ended())
}

#[test]
fn a_stream_is_awaited_to_its_end() {
    let (said, ended) = stream(&["lifecycle"]);
    assert_eq!(said.trim(), "data: first  data: last");
    assert!(ended.line("a stream ends") < ended.line("the database is closed"));
    ended.assert(0, &IN_ORDER);
}

#[test]
fn the_layer_alone_awaits_a_stream_under_a_server_that_knows_of_no_shutdown() {
    let (_, ended) = stream(&["unaware"]);
    assert!(ended.line("a stream ends") < ended.line("the database is closed"));
}

#[test]
fn control_without_the_layer_nobody_awaits_it() {
    let web = Web::start(&["unaware", "no-layer"]);
    let client = curl_running(&[&web.at("/events")]);
    client.wait_for("data: first");
    web.signal();
    // The stream was never told to go on.
    let ended = web.ended();
    assert!(ended.stdout.iter().all(|line| line != "a stream ends"), "{:?}", ended.stdout);
    assert!(!client.wait(PATIENCE).stdout.join("").contains("last"));
}

#[test]
fn a_stream_without_an_end_ends_at_the_signal_if_the_layer_says_so() {
    let web = Web::start(&["lifecycle", "ends-streams"]);
    let client = curl_running(&[&web.at("/ticks")]);
    client.wait_for("data: tick");
    web.signal();
    assert_eq!(client.wait(PATIENCE).code, Some(0), "the last chunk came");
    web.ended().assert(0, &IN_ORDER);
}

#[test]
fn a_stream_without_an_end_ends_in_order_when_the_drain_does() {
    let web = Web::start_with(&["lifecycle"], &[("LIFECYCLE_DRAIN", "300ms")]);
    let client = curl_running(&[&web.at("/ticks")]);
    client.wait_for("data: tick");
    web.signal();
    assert_eq!(client.wait(PATIENCE).code, Some(0), "the last chunk came");
    web.ended().assert(1, &[("Requests", "timed out"), ("close_database", "done"), ("probes", "done")]);
}

fn socket(plays: &[&str], env: &[(&str, &str)]) -> (Vec<String>, Ended) {
    let web = Web::start_with(plays, env);
    let client = node(FOLDER, "socket.cjs", &[web.at("/socket").replace("http", "ws")]);
    client.wait_for("heard hello");
    web.signal();
    let said = client.wait(PATIENCE).stdout;
    (said, web.ended())
}

#[test]
fn a_web_socket_is_told_and_awaited() {
    let (said, ended) = socket(&["lifecycle"], &[]);
    assert_eq!(said, ["heard hello", "closed with 1001 restarting"]);
    assert!(ended.line("a socket ends") < ended.line("the database is closed"));
    assert_eq!(ended.report()["calls"]["awaited"], 1, "the request that was upgraded goes on");
    ended.assert(0, &IN_ORDER);
}

#[test]
fn a_web_socket_that_does_not_listen_finds_its_end_when_the_drain_is_over() {
    let (said, ended) = socket(&["lifecycle", "deaf"], &[("LIFECYCLE_DRAIN", "300ms")]);
    assert_eq!(said[0], "heard hello");
    assert!(ended.line("a socket ends") < ended.line("the database is closed"));
    ended.assert(1, &[("Requests", "timed out"), ("close_database", "done"), ("probes", "done")]);
}

#[test]
fn under_another_server_a_web_socket_is_awaited_if_the_handler_says_so() {
    let (said, ended) = socket(&["unaware", "upgraded"], &[]);
    assert_eq!(said, ["heard hello", "closed with 1001 restarting"]);
    assert!(ended.line("a socket ends") < ended.line("the database is closed"));
}

fn socket_over_http2(plays: &[&str], env: &[(&str, &str)]) -> (Vec<String>, Ended) {
    let web = Web::start_with(plays, env);
    let client = node(FOLDER, "socket2.cjs", &[&*web.url, "/socket"]);
    client.wait_for("heard hello");
    web.signal();
    let said = client.wait(PATIENCE).stdout;
    (said, web.ended())
}

#[test]
fn a_web_socket_on_a_stream_of_http2_is_told_and_awaited() {
    let (said, ended) = socket_over_http2(&["lifecycle"], &[]);
    assert_eq!(said[..2], ["answered 200", "heard hello"]);
    assert!(said.contains(&"closed with 1001 restarting".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "session closed");
    assert!(ended.line("a socket ends") < ended.line("the database is closed"));
    assert_eq!(ended.report()["calls"]["awaited"], 1, "the request that was upgraded goes on");
    ended.assert(0, &IN_ORDER);
}

#[test]
fn a_deaf_web_socket_on_a_stream_of_http2_finds_its_end_when_the_drain_is_over() {
    let (said, ended) = socket_over_http2(&["lifecycle", "deaf"], &[("LIFECYCLE_DRAIN", "300ms")]);
    assert_eq!(said[..2], ["answered 200", "heard hello"]);
    // Its connection is what was awaited: when that is gone, its handler may still have to hear of it.
    assert_eq!(said.last().unwrap(), "session closed");
    ended.assert(1, &[("Requests", "timed out"), ("close_database", "done"), ("probes", "done")]);
}

#[test]
fn under_another_server_a_web_socket_on_a_stream_is_awaited_if_the_handler_says_so() {
    let (said, ended) = socket_over_http2(&["unaware", "upgraded"], &[]);
    assert!(said.contains(&"closed with 1001 restarting".to_owned()), "{said:?}");
    assert!(ended.line("a socket ends") < ended.line("the database is closed"));
}

/// Nobody knows of the socket: the end does not wait for it, though its client is still there.
#[test]
fn control_a_web_socket_that_nobody_knows_of_is_left() {
    let (_, ended) = socket(&["unaware", "no-layer", "deaf"], &[]);
    assert!(ended.stdout.iter().all(|line| line != "a socket ends"), "{:?}", ended.stdout);
}

#[test]
fn an_http2_client_is_told_and_its_request_finished() {
    let web = Web::start(&["lifecycle"]);
    let by_curl =
        curl_running(&["--http2-prior-knowledge", "--include", "--request", "POST", &web.at("/slow")]);
    let by_node = node(FOLDER, "http2.cjs", &[&*web.url, "/slow"]);
    web.child.wait_for_nth("a slow request runs", 2);
    web.signal();
    by_node.wait_for("goaway 0");
    web.child.say("go on");
    let answer = by_curl.wait(PATIENCE).stdout.join("\n");
    assert!(answer.starts_with("HTTP/2 200") && answer.ends_with("slow but sure"), "{answer}");
    assert!(!answer.contains("connection:"), "{answer}");
    let said = by_node.wait(PATIENCE).stdout;
    assert!(said.contains(&"answered 200 connection=undefined slow but sure".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "closed");
    let ended = web.ended();
    ended.assert(0, &IN_ORDER);
    assert!(Duration::from_secs(20) > ended.took);
}

#[test]
fn in_the_lame_duck_time_it_serves_and_sends_keep_alive_clients_elsewhere() {
    let web = Web::start_with(&["lifecycle"], &[("LIFECYCLE_LAMEDUCK", "3s")]);
    let ready = format!("{}/ready", web.probes);
    assert_eq!(curl(&[&ready]).stdout, "ready\n");
    assert!(!curl(&["--include", &web.at("/who")]).stdout.contains("connection:"));
    web.signal();
    while curl(&[&ready]).stdout == "ready\n" {}
    let answer = curl(&["--include", &web.at("/who")]).stdout;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\nconnection: close\r\n"), "{answer}");
    web.ended().assert(0, &IN_ORDER);
}

#[test]
fn on_a_socket_of_the_system_it_serves_and_ends_as_well() {
    let socket = std::path::Path::new(FOLDER).join(format!("web-{}", std::process::id()));
    let mut command = talkative(env!("CARGO_BIN_EXE_web"), &[]);
    command.env("SOCKET", &socket);
    let child = Child::start(command);
    child.wait_for("listening on a socket");
    let client = curl_running(&["--unix-socket", socket.to_str().unwrap(), "http://service/slow"]);
    child.wait_for("a slow request runs");
    child.signal(libc::SIGTERM);
    child.say("go on");
    assert_eq!(client.wait(PATIENCE).stdout, ["slow but sure"]);
    let ended = child.wait(PATIENCE);
    std::fs::remove_file(socket).unwrap();
    ended.assert(0, &IN_ORDER);
}

#[test]
fn handlers_learn_who_asks() {
    let web = Web::start(&["lifecycle"]);
    assert_eq!(curl(&[&web.at("/who")]).stdout, "127.0.0.1");
    web.signal();
    web.ended().assert(0, &IN_ORDER);
}

//! The figures, as a Prometheus finds them that has scraped them.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lifecycle_tests::child::{Child, PATIENCE, talkative};
use serde_json::Value;

/// An address that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

struct Prometheus {
    _server: Child,
    at: SocketAddr,
}

impl Prometheus {
    /// `None`: there is none on this machine.
    fn scraping(target: SocketAddr, folder: &Path) -> Option<Self> {
        let known =
            Command::new("prometheus").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        known.ok()?;
        let config = folder.join("prometheus.yml");
        let text = format!(
            "scrape_configs:\n- job_name: service\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n  \
             static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).unwrap();
        let at = free();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={at}"));
        let server = Child::start_with(command, Stdio::null(), Stdio::null());
        Some(Prometheus { _server: server, at })
    }

    /// What a query gives now: the labels and the value of each series.
    fn query(&self, query: &str) -> Option<Vec<(Value, f64)>> {
        let mut stream = TcpStream::connect(self.at).ok()?;
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        write!(stream, "GET /api/v1/query?query={encoded} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        let series = body["data"]["result"].as_array()?;
        let value = |it: &Value| it["value"][1].as_str().unwrap().parse().unwrap();
        Some(series.iter().map(|it| (it["metric"].clone(), value(it))).collect())
    }

    /// Waits until the one series of a query has this value.
    fn wait_for(&self, query: &str, expected: f64) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.query(query);
            if matches!(found.as_deref(), Some([(_, value)]) if (value - expected).abs() < 1e-9) {
                return;
            }
            assert!(Instant::now() < until, "{query} is not {expected}: {found:?}");
            // Another scrape has to come; there is nothing else to wait for.
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The value of the one series.
    fn value(&self, query: &str) -> f64 {
        match self.query(query).as_deref() {
            Some([(_, value)]) => *value,
            found => panic!("{query}: {found:?}"),
        }
    }
}

#[test]
fn a_prometheus_sees_the_whole_life() {
    let folder = tempfile::tempdir().unwrap();
    let target = free();
    let Some(prometheus) = Prometheus::scraping(target, folder.path()) else {
        eprintln!("left out: there is no prometheus here (.ci/run installs one)");
        return;
    };
    let mut command = talkative(env!("CARGO_BIN_EXE_lifecycle-scraped"), &["life"]);
    command.env("METRICS", target.to_string()).env("LIFECYCLE_JOURNAL", folder.path().join("journal"));
    let child = Child::start(command);

    let orders =
        r#"lifecycle_in_flight_calls{group="Requests",function="place_order",module="lifecycle_scraped"}"#;
    prometheus.wait_for(orders, 2.0);
    prometheus.wait_for(r#"lifecycle_state{state="running"}"#, 1.0);
    prometheus.wait_for("lifecycle_ready", 1.0);
    prometheus.wait_for(r#"lifecycle_health_check_healthy{check="disk"}"#, 1.0);
    prometheus.wait_for(r#"lifecycle_worker_restarts_total{worker="feed"}"#, 1.0);
    prometheus.wait_for(r#"lifecycle_steps_total{phase="start",step="open_db",outcome="done"}"#, 1.0);
    prometheus.wait_for(r#"lifecycle_forced_exits_total{signal="SIGTERM"}"#, 0.0);
    prometheus.wait_for("lifecycle_previous_run_killed", 0.0);
    let state = prometheus.query("sum(lifecycle_state)").unwrap();
    assert!((state[0].1 - 1.0).abs() < 1e-9, "one state at a time: {state:?}");

    child.signal(libc::SIGTERM);
    child.wait_for("refused");
    prometheus.wait_for(r#"lifecycle_state{state="draining"}"#, 1.0);
    prometheus.wait_for("lifecycle_ready", 0.0);
    prometheus.wait_for(r#"lifecycle_refused_calls_total{group="Requests"}"#, 1.0);
    assert!((prometheus.value(orders) - 2.0).abs() < 1e-9, "they are awaited");

    child.say("fill");
    child.say("close");
    prometheus.wait_for(orders, 0.0);
    prometheus.wait_for(r#"lifecycle_steps_total{phase="shutdown",step="close_db",outcome="failed"}"#, 1.0);
    prometheus.wait_for(r#"lifecycle_failed_attempts_total{step="close_db"}"#, 1.0);
    prometheus.wait_for(r#"lifecycle_step_duration_seconds_count{step="close_db"}"#, 1.0);
    let drained = prometheus.value(r#"lifecycle_drain_duration_seconds{group="Requests"}"#);
    let step = prometheus.value(r#"lifecycle_step_duration_seconds_sum{step="Requests"}"#);
    assert!(drained > 0.0 && drained <= step, "{drained} of {step}");
    child.say("scraped");
    let ended = child.wait(PATIENCE);
    assert_eq!(ended.code, Some(1), "{:?}", ended.stderr);
}

/// That the run before was killed is known from the journal: who was killed can tell nobody.
#[test]
fn the_next_run_tells_that_this_one_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let target = free();
        let mut command = talkative(env!("CARGO_BIN_EXE_lifecycle-scraped"), &["idle"]);
        command.env("METRICS", target.to_string()).env("LIFECYCLE_JOURNAL", folder.path().join("journal"));
        let child = Child::start(command);
        child.wait_for("idle");
        (child, target)
    };
    let (child, _) = start();
    child.signal(libc::SIGKILL);
    child.wait(PATIENCE);
    let (_child, target) = start();
    let until = Instant::now() + PATIENCE;
    loop {
        let mut stream = TcpStream::connect(target).expect("its figures are there");
        write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        if text.lines().any(|line| line == "lifecycle_previous_run_killed 1") {
            assert!(text.contains("# HELP lifecycle_previous_run_killed "), "{text}");
            return;
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

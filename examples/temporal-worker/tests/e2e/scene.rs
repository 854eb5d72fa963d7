//! Workers with a Temporal server and a PostgreSQL server, on ports and in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e_support::signals::SIGTERM;
use e2e_support::{
    Child, Ended, PATIENCE, Peer, Postgres, Scratch, Session, child, free_port, installed, python, set, until,
};
use serde_json::{Value, json};
use toml::Table;

pub(crate) struct Scene {
    pub(crate) temporal: Option<Temporal>,
    pub(crate) db: Postgres,
    config: Table,
    program: &'static str,
    /// Temporal's.
    pub(crate) port: u16,
    folder: Scratch,
}

impl Scene {
    pub(crate) fn new(name: &str) -> Self {
        let mut scene = Self::without_temporal(name);
        scene.start_temporal();
        scene
    }

    pub(crate) fn without_temporal(name: &str) -> Self {
        let name = format!("temporal-worker-{name}");
        let config: Table = include_str!("../../worker.toml").parse().unwrap();
        let (db, port, folder) = (Postgres::start(&name), free_port(), Scratch::new(&name));
        let program = env!("CARGO_BIN_EXE_temporal-worker");
        let mut scene = Scene { temporal: None, db, config, program, port, folder };
        scene.set("temporal.address", format!("http://127.0.0.1:{port}"));
        scene.set("database.url", scene.db.url());
        // The machine may be busy; the tests in which something takes too long say how long that may be.
        for (key, value) in [
            ("grace", "260s"),
            ("reserve", "60s"),
            ("start.timeout", "60s"),
            ("start.backoff", "100ms"),
            ("worker.backoff", "20ms"),
            ("worker.finish", "60s"),
            ("worker.hand_back", "20s"),
            ("database.close", "60s"),
            ("activity.heartbeat", "100s"),
            ("activity.retry_after", "10ms"),
        ] {
            scene.set(key, value);
        }
        scene.set("start.retry", 10);
        scene
    }

    pub(crate) fn start_temporal(&mut self) {
        self.temporal = Some(Temporal::start(self.port));
    }

    /// From now on it is the worker that was written without the library.
    pub(crate) fn by_hand(&mut self) {
        self.program = env!("CARGO_BIN_EXE_temporal-worker-by-hand");
    }

    /// Writes a key of the configuration, `table.key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        set(&mut self.config, key, value);
    }

    /// A worker that Temporal and PostgreSQL know by this name.
    pub(crate) fn start(&self, name: &'static str) -> Worker {
        let report = self.folder.file(&format!("{name}-report"));
        let mut config = self.config.clone();
        set(&mut config, "temporal.identity", name);
        set(&mut config, "report", report.to_str().unwrap());
        // It cannot be written until somebody reads, so the process is held there, everything before being done.
        let made = Command::new("mkfifo").arg(&report).status().unwrap();
        assert!(made.success());
        let file = self.folder.file(&format!("{name}.toml"));
        fs::write(&file, config.to_string()).unwrap();
        let mut command = child::program(self.program, &[]);
        command.env("TEMPORAL_WORKER_CONFIG", file);
        Worker { process: Child::start(command), name, report }
    }

    /// The same; waits until it takes what there is.
    pub(crate) fn start_working(&self, name: &'static str) -> Worker {
        let worker = self.start(name);
        worker.says(": working");
        worker
    }

    /// What is needed of an order's rows to keep its activity waiting at this part.
    pub(crate) fn hold_part(&self, order: i64, part: i32) -> Session {
        self.db.hold(&format!("INSERT INTO parts VALUES ({order}, {part}, 0, 'nobody')"))
    }

    /// The same for its booking.
    pub(crate) fn hold_booking(&self, order: i64) -> Session {
        self.db.hold(&format!("INSERT INTO booked VALUES ({order}, 0)"))
    }

    /// The attempts at each part of an order that have collected it.
    pub(crate) fn attempts(&self, order: i64) -> Vec<String> {
        let rows = format!("SELECT attempt FROM parts WHERE order_id = {order} ORDER BY part");
        self.db.query(&rows)
    }

    /// Waits until so many of a worker's activities wait for the test.
    pub(crate) fn waiting(&self, worker: &Worker, activities: usize) {
        let waiting = || self.db.sessions(worker.name, "wait_event_type = 'Lock'") == activities;
        until(&format!("{activities} activities that wait"), || waiting().then_some(()));
    }

    pub(crate) fn temporal(&self) -> &Temporal {
        self.temporal.as_ref().unwrap()
    }
}

pub(crate) struct Worker {
    process: Child,
    pub(crate) name: &'static str,
    report: PathBuf,
}

impl Worker {
    pub(crate) fn says(&self, text: &str) {
        self.process.wait_for(text);
    }

    /// SIGTERM, until it has told Temporal's SDK.
    pub(crate) fn stop(&self) {
        self.signal();
        self.says(": takes no more");
    }

    /// The same, until Temporal has no poll of it.
    pub(crate) fn stop_polling(&self, temporal: &Temporal) {
        until("polls", || (temporal.polls() != 0).then_some(()));
        self.stop();
        until("the end of all polls", || (temporal.polls() == 0).then_some(()));
    }

    pub(crate) fn signal(&self) {
        self.process.signal(SIGTERM);
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// How many connections it has to a server on this machine.
    pub(crate) fn connections(&self, port: u16) -> usize {
        let process = Path::new("/proc").join(self.process.pid().to_string());
        let server = format!("0100007F:{port:04X}");
        let table = fs::read_to_string(process.join("net/tcp")).unwrap_or_default();
        let sockets: Vec<String> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|fields| fields[2] == server)
            .map(|fields| format!("socket:[{}]", fields[9]))
            .collect();
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .filter(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
            .count()
    }

    /// Reads its report, for which it waits, and then its end.
    pub(crate) fn end(self) -> Ended {
        let mut read = Command::new("cat");
        read.arg(&self.report);
        let reader = Child::start(read);
        let ended = self.process.wait(PATIENCE);
        drop(reader);
        ended
    }
}

/// A Temporal server, and Temporal's client for Python.
pub(crate) struct Temporal {
    client: Peer,
    _server: Child,
}

impl Temporal {
    fn start(port: u16) -> Self {
        let metrics = free_port().to_string();
        let mut server = Command::new(installed("temporal"));
        server.args(["server", "start-dev", "--headless", "--log-level", "error", "--ip", "127.0.0.1"]);
        server.args(["--port", &port.to_string(), "--http-port", &free_port().to_string()]);
        server.args(["--metrics-port", &metrics]);
        let server = Child::start(server);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/temporal.py");
        let args = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{metrics}")];
        let client = Peer::start(python(&script, &[&args[0], &args[1]]));
        Temporal { client, _server: server }
    }

    fn ask(&self, what: &str, order: i64) -> Value {
        self.client.ask(&json!({"ask": what, "order": order}))
    }

    /// Somebody orders something.
    pub(crate) fn order(&self, order: i64, parts: i32) {
        let started = self.client.ask(&json!({"ask": "start", "order": order, "parts": parts}));
        assert_eq!(started, Value::Null);
    }

    /// Waits until an order is fulfilled.
    pub(crate) fn fulfilled(&self, order: i64) {
        assert_eq!(self.ask("result", order), Value::Null);
    }

    /// What has happened to an order: each event with its attempt and who has told of it.
    fn history(&self, order: i64) -> Vec<Value> {
        self.ask("history", order).as_array().unwrap().clone()
    }

    /// The kinds of its events.
    pub(crate) fn kinds(&self, order: i64) -> Vec<String> {
        self.history(order).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The activities that have ended: by which attempt, and by whom.
    pub(crate) fn activities(&self, order: i64) -> Vec<(u64, String)> {
        let history = self.history(order);
        let started = history.iter().filter(|event| event["event"] == "activity_task_started");
        let text = |event: &Value| event["identity"].as_str().unwrap().to_owned();
        started.map(|event| (event["attempt"].as_u64().unwrap(), text(event))).collect()
    }

    /// The activities of an order that have not ended.
    pub(crate) fn pending(&self, order: i64) -> Vec<Value> {
        self.ask("pending", order).as_array().unwrap().clone()
    }

    /// How many polls of workers it has not answered yet.
    pub(crate) fn polls(&self) -> u64 {
        self.client.ask(&json!({"ask": "polls"})).as_u64().unwrap()
    }
}

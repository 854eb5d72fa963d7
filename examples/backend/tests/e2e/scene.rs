//! A database, instances of the backend beside it, and who visits them.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use e2e_support::{Child, Ended, PATIENCE, Postgres, Scratch, Session, child, free_port, python, until};
use toml::Table;
use ureq::Agent;

pub(crate) const ORDER: &str = r#"{"item":"tea","quantity":2}"#;

pub(crate) struct Scene {
    postgres: Postgres,
    pub(crate) program: &'static str,
    config: Table,
    environment: Vec<(&'static str, &'static str)>,
    folder: Scratch,
}

/// Where an instance is reached; a restart does not change it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) listen: u16,
    pub(crate) probes: u16,
}

impl Place {
    pub(crate) fn free() -> Self {
        Place { listen: free_port(), probes: free_port() }
    }

    pub(crate) fn url(self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.listen)
    }

    /// What it answers to clients. An error says that nobody listens, or that the answer did not come.
    pub(crate) fn get(self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::to(agent().get(self.url(path)).call())
    }

    /// What it answers to the balancer and the supervisor.
    pub(crate) fn probe(self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::to(agent().get(format!("http://127.0.0.1:{}{path}", self.probes)).call())
    }

    pub(crate) fn is_ready(self) -> bool {
        self.probe("/ready").is_ok_and(|answer| answer.status == 200)
    }

    /// Waits until it takes no more connections.
    pub(crate) fn closes(self) {
        until("the listener's end", || self.get("/orders").is_err().then_some(()));
    }

    pub(crate) fn place_order(self) -> Result<Answer, ureq::Error> {
        let request = agent().post(self.url("/orders")).header("content-type", "application/json");
        Answer::to(request.send(ORDER))
    }

    /// Orders something, and goes on.
    pub(crate) fn ordering(self) -> JoinHandle<Result<Answer, ureq::Error>> {
        thread::spawn(move || self.place_order())
    }

    /// A connection on which something was ordered, and whose answer nobody has read.
    pub(crate) fn unread_order(self) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.listen)).unwrap();
        let head = "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length:";
        stream.write_all(format!("{head} {}\r\n\r\n{ORDER}", ORDER.len()).as_bytes()).unwrap();
        stream
    }

    /// How many connections of its clients are not closed on its side.
    pub(crate) fn connections(self) -> usize {
        const LISTEN: &str = "0A";
        const TIME_WAIT: &str = "06";
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let here = format!("0100007F:{:04X}", self.listen);
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields[1] == here && ![LISTEN, TIME_WAIT].contains(&fields[3])).count()
    }

    /// Somebody who stays: `export`, `feed` or `idle`.
    pub(crate) fn visitor(self, what: &str) -> Child {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/visitor.py");
        Child::start(python(&script, &[&self.url(""), what]))
    }
}

/// The path of a program that one of Debian's packages has brought.
pub(crate) fn installed(program: &str) -> String {
    // The second is not on everybody's `PATH`.
    let places = ["/usr/bin", "/usr/sbin"].map(|folder| format!("{folder}/{program}"));
    let found = places.into_iter().find(|path| Path::new(path).exists());
    found.unwrap_or_else(|| panic!("{program} is not there: run examples/run-e2e, which installs it"))
}

/// One that keeps no connection.
fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(2 * PATIENCE));
    config.build().into()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it said that the connection ends.
    pub(crate) closes: bool,
    pub(crate) text: String,
}

impl Answer {
    fn to(called: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Self, ureq::Error> {
        let mut response = called?;
        let closes = response.headers().get("connection").is_some_and(|value| value == "close");
        let text = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), closes, text })
    }
}

impl Scene {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Scratch::new(&format!("backend-{name}"));
        let postgres = Postgres::start(&format!("backend-{name}"));
        let config: Table = include_str!("../../backend.toml").parse().unwrap();
        let program = env!("CARGO_BIN_EXE_backend");
        let mut scene = Scene { postgres, program, config, environment: Vec::new(), folder };
        scene.set("database.url", scene.postgres.url());
        // The machine may be busy; the tests in which something hangs say how long that may take.
        for (key, value) in
            [("grace", "100s"), ("lameduck", "0s"), ("drain", "40s"), ("stop", "15s"), ("close", "15s")]
        {
            scene.set(&format!("shutdown.{key}"), value);
        }
        for key in ["connect_timeout", "acquire_timeout", "statement_timeout"] {
            scene.set(&format!("database.{key}"), "60s");
        }
        scene
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Writes a key of the configuration, `table.key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        e2e_support::set(&mut self.config, key, value);
    }

    /// Sets a variable of the environment.
    pub(crate) fn export(&mut self, name: &'static str, value: &'static str) {
        self.environment.push((name, value));
    }

    /// What the database answers to a question for a number.
    pub(crate) fn count(&self, question: &str) -> u64 {
        self.postgres.query(question)[0].parse().unwrap()
    }

    pub(crate) fn orders(&self) -> u64 {
        self.count("SELECT count(*) FROM orders")
    }

    /// More than all buffers between the service and a client hold, so that a client who does not read is waited for.
    pub(crate) fn add_orders(&self, number: u64) {
        let many = format!(
            "INSERT INTO orders (item, quantity) SELECT repeat('tea ', 500), n FROM generate_series(1, {number}) AS n"
        );
        self.postgres.query(&many);
    }

    /// How many sessions the database has but the one that asks.
    pub(crate) fn sessions(&self) -> u64 {
        self.count(
            "SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
    }

    /// How many sessions the database has lost, once all have ended.
    pub(crate) fn abandoned_sessions(&self) -> u64 {
        until("the end of all sessions", || (self.sessions() == 0).then_some(()));
        self.count("SELECT sessions_abandoned FROM pg_stat_database WHERE datname = current_database()")
    }

    /// No order can be placed until this is undone. They can be read.
    pub(crate) fn lock_orders(&self) -> Session {
        self.postgres.hold("LOCK TABLE orders IN EXCLUSIVE MODE")
    }

    /// Waits until so many orders wait for the lock.
    pub(crate) fn holds_up(&self, orders: u64) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted";
        until("orders that wait", || (self.count(waiting) == orders).then_some(()));
    }

    /// From now on it is the backend that was written without the library.
    pub(crate) fn by_hand(&mut self) {
        self.program = env!("CARGO_BIN_EXE_backend-by-hand");
    }

    /// A command with all that an instance here needs to know.
    pub(crate) fn command(&self, place: Place, words: &[&str]) -> Command {
        let mut config = self.config.clone();
        for (key, port) in [("listen", place.listen), ("probes", place.probes)] {
            e2e_support::set(&mut config, key, format!("127.0.0.1:{port}"));
        }
        let file = self.file(&format!("backend-{}.toml", place.listen));
        fs::write(&file, config.to_string()).unwrap();
        let mut command = child::program(words[0], &words[1..]);
        command.env("BACKEND_CONFIG", file).envs(self.environment.iter().copied());
        command
    }

    /// An instance that serves.
    pub(crate) fn start(&self) -> Instance {
        self.start_at(Place::free())
    }

    pub(crate) fn start_at(&self, place: Place) -> Instance {
        Instance::of(self.command(place, &[self.program]), place)
    }
}

pub(crate) struct Instance {
    pub(crate) child: Child,
    pub(crate) place: Place,
}

impl Instance {
    /// Waits until it serves.
    pub(crate) fn of(command: Command, place: Place) -> Self {
        let child = Child::start(command);
        child.wait_for("hearing of orders");
        until("an instance that is ready", || place.is_ready().then_some(()));
        Instance { child, place }
    }

    pub(crate) fn ended(self) -> Ended {
        self.child.wait(2 * PATIENCE)
    }

    pub(crate) fn terminate(self) -> Ended {
        self.child.terminate()
    }
}

/// All steps, as they are reported in their order where all goes well.
pub(crate) const ALL_DONE: [(&str, &str); 6] = [
    ("open_db", "done"),
    ("open_feed", "done"),
    ("Requests", "done"),
    ("hear_of_orders", "done"),
    ("close_db", "done"),
    ("probes", "done"),
];

/// Time enough for what is not to take as long as the drain may.
pub(crate) const SOON: Duration = Duration::from_secs(20);

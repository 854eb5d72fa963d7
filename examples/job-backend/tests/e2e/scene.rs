//! A backend with everything around it, on ports and in a folder of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::{env, fs};

use e2e_support::{Child, Ended, Peer, Scratch, child, free_port, node, python, until};
use serde_json::{Value, json};
use toml::Table;

fn counterpart(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts").join(script)
}

pub(crate) struct Scene {
    folder: Scratch,
    config: Table,
    program: &'static str,
    port: u16,
    pub(crate) redis: Child,
    client: Peer,
}

impl Scene {
    /// With a Redis and a client, and times that suit a test.
    pub(crate) fn new(name: &str) -> Self {
        let folder = Scratch::new(&format!("job-backend-{name}"));
        let (redis_port, port) = (free_port().to_string(), free_port());
        let mut redis = Command::new("redis-server");
        redis.args(["--port", &redis_port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let redis = Child::start(redis);
        redis.wait_for("Ready to accept connections");
        let client = Peer::start(node(&counterpart("client.cjs"), &[&redis_port, &port.to_string()]));

        let config = include_str!("../../jobs.toml").parse().unwrap();
        let program = env!("CARGO_BIN_EXE_job-backend");
        let mut scene = Scene { folder, config, program, port, redis, client };
        scene.set("listen", format!("127.0.0.1:{port}"));
        scene.set("redis.url", format!("redis://127.0.0.1:{redis_port}"));
        for (key, file) in [("database", "jobs.db"), ("daemons.log", "daemons.log")] {
            let file = scene.file(file);
            scene.set(key, file.to_str().unwrap());
        }
        scene.link_node();
        let command = [scene.file("node"), counterpart("daemon.cjs"), scene.file("")];
        scene.set("daemons.command", command.map(|word| word.to_str().unwrap().to_owned()).to_vec());
        scene.set("health.interval", "100ms");
        scene.set("health.delay", "50ms");
        scene
    }

    /// What the daemons are begun with; a test can take it away.
    pub(crate) fn link_node(&self) {
        let path = env::var_os("PATH").unwrap();
        let node = env::split_paths(&path).map(|folder| folder.join("node")).find(|node| node.exists());
        symlink(node.unwrap(), self.file("node")).unwrap();
    }

    /// Writes a key of the configuration, `table.key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        e2e_support::set(&mut self.config, key, value);
    }

    /// Sets a key of a step of the shutdown.
    pub(crate) fn step(&mut self, step: &str, key: &str, value: &str) {
        let step = self.config["steps"][step].as_table_mut().unwrap();
        step.insert(key.to_owned(), value.into());
    }

    pub(crate) fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }

    /// From now on it is the backend that was written without the library.
    pub(crate) fn by_hand(&mut self) {
        self.program = env!("CARGO_BIN_EXE_job-backend-by-hand");
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// From now on the file is there.
    pub(crate) fn touch(&self, name: &str) {
        fs::write(self.file(name), "").unwrap();
    }

    pub(crate) fn command(&self) -> Command {
        let file = self.file("jobs.toml");
        fs::write(&file, self.config.to_string()).unwrap();
        let mut command = child::program(self.program, &[]);
        command.env("JOB_BACKEND_CONFIG", file);
        command
    }

    /// Waits until it serves, and its daemons are there too.
    pub(crate) fn start(&self) -> Child {
        let before = self.daemons().len();
        let backend = Child::start(self.command());
        backend.wait_for(": listening on ");
        self.until_daemons(before + 2);
        backend
    }

    /// Waits until so many daemons have been there.
    pub(crate) fn until_daemons(&self, count: usize) {
        until("the daemons", || (self.daemons().len() >= count).then_some(()));
    }

    /// A job that is done once `file` is there, for each of these; says its own name. Returns their ids.
    pub(crate) fn enqueue(&self, names: &[&str], file: &str) -> Vec<String> {
        let (after, mut jobs) = (self.file(file), Vec::new());
        for name in names {
            jobs.push(json!({"say": name, "after": after}));
        }
        let ids = self.client.ask(&json!({"ask": "enqueue", "jobs": jobs}));
        ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// How many jobs are active, waiting, completed, failed, as Redis has them.
    pub(crate) fn counts(&self) -> [u64; 4] {
        let counts = self.client.ask(&json!({"ask": "counts"}));
        ["active", "wait", "completed", "failed"].map(|state| counts[state].as_u64().unwrap())
    }

    pub(crate) fn until_counts(&self, counts: [u64; 4]) {
        let what = format!("{counts:?} jobs that are active, waiting, completed, failed");
        until(&what, || (self.counts() == counts).then_some(()));
    }

    pub(crate) fn job(&self, id: &str) -> Value {
        self.client.ask(&json!({"ask": "job", "id": id}))
    }

    /// How many connections to Redis the backend has.
    pub(crate) fn redis_connections(&self) -> u64 {
        self.client.ask(&json!({"ask": "connections"})).as_u64().unwrap()
    }

    /// Connects the client to the backend's namespace.
    pub(crate) fn connect(&self) {
        let id = self.client.ask(&json!({"ask": "connect"}));
        assert!(id.is_string(), "{id}");
    }

    /// What the client has heard there of this event.
    pub(crate) fn heard(&self, event: &str) -> Vec<Value> {
        let heard = self.client.ask(&json!({"ask": "heard"}));
        let heard = heard.as_array().unwrap().iter();
        heard.filter(|heard| heard["event"] == event).map(|heard| heard["what"].clone()).collect()
    }

    /// Waits until the connection has ended. Returns why, as the client has it.
    pub(crate) fn disconnected(&self) -> Value {
        until("the end of the connection", || self.heard("disconnect").pop())
    }

    /// What the daemons have logged, each line as the daemon's name, its process id, and what it says.
    pub(crate) fn daemon_lines(&self) -> Vec<(String, i32, String)> {
        let log = fs::read_to_string(self.file("daemons.log")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (pid, what) = rest.split_once(' ')?;
            Some((name.to_owned(), pid.parse().ok()?, what.to_owned()))
        });
        lines.collect()
    }

    /// The process ids of the daemons that said this, the smallest first.
    pub(crate) fn daemons_that(&self, said: &str) -> Vec<i32> {
        let lines = self.daemon_lines().into_iter().filter(|(_, _, what)| what == said);
        let mut pids: Vec<_> = lines.map(|(_, pid, _)| pid).collect();
        pids.sort_unstable();
        pids
    }

    /// The process ids of all that have been there.
    pub(crate) fn daemons(&self) -> Vec<i32> {
        self.daemons_that("is there")
    }

    /// `GET`, and how it is answered, in time.
    pub(crate) fn get(&self, path: &str) -> JoinHandle<(u16, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        thread::spawn(move || {
            let mut response = agent.get(url).call().unwrap();
            (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
        })
    }

    /// `GET` of a job's result, which is about to be waited for.
    pub(crate) fn wait_for(&self, backend: &Child, job: &str) -> JoinHandle<(u16, String)> {
        let answer = self.get(&format!("/jobs/{job}"));
        backend.wait_for(&format!(": somebody waits for {job}"));
        answer
    }

    /// A `POST` of a job whose body is still to come.
    pub(crate) fn post(&self, instruction: &Value) -> Upload {
        Upload::begin(self.port, instruction.to_string())
    }

    /// What a copy of the database's main file has: the results by their jobs, and how many jobs were posted.
    pub(crate) fn rows(&self) -> (BTreeMap<String, Value>, u64) {
        let copy = self.file("copy.db");
        fs::copy(self.file("jobs.db"), &copy).unwrap();
        let output = python(&counterpart("rows.py"), &[copy.to_str().unwrap()]).output().unwrap();
        let rows: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let results = rows["results"].as_object().unwrap();
        let output = |text: &Value| serde_json::from_str(text.as_str().unwrap()).unwrap();
        let results = results.iter().map(|(job, text)| (job.clone(), output(text))).collect();
        (results, rows["posted"].as_u64().unwrap())
    }
}

/// A request on its way.
pub(crate) struct Upload {
    stream: TcpStream,
    body: String,
}

impl Upload {
    /// Waits until somebody asks for the body, and so has begun with the request.
    fn begin(port: u16, body: String) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(e2e_support::PATIENCE)).unwrap();
        let head = format!(
            "POST /jobs HTTP/1.1\r\nhost: backend\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, expected);
        Upload { stream, body }
    }

    /// Sends the body. Returns the whole response.
    pub(crate) fn finish(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).unwrap();
        let mut response = String::new();
        self.stream.read_to_string(&mut response).unwrap();
        response
    }
}

/// Whether there is a process of this id, be it one that has ended and that nobody has waited for.
pub(crate) fn is_there(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The seven steps have logged their ends, one after the other.
pub(crate) fn assert_in_order(ended: &Ended) {
    let lines = [1, 2, 3, 4, 5, 6, 7].map(|step| ended.line(&format!(": {step}/7: ")));
    assert!(lines.is_sorted(), "{lines:?}: {ended:#?}");
}

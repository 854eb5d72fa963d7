//! A server with a client, on a port and in a folder of their own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e_support::signals::SIGTERM;
use e2e_support::{Child, Ended, PATIENCE, Peer, Scratch, child, free_port, node, posix, python, set, until};
use serde_json::{Value, json};
use toml::Table;

/// Whose SDK the client is written with.
#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Node,
    Python,
}

/// How the two talk.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    Http,
    Stdio,
}

/// What is to be started.
pub(crate) struct Scene {
    folder: Scratch,
    config: Table,
    program: &'static str,
    pub(crate) by: By,
    /// Locked, and `build` waits until it is not.
    gate: File,
}

impl Scene {
    pub(crate) fn new(name: &str, by: By) -> Self {
        let folder = Scratch::new(&format!("mcp-server-{name}"));
        let gate = File::create(folder.file("gate")).unwrap();
        gate.lock().unwrap();
        let config: Table = include_str!("../../mcp.toml").parse().unwrap();
        let mut scene = Scene { folder, config, program: env!("CARGO_BIN_EXE_mcp-server"), by, gate };
        for file in ["log", "history"] {
            let path = scene.file(file);
            scene.set(file, path.to_str().unwrap());
        }
        scene.config.remove("http");
        if by == By::Http {
            scene.set("http", format!("127.0.0.1:{}", free_port()));
        }
        scene.set("commands", Table::new());
        let gate = scene.file("gate");
        let words = ["flock", "--shared", gate.to_str().unwrap(), "echo", "built"];
        scene.set("commands.build", words.map(toml::Value::from).to_vec());
        scene.set("commands.lint", ["echo", "linted"].map(toml::Value::from).to_vec());
        // The machine may be busy; the tests in which something hangs say how long that may take.
        for key in ["request_timeout", "close_timeout", "cleanup_timeout"] {
            scene.set(&format!("shutdown.{key}"), "20s");
        }
        scene.set("shutdown.grace", "120s");
        scene
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Writes a key of the configuration, `table.key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        set(&mut self.config, key, value);
    }

    /// Leaves a part of the shutdown out.
    pub(crate) fn without(&mut self, part: &str) {
        self.set("shutdown.off", vec![toml::Value::from(part)]);
    }

    /// How many parts are left out.
    pub(crate) fn left_out(&self) -> usize {
        self.config["shutdown"].get("off").map_or(0, |off| off.as_array().unwrap().len())
    }

    /// From now on it is the server that was written without the library.
    pub(crate) fn by_hand(&mut self) {
        self.program = env!("CARGO_BIN_EXE_mcp-server-by-hand");
    }

    /// Waits until no command runs that has to do with the gate.
    pub(crate) fn sees_no_command(&self) {
        let gate = self.file("gate").into_os_string().into_encoded_bytes();
        let has_it = |words: &[u8]| words.split(|byte| *byte == 0).any(|word| word == gate);
        let runs = || {
            let processes = fs::read_dir("/proc").unwrap().flatten();
            let mut words = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
            words.any(|words| has_it(&words))
        };
        until("the command's end", || (!runs()).then_some(()));
    }

    /// `build` goes on, those that wait and those to come.
    pub(crate) fn release(&self) {
        self.gate.unlock().unwrap();
    }

    /// The same for a command: in stdio its child is the server.
    fn configure(&self, command: &mut Command) {
        let file = self.file("mcp.toml");
        fs::write(&file, self.config.to_string()).unwrap();
        command.env("MCP_SERVER_CONFIG", file).env("RUST_BACKTRACE", "0");
    }

    /// The server alone; who talks with it by stdin is the test.
    pub(crate) fn serve(&self) -> Child {
        let mut command = child::talkative(self.program, &[]);
        self.configure(&mut command);
        Child::start(command)
    }

    /// A server, and a client that has said hello.
    pub(crate) fn start(&self, sdk: Sdk) -> Session {
        let server = (self.by == By::Http).then(|| self.serve());
        let place = match self.by {
            By::Http => {
                until("the server", || (probe(self.address(), "/ready") == Some(200)).then_some(()));
                format!("http://{}/mcp", self.address())
            }
            By::Stdio => self.program.to_owned(),
        };
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts");
        let mut command = match sdk {
            Sdk::Node => node(&scripts.join("client.cjs"), &[&place]),
            Sdk::Python => python(&scripts.join("client.py"), &[&place]),
        };
        self.configure(&mut command);
        Session { client: Peer::start(command), server, address: self.address().to_owned() }
    }

    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        self.config.get("http").map_or("", |address| address.as_str().unwrap())
    }

    /// The lines of the log.
    pub(crate) fn log(&self) -> Vec<String> {
        fs::read_to_string(self.file("log")).unwrap().lines().map(str::to_owned).collect()
    }

    /// How often each command was run, as the next client of this server hears.
    pub(crate) fn history(&self) -> BTreeMap<String, usize> {
        let session = self.start(Sdk::Node);
        let answer = session.call("history", json!({}));
        let mut runs = BTreeMap::new();
        for line in answer["text"].as_str().unwrap().lines() {
            let run: Value = serde_json::from_str(line).unwrap();
            *runs.entry(run["command"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        session.signal(SIGTERM);
        session.end();
        runs
    }
}

/// A client that talks with a server.
pub(crate) struct Session {
    client: Peer,
    /// If it is not the client's child.
    server: Option<Child>,
    address: String,
}

impl Session {
    pub(crate) fn ask(&self, ask: &str) -> Value {
        self.client.ask(&json!({"ask": ask}))
    }

    /// Calls a tool, and waits for what comes back.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Value {
        self.client.ask(&json!({"ask": "call", "tool": tool, "arguments": arguments}))
    }

    /// Calls a tool, and does not wait.
    pub(crate) fn begin(&self, id: &str, tool: &str, arguments: Value) {
        self.client.ask(&json!({"ask": "begin", "id": id, "tool": tool, "arguments": arguments}));
    }

    /// Waits for what comes back of this call.
    pub(crate) fn result(&self, id: &str) -> Value {
        self.client.ask(&json!({"ask": "result", "id": id}))
    }

    pub(crate) fn stats(&self) -> Value {
        self.call("shutdown_stats", json!({}))["structured"].clone()
    }

    /// Waits until the server has so many calls.
    pub(crate) fn sees_active(&self, calls: u64) {
        until(&format!("{calls} calls"), || (self.stats()["active_requests"] == calls).then_some(()));
    }

    /// Signals the server.
    pub(crate) fn signal(&self, signal: i32) {
        match &self.server {
            Some(server) => server.signal(signal),
            None => posix::send(i32::try_from(self.ask("pid").as_i64().unwrap()).unwrap(), signal),
        }
    }

    /// Waits until the server takes no more calls. Returns what it says of itself then.
    pub(crate) fn sees_it_refuse(&self) -> Value {
        until("refusals", || Some(self.stats()).filter(|stats| stats["accepting_calls"] == false))
    }

    /// The status of a probe.
    pub(crate) fn probe(&self, path: &str) -> u16 {
        probe(&self.address, path).unwrap()
    }

    /// Waits for the server's end. Also returns how the client has seen it.
    pub(crate) fn end(self) -> (Ended, Value) {
        if let Some(server) = self.server {
            let ended = server.wait(PATIENCE);
            assert!(TcpStream::connect(&self.address).is_err(), "the port is free");
            let seen = self.client.ask(&json!({"ask": "end"}));
            return (ended, seen);
        }
        let seen = self.client.ask(&json!({"ask": "end"}));
        let number = |key: &str| seen[key].as_i64().map(|number| i32::try_from(number).unwrap());
        let stderr = seen["stderr"].as_array().unwrap_or_else(|| panic!("the client says {seen:#}"));
        let stderr = stderr.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let (code, signal) = (number("code"), number("signal"));
        (Ended { code, signal, took: Default::default(), stdout: Vec::new(), stderr }, seen)
    }
}

fn probe(address: &str, path: &str) -> Option<u16> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Some(agent.get(format!("http://{address}{path}")).call().ok()?.status().as_u16())
}

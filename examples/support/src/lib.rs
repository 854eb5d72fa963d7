//! What the tests of the systems share: their counterparts, and what these are asked.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure is the test's failure")]

mod gateway;
pub mod lines;
mod postgres;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use gateway::Gateway;
pub use lifecycle_tests::child::{self, Child, Ended, PATIENCE};
pub use lifecycle_tests::posix::{self, Scratch};
pub use postgres::{Postgres, Session};
use serde_json::Value;
use toml::Table;

/// By their numbers.
pub mod signals {
    pub use libc::{SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2};
}

/// A port of this machine that is free, given to nobody else in this process, and below those that the system gives to
/// outgoing connections.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let port = 20_000 + (std::process::id() * 100 + GIVEN.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for a state that can only be looked at.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < patience, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a key of a configuration, `table.key` where it is not on the first level.
pub fn set(config: &mut Table, key: &str, value: impl Into<toml::Value>) {
    let (table, key) = match key.split_once('.') {
        Some((table, key)) => (config[table].as_table_mut().unwrap(), key),
        None => (config, key),
    };
    table.insert(key.to_owned(), value.into());
}

/// A program that `run-e2e` has installed for Python's packages.
pub fn installed(program: &str) -> PathBuf {
    let venv = std::env::var_os("E2E_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/e2e/venv"), PathBuf::from);
    let program = venv.join("bin").join(program);
    assert!(program.exists(), "{} is not there: run examples/run-e2e, which installs it", program.display());
    program
}

/// A script, run by the Python that `run-e2e` has given what it needs. It can import what is in `counterparts`.
pub fn python(script: &Path, args: &[&str]) -> Command {
    let mut command = child::talkative(installed("python").to_str().unwrap(), &[script.to_str().unwrap()]);
    command.args(args).env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("counterparts"));
    command
}

/// The same for Node: it can require what is in `counterparts`, and what `run-e2e` has installed of npm's packages.
pub fn node(script: &Path, args: &[&str]) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = std::env::var_os("E2E_NODE_MODULES")
        .map_or_else(|| here.join("../target/e2e/npm/node_modules"), PathBuf::from);
    assert!(modules.exists(), "{} is not there: run examples/run-e2e, which makes it", modules.display());
    let mut command = child::talkative("node", &[script.to_str().unwrap()]);
    let path = std::env::join_paths([modules, here.join("counterparts")]).unwrap();
    command.args(args).env("NODE_PATH", path);
    command
}

/// A counterpart that answers questions: a line of JSON on its stdin, then one on its stdout.
pub struct Peer {
    child: Child,
    asked: AtomicU32,
}

impl Peer {
    /// Waits until it says that it is ready.
    pub fn start(command: Command) -> Self {
        let child = Child::start(command);
        child.wait_for("ready");
        Peer { child, asked: AtomicU32::new(0) }
    }

    /// Asks, and waits for the answer.
    pub fn ask(&self, question: &Value) -> Value {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.child.say(&question.to_string());
        let begin = format!("answer {number} ");
        let answer = self.child.wait_for(&begin);
        serde_json::from_str(&answer[begin.len()..]).expect("an answer is JSON")
    }

    /// Waits until it has said this by itself.
    pub fn says(&self, text: &str) -> String {
        self.child.wait_for(text)
    }
}

//! The relay as a child process, and its home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Waits for a state; one that does not come is a failure, not a slow machine.
async fn within<F: Future>(what: &str, state: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(60), state).await {
        Ok(output) => output,
        Err(_) => panic!("waited 60 s for {what}"),
    }
}

/// What a run of the relay leaves to the next one.
#[derive(Clone)]
pub(crate) struct Home(Arc<TempDir>);

impl Home {
    /// With a venue that is up.
    pub(crate) fn new() -> Self {
        let home = Home(Arc::new(TempDir::new().unwrap()));
        for folder in ["inbox", "venue"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        home.touch("venue/up");
        home
    }

    pub(crate) fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn touch(&self, file: &str) {
        fs::write(self.path(file), "").unwrap();
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.path(file).exists()
    }

    /// Waits until the file is there, or gone.
    pub(crate) async fn shows(&self, file: &str, there: bool) {
        let shown = async {
            while self.has(file) != there {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(&format!("{file}: {there}"), shown).await;
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// The orders that are open at the venue.
    pub(crate) fn open(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("venue")).unwrap();
        let mut open: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        open.retain(|order| order != "up");
        open.sort();
        open
    }

    /// Drops orders into the inbox, and waits until they are placed.
    pub(crate) async fn place(&self, relay: &Relay, orders: &[&str]) {
        for order in orders {
            self.touch(&format!("inbox/{order}"));
        }
        for order in orders {
            relay.says(&format!("placed {order}")).await;
        }
    }
}

type Lines = watch::Sender<Vec<String>>;

fn read(stream: impl AsyncRead + Send + Unpin + 'static) -> (Arc<Lines>, JoinHandle<()>) {
    let lines = Arc::new(Lines::default());
    let there = Arc::clone(&lines);
    let reader = tokio::spawn(async move {
        let mut stream = BufReader::new(stream).lines();
        while let Some(line) = stream.next_line().await.unwrap() {
            there.send_modify(|lines| lines.push(line));
        }
    });
    (lines, reader)
}

/// A running relay. Killed when dropped.
pub(crate) struct Relay {
    child: Child,
    stdout: (Arc<Lines>, JoinHandle<()>),
    stderr: (Arc<Lines>, JoinHandle<()>),
}

impl Relay {
    pub(crate) async fn start(home: &Home) -> Self {
        Self::start_with(home, &[]).await
    }

    /// Waits until it serves.
    pub(crate) async fn start_with(home: &Home, env: &[(&str, &str)]) -> Self {
        let relay = Self::spawn(home, env);
        relay.says("relaying from").await;
        relay
    }

    pub(crate) fn spawn(home: &Home, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whole-life"));
        for inherited in ["LIFECYCLE_GRACE", "LIFECYCLE_DRAIN", "LIFECYCLE_LAMEDUCK", "LIFECYCLE_JOURNAL"] {
            command.env_remove(inherited);
        }
        command.env("RELAY_HOME", home.path("")).env("LIFECYCLE_REPORT", "json").envs(env.iter().copied());
        let command =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        Relay { child, stdout, stderr }
    }

    /// Waits until a line on stdout begins so.
    pub(crate) async fn says(&self, start: &str) {
        self.says_times(1, start).await;
    }

    /// Waits until so many lines on stdout begin so.
    pub(crate) async fn says_times(&self, times: usize, start: &str) {
        let mut lines = self.stdout.0.subscribe();
        let said =
            lines.wait_for(|lines| lines.iter().filter(|line| line.starts_with(start)).count() >= times);
        within(&format!("{start:?} on stdout"), said).await.unwrap();
    }

    /// Whether no line on stdout begins so, for as long as it takes to look into the inbox ten times.
    pub(crate) async fn does_not_say(&self, start: &str) -> bool {
        let mut lines = self.stdout.0.subscribe();
        let said = lines.wait_for(|lines| lines.iter().any(|line| line.starts_with(start)));
        tokio::time::timeout(Duration::from_millis(500), said).await.is_err()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.stdout.0.borrow().clone()
    }

    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        // The shell's own `kill` is there wherever a shell is.
        let killed =
            Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    pub(crate) async fn terminate(self) -> Ended {
        self.signal("TERM").await;
        self.ended().await
    }

    pub(crate) async fn kill(self) -> Ended {
        self.signal("KILL").await;
        self.ended().await
    }

    pub(crate) async fn ended(mut self) -> Ended {
        let status = within("the relay's end", self.child.wait()).await.unwrap();
        let (out, err) = (self.stdout, self.stderr);
        within("the end of its words", async { (out.1.await.unwrap(), err.1.await.unwrap()) }).await;
        let (stdout, stderr) = (out.0.borrow().clone(), err.0.borrow().clone());
        let report = stderr.iter().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        Ended { status, stdout, report }
    }
}

/// What a relay left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<String>,
    /// The JSON line on stderr, or null.
    pub(crate) report: Value,
}

impl Ended {
    /// Of one kind and name, in the report.
    pub(crate) fn step(&self, kind: &str, name: &str) -> &Value {
        let mut steps = self.report["steps"].as_array().into_iter().flatten();
        let step = steps.find(|step| step["kind"] == kind && step["name"] == name);
        step.unwrap_or_else(|| panic!("no {kind} {name}: {self:#?}"))
    }

    /// Where on stdout a line begins so.
    pub(crate) fn line(&self, start: &str) -> usize {
        let found = self.stdout.iter().position(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start:?} on stdout: {self:#?}"))
    }
}

/// The names of a step's items: those that are good, those that failed.
pub(crate) fn items(step: &Value) -> (Vec<String>, Vec<String>) {
    let (failed, good): (Vec<&Value>, Vec<&Value>) =
        step["items"].as_array().unwrap().iter().partition(|item| item["error"].is_string());
    let names = |item: &&Value| item["name"].as_str().unwrap().to_owned();
    (good.iter().map(names).collect(), failed.iter().map(names).collect())
}

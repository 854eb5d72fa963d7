//! A real child process: started, watched for states, signalled, and awaited.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::posix;

/// How long a state may take to come before the test gives up. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Every line that the child has written to one of its streams.
#[derive(Default)]
struct Lines {
    seen: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Lines {
    fn read_from(stream: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let lines = Arc::new(Lines::default());
        let there = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                there.seen.lock().unwrap().0.push(String::from_utf8_lossy(&line).into_owned());
                there.more.notify_all();
            }
            there.seen.lock().unwrap().1 = true;
            there.more.notify_all();
        });
        (lines, reader)
    }

    fn wait_for(&self, text: &str, times: usize) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.seen.lock().unwrap();
        loop {
            if let Some(line) = seen.0.iter().filter(|line| line.contains(text)).nth(times - 1) {
                return Some(line.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.1 {
                return None;
            }
            seen = self.more.wait_timeout(seen, left).unwrap().0;
        }
    }

    fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().0.clone()
    }
}

/// A running child. Killed when dropped.
pub struct Child {
    child: std::process::Child,
    stdout: Option<(Arc<Lines>, JoinHandle<()>)>,
    stderr: Option<(Arc<Lines>, JoinHandle<()>)>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, unless a signal killed it.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// From the last [`Child::signal`], or from [`Child::wait`].
    pub took: Duration,
    /// What it wrote to stdout.
    pub stdout: Vec<String>,
    /// What it wrote to stderr.
    pub stderr: Vec<String>,
}

/// A command that runs a test program with its report as JSON.
pub fn program(exe: &str, args: &[&str]) -> Command {
    let mut command = Command::new(exe);
    command.args(args).env("LIFECYCLE_REPORT", "json").stdin(Stdio::null());
    // What the one who runs the tests has set must not change them; a backtrace takes longer than some steps may.
    let settings = ["LIFECYCLE_GRACE", "LIFECYCLE_DRAIN", "LIFECYCLE_LAMEDUCK", "LIFECYCLE_JOURNAL"];
    for inherited in settings.iter().chain(&["RUST_BACKTRACE"]) {
        command.env_remove(inherited);
    }
    posix::hear(&mut command);
    command
}

/// As [`program`], for one that is told on stdin when to go on.
pub fn talkative(exe: &str, args: &[&str]) -> Command {
    let mut command = program(exe, args);
    command.stdin(Stdio::piped());
    command
}

impl Child {
    /// Starts it; stdout and stderr are read unless the command says otherwise with [`Child::start_with`].
    pub fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::piped(), Stdio::piped())
    }

    /// Starts it with streams of the test's choice; only piped ones are read.
    pub fn start_with(mut command: Command, stdout: Stdio, stderr: Stdio) -> Self {
        let mut child = command.stdout(stdout).stderr(stderr).spawn().expect("the test program starts");
        let stdout = child.stdout.take().map(Lines::read_from);
        let stderr = child.stderr.take().map(Lines::read_from);
        Child { child, stdout, stderr }
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until a line with this text is on stdout.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_for_nth(text, 1)
    }

    /// Waits until there are so many lines with this text on stdout; returns the last of them.
    pub fn wait_for_nth(&self, text: &str, times: usize) -> String {
        let (lines, _) = self.stdout.as_ref().expect("stdout is piped");
        lines.wait_for(text, times).unwrap_or_else(|| {
            let stderr = self.stderr.as_ref().map(|(lines, _)| lines.all());
            panic!("no {text:?} on stdout in {PATIENCE:?}: {:#?}\nstderr: {stderr:#?}", lines.all())
        })
    }

    /// Waits until a line with this text is on stderr.
    pub fn wait_for_stderr(&self, text: &str) -> String {
        let (lines, _) = self.stderr.as_ref().expect("stderr is piped");
        lines.wait_for(text, 1).unwrap_or_else(|| panic!("no {text:?} on stderr: {:#?}", lines.all()))
    }

    /// Writes a line to its stdin, which the command must have piped, as by [`talkative`].
    pub fn say(&self, line: &str) {
        let mut stdin = self.child.stdin.as_ref().expect("stdin is piped");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("the child reads its stdin");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: `kill` takes any numbers; the child has not been awaited, so its pid is still its own.
        #[expect(unsafe_code, reason = "std can only send SIGKILL")]
        let sent = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(sent, 0, "the child takes signals");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, at most so long.
    pub fn wait(mut self, within: Duration) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > within {
                let said = |lines: &Option<(Arc<Lines>, JoinHandle<()>)>| {
                    lines.as_ref().map(|(lines, _)| lines.all())
                };
                panic!(
                    "not over after {within:?}\nstdout: {:#?}\nstderr: {:#?}",
                    said(&self.stdout),
                    said(&self.stderr)
                );
            }
            // There is no way to wait for a child with a time limit but to look again.
            thread::sleep(Duration::from_millis(2));
        };
        let took = began.elapsed();
        let read = |lines: Option<(Arc<Lines>, JoinHandle<()>)>| match lines {
            Some((lines, reader)) => {
                reader.join().unwrap();
                lines.all()
            }
            None => Vec::new(),
        };
        let (stdout, stderr) = (read(self.stdout.take()), read(self.stderr.take()));
        Ended { code: status.code(), signal: status.signal(), took, stdout, stderr }
    }

    /// SIGTERM, then [`wait`](Self::wait).
    pub fn terminate(self) -> Ended {
        self.signal(libc::SIGTERM);
        self.wait(PATIENCE)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Errors: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The report, which the program printed as one line of JSON on stderr.
    pub fn report(&self) -> Value {
        let line = self.stderr.iter().rfind(|line| line.starts_with('{') && line.contains("\"steps\""));
        let line = line.unwrap_or_else(|| panic!("no report on stderr: {:#?}", self.stderr));
        serde_json::from_str(line).expect("the report is JSON")
    }

    /// Asserts the exit code and every step of the report with its outcome, in the order in which their turns came.
    pub fn assert(&self, code: i32, steps: &[(&str, &str)]) {
        let report = self.report();
        let found: Vec<(&str, &str)> = report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| (step["name"].as_str().unwrap(), step["outcome"].as_str().unwrap()))
            .collect();
        assert_eq!(found, steps, "stdout: {:#?}\nreport: {report:#}", self.stdout);
        assert_eq!(self.code, Some(code), "exit code; report: {report:#}");
        assert_eq!(report["exit_code"], code, "the report says so too");
    }

    /// As [`assert`](Self::assert), for steps that run at the same time: any order.
    pub fn assert_any_order(&self, code: i32, steps: &[(&str, &str)]) {
        let report = self.report();
        let mut found: Vec<(String, String)> = report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| {
                (step["name"].as_str().unwrap().to_owned(), step["outcome"].as_str().unwrap().to_owned())
            })
            .collect();
        let mut steps: Vec<(String, String)> =
            steps.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        found.sort();
        steps.sort();
        assert_eq!(found, steps, "stdout: {:#?}\nreport: {report:#}", self.stdout);
        assert_eq!(self.code, Some(code), "exit code; report: {report:#}");
    }

    /// A step of the report.
    pub fn step(&self, name: &str) -> Value {
        let report = self.report();
        let steps = report["steps"].as_array().unwrap();
        steps
            .iter()
            .find(|step| step["name"] == name)
            .unwrap_or_else(|| panic!("no step {name}: {report:#}"))
            .clone()
    }

    /// The position of the first line on stdout with this text.
    pub fn line(&self, text: &str) -> usize {
        let found = self.stdout.iter().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("no {text:?} on stdout: {:#?}", self.stdout))
    }
}

/// Runs something in the child before it becomes the program.
///
/// # Safety
/// As [`CommandExt::pre_exec`]: only what is async-signal-safe.
#[expect(unsafe_code, reason = "std's own contract")]
pub unsafe fn before_exec(
    command: &mut Command,
    run: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: passed on to the caller.
    unsafe { command.pre_exec(run) };
}

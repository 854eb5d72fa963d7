//! The process of all tests: has another one run a test, shows what it prints, fails as it does.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::CHILD;
use super::child::BEGINS;
use super::link::Told;

/// How long the output of a test that has ended is waited for: processes that it leaves behind may hold it open.
const OUTPUT: Duration = Duration::from_secs(5);

pub(super) fn run(name: &str, limit: Duration) {
    let until = Instant::now() + limit;
    let (mut child, ours) = match begin(name) {
        Ok(begun) => begun,
        Err(error) => panic!("the test's own process could not be begun: {error}"),
    };
    let output = forward(&mut child);
    let told = listen(ours);
    let mut running = Vec::new();
    let verdict = loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Told::Began(step)) => running.push(step),
            Ok(Told::Ended(step)) => running.retain(|other| *other != step),
            Ok(verdict) => break Ok(verdict),
            Err(why) => break Err(why),
        }
    };
    let hangs = verdict == Err(RecvTimeoutError::Timeout);
    if hangs {
        drop(child.kill());
    }
    // Its output closes when it ends; nothing is ever sent.
    let _closed = output.recv_timeout(OUTPUT);
    // To one that has ended this is nothing.
    drop(child.kill());
    let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    match verdict {
        Ok(Told::Failed(message)) => fail(message),
        Ok(_) => {}
        Err(_) => {
            let running = if running.is_empty() { "no step".to_owned() } else { running.join(", ") };
            let message = match hangs {
                true => {
                    let limit = crate::render::duration(limit);
                    format!("the test had not ended after {limit} of real time; still running: {running}")
                }
                false => {
                    format!("the test's process ended before the test did: {status}; running: {running}")
                }
            };
            eprintln!("{message}");
            fail(message);
        }
    }
}

/// The current test binary, for this one test, with our end of the socket.
fn begin(name: &str) -> std::io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(std::env::current_exe()?)
        .args([name, "--exact", "--nocapture", "--include-ignored"])
        .env(CHILD, name)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok((child, ours))
}

/// Prints what it prints, so that libtest shows it or keeps it. Both threads hold the sender until there is no more.
fn forward(child: &mut Child) -> Receiver<()> {
    let (open, closed) = channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    forward_one(stdout, open.clone(), true, |line| println!("{line}"));
    forward_one(stderr, open, false, |line| eprintln!("{line}"));
    closed
}

/// `headed`: what comes before the test's own words is kept, and shown only if they never come.
fn forward_one(from: Option<impl Read + Send + 'static>, open: Sender<()>, headed: bool, print: fn(&str)) {
    let Some(from) = from else { return };
    let forwarding = move || {
        let mut head = headed.then(Vec::new);
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            line.clear();
            match &mut head {
                // libtest may have begun a line of its own before.
                Some(_) if text.ends_with(BEGINS) => head = None,
                Some(head) => head.push(text),
                None => print(&text),
            }
        }
        head.into_iter().flatten().for_each(|line| print(&line));
        drop(open);
    };
    // Without a thread its output is lost, and with it what the test would say.
    drop(thread::Builder::new().name("lifecycle-test".into()).spawn(forwarding));
}

fn listen(ours: UnixStream) -> Receiver<Told> {
    let (to, told) = channel();
    let listening = move || {
        let mut from = BufReader::new(ours);
        while let Ok(Some(told)) = Told::read(&mut from) {
            if to.send(told).is_err() {
                return;
            }
        }
    };
    drop(thread::Builder::new().name("lifecycle-test".into()).spawn(listening));
    told
}

/// Fails the test with this message, which has been printed.
fn fail(message: String) -> ! {
    resume_unwind(Box::new(message))
}

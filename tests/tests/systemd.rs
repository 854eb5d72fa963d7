//! What a service manager is told, on a real datagram socket in the place of systemd's.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::{Duration, Instant};

use lifecycle_tests::child::{Child, PATIENCE, talkative};

/// systemd's end of the socket.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    /// In the abstract namespace, as in a user's session, or at a path, as of the system's own.
    fn at(test: &str, folder: Option<&std::path::Path>) -> Self {
        let (address, name) = match folder {
            Some(folder) => {
                let path = folder.join("notify");
                (SocketAddr::from_pathname(&path).unwrap(), path.to_str().unwrap().to_owned())
            }
            None => {
                let name = format!("lifecycle-tests/{test}/{}", std::process::id());
                (SocketAddr::from_abstract_name(&name).unwrap(), format!("@{name}"))
            }
        };
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Manager { socket, name }
    }

    fn start(&self, scenario: &str, watchdog: Option<Duration>) -> Child {
        let mut command: Command = talkative(env!("CARGO_BIN_EXE_managed"), &[scenario]);
        command.env("NOTIFY_SOCKET", &self.name);
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        Child::start(command)
    }

    /// The next message.
    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// The next message with this in a line of its own; every one until then.
    fn until(&self, line: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            messages.push(self.next());
            if messages[messages.len() - 1].lines().any(|it| it == line) {
                return messages;
            }
        }
    }
}

/// The time that a message asks for.
fn asks_for(message: &str) -> Duration {
    let micros = message.lines().find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="));
    Duration::from_micros(
        micros.unwrap_or_else(|| panic!("no time is asked for: {message}")).parse().unwrap(),
    )
}

#[test]
fn a_whole_life_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let manager = Manager::at("life", Some(folder.path()));
    let child = manager.start("life", None);
    let starting = manager.until("STATUS=starting: open_db (up to 30s)");
    let asked = asks_for(&starting[starting.len() - 1]);
    assert!(asked > Duration::from_secs(25) && asked <= Duration::from_secs(35), "{asked:?}");
    child.say("open");
    child.say("ready");
    let until_ready = manager.until("STATUS=ready");
    assert_eq!(until_ready[until_ready.len() - 1], "READY=1\nSTATUS=ready\n");
    child.wait_for("an order is placed");

    child.signal(libc::SIGUSR1);
    assert_eq!(manager.next(), "STATUS=paused: nothing new is taken\n");
    child.signal(libc::SIGUSR2);
    assert_eq!(manager.next(), "STATUS=ready\n");

    child.signal(libc::SIGTERM);
    let stopping = manager.next();
    assert!(stopping.starts_with("STOPPING=1\nSTATUS=SIGTERM: shutting down, within 25s\n"), "{stopping}");
    let asked = asks_for(&stopping);
    assert!(asked > Duration::from_secs(20) && asked <= Duration::from_secs(30), "what is left: {asked:?}");
    let draining = manager.next();
    assert!(
        draining.starts_with("STATUS=SIGTERM: shutting down, within 25s: draining Requests, 1 call(s)\n")
    );
    assert!(asks_for(&draining) <= asked);
    child.say("filled");
    let closing = manager.until("STATUS=SIGTERM: shutting down, within 25s: close_db (up to 3s)");
    assert!(asks_for(&closing[closing.len() - 1]) <= asked);
    child.say("close");
    let ended = child.wait(PATIENCE);
    ended.assert(0, &[("open_db", "done"), ("Requests", "done"), ("close_db", "done")]);
    let over = loop {
        let message = manager.next();
        if message.contains("exit 0") {
            break message;
        }
    };
    assert!(over.starts_with("STATUS=shut down in "), "{over}");
    let children: Vec<_> = ended.stdout.iter().filter(|line| line.contains("a child sees")).collect();
    assert!(children.is_empty(), "{children:?}");
    let told = [starting, until_ready].concat().concat();
    assert_eq!(told.matches("READY=1").count(), 1);
}

#[test]
fn the_watchdog_is_fed_while_the_runtime_answers_and_while_it_shuts_down() {
    const WATCHDOG: Duration = Duration::from_secs(2);
    let manager = Manager::at("watchdog", None);
    let child = manager.start("wedged", Some(WATCHDOG));
    child.say("open");
    child.say("ready");
    manager.until("READY=1");
    let began = Instant::now();
    for _ in 0..3 {
        manager.until("WATCHDOG=1");
    }
    assert!(began.elapsed() > WATCHDOG / 2, "not more often than it has to be");

    child.say("wedge");
    child.wait_for("wedging");
    // One answer may have been on its way.
    manager.socket.set_read_timeout(Some(2 * WATCHDOG)).unwrap();
    let mut buffer = [0; 4096];
    let late = std::iter::from_fn(|| manager.socket.recv(&mut buffer).ok()).take(5).count();
    assert!(late <= 1, "a runtime that is stuck is not kept alive: {late}");

    manager.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    child.signal(libc::SIGTERM);
    manager.until("STOPPING=1");
    // The coordinator answers by itself, for as long as it has time.
    manager.until("WATCHDOG=1");
    manager.until("WATCHDOG=1");
}

#[test]
fn without_a_deadline_more_time_is_asked_for_again_and_again() {
    let manager = Manager::at("endless", None);
    let child = manager.start("endless", None);
    child.say("open");
    child.say("ready");
    manager.until("READY=1");
    child.wait_for("an order is placed");
    child.signal(libc::SIGTERM);
    let stopping = manager.until("STOPPING=1");
    assert_eq!(asks_for(&stopping[stopping.len() - 1]), Duration::from_secs(30));
    // At first at once; then nothing happens but that time passes.
    for _ in 0..2 {
        while manager.next() != "EXTEND_TIMEOUT_USEC=30000000\n" {}
    }
    child.say("filled");
    child.say("close");
    assert_eq!(child.wait(PATIENCE).code, Some(0));
}

#[test]
fn a_manager_that_has_gone_changes_nothing() {
    let manager = Manager::at("gone", None);
    let child = manager.start("life", Some(Duration::from_millis(200)));
    drop(manager);
    for word in ["open", "ready", "filled", "close"] {
        child.say(word);
    }
    child.wait_for("an order is placed");
    child.terminate().assert(0, &[("open_db", "done"), ("Requests", "done"), ("close_db", "done")]);
}

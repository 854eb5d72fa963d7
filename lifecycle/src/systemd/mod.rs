//! What systemd is told: `sd_notify(3)`.
//!
//! The protocol is a few lines in a datagram. The crates for it look the socket up in the environment with each message,
//! where children would find it too; here it is read once and taken away ([`take`]).

mod socket;
mod status;

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::socket::Socket;
use self::status::Status;
use crate::narrator::{Listener, Nudge, Say};
use crate::process::lifecycle;
use crate::run::message::{Message, Pulse};
use crate::sys;

const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
/// Between the end of what is asked for and systemd's own end of patience: for the watchdog and the exit itself.
const SLACK: Duration = Duration::from_secs(5);
/// A shutdown without a deadline asks for this much, again and again for as long as the coordinator answers.
const ENDLESS: Duration = Duration::from_secs(30);

/// What the environment said.
#[derive(Clone, Debug)]
struct Manager {
    socket: Socket,
    /// How often it wants to hear that all is well.
    watchdog: Option<Duration>,
}

static MANAGER: OnceLock<Option<Manager>> = OnceLock::new();

/// Reads who is to be told, and takes it out of the environment, so that no child takes itself for the service. That is
/// only sound while there is no other thread; where there is one, it stays.
pub(crate) fn take() {
    MANAGER.get_or_init(|| {
        let manager = Manager::from(|name| std::env::var_os(name));
        sys::forget_variables(&VARIABLES);
        manager
    });
}

impl Manager {
    fn from(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<Self> {
        let socket = Socket::at(&variable("NOTIFY_SOCKET")?)?;
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        // Meant for another process of the same unit, which has left it to its children.
        let is_mine = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&micros| is_mine && micros > 0);
        Some(Manager { socket, watchdog: watchdog.map(Duration::from_micros) })
    }
}

/// Who tells it, if there is anyone to be told.
pub(crate) fn notifier(nudge: Nudge) -> Option<Notifier> {
    let manager = MANAGER.get()?.clone()?;
    Some(Notifier::new(manager, Box::new(move |answered| ask(nudge.clone(), answered))))
}

/// Asks the coordinator, and while the service runs its runtime too, whether they are there. Returns whether there was
/// anyone to ask.
fn ask(nudge: Nudge, answered: Arc<AtomicBool>) -> bool {
    let Some(running) = lifecycle().running() else { return false };
    let answer = move || {
        answered.store(true, Ordering::Release);
        nudge.nudge();
    };
    running.mailbox.send(Message::Pulse(Pulse::new(answer)));
    true
}

type Ask = Box<dyn Fn(Arc<AtomicBool>) -> bool + Send>;

/// See the module's words.
pub(crate) struct Notifier {
    manager: Manager,
    ask: Ask,
    /// Set by the answer to the last question.
    answered: Arc<AtomicBool>,
    asked: bool,
    next: Option<Instant>,
    status: Status,
    told: String,
    shutdown: Shutdown,
}

#[derive(Clone, Copy, Debug)]
enum Shutdown {
    No,
    /// When it ends at the latest.
    Until(Option<Instant>),
}

impl Notifier {
    fn new(manager: Manager, ask: Ask) -> Self {
        Notifier {
            manager,
            ask,
            answered: Arc::default(),
            asked: false,
            next: None,
            status: Status::default(),
            told: String::new(),
            shutdown: Shutdown::No,
        }
    }

    /// How often somebody wants to know that all is well.
    fn interval(&self) -> Option<Duration> {
        let endless = matches!(self.shutdown, Shutdown::Until(None)).then_some(ENDLESS / 3);
        let watchdog = self.manager.watchdog.map(|watchdog| watchdog / 2);
        endless.into_iter().chain(watchdog).min()
    }

    /// How much time what goes on now needs at most.
    fn needs(&self, now: Instant) -> Option<Duration> {
        let until = match self.shutdown {
            Shutdown::No => self.status.latest()?,
            Shutdown::Until(Some(deadline)) => deadline,
            Shutdown::Until(None) => return Some(ENDLESS),
        };
        Some(until.saturating_duration_since(now) + SLACK)
    }

    fn tell(&mut self, states: &[&str], extend: bool) {
        let mut text: String = states.iter().flat_map(|state| [state, "\n"]).collect();
        let status = self.status.to_string();
        if status != self.told {
            text.push_str(&format!("STATUS={status}\n"));
            self.told = status;
        }
        if let Some(needs) = self.needs(Instant::now()).filter(|_| extend) {
            text.push_str(&format!("EXTEND_TIMEOUT_USEC={}\n", needs.as_micros()));
        }
        if !text.is_empty() {
            self.manager.socket.send(text.as_bytes());
        }
    }
}

impl Listener for Notifier {
    fn hear(&mut self, say: &Say) {
        let now = Instant::now();
        let changed = self.status.hear(say, now);
        match say {
            Say::Ready { .. } => self.tell(&["READY=1"], false),
            Say::Triggered { deadline, .. } => {
                self.shutdown = Shutdown::Until(*deadline);
                // A runtime that has not answered is asked no more: the coordinator answers for itself.
                (self.asked, self.next) = (false, Some(now));
                self.tell(&["STOPPING=1"], true);
            }
            _ if changed => self.tell(&[], matches!(say, Say::StepBegan { .. } | Say::Draining { .. })),
            _ => {}
        }
    }

    fn on_time(&mut self, now: Instant) -> Option<Instant> {
        if self.answered.swap(false, Ordering::AcqRel) {
            self.asked = false;
            let watchdog = self.manager.watchdog.map(|_| "WATCHDOG=1");
            let endless = matches!(self.shutdown, Shutdown::Until(None));
            self.tell(watchdog.as_slice(), endless);
        }
        let interval = self.interval()?;
        let due = *self.next.get_or_insert(now);
        if due > now {
            return Some(due.min(now + interval));
        }
        // Of one that does not answer, one question is enough.
        if !self.asked {
            self.asked = (self.ask)(Arc::clone(&self.answered));
        }
        self.next = Some(now + interval);
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Phase;
    use crate::report::Outcome;
    use std::os::unix::net::UnixDatagram;

    const SECOND: Duration = Duration::from_secs(1);

    struct Rig {
        notifier: Notifier,
        received: UnixDatagram,
        asked: std::sync::mpsc::Receiver<Arc<AtomicBool>>,
        _folder: tempfile::TempDir,
    }

    impl Rig {
        fn new(watchdog: Option<Duration>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let received = UnixDatagram::bind(&path).unwrap();
            received.set_nonblocking(true).unwrap();
            let (ask, asked) = std::sync::mpsc::channel();
            let socket = Socket::at(path.as_os_str()).unwrap();
            let ask = Box::new(move |answered| ask.send(answered).is_ok());
            Rig {
                notifier: Notifier::new(Manager { socket, watchdog }, ask),
                received,
                asked,
                _folder: folder,
            }
        }

        /// All datagrams so far.
        fn said(&self) -> Vec<String> {
            let mut buffer = [0; 4096];
            let next = || {
                let length = self.received.recv(&mut buffer).ok()?;
                Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
            };
            std::iter::from_fn(next).collect()
        }
    }

    fn began(phase: Phase, limit: u64) -> Say {
        let limit = Some(Duration::from_secs(limit));
        Say::StepBegan { id: "id".into(), phase, step: "open_db".into(), limit }
    }

    fn triggered(deadline: Option<Instant>) -> Say {
        Say::Triggered { id: "id".into(), reason: "SIGTERM".into(), grace: "within 25s".into(), deadline }
    }

    /// The seconds that a message asks for.
    fn asks_for(message: &str) -> u64 {
        let micros = message.lines().find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC=")).unwrap();
        micros.parse::<u64>().unwrap().div_ceil(1_000_000)
    }

    #[test]
    fn the_variables_are_read_as_systemd_means_them() {
        let from = |variables: &[(&str, String)]| {
            let found =
                |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| value.into());
            Manager::from(found)
        };
        let (socket, usec) =
            (("NOTIFY_SOCKET", "/run/n".to_owned()), ("WATCHDOG_USEC", "3000000".to_owned()));
        let me = std::process::id();
        assert!(from(&[]).is_none());
        assert!(from(&[("NOTIFY_SOCKET", "relative".into())]).is_none());
        let watchdog = |variables: &[(&str, String)]| from(variables).unwrap().watchdog;
        assert_eq!(watchdog(std::slice::from_ref(&socket)), None);
        assert_eq!(watchdog(&[socket.clone(), usec.clone()]), Some(3 * SECOND));
        assert_eq!(
            watchdog(&[socket.clone(), usec.clone(), ("WATCHDOG_PID", me.to_string())]),
            Some(3 * SECOND)
        );
        assert_eq!(watchdog(&[socket.clone(), usec, ("WATCHDOG_PID", (me + 1).to_string())]), None);
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "0".into())]), None);
    }

    #[test]
    fn each_step_that_begins_asks_for_its_time_and_what_ends_for_none() {
        let mut rig = Rig::new(None);
        rig.notifier.hear(&began(Phase::Start, 30));
        let said = rig.said();
        assert!(said[0].starts_with("STATUS=starting: open_db (up to 30s)\n"), "{said:?}");
        assert_eq!((said.len(), asks_for(&said[0])), (1, 35));
        rig.notifier.hear(&Say::StepEnded {
            id: "id".into(),
            phase: Phase::Start,
            step: "open_db".into(),
            outcome: Outcome::Done,
            error: None,
            ran: SECOND,
            drained_in: None,
        });
        assert_eq!(rig.said(), ["STATUS=starting\n"]);
        rig.notifier.hear(&Say::Ready { after: SECOND });
        assert_eq!(rig.said(), ["READY=1\nSTATUS=ready\n"]);
    }

    #[test]
    fn a_shutdown_asks_for_what_is_left_of_it_whatever_a_step_may_take() {
        let mut rig = Rig::new(None);
        rig.notifier.hear(&triggered(Some(Instant::now() + 25 * SECOND)));
        let said = rig.said();
        assert!(said[0].starts_with("STOPPING=1\nSTATUS=SIGTERM: shutting down"), "{said:?}");
        assert_eq!(asks_for(&said[0]), 30);
        rig.notifier.hear(&began(Phase::Shutdown, 90));
        assert_eq!(asks_for(&rig.said()[0]), 30);
        assert_eq!(rig.notifier.on_time(Instant::now()), None, "nobody has to be asked");
    }

    #[test]
    fn without_a_deadline_it_asks_again_for_as_long_as_it_is_answered() {
        let mut rig = Rig::new(None);
        rig.notifier.hear(&triggered(None));
        assert_eq!(asks_for(&rig.said()[0]), 30);
        let now = Instant::now();
        let next = rig.notifier.on_time(now).unwrap();
        assert_eq!(next, now + 10 * SECOND);
        rig.asked.try_recv().unwrap().store(true, Ordering::Release);
        rig.notifier.on_time(now);
        assert_eq!(rig.said(), ["EXTEND_TIMEOUT_USEC=30000000\n"]);
        rig.notifier.on_time(next);
        rig.notifier.on_time(next + 10 * SECOND);
        assert!(rig.said().is_empty(), "nobody has answered");
    }

    #[test]
    fn the_watchdog_is_fed_at_half_its_time_and_by_answers_alone() {
        let mut rig = Rig::new(Some(4 * SECOND));
        let zero = Instant::now();
        assert_eq!(rig.notifier.on_time(zero), Some(zero + 2 * SECOND));
        let answered = rig.asked.try_recv().unwrap();
        assert_eq!(rig.notifier.on_time(zero + SECOND), Some(zero + 2 * SECOND));
        assert!(rig.asked.try_recv().is_err() && rig.said().is_empty());
        rig.notifier.on_time(zero + 2 * SECOND);
        assert!(rig.asked.try_recv().is_err(), "it is still being asked");
        answered.store(true, Ordering::Release);
        rig.notifier.on_time(zero + 3 * SECOND);
        assert_eq!(rig.said(), ["WATCHDOG=1\nSTATUS=starting\n"]);
        rig.notifier.on_time(zero + 4 * SECOND);
        let _unanswered = rig.asked.try_recv().unwrap();
        rig.notifier.hear(&triggered(Some(zero + 25 * SECOND)));
        rig.notifier.on_time(zero + 5 * SECOND);
        assert!(rig.asked.try_recv().is_ok(), "in a shutdown somebody else answers");
    }

    #[test]
    fn the_environment_is_left_alone_while_there_are_other_threads() {
        let (to, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        assert!(!sys::forget_variables(&["PATH"]));
        assert!(std::env::var_os("PATH").is_some());
        drop(to);
        other.join().unwrap().unwrap_err();
    }

    #[test]
    fn a_text_from_outside_cannot_say_anything_else() {
        let mut rig = Rig::new(None);
        rig.notifier.hear(&Say::Triggered {
            id: "id".into(),
            reason: "shutdown(\"a\nREADY=1\nMAINPID=1\")".into(),
            grace: String::new(),
            deadline: None,
        });
        let said = rig.said();
        assert_eq!(said[0].lines().count(), 3, "{said:?}");
        assert!(said[0].lines().all(|line| !line.starts_with("READY") && !line.starts_with("MAINPID")));
    }
}

//! The thread that receives signals: the first one triggers the shutdown, a later one ends the process. Others pause the
//! service and let it go on.

use std::io;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::iterator::Signals;
use signal_hook::iterator::backend::Pending;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::process::Lifecycle;
use crate::report::Reason;
use crate::settings::signals;
use crate::sys;

/// Terminals and wrappers deliver one Ctrl-C twice: what comes within this time of the first signal is the same one.
const DEBOUNCE: Duration = Duration::from_millis(500);

#[cfg(feature = "metrics")]
const FORCED_PATIENCE: Duration = Duration::from_millis(20);

/// What a second signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    /// Exits with 128 + n.
    Exit,
    /// The process is not ours to exit: it dies by the signal, as it would have without us.
    Die,
}

/// Which signals are caught, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) shutdown: Vec<i32>,
    pub(crate) pause: Option<i32>,
    pub(crate) resume: Option<i32>,
}

/// What the handlers of the signals that begin the shutdown leave for the main thread.
#[derive(Clone, Default)]
pub(crate) struct Mark {
    /// Zero, or the last signal; the lowest bit is the main thread's.
    pub(crate) word: Arc<AtomicUsize>,
    /// The main thread sleeps until it is something else than zero.
    #[cfg(target_os = "linux")]
    pub(crate) asleep: Arc<AtomicBool>,
}

impl Mark {
    fn of(signal: i32) -> usize {
        usize::try_from(signal).unwrap_or_default() << 1
    }

    /// The signal, if it is the mark of one.
    #[cfg(target_os = "linux")]
    pub(crate) fn signal(mark: usize) -> Option<i32> {
        i32::try_from(mark >> 1).ok().filter(|&signal| signal != 0)
    }
}

/// How long the main thread and a worker have both cores of a small machine for themselves once a signal has woken the
/// first: they need a tenth of that to have the first hooks on their way.
#[cfg(target_os = "linux")]
const HEAD_START: Duration = Duration::from_millis(1);

/// Where the signals' thread learns of them.
struct Incoming {
    signals: Signals,
    /// What it waits for; without one, for a signal.
    #[cfg(target_os = "linux")]
    alarm: Option<Arc<sys::Alarm>>,
}

impl Incoming {
    /// Of shutdown signals that wake the main thread from its sleep, the first is learned of a little later.
    fn of(caught: &[i32], shutdown: &[i32], mark: Option<&Mark>) -> io::Result<Self> {
        let signals = Signals::new(caught)?;
        if let Some(Mark { word, .. }) = mark {
            for &signal in shutdown {
                signal_hook::flag::register_usize(signal, Arc::clone(word), Mark::of(signal))?;
            }
        }
        Ok(Incoming {
            signals,
            #[cfg(target_os = "linux")]
            alarm: match mark {
                Some(mark) => alarm(caught, shutdown, mark)?,
                None => None,
            },
        })
    }

    /// Waits for signals, and returns those that have come.
    fn next(&mut self) -> Pending<SignalOnly> {
        #[cfg(target_os = "linux")]
        if self.alarm.as_ref().is_some_and(|alarm| alarm.wait().is_ok()) {
            return self.signals.pending();
        }
        self.signals.wait()
    }
}

/// `None`: the system gives none.
#[cfg(target_os = "linux")]
fn alarm(caught: &[i32], shutdown: &[i32], mark: &Mark) -> io::Result<Option<Arc<sys::Alarm>>> {
    let Ok(alarm) = sys::Alarm::new().map(Arc::new) else { return Ok(None) };
    let (never, started) = (Arc::default(), Arc::default());
    for signal in caught {
        let asleep = if shutdown.contains(signal) { &mark.asleep } else { &never };
        sys::ring_at(*signal, &alarm, asleep, &started, HEAD_START)?;
    }
    Ok(Some(alarm))
}

/// Catches the signals from now on.
///
/// # Errors
/// A signal cannot be caught, or the system gives no more threads.
pub(crate) fn spawn(
    wanted: Wanted,
    life: &'static Lifecycle,
    second: Second,
    mark: Option<&Mark>,
) -> io::Result<()> {
    let Wanted { mut shutdown, pause, resume } = wanted;
    // `nohup`: a hangup that the parent ignores stays ignored.
    let is_caught = |signal: &i32| *signal != signals::SIGHUP || !sys::is_ignored(*signal);
    shutdown.retain(is_caught);
    let others = pause.into_iter().chain(resume).filter(is_caught);
    let caught: Vec<i32> = shutdown.iter().copied().chain(others).collect();
    let mut incoming = Incoming::of(&caught, &shutdown, mark)?;
    thread::Builder::new().name("lifecycle-signals".into()).spawn(move || {
        sys::unblock(&caught);
        let mut first: Option<Instant> = None;
        loop {
            for signal in incoming.next() {
                if Some(signal) == pause {
                    life.pause();
                    continue;
                }
                if Some(signal) == resume {
                    life.resume();
                    continue;
                }
                match first {
                    None => {
                        first = Some(Instant::now());
                        // Whoever was the first: the main thread has woken nobody, and may be stuck by now.
                        if !life.trigger(Reason::Signal(signal)) {
                            life.wake_all();
                        }
                    }
                    Some(at) if at.elapsed() < DEBOUNCE => {}
                    Some(_) => force(signal, second),
                }
            }
        }
    })?;
    Ok(())
}

fn force(signal: i32, second: Second) -> ! {
    let name = signals::name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
    let code = 128 + signal;
    let line = match second {
        Second::Exit => format!("lifecycle: a second {name}: leaving at once, exit {code}\n"),
        Second::Die => format!("lifecycle: a second {name}: leaving at once\n"),
    };
    #[cfg(feature = "terminal")]
    sys::write_stderr(crate::narrator::terminal::restore(), Instant::now());
    sys::write_stderr(line.as_bytes(), Instant::now());
    #[cfg(feature = "metrics")]
    if let Some(running) = crate::process::lifecycle().running() {
        running.narrator.say(crate::narrator::Say::Forced { signal });
        // For a recorder that sends what it is told; one that is scraped has nobody to tell any more.
        running.narrator.flush(FORCED_PATIENCE);
    }
    match second {
        Second::Exit => sys::exit_now(code),
        Second::Die => sys::die_by(signal),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[cfg(not(loom))]
mod tests {
    use std::sync::atomic::Ordering;

    use signal_hook::consts::{SIGURG, SIGWINCH};
    use signal_hook::low_level::raise;

    use super::*;

    // Each test has a signal of its own, of those that do nothing where nobody waits for them.

    /// It never comes to that.
    const LONG: Duration = Duration::from_secs(60);

    struct Rig {
        alarm: Arc<sys::Alarm>,
        asleep: Arc<AtomicBool>,
    }

    impl Rig {
        /// Of a sleeper that is this thread.
        fn new(signal: i32, head_start: Duration) -> Self {
            let rig = Rig { alarm: Arc::new(sys::Alarm::new().unwrap()), asleep: Arc::default() };
            // That it can be set was tried.
            rig.alarm.wait().unwrap();
            let started = Arc::default();
            sys::ring_at(signal, &rig.alarm, &rig.asleep, &started, head_start).unwrap();
            rig
        }

        fn rings_after(&self, raise: impl FnOnce()) -> Duration {
            let began = Instant::now();
            raise();
            self.alarm.wait().unwrap();
            began.elapsed()
        }
    }

    #[test]
    fn who_sleeps_and_is_woken_by_the_handler_has_a_head_start_once() {
        let head_start = Duration::from_millis(50);
        let (rig, other) = (Rig::new(SIGURG, head_start), Rig::new(SIGURG, LONG));
        rig.asleep.store(true, Ordering::SeqCst);
        other.asleep.store(true, Ordering::SeqCst);
        assert!(rig.rings_after(|| raise(SIGURG).unwrap()) >= head_start);
        // Its start was with the first one.
        assert!(other.rings_after(|| raise(SIGURG).unwrap()) < LONG);
    }

    #[test]
    fn it_rings_at_once_if_the_sleeper_is_awake_or_was_not_woken_by_it() {
        let rig = Rig::new(SIGWINCH, LONG);
        assert!(rig.rings_after(|| raise(SIGWINCH).unwrap()) < LONG);
        rig.asleep.store(true, Ordering::SeqCst);
        let elsewhere = || thread::spawn(|| raise(SIGWINCH).unwrap()).join().unwrap();
        assert!(rig.rings_after(elsewhere) < LONG);
    }
}

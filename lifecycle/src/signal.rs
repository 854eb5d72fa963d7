//! The thread that receives signals: the first one triggers the shutdown, a later one ends the process. Others pause the
//! service and let it go on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::iterator::Signals;

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
    taken: Arc<AtomicBool>,
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

    /// The main thread has seen it, and begins the shutdown.
    #[cfg(target_os = "linux")]
    pub(crate) fn take(&self) {
        self.taken.store(true, Ordering::Release);
    }
}

/// How long the main thread has both cores of a small machine for itself once it has taken a signal: it needs a tenth of
/// that to have the first hooks on their way.
const HEAD_START: Duration = Duration::from_millis(1);

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
    let mut incoming = Signals::new(&caught)?;
    let taken = mark.map(|mark| Arc::clone(&mark.taken)).unwrap_or_default();
    if let Some(Mark { word, .. }) = mark {
        for signal in shutdown {
            signal_hook::flag::register_usize(signal, Arc::clone(word), Mark::of(signal))?;
        }
    }
    thread::Builder::new().name("lifecycle-signals".into()).spawn(move || {
        sys::unblock(&caught);
        let mut first: Option<Instant> = None;
        for signal in incoming.forever() {
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
                    if taken.load(Ordering::Acquire) {
                        thread::sleep(HEAD_START);
                    }
                    // Whoever was the first: the main thread has woken nobody, and may be stuck by now.
                    if !life.trigger(Reason::Signal(signal)) {
                        life.wake_all();
                    }
                }
                Some(at) if at.elapsed() < DEBOUNCE => {}
                Some(_) => force(signal, second),
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

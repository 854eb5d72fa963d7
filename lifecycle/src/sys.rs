//! Every `unsafe` block of the library: what the operating system offers and std does not.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Ends the process at once: no `atexit` handlers, no destructors, no flush.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any status, touches no memory of ours, and does not return.
    unsafe { libc::_exit(code) }
}

/// Lets this thread receive the signals, whatever mask it inherited.
pub(crate) fn unblock(signals: &[i32]) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set before anything reads it; the other calls are given a valid set and
    // change the calling thread's mask only. A number that is no signal is refused by `sigaddset` with an error.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Whether the process was started with this signal ignored (`nohup`).
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null new action only queries; on success (0) the kernel has filled `action`, and only then is it read.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init_ref().sa_sigaction == libc::SIG_IGN
    }
}

/// Dies by the signal, as if nobody had caught it. PID 1 survives its own default action and exits with 128 + n.
pub(crate) fn die_by(signal: i32) -> ! {
    // SAFETY: setting the default disposition installs no handler of ours; `raise` sends to the calling thread.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        unblock(&[signal]);
        libc::raise(signal);
    }
    exit_now(128 + signal)
}

/// Bytes that a pipe takes without blocking once `poll` reports it writable.
const PIPE_BUF: usize = 4096;

/// Writes to stderr for as long as it takes the bytes, never blocking past `until`. Past std's lock, which another
/// thread may hold while it is blocked on the same pipe. Returns whether everything was written.
pub(crate) fn write_stderr(mut bytes: &[u8], until: Instant) -> bool {
    while !bytes.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if !stderr_takes_bytes(left) {
            return false;
        }
        let chunk = &bytes[..bytes.len().min(PIPE_BUF)];
        // SAFETY: the pointer and the length are those of a live slice.
        let written = unsafe { libc::write(libc::STDERR_FILENO, chunk.as_ptr().cast(), chunk.len()) };
        match usize::try_from(written) {
            Ok(0) => return false,
            Ok(written) => bytes = &bytes[written..],
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

fn stderr_takes_bytes(within: Duration) -> bool {
    let mut stderr = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    let millis = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `stderr` is one valid pollfd, and the count says one.
    let ready = unsafe { libc::poll(&mut stderr, 1, millis) };
    ready == 1 && stderr.revents & libc::POLLOUT != 0
}

/// How many columns and rows the terminal at stderr has.
#[cfg(feature = "terminal")]
pub(crate) fn terminal_size() -> Option<(u16, u16)> {
    let mut size = MaybeUninit::<libc::winsize>::uninit();
    // SAFETY: on success (0) the kernel has filled `size`, and only then is it read.
    unsafe {
        if libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, size.as_mut_ptr()) != 0 {
            return None;
        }
        let size = size.assume_init_ref();
        Some((size.ws_col, size.ws_row))
    }
}

/// Gives stdin away: what reads it after this is at its end.
#[cfg(feature = "testing")]
pub(crate) fn take_stdin() -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::{AsFd, AsRawFd};
    let taken = std::io::stdin().as_fd().try_clone_to_owned()?;
    let null = std::fs::File::open("/dev/null")?;
    // SAFETY: both descriptors are open, and `dup2` touches no memory of ours.
    match unsafe { libc::dup2(null.as_raw_fd(), libc::STDIN_FILENO) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(taken),
    }
}

/// Takes variables out of the environment, if there is no other thread that may be reading it. Returns whether it did.
#[cfg(feature = "systemd")]
pub(crate) fn forget_variables(names: &[&str]) -> bool {
    let threads = std::fs::read_dir("/proc/self/task").map(Iterator::count);
    if !matches!(threads, Ok(1)) {
        return false;
    }
    for name in names {
        // SAFETY: the kernel counts one thread, so this is the only one; it reads nothing of the environment meanwhile,
        // and nobody else can have begun a thread.
        unsafe { std::env::remove_var(name) };
    }
    true
}

/// Takes the lock of an open file; `false` if another process has it. The system gives it back when the process ends.
#[cfg(feature = "journal")]
pub(crate) fn try_lock(file: &std::fs::File) -> std::io::Result<bool> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open for as long as the file is borrowed, and `flock` touches no memory of ours.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = std::io::Error::last_os_error();
    if error.kind() == std::io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) }
}

/// Sleeps while the word is zero. Returns when it is not, when somebody calls [`wake_waiter`], and perhaps without a reason.
/// A signal whose handler has written to the word ends it as well: the kernel looks at the word again after every handler.
#[cfg(target_os = "linux")]
pub(crate) fn wait_while_zero(word: &AtomicUsize) {
    // SAFETY: `FUTEX_WAIT` reads four aligned bytes, those of a word that is borrowed for as long as the call, and without a
    // timeout nothing else. What it answers does not matter: whoever waits looks at the word.
    unsafe {
        let forever = std::ptr::null::<libc::timespec>();
        libc::syscall(
            libc::SYS_futex,
            low_half(word),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            0,
            forever,
        );
    }
}

/// Wakes the thread that waits for the word to change.
#[cfg(target_os = "linux")]
pub(crate) fn wake_waiter(word: &AtomicUsize) {
    // SAFETY: `FUTEX_WAKE` takes the address as a name and touches no memory.
    unsafe {
        libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
    }
}

/// The half of a word that holds small numbers: the kernel's are of 32 bits.
#[cfg(target_os = "linux")]
fn low_half(word: &AtomicUsize) -> *const u32 {
    let half = if cfg!(target_endian = "big") { size_of::<usize>() / size_of::<u32>() - 1 } else { 0 };
    word.as_ptr().cast::<u32>().cast_const().wrapping_add(half)
}

/// A clock that wakes who waits for it, and that may be set by a signal's handler.
#[cfg(target_os = "linux")]
pub(crate) struct Alarm(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Alarm {
    /// # Errors
    /// The system gives none, or none that can be set.
    pub(crate) fn new() -> std::io::Result<Self> {
        use std::os::fd::{FromRawFd, OwnedFd};
        // SAFETY: the call takes two numbers; what it answers is checked before it is taken for a descriptor, which is then
        // nobody else's.
        let alarm = unsafe {
            match libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) {
                -1 => return Err(std::io::Error::last_os_error()),
                fd => Alarm(OwnedFd::from_raw_fd(fd)),
            }
        };
        match alarm.rings_in(Duration::from_nanos(1)) {
            true => Ok(alarm),
            false => Err(std::io::Error::last_os_error()),
        }
    }

    /// Rings after so long, whatever it was set to before. Does only what a signal's handler may. Returns whether it was set.
    fn rings_in(&self, delay: Duration) -> bool {
        use std::os::fd::AsRawFd;
        // SAFETY: a specification of zeroes is one that never rings; the kernel only reads it, and the descriptor is open for
        // as long as the alarm is borrowed.
        unsafe {
            let mut when = std::mem::zeroed::<libc::itimerspec>();
            when.it_value.tv_sec = delay.as_secs().try_into().unwrap_or_default();
            when.it_value.tv_nsec = delay.subsec_nanos().max(1) as libc::c_long;
            libc::timerfd_settime(self.0.as_raw_fd(), 0, &when, std::ptr::null_mut()) == 0
        }
    }

    /// Waits until it rings, or until a signal was handled on this thread.
    ///
    /// # Errors
    /// It is none any more: somebody has closed it.
    pub(crate) fn wait(&self) -> std::io::Result<()> {
        use std::os::fd::AsRawFd;
        let mut rang = 0_u64;
        // SAFETY: an alarm that has rung writes eight bytes, which the number has.
        let read = unsafe { libc::read(self.0.as_raw_fd(), (&raw mut rang).cast(), size_of::<u64>()) };
        match std::io::Error::last_os_error() {
            error if read < 0 && error.kind() != std::io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

/// Has every handler of the signal ring the alarm: at once, or after the head start of a thread that sleeps and that the handler
/// itself has woken. That is the one from which this is called; it says in `asleep` whether it sleeps, and it gets its start once.
///
/// # Errors
/// The signal cannot be caught.
#[cfg(target_os = "linux")]
pub(crate) fn ring_at(
    signal: i32,
    alarm: &std::sync::Arc<Alarm>,
    asleep: &std::sync::Arc<AtomicBool>,
    started: &std::sync::Arc<AtomicBool>,
    head_start: Duration,
) -> std::io::Result<()> {
    use std::sync::Arc;
    let (alarm, asleep, started) = (Arc::clone(alarm), Arc::clone(asleep), Arc::clone(started));
    // SAFETY: the call takes nothing and only answers who the caller is, in a handler too.
    // Some systems answer with a pointer, which is used as a name alone.
    let this_thread = || unsafe { libc::pthread_self() } as usize;
    let sleeper = this_thread();
    let ring = move || {
        let woken = this_thread() == sleeper && asleep.load(Ordering::SeqCst);
        let first = woken && !started.swap(true, Ordering::SeqCst);
        alarm.rings_in(if first { head_start } else { Duration::ZERO });
    };
    // SAFETY: what runs in the handler compares numbers, reads and writes atomics and makes one system call: it allocates
    // nothing, takes no lock, cannot panic, and `signal-hook` keeps `errno`.
    unsafe { signal_hook::low_level::register(signal, ring).map(drop) }
}

/// Makes [`membarrier`] usable. Returns whether the system lets us.
#[cfg(target_os = "linux")]
#[cfg_attr(any(loom, miri), allow(dead_code, reason = "there the gate fences by itself"))]
pub(crate) fn register_membarrier() -> bool {
    membarrier_command(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

/// A full memory fence on every running thread of this process. Returns whether the system did it.
#[cfg(target_os = "linux")]
pub(crate) fn membarrier() -> bool {
    membarrier_command(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn membarrier_command(command: libc::c_int) -> bool {
    // SAFETY: the call takes three numbers and touches no memory of ours; a kernel that does not know it or a sandbox that
    // forbids it answers with an error.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Keeps the calling thread on one processor, if the system lets us.
#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) fn stay_on(processor: usize) {
    // SAFETY: a set of zeroes is an empty one, and the kernel only reads it; 0 is the calling thread.
    unsafe {
        let mut set = std::mem::zeroed::<libc::cpu_set_t>();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

//! What the tests ask of the operating system: pipes in every state, inherited masks and dispositions, limits.
#![expect(unsafe_code, reason = "std offers none of this")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::child::{Child, Ended, PATIENCE, before_exec};

/// A pipe: what is written to the second comes out of the first.
pub fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: on success both are descriptors that nobody else has.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0, "the system gives a pipe");
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

/// A pipe that takes no more bytes. Nobody reads it for as long as the first is kept.
pub fn full_pipe() -> (File, File) {
    let (reader, writer) = pipe();
    fill(&writer);
    (reader, writer)
}

/// Writes into a pipe until it takes no more. Nobody may write to it meanwhile.
pub fn fill(mut writer: &File) {
    set_nonblocking(writer, true);
    // The last bytes one by one: a pipe may refuse a whole page and still take a byte.
    for size in [4096, 1] {
        let bytes = vec![b'.'; size];
        while writer.write(&bytes).is_ok() {}
    }
    set_nonblocking(writer, false);
}

fn set_nonblocking(file: &File, on: bool) {
    // SAFETY: both calls only get and set the flags of a descriptor that is open.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
        assert_eq!(libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags), 0);
    }
}

/// The end of a child's stdin that the test holds: the child's step goes on when a line is written.
#[derive(Debug)]
pub struct Leash(File);

impl Leash {
    /// Gives the command a stdin whose end is held here.
    pub fn on(command: &mut Command) -> Self {
        let (reader, writer) = pipe();
        command.stdin(Stdio::from(OwnedFd::from(reader)));
        Leash(writer)
    }

    /// Lets whoever reads a line go on.
    pub fn let_go(&mut self) {
        self.0.write_all(b"go\n").expect("the child's stdin is open");
    }
}

/// The child inherits these signals as blocked.
pub fn block(command: &mut Command, signals: &'static [i32]) {
    mask(command, signals, libc::SIG_BLOCK);
}

fn mask(command: &mut Command, signals: &'static [i32], how: i32) {
    let set = move || {
        // SAFETY: `sigemptyset` initialises the set; the other calls are async-signal-safe and given a valid set.
        let done = unsafe {
            let mut set = std::mem::zeroed::<libc::sigset_t>();
            libc::sigemptyset(&mut set);
            for &signal in signals {
                libc::sigaddset(&mut set, signal);
            }
            libc::pthread_sigmask(how, &set, std::ptr::null_mut())
        };
        if done == 0 { Ok(()) } else { Err(std::io::Error::from_raw_os_error(done)) }
    };
    // SAFETY: only async-signal-safe calls.
    unsafe { before_exec(command, set) };
}

/// The child is not told to ignore what whoever runs the tests has been told to ignore: `nohup`, or a shell in the background.
pub fn hear(command: &mut Command) {
    let set = || {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
            // SAFETY: installs no handler of ours; async-signal-safe.
            if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
                return Err(std::io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: only an async-signal-safe call.
    unsafe { before_exec(command, set) };
}

/// The child inherits this signal as ignored, as under `nohup`.
pub fn ignore(command: &mut Command, signal: i32) {
    let set = move || {
        // SAFETY: installs no handler of ours; async-signal-safe.
        let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
        if before == libc::SIG_ERR { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: only an async-signal-safe call.
    unsafe { before_exec(command, set) };
}

/// The child has sent itself this signal before it becomes the program; it pends if it is blocked.
pub fn pend(command: &mut Command, signal: i32) {
    let send = move || {
        // SAFETY: async-signal-safe; the process sends to itself.
        let sent = unsafe { libc::kill(libc::getpid(), signal) };
        if sent == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: only async-signal-safe calls.
    unsafe { before_exec(command, send) };
}

/// The child has this stream closed.
pub fn close(command: &mut Command, stream: i32) {
    let close = move || {
        // SAFETY: async-signal-safe; closes one of the child's own streams.
        let closed = unsafe { libc::close(stream) };
        if closed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: only an async-signal-safe call.
    unsafe { before_exec(command, close) };
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    // SAFETY: always succeeds.
    unsafe { libc::geteuid() == 0 }
}

/// The child runs as this user and can have at most so many threads.
pub fn limit_threads(command: &mut Command, user: u32, threads: u64) {
    let limit = move || {
        let limit = libc::rlimit { rlim_cur: threads, rlim_max: threads };
        // SAFETY: a valid limit; async-signal-safe.
        match unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: only an async-signal-safe call.
    unsafe { before_exec(command, limit) };
    if is_root() {
        // Root is above the limit. std changes the user before it runs what is above.
        command.uid(user);
    }
}

/// Sends a signal to any process.
pub fn send(pid: i32, signal: i32) {
    // SAFETY: takes any numbers.
    let sent = unsafe { libc::kill(pid, signal) };
    assert_eq!(sent, 0, "{pid} takes signals");
}

/// The only child of a process, once there is one.
pub fn child_of(pid: i32) -> i32 {
    let list = format!("/proc/{pid}/task/{pid}/children");
    let until = Instant::now() + PATIENCE;
    loop {
        let children = std::fs::read_to_string(&list).unwrap_or_default();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().unwrap();
        }
        assert!(Instant::now() < until, "{pid} has no child");
        std::thread::yield_now();
    }
}

/// A folder of the test's own, gone with it.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lifecycle-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Scratch(path)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Errors: what is left in a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A text file's lines.
pub fn lines(file: &Path) -> Vec<String> {
    let mut text = String::new();
    File::open(file).and_then(|mut file| file.read_to_string(&mut text)).unwrap_or_else(|error| {
        panic!("{}: {error}", file.display());
    });
    text.lines().map(str::to_owned).collect()
}

/// Sends SIGTERM and waits until it is over, as far as the machine's load allows within the time.
pub fn terminate_within(child: Child, within: Duration) -> Ended {
    child.signal(libc::SIGTERM);
    child.wait(within)
}

/// Every step of the report with its outcome, where the exit code is not the report's own.
pub fn steps(ended: &Ended) -> Vec<(String, String)> {
    steps_of(&ended.report())
}

/// Every step of this report.
pub fn steps_of(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = report["steps"].as_array().unwrap();
    steps.iter().map(|step| (text(&step["name"]), text(&step["outcome"]))).collect()
}

/// The same list as a test writes it.
pub fn named(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    steps.iter().map(|(name, outcome)| ((*name).to_owned(), (*outcome).to_owned())).collect()
}

/// Waits until a file has a line that begins so: for programs whose streams cannot be read.
pub fn wait_for_line(file: &Path, begin: &str) {
    let until = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.starts_with(begin))) {
        assert!(Instant::now() < until, "no {begin:?} in {}", file.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A terminal: what is written to the second is read from the first.
pub fn terminal() -> (File, File) {
    let (mut screen, mut terminal) = (0, 0);
    let none = std::ptr::null_mut();
    // SAFETY: both numbers are written on success, and then they are descriptors that nobody else has.
    unsafe {
        assert_eq!(libc::openpty(&mut screen, &mut terminal, none, none.cast(), none.cast()), 0);
        (File::from_raw_fd(screen), File::from_raw_fd(terminal))
    }
}

/// What the kernel answers to one command of `membarrier(2)`.
#[derive(Clone, Copy, Debug)]
pub enum Membarrier {
    /// Registering fails, as in a sandbox that does not know the call; using it all the same kills the process.
    RegisterForbidden,
    /// Using it fails, though it was registered.
    UseForbidden,
    /// Registering kills the process.
    RegisterKills,
}

/// Puts the child into a sandbox: a seccomp filter on `membarrier(2)`.
pub fn sandbox(command: &mut Command, membarrier: Membarrier) {
    let errno = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let kill = libc::SECCOMP_RET_KILL_PROCESS;
    let (register, used) = match membarrier {
        Membarrier::RegisterForbidden => (errno, kill),
        Membarrier::UseForbidden => (libc::SECCOMP_RET_ALLOW, errno),
        Membarrier::RegisterKills => (kill, libc::SECCOMP_RET_ALLOW),
    };
    let load = |at| libc::sock_filter {
        code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        jt: 0,
        jf: 0,
        k: at,
    };
    let skip_unless = |skipped, value: i64| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: skipped,
        k: value as u32,
    };
    let answer = |k| libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k };
    // The call's number is at 0 of what the filter is given, its first argument at 16.
    let mut filter = [
        load(0),
        skip_unless(5, libc::SYS_membarrier),
        load(16),
        skip_unless(1, libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED.into()),
        answer(register),
        skip_unless(1, libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED.into()),
        answer(used),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let enter = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: both calls are async-signal-safe; the program and the filter it points to are live until they return.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: only async-signal-safe calls.
    unsafe { before_exec(command, enter) };
}

/// Whatever this process has open at that path becomes what `other` is.
pub fn replace_open(path: &Path, other: &File) {
    let path = path.canonicalize().expect("it is there");
    let mut replaced = 0;
    for entry in std::fs::read_dir("/proc/self/fd").expect("this is Linux") {
        let entry = entry.unwrap().path();
        // The descriptor of this very listing is among them, and gone by then.
        if std::fs::read_link(&entry).is_ok_and(|target| target == path) {
            let descriptor: i32 = entry.file_name().unwrap().to_str().unwrap().parse().unwrap();
            // SAFETY: both are open; whoever has the first goes on with it as one that is open.
            let done = unsafe { libc::dup2(other.as_raw_fd(), descriptor) };
            assert_eq!(done, descriptor, "the descriptor is replaced");
            replaced += 1;
        }
    }
    assert_eq!(replaced, 1, "{} is open once", path.display());
}

//! What a person sees, in a real terminal emulator (tmux): a screen of cells, and not the bytes that were meant to make
//! it.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lifecycle_tests::child::PATIENCE;

const FORCE: &str = "force, exit 130";

/// A terminal in which the program runs, then a shell's loop.
struct Screen {
    server: String,
    rows: usize,
}

impl Screen {
    /// `None`: there is no tmux on this machine.
    fn of((columns, rows): (usize, usize), environment: &str, scenario: &str) -> Option<Self> {
        static SERVERS: AtomicU32 = AtomicU32::new(0);
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let screen = Screen { server: format!("lifecycle-{}-{number}", std::process::id()), rows };
        let known = Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if known.is_err() {
            eprintln!("left out: there is no tmux here (.ci/run installs one)");
            return None;
        }
        // What comes after the program shows what it has left the terminal in.
        let command = format!(
            "env -u CI -u NO_COLOR -u LC_ALL LANG=C.UTF-8 LIFECYCLE_REPORT=off {environment} {} '{scenario}'; \
             echo ended with $?; read word; seq 1 100; cat",
            env!("CARGO_BIN_EXE_live")
        );
        let (width, height) = (columns.to_string(), rows.to_string());
        screen.tmux(&["-u", "-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, &command]);
        Some(screen)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        let done = tmux.args(["-L", &self.server]).args(arguments).output().unwrap();
        assert!(done.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// What is on it, row by row.
    fn now(&self) -> Vec<String> {
        let shown = self.tmux(&["capture-pane", "-p"]);
        let mut rows: Vec<String> = shown.lines().map(|line| line.trim_end().to_owned()).collect();
        rows.resize(self.rows, String::new());
        rows
    }

    /// Waits until it is like this.
    fn wait(&self, what: &str, is: impl Fn(&[String]) -> bool) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let rows = self.now();
            if is(&rows) {
                return rows;
            }
            assert!(Instant::now() < until, "not seen: {what}\n{}", rows.join("\n"));
            // A screen can only be looked at again.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, text: &str) -> Vec<String> {
        self.wait(text, |rows| rows.iter().any(|row| row.contains(text)))
    }

    fn say(&self, word: &str) {
        self.tmux(&["send-keys", "-l", &format!("{word}\n")]);
    }

    fn press_ctrl_c(&self) {
        self.tmux(&["send-keys", "C-c"]);
    }

    /// Everything scrolls again, and nothing of the view is left.
    fn assert_as_before(&self) {
        self.say("go on");
        let rows = self.wait_for("100");
        let end = rows.iter().rposition(|row| row == "100").unwrap();
        assert!(end >= self.rows - 2, "the last row is used: {rows:?}");
        for (row, number) in rows[..end].iter().zip(100 - end..) {
            assert_eq!(*row, number.to_string(), "{rows:?}");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Errors: it is gone already.
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).output();
    }
}

/// Where the view begins, which goes on to the last row.
fn head(rows: &[String]) -> usize {
    rows.iter().position(|row| row.contains(FORCE)).unwrap_or_else(|| panic!("no head: {rows:#?}"))
}

#[test]
fn it_stays_at_the_foot_whatever_the_service_writes() {
    let Some(screen) = Screen::of((100, 24), "", "life") else { return };
    screen.wait_for("serving");
    screen.press_ctrl_c();
    let rows = screen.wait_for(FORCE);
    assert_eq!(head(&rows), 22, "{rows:#?}");
    assert!(
        rows[22].starts_with("── SIGINT · ") && rows[22].contains(" of 2m · Ctrl-C again: "),
        "{rows:#?}"
    );
    assert!(rows[23].contains("Requests") && rows[23].contains("of 40s"), "{rows:#?}");
    assert!(rows[23].contains("3 calls: ") && rows[23].contains("create_order ×2"), "{rows:#?}");
    assert!(rows[23].contains("checkout order=42 "), "{rows:#?}");

    screen.say("chat");
    let rows = screen.wait_for("service line 59");
    let (last, head) = (rows.iter().position(|row| row == "service line 59").unwrap(), head(&rows));
    assert!(last < head, "{rows:#?}");
    for back in 0..last {
        assert_eq!(rows[last - back], format!("service line {}", 59 - back), "{rows:#?}");
    }

    screen.say("fill");
    let rows = screen.wait("both steps", |rows| {
        let shown = |text: &str| rows[rows.len() - 3..].iter().any(|row| row.contains(text));
        shown("close_cache") && shown("close_the_database_of_e")
    });
    assert_eq!(self::head(&rows), 21, "{rows:#?}");
    assert!(rows[22].contains("──") && rows[22].contains(" of "), "{rows:#?}");
    screen.say("close");
    let rows = screen.wait_for("ended with 0");
    assert!(rows.iter().any(|row| row.contains("lifecycle:   close_cache done in")), "{rows:#?}");
    assert!(rows.iter().all(|row| !row.contains(FORCE)), "{rows:#?}");
    screen.assert_as_before();
}

#[test]
fn the_second_ctrl_c_does_what_it_said_and_gives_the_screen_back() {
    let Some(screen) = Screen::of((80, 24), "", "life") else { return };
    screen.wait_for("serving");
    screen.press_ctrl_c();
    // Twice the debounce: what comes sooner is the same press.
    screen.wait(FORCE, |rows| rows.iter().any(|row| row.contains(FORCE) && row.contains("· 1.")));
    screen.press_ctrl_c();
    let rows = screen.wait_for("ended with 130");
    assert!(rows.iter().any(|row| row.contains("a second SIGINT: leaving at once, exit 130")), "{rows:#?}");
    screen.assert_as_before();
}

#[test]
fn the_watchdog_gives_the_screen_back_before_it_ends_the_process() {
    let Some(screen) = Screen::of((80, 24), "LIFECYCLE_GRACE=3s", "stuck") else { return };
    screen.wait_for("serving");
    screen.press_ctrl_c();
    screen.wait_for(FORCE);
    let rows = screen.wait_for("ended with 124");
    let words = "lifecycle: 3s have passed, the watchdog ends the process, exit 124";
    assert!(rows.concat().contains(words), "{rows:#?}");
    assert!(rows.iter().all(|row| !row.contains(FORCE)), "{rows:#?}");
    screen.assert_as_before();
}

#[test]
fn a_small_terminal_shows_what_matters_most() {
    let Some(screen) = Screen::of((40, 10), "NO_COLOR=1", "life") else { return };
    screen.wait_for("serving");
    screen.press_ctrl_c();
    let rows = screen.wait_for(FORCE);
    assert_eq!(head(&rows), 8, "{rows:#?}");
    assert!(rows[9].contains("Requests"), "{rows:#?}");
    let coloured = screen.tmux(&["capture-pane", "-p", "-e"]);
    assert!(!coloured.contains('\x1b'), "{coloured:?}");
    screen.say("fill");
    let rows = screen.wait("the steps", |rows| rows[9].contains("more") || rows[9].contains("close"));
    assert_eq!(rows.iter().filter(|row| row.contains(FORCE)).count(), 1, "nothing has wrapped: {rows:#?}");
    screen.say("close");
    screen.wait_for("ended with 0");
    screen.assert_as_before();
}

#[test]
fn a_slow_start_is_shown_too() {
    let Some(screen) = Screen::of((80, 24), "LC_ALL=C", "slow start") else { return };
    let rows = screen.wait("open_db", |rows| rows[23].contains("open_db") && rows[23].contains(" of 30s"));
    assert!(rows[22].starts_with("-- starting ---"), "not UTF-8: {rows:#?}");
    screen.say("open");
    screen.wait("the end of it", |rows| {
        let shown = |text: &str| rows.iter().any(|row| row.contains(text));
        shown("serving") && !shown("-- starting")
    });
}

#[test]
fn where_no_cursor_moves_there_are_lines_alone() {
    for environment in ["TERM=dumb", "CI=true"] {
        let Some(screen) = Screen::of((80, 24), environment, "life") else { return };
        screen.wait_for("serving");
        screen.press_ctrl_c();
        let rows = screen.wait_for("3 call(s) still running");
        assert!(rows.iter().any(|row| row.contains("press Ctrl-C again to")), "{rows:#?}");
        // A line is wider than the terminal.
        let rows = screen.wait("what still runs", |rows| rows.concat().contains("order=42 ("));
        let text = rows.concat();
        assert!(
            text.contains("lifecycle:   Requests, after ") && text.contains(": create_order ×2 ("),
            "{rows:#?}"
        );
        screen.say("fill");
        screen.say("close");
        let rows = screen.wait_for("ended with 0");
        assert!(rows.iter().all(|row| !row.contains(FORCE)), "{rows:#?}");
    }
}

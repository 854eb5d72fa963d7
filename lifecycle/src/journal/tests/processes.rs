//! The journal of processes that are killed, refused, and short of room. A child is this test program, told to run
//! [`child`] alone.
//!
//! `JOURNAL_KILLS=300` kills more of them.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::super::event::Event;
use super::super::line::read;
use super::super::replay::replay;
use super::super::{Journal, Opened};
use super::Random;
use crate::report::{Outcome, example};

const PATIENCE: Duration = Duration::from_secs(60);

/// A child that plays a role, after what a shell does first.
fn command(exe: &Path, role: &str, journal: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(exe)
        .args(["--exact", "journal::tests::processes::child", "--ignored", "--nocapture", "--test-threads=1"])
        .envs([("JOURNAL_ROLE", role), ("RUST_BACKTRACE", "0")])
        .env("JOURNAL_PATH", journal)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(role: &str, journal: &Path, shell: &str) -> Self {
        Self::of(command(&std::env::current_exe().unwrap(), role, journal, shell))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    /// The next line that begins so, without that.
    fn said(&mut self, begin: &str) -> String {
        for line in self.lines.by_ref() {
            // The harness writes its own words without a line feed.
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once(begin) {
                return rest.to_owned();
            }
        }
        panic!("the child never said {begin:?}")
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors: it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the children do. Not a test of its own.
#[test]
#[ignore = "the other tests run it, in a process of its own"]
fn child() {
    let (Ok(role), Some(path)) = (std::env::var("JOURNAL_ROLE"), std::env::var_os("JOURNAL_PATH")) else {
        return;
    };
    println!();
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("write", run) => write(Path::new(&path), run),
        ("hold", _) => hold(Path::new(&path)),
        ("fill", _) => fill(Path::new(&path)),
        ("open", _) => match Journal::open(Path::new(&path), "r1") {
            Ok(_) => println!("opened"),
            Err(error) => println!("refused {error}"),
        },
        (role, _) => panic!("{role}"),
    }
}

/// Says what it hands over before it does, and what is durable.
fn hand_over(journal: &Journal, what: &'static str, step: &str, event: Event) {
    let name = step.to_owned();
    println!("sent {what} {name}");
    journal.record(event, move |written| {
        written.unwrap();
        println!("durable {what} {name}");
    });
}

fn write(path: &Path, run: &str) {
    let random = &mut Random(run.parse().unwrap());
    println!("opening");
    let Opened { journal, .. } = Journal::open(path, &format!("r{run}")).unwrap();
    println!("opened");
    for letter in journal.dead_letters() {
        if random.below(3) > 0 {
            let step = letter.step;
            hand_over(&journal, "compensated", &step, Event::Compensated { step: step.clone() });
        }
    }
    // Some come to their end, after which the next one begins the file anew.
    for n in 0..1 + random.below(60) {
        let step = format!("run{run}::step{n}");
        hand_over(&journal, "armed", &step, Event::Armed { step: step.clone() });
        if random.below(4) > 0 {
            let done = Event::Ended { step: step.clone(), outcome: Outcome::Done, why: None };
            hand_over(&journal, "done", &step, done);
        }
        if random.below(8) == 0 {
            journal.flush(PATIENCE).unwrap();
        }
    }
    journal.note(Event::RunEnded { report: example::clean().to_json() });
    journal.flush(PATIENCE).unwrap();
    println!("over");
}

/// How far each of these has come, as the child has said.
#[derive(Debug, Default, Clone)]
struct Told {
    sent: Vec<String>,
    durable: Vec<String>,
}

impl Told {
    fn hear(&mut self, line: &str) {
        if let Some((_, what)) = line.split_once("sent ") {
            self.sent.push(what.to_owned());
        } else if let Some((_, what)) = line.split_once("durable ") {
            self.durable.push(what.to_owned());
        }
    }
}

/// What a step owes, as far as the test can know.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owes {
    Certainly,
    Nothing,
    /// Something was handed over that was not acknowledged.
    Perhaps,
}

fn learn(steps: &mut BTreeMap<String, Owes>, told: &Told) {
    let mut told_of = |list: &[String], durable: bool| {
        for line in list {
            let (what, step) = line.split_once(' ').unwrap();
            let owes = match (what, durable) {
                ("armed", true) => Owes::Certainly,
                ("done" | "compensated", true) => Owes::Nothing,
                _ => Owes::Perhaps,
            };
            steps.insert(step.to_owned(), owes);
        }
    };
    // What was sent comes first, and what is durable is known better; but an end that was sent unsettles an armed.
    told_of(&told.sent, false);
    let ends = |line: &&String| !line.starts_with("armed");
    let armed: Vec<String> = told.durable.iter().filter(|line| !ends(line)).cloned().collect();
    let unsettled = |line: &String| {
        let step = line.split_once(' ').unwrap().1;
        told.sent.iter().any(|sent| !sent.starts_with("armed") && sent.ends_with(&format!(" {step}")))
    };
    told_of(&armed.into_iter().filter(|line| !unsettled(line)).collect::<Vec<_>>(), true);
    told_of(&told.durable.iter().filter(ends).cloned().collect::<Vec<_>>(), true);
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill_at_any_moment() {
    let kills = std::env::var("JOURNAL_KILLS").map_or(30, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut steps: BTreeMap<String, Owes> = BTreeMap::new();
    let (mut durable, mut unopened, mut ended) = (0, 0, 0);
    for run in 0..kills {
        let random = &mut Random(run ^ 0xdead);
        let mut child = Running::start(&format!("write {run}"), &path, "");
        // While it opens the journal, or from then until after its end.
        let lines = match random.below(3) {
            0 => {
                child.said("opening");
                0
            }
            _ => random.below(150),
        };
        let mut told = Told::default();
        let (mut opened, mut over) = (false, false);
        let mut hear = |told: &mut Told, line: String| {
            opened |= line.ends_with("opened");
            over |= line.ends_with("over");
            told.hear(&line);
        };
        for line in child.lines.by_ref().take(lines) {
            hear(&mut told, line.unwrap());
        }
        // Any moment will do; no state is waited for.
        std::thread::sleep(Duration::from_micros(random.below(3000) as u64));
        child.kill();
        for line in child.lines.by_ref() {
            hear(&mut told, line.unwrap());
        }
        durable += told.durable.len();
        unopened += u32::from(!opened);
        ended += u32::from(over);
        learn(&mut steps, &told);

        let bytes = fs::read(&path).unwrap_or_default();
        let contents = read(&bytes).unwrap_or_else(|why| panic!("run {run}: {why:?}"));
        let debts = replay(&contents.entries).debts;
        for (step, owes) in &steps {
            let is_owed = debts.letters().any(|letter| letter.step == *step);
            match owes {
                Owes::Certainly => assert!(is_owed, "run {run}: {step} is lost"),
                Owes::Nothing => assert!(!is_owed, "run {run}: {step} has a durable end"),
                // From now on it is known: whatever the file says must stay so.
                Owes::Perhaps => {}
            }
        }
        for (step, owes) in &mut steps {
            if *owes == Owes::Perhaps {
                let is_owed = debts.letters().any(|letter| letter.step == *step);
                *owes = if is_owed { Owes::Certainly } else { Owes::Nothing };
            }
        }
    }
    let kills = u32::try_from(kills).unwrap();
    println!(
        "{kills} kills: {durable} durable records, {unopened} before it was open, {ended} after the end"
    );
    assert!(durable > 5 * kills as usize, "something was at stake: {durable}");
    assert!(ended < kills, "some were killed at work");
}

fn hold(path: &Path) {
    let Opened { journal, .. } = Journal::open(path, "held").unwrap();
    // A child of its own, which would have its files and outlives it.
    let mut sleeper =
        Command::new("sleep").arg("60").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    println!("sleeper {}", sleeper.id());
    println!("holding");
    // Until it is killed.
    let _ = sleeper.wait();
    drop(journal);
}

#[test]
fn a_second_process_is_refused_until_the_first_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut first = Running::start("hold", &path, "");
    let sleeper = first.said("sleeper ");
    first.said("holding");
    let before = fs::read(&path).unwrap();
    let refused = Running::start("open", &path, "").said("refused ");
    assert!(refused.contains(&format!("in use by process {}", first.child.id())), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
    first.kill();
    // At once, though its own child still runs.
    let opened = Journal::open(&path, "r2");
    let was_alive = Command::new("kill").arg(&sleeper).status().unwrap().success();
    assert!(opened.is_ok(), "{opened:?}");
    assert!(was_alive, "the child's child was there all the time");
}

#[test]
fn it_is_private_whatever_the_umask() {
    for umask in ["000", "022", "777"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        Running::start("open", &path, &format!("umask {umask};")).said("opened");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(format!("{:o}", mode(&path)), "600", "umask {umask}");
        assert_eq!(format!("{:o}", mode(&folder.path().join("journal.lock"))), "600", "umask {umask}");
    }
}

fn fill(path: &Path) {
    let Opened { journal, .. } = Journal::open(path, "r1").unwrap();
    for n in 0..1000 {
        let (told, wait) = channel();
        journal.record(Event::Begun { step: format!("step{n}") }, move |written| drop(told.send(written)));
        match wait.recv_timeout(PATIENCE).unwrap() {
            Ok(()) => println!("durable step{n}"),
            Err(why) => {
                println!("full {why}");
                return;
            }
        }
    }
    println!("full never");
}

#[test]
fn a_full_disk_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut child = Running::start("fill", &path, "trap '' XFSZ; ulimit -f 8;");
    let mut durable = Vec::new();
    let why = loop {
        let line = child.lines.next().unwrap().unwrap();
        match line.split_once(' ') {
            Some(("durable", step)) => durable.push(step.to_owned()),
            Some(("full", why)) => break why.to_owned(),
            _ => {}
        }
    };
    assert!(why.contains("os error"), "{why}");
    assert!(durable.len() > 10);
    drop(child);
    let bytes = fs::read(&path).unwrap();
    let contents = read(&bytes).unwrap();
    assert_eq!(contents.sound, bytes.len(), "no half record stays behind");
    assert_eq!(super::steps(&contents), durable);
}

#[test]
fn a_disk_that_is_full_from_the_beginning_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let error = Running::start("open", &path, "trap '' XFSZ; ulimit -f 0;").said("refused ");
    assert!(error.contains("cannot write") && error.contains("os error"), "{error}");
    assert!(!path.exists(), "no half journal");
}

#[test]
fn who_may_not_is_told_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o755);
    // Another user may not get at where it was built. Copied by another process: what the others that are begun meanwhile
    // inherit must not keep it open, or it is a busy text file.
    let exe = folder.path().join("program");
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&exe).status().unwrap();
    assert!(copied.success());
    mode(&exe, 0o755);
    let refused = |path: &Path| {
        let mut command = command(&exe, "open", path, "");
        command.current_dir("/");
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            // Root may everything.
            command.uid(65534).gid(65534);
        }
        Running::of(command).said("refused ")
    };
    let var = folder.path().join("var");
    fs::create_dir(&var).unwrap();
    mode(&var, 0o555);
    let error = refused(&var.join("journal"));
    let advice = format!("must be able to create and rename files in {}", var.display());
    assert!(error.contains(&advice), "{error}");
    mode(&var, 0o777);
    let theirs = var.join("theirs");
    fs::write(&theirs, "").unwrap();
    mode(&theirs, 0o000);
    let error = refused(&theirs);
    assert!(error.contains(&format!("cannot open {}", theirs.display())), "{error}");
}

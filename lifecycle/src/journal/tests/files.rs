//! The journal on a real disk, within one process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::event::Event;
use super::super::line::{Contents, Numbering, header, read};
use super::super::{DeadLetter, Journal, Opened, PreviousRun, Standing};
use super::{at, records, steps};
use crate::report::{Outcome, example};

const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn open(path: &Path) -> Opened {
    Journal::open(path, "r1").unwrap()
}

/// Why it is not opened, whoever has it for a moment: a child of another test, between its fork and its program, has
/// all that this process has.
fn refused(path: &Path) -> (String, bool) {
    let until = Instant::now() + PATIENCE;
    loop {
        let error = Journal::open(path, "r1").unwrap_err();
        if !error.to_string().contains("in use") || Instant::now() > until {
            return (error.to_string(), error.is_invalid);
        }
        std::thread::yield_now();
    }
}

/// Lets go of the journal, and waits until another one can have it.
fn close(opened: Opened) {
    let Opened { journal, .. } = opened;
    let (gone, wait) = channel::<()>();
    // The last request of the thread; it drops this when it ends.
    journal.record(Event::Stopping { reason: "closing".into() }, move |written| {
        written.unwrap();
        drop(gone);
    });
    assert!(wait.recv_timeout(PATIENCE).is_err());
    drop(journal);
}

/// Opens once the thread before has let go.
fn reopen(path: &Path, run: &str) -> Opened {
    let until = Instant::now() + PATIENCE;
    loop {
        match Journal::open(path, run) {
            Ok(opened) => return opened,
            Err(error) if error.to_string().contains("in use") && Instant::now() < until => {
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn durable(journal: &Journal, event: Event) {
    let (done, wait) = channel();
    journal.record(event, move |written| drop(done.send(written)));
    wait.recv_timeout(PATIENCE).unwrap().unwrap();
}

fn contents(path: &Path) -> Contents {
    read(&fs::read(path).unwrap()).unwrap()
}

fn armed(step: &str) -> Event {
    Event::Armed { step: step.into() }
}

fn done(step: &str) -> Event {
    Event::Ended { step: step.into(), outcome: Outcome::Done, why: None }
}

fn owed(opened: &Opened) -> Vec<String> {
    opened.journal.dead_letters().into_iter().map(|letter| letter.step).collect()
}

fn names(folder: &TempDir) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder.path()).unwrap().map(name).collect();
    names.sort();
    names
}

fn unknown_at(opened: &Opened) -> PathBuf {
    match &opened.previous {
        PreviousRun::Unknown { set_aside } => set_aside.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_run_records_the_next_one_knows() {
    let (folder, path) = folder();
    let first = open(&path);
    assert_eq!(first.previous, PreviousRun::First);
    assert_eq!(first.warnings, [""; 0]);
    durable(&first.journal, armed("a"));
    durable(&first.journal, armed("b"));
    durable(&first.journal, done("b"));
    close(first);
    let second = reopen(&path, "r2");
    let PreviousRun::Unclean(run) = &second.previous else { panic!("{:?}", second.previous) };
    assert_eq!((&*run.id, run.pid, run.killed), ("r1", std::process::id(), true));
    assert_eq!(owed(&second), ["a"]);
    assert_eq!(second.warnings, [""; 0]);
    assert_eq!(names(&folder), ["journal", "journal.lock"]);
    // The debts are those of the moment.
    durable(&second.journal, Event::Compensating { step: "a".into(), attempt: 1 });
    let why = "the venue says no".to_owned();
    durable(&second.journal, Event::CompensationFailed { step: "a".into(), attempt: 1, why: why.clone() });
    let letters = second.journal.dead_letters();
    let DeadLetter { attempts, error, needs_person, .. } = &letters[0];
    assert_eq!((*attempts, error, *needs_person), (1, &Some(why), false));
    close(second);
    let third = reopen(&path, "r3");
    assert_eq!(third.journal.dead_letters(), letters);
    durable(&third.journal, Event::Compensated { step: "a".into() });
    assert_eq!(owed(&third), [""; 0]);
    close(third);
    assert_eq!(owed(&reopen(&path, "r4")), [""; 0]);
}

#[test]
fn after_a_clean_end_it_begins_anew_with_what_is_owed() {
    let (folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    close(first);
    let second = reopen(&path, "r2");
    durable(&second.journal, Event::RunEnded { report: example::clean().to_json() });
    let before = contents(&path).entries.len();
    drop(second);
    let third = reopen(&path, "r3");
    assert!(matches!(&third.previous, PreviousRun::Clean { report } if **report == example::clean()));
    assert_eq!(owed(&third), ["a"]);
    let after = contents(&path);
    assert!(before > 4);
    assert_eq!(after.entries.len(), 2, "the run and its debt: {after:?}");
    assert!(matches!(&records(&after)[1].event, Event::Owed(letter) if letter.run == "r1"));
    assert_eq!(names(&folder), ["journal", "journal.lock"]);
    // It goes on in the new file.
    durable(&third.journal, Event::Begun { step: "c".into() });
    assert_eq!(steps(&contents(&path)), ["c"]);
}

#[test]
fn runs_that_are_killed_again_and_again_do_not_fill_the_disk() {
    let (_folder, path) = folder();
    let mut sizes = Vec::new();
    for run in 0..40 {
        let opened = reopen(&path, &format!("r{run}"));
        assert_eq!(owed(&opened).len(), usize::from(run > 0));
        durable(&opened.journal, armed("a"));
        opened.journal.note(Event::Stopping { reason: "x".repeat(4000) });
        for _ in 0..5 {
            durable(
                &opened.journal,
                Event::CompensationFailed { step: "b".into(), attempt: 1, why: "y".repeat(4000) },
            );
        }
        drop(opened);
        sizes.push(fs::metadata(&path).unwrap().len());
    }
    assert!(sizes.iter().max() < Some(&300_000), "{sizes:?}");
    assert!(sizes.iter().max() > Some(&200_000), "some history is kept: {sizes:?}");
}

#[test]
fn a_torn_end_is_left_out_and_told() {
    let (_folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    close(first);
    let whole = fs::read(&path).unwrap();
    let mut numbering = Numbering { next: 4 };
    let event = Event::Begun { step: "größe".into() };
    let line = numbering.batch([(at(5), &event)]);
    // In the middle of the two bytes of `ö`.
    let torn = &line.as_bytes()[..line.find('ö').unwrap() + 1];
    fs::write(&path, [&whole, torn].concat()).unwrap();
    let second = reopen(&path, "r2");
    assert_eq!(owed(&second), ["a"]);
    assert_eq!(second.warnings.len(), 1);
    let expected = format!("ended in {} bytes of an unfinished record", torn.len());
    assert!(second.warnings[0].contains(&expected), "{:?}", second.warnings);
    durable(&second.journal, Event::Begun { step: "c".into() });
    let text = fs::read(&path).unwrap();
    assert!(text.starts_with(&whole), "the history of a killed run is kept");
    assert_eq!(steps(&contents(&path)), ["c"]);
}

#[test]
fn a_damaged_file_is_set_aside_and_told() {
    let (folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    durable(&first.journal, armed("b"));
    close(first);
    let damaged = fs::read_to_string(&path).unwrap().replace("armed a", "armed c");
    let mut kept = Vec::new();
    for run in ["r2", "r3"] {
        fs::write(&path, &damaged).unwrap();
        let next = reopen(&path, run);
        let aside = unknown_at(&next);
        assert_eq!(fs::read_to_string(&aside).unwrap(), damaged, "not a byte is lost");
        assert_eq!(owed(&next), [""; 0], "nothing of it is trusted");
        assert!(next.warnings[0].contains("damaged in line 3"), "{:?}", next.warnings);
        assert!(next.warnings[0].contains(aside.to_str().unwrap()), "{:?}", next.warnings);
        kept.push(aside.file_name().unwrap().to_str().unwrap().to_owned());
        durable(&next.journal, armed("d"));
        close(next);
    }
    kept.extend(["journal".to_owned(), "journal.lock".to_owned()]);
    kept.sort();
    assert_eq!(names(&folder), kept, "one does not replace the other");
    assert_eq!(owed(&reopen(&path, "r4")), ["d"]);
}

#[test]
fn a_start_that_fails_does_not_hide_the_damage() {
    let (folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    close(first);
    let damaged = fs::read_to_string(&path).unwrap().replace("pid=", "pip=");
    fs::write(&path, &damaged).unwrap();
    let in_the_way = folder.path().join("journal.new");
    fs::create_dir(&in_the_way).unwrap();
    let (error, _) = refused(&path);
    assert!(error.contains("cannot remove"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    fs::remove_dir(&in_the_way).unwrap();
    let second = reopen(&path, "r2");
    assert_eq!(fs::read_to_string(unknown_at(&second)).unwrap(), damaged);
}

#[test]
fn what_waits_for_a_record_is_poked_when_it_is_durable() {
    let (_folder, path) = folder();
    let Opened { journal, .. } = open(&path);
    let (poke, poked) = channel();
    let now = Instant::now();
    let pending = journal.before(Event::Begun { step: "a".into() }, now, move || {
        let _ = poke.send(());
    });
    poked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(pending.standing(now), Standing::Durable);
    assert_eq!(steps(&contents(&path)), ["a"]);
    // Of what nobody waits for, too.
    for end in ["b", "c"] {
        journal.note(Event::Begun { step: end.into() });
        if end == "b" {
            let (poke, poked) = channel();
            let barrier = journal.barrier(now, move || {
                let _ = poke.send(());
            });
            poked.recv_timeout(PATIENCE).unwrap();
            assert_eq!(barrier.standing(now), Standing::Durable);
        } else {
            journal.flush(PATIENCE).unwrap();
        }
        assert_eq!(steps(&contents(&path)).last().map(String::as_str), Some(end));
    }
}

#[test]
fn a_second_holder_is_refused_with_the_name_of_the_first() {
    let (_folder, path) = folder();
    let first = open(&path);
    let before = fs::read(&path).unwrap();
    let refused = Journal::open(&path, "r1").unwrap_err();
    let error = refused.to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
    assert!(error.contains("LIFECYCLE_JOURNAL"), "{error}");
    assert!(!refused.is_invalid, "it may be free soon");
    assert_eq!(fs::read(&path).unwrap(), before, "the first one's journal is as it was");
    drop(first);
    drop(reopen(&path, "r2"));
}

#[test]
fn what_a_killed_compaction_leaves_is_harmless() {
    let (folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    close(first);
    let half = &fs::read(&path).unwrap()[..40];
    fs::write(folder.path().join("journal.new"), half).unwrap();
    fs::write(folder.path().join("elsewhere"), "theirs").unwrap();
    let second = reopen(&path, "r2");
    assert_eq!(owed(&second), ["a"]);
    durable(&second.journal, Event::RunEnded { report: example::clean().to_json() });
    drop(second);
    fs::remove_file(folder.path().join("journal.new")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("journal.new")).unwrap();
    let third = reopen(&path, "r3");
    assert_eq!(owed(&third), ["a"]);
    assert_eq!(fs::read_to_string(folder.path().join("elsewhere")).unwrap(), "theirs");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(names(&folder), ["elsewhere", "journal", "journal.lock"]);
}

#[test]
fn a_person_settles_a_debt_once() {
    let (_folder, path) = folder();
    let first = open(&path);
    durable(&first.journal, armed("a"));
    durable(&first.journal, armed("b"));
    close(first);
    // As docs/JOURNAL.md says, also behind what a crash has torn.
    let text = fs::read_to_string(&path).unwrap() + "0123\nby hand: settled a\nby hand: settled x\n";
    fs::write(&path, text).unwrap();
    let second = reopen(&path, "r2");
    assert_eq!(owed(&second), ["b"]);
    let told = second.warnings.iter().any(|text| text.contains("nothing was owed for x"));
    assert!(told, "{:?}", second.warnings);
    assert!(!fs::read_to_string(&path).unwrap().contains("by hand"));
    durable(&second.journal, armed("a"));
    close(second);
    assert_eq!(owed(&reopen(&path, "r3")), ["a", "b"]);
}

#[test]
fn what_is_no_journal_is_refused_and_left_alone() {
    let (folder, path) = folder();
    let is_refused = |words: &str| {
        let (error, is_invalid) = refused(&path);
        assert!(error.contains(words), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(is_invalid);
    };
    fs::write(&path, "SQLite format 3\0").unwrap();
    is_refused("is no journal, so it is left alone");
    assert_eq!(fs::read(&path).unwrap(), b"SQLite format 3\0");
    let newer = format!("{}\nby hand: settle a\n", header().trim_end());
    fs::write(&path, newer).unwrap();
    is_refused("line 2 of the journal");
    fs::remove_file(&path).unwrap();

    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    is_refused("is a symbolic link");
    fs::remove_file(&path).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");

    fs::create_dir(&path).unwrap();
    is_refused("is a folder: name a file in it");
    fs::remove_dir(&path).unwrap();

    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    is_refused("is a pipe: name a file");
    fs::remove_file(&path).unwrap();

    let socket = UnixListener::bind(&path).unwrap();
    is_refused("is no file: name one");
    drop(socket);
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (error, is_invalid) = refused(&folder.path().join("var/journal"));
    let missing = folder.path().join("var");
    assert!(error.ends_with(&format!("create the folder {}", missing.display())), "{error}");
    assert!(is_invalid);
    fs::write(folder.path().join("file"), "").unwrap();
    let (error, _) = refused(&folder.path().join("file/journal"));
    assert!(error.contains("is no folder"), "{error}");
}

#[test]
fn a_file_that_others_can_read_is_closed_to_them() {
    let (_folder, path) = folder();
    close(open(&path));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let _second = reopen(&path, "r2");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn an_empty_file_is_a_first_run() {
    let (_folder, path) = folder();
    fs::write(&path, "").unwrap();
    let opened = open(&path);
    assert_eq!((&opened.previous, opened.warnings.len()), (&PreviousRun::First, 0));
    assert_eq!(contents(&path).entries.len(), 1);
}

#[test]
fn a_path_without_a_file_is_refused() {
    for path in ["", "/", "..", "/tmp/.."] {
        let (error, is_invalid) = refused(Path::new(path));
        assert!(error.contains("names no file"), "{error}");
        assert!(is_invalid);
    }
}

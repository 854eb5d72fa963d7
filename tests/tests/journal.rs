//! What the next run knows of this one, and what it makes up for: real processes, some of them killed.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use lifecycle_tests::posix::{Scratch, lines};

const CANCEL: &str = "journaled::cancel";

/// A journal, and a world that the runs change.
struct Place {
    folder: Scratch,
}

impl Place {
    fn new(name: &str) -> Self {
        Place { folder: Scratch::new(&format!("journal-{name}")) }
    }

    fn journal(&self) -> PathBuf {
        self.folder.file("journal")
    }

    fn command(&self, scenario: &str) -> Command {
        let mut command = program(env!("CARGO_BIN_EXE_journaled"), &[scenario]);
        command.env("LIFECYCLE_JOURNAL", self.journal()).env("WORLD", self.folder.file("world"));
        command
    }

    fn start(&self, scenario: &str) -> Child {
        Child::start(self.command(scenario))
    }

    fn serve(&self, scenario: &str) -> Child {
        let child = self.start(scenario);
        child.wait_for("serving");
        child
    }

    /// From the start to SIGTERM and the end.
    fn run(&self, scenario: &str) -> Ended {
        self.serve(scenario).terminate()
    }

    fn kill_serving(&self) {
        kill(self.serve(""));
    }

    /// Waits until the last run has recorded that.
    fn wait_for_event(&self, event: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.last_run().iter().any(|known| known == event) {
            assert!(Instant::now() < until, "{:?}", self.last_run());
            std::thread::yield_now();
        }
    }

    /// What has happened in the last run, an event and its step each.
    fn last_run(&self) -> Vec<String> {
        let lines = lines(&self.journal());
        let events = lines.iter().filter_map(|line| line.get(10..)?.trim_start().splitn(3, ' ').nth(2));
        let mut run: Vec<String> = Vec::new();
        for event in events {
            if event.starts_with("run-begun") {
                run.clear();
            }
            run.push(event.split(' ').take(2).collect::<Vec<_>>().join(" "));
        }
        run
    }
}

fn kill(child: Child) -> Ended {
    child.signal(libc::SIGKILL);
    child.wait(PATIENCE)
}

fn previous(ended: &Ended) -> &str {
    &ended.stdout[ended.line("previous: ")]
}

fn letters(ended: &Ended) -> Vec<&str> {
    ended.stdout.iter().filter_map(|line| line.strip_prefix("letter: ")).collect()
}

fn has_undone(ended: &Ended) -> bool {
    ended.stdout.iter().any(|line| line == "undone")
}

fn alarms(ended: &Ended) -> Vec<&str> {
    ended.stderr.iter().filter_map(|line| line.strip_prefix("lifecycle: warning: ")).collect()
}

#[test]
fn a_run_knows_how_the_one_before_it_ended() {
    let place = Place::new("previous");
    assert_eq!(previous(&place.run("")), "previous: first");
    assert_eq!(previous(&place.run("")), "previous: clean, exit 0");
    place.kill_serving();
    let after_a_kill = place.run("cancel fails");
    assert_eq!(
        previous(&after_a_kill),
        "previous: unclean, killed true, stopping None, left journaled::cancel=Some(NotReached)"
    );
    assert_eq!(after_a_kill.code, Some(1));
    let stopping = place.serve("cancel hangs");
    stopping.signal(libc::SIGTERM);
    stopping.wait_for("cancelling");
    let after_a_failure = kill(stopping);
    assert_eq!(
        previous(&after_a_failure),
        "previous: unclean, killed false, stopping Some(\"SIGTERM\"), left journaled::cancel=Some(Failed)"
    );
    assert_eq!(
        previous(&place.run("")),
        "previous: unclean, killed true, stopping Some(\"SIGTERM\"), left journaled::cancel=None"
    );
}

#[test]
fn it_is_where_main_says_unless_the_environment_says_otherwise() {
    let place = Place::new("named");
    let folder = place.journal().parent().unwrap().to_owned();
    fs::create_dir(folder.join("of main")).unwrap();
    for (named, before) in
        [(false, "previous: first"), (true, "previous: first"), (false, "previous: clean, exit 0")]
    {
        let mut command = place.command("by attribute");
        command.current_dir(&folder);
        if !named {
            command.env_remove("LIFECYCLE_JOURNAL");
        }
        let child = Child::start(command);
        child.wait_for("serving");
        assert_eq!(previous(&child.terminate()), before);
    }
    assert!(folder.join("of main/journal").exists() && place.journal().exists());
}

#[test]
fn without_a_journal_nothing_is_known_or_owed() {
    let place = Place::new("none");
    let mut command = place.command("");
    command.env_remove("LIFECYCLE_JOURNAL");
    let child = Child::start(command);
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!((previous(&ended), letters(&ended).len()), ("previous: none is known", 0));
    assert_eq!(ended.code, Some(0));
    assert!(ended.report()["steps"].as_array().unwrap().iter().all(|step| step["kind"] != "compensation"));
}

#[test]
fn what_was_not_done_is_made_up_for_before_workers_and_main_and_once() {
    let place = Place::new("compensated");
    for left in ["killed", "failed"] {
        if left == "killed" {
            place.kill_serving();
        } else {
            assert_eq!(place.run("cancel fails").code, Some(1));
        }
        let ended = place.run("");
        assert!(has_undone(&ended), "{left}");
        for later in ["afterwards", "jobs run", "previous: ", "placed"] {
            assert!(ended.line("undone") < ended.line(later), "{later}: {:#?}", ended.stdout);
        }
        ended.assert(
            0,
            &[
                ("open_exchange", "done"),
                ("compensate cancel", "done"),
                ("afterwards", "done"),
                ("Requests", "done"),
                ("jobs", "done"),
                ("cancel", "done"),
            ],
        );
        assert_eq!(ended.step("compensate cancel")["kind"], "compensation");
        assert_eq!(letters(&ended), [""; 0]);
        let again = place.run("");
        assert!(!has_undone(&again) && !again.stdout.contains(&"undoing".to_owned()), "{left}");
        let steps = again.report()["steps"].as_array().unwrap().len();
        assert_eq!(steps, 5, "where nothing is owed, nothing is said of it");
    }
}

#[test]
fn one_that_fails_holds_nothing_up_is_tried_again_and_in_the_end_calls_for_a_person() {
    let place = Place::new("letters");
    place.kill_serving();
    let tries = [
        ("undo fails", "attempts 1 person false error Some(\"session unknown\")", "failed"),
        ("undo panics", "attempts 2 person true error Some(\"no session\")", "panicked"),
        ("undo hangs", "attempts 3 person true error Some(\"timed out\")", "timed out"),
    ];
    for (scenario, letter, outcome) in tries {
        let ended = place.run(scenario);
        assert_eq!(letters(&ended), [format!("{CANCEL} {letter}")]);
        assert_eq!(ended.step("compensate cancel")["outcome"], outcome);
        assert_eq!(ended.step("cancel")["outcome"], "done", "this run's own");
        assert_eq!(ended.code, Some(0), "the run itself went well");
        let called = alarms(&ended).iter().any(|alarm| alarm.contains("a person is needed"));
        assert_eq!(called, letter.contains("person true"), "{:#?}", ended.stderr);
    }
    let ended = place.run("");
    assert!(has_undone(&ended));
    assert_eq!((letters(&ended).len(), alarms(&ended).len()), (0, 0));
    assert!(!has_undone(&place.run("")));
}

#[test]
fn an_attempt_that_is_killed_was_one() {
    let place = Place::new("attempt");
    place.kill_serving();
    let child = place.start("undo waits");
    child.wait_for("undoing");
    kill(child);
    let ended = place.run("undo fails");
    assert_eq!(letters(&ended), [format!("{CANCEL} attempts 2 person true error Some(\"session unknown\")")]);
}

#[test]
fn what_its_when_declines_owes_nothing_and_an_older_debt_stays() {
    let place = Place::new("declined");
    let ended = place.run("declines");
    assert_eq!(ended.step("cancel")["outcome"], "skipped");
    let next = place.run("");
    assert_eq!(previous(&next), "previous: clean, exit 0");
    assert!(!has_undone(&next));

    place.kill_serving();
    let ended = place.run("declines");
    assert_eq!(ended.step("compensate cancel")["outcome"], "skipped");
    assert_eq!(letters(&ended), [format!("{CANCEL} attempts 0 person false error None")]);
    assert!(has_undone(&place.run("")));
}

#[test]
fn a_start_that_fails_before_its_compensation_leaves_it_owed() {
    let place = Place::new("no-exchange");
    place.kill_serving();
    let ended = place.start("no exchange").wait(PATIENCE);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.step("compensate cancel")["outcome"], "not reached");
    assert!(has_undone(&place.run("")));
}

#[test]
fn what_never_came_up_owes_nothing() {
    let place = Place::new("never-up");
    assert_eq!(place.start("no exchange").wait(PATIENCE).code, Some(1));
    assert!(!has_undone(&place.run("")));
}

#[test]
fn one_whose_step_is_gone_calls_for_a_person_and_is_made_up_for_when_it_is_back() {
    let place = Place::new("gone");
    kill(place.serve("by hand"));
    let ended = place.run("");
    let letters = letters(&ended);
    assert_eq!(letters, ["journaled::main::by hand attempts 0 person true error None"]);
    let gone = alarms(&ended).iter().any(|alarm| alarm.contains("no such step is in this program any more"));
    assert!(gone, "{:#?}", ended.stderr);
    assert!(ended.line("undone") < ended.line("placed"), "the other one is not held up");
    let back = place.run("by hand");
    assert!(back.line("made up for") < back.line("placed"));
    assert!(!place.run("by hand").stdout.contains(&"made up for".to_owned()));
}

#[test]
fn one_that_was_taken_back_owes_nothing() {
    let place = Place::new("taken-back");
    let child = place.serve("by hand, taken back");
    place.wait_for_event("declined \"journaled::main::by");
    kill(child);
    let next = place.run("by hand");
    assert!(!next.stdout.contains(&"made up for".to_owned()));
}

#[test]
fn one_that_is_registered_late_owes_too() {
    let place = Place::new("late");
    kill(place.serve("late"));
    let ended = place.run("late");
    assert_eq!(letters(&ended), ["journaled::main::by hand attempts 0 person true error None"]);
    let called = alarms(&ended).iter().any(|alarm| alarm.contains("registered only after the start"));
    assert!(called, "{:#?}", ended.stderr);
    let early = place.run("by hand");
    assert!(early.line("made up for") < early.line("placed"));

    // Done or taken back, it owes nothing.
    assert_eq!(place.run("late").code, Some(0));
    assert_eq!(letters(&place.run("late")), [""; 0]);
    let child = place.serve("late, taken back");
    place.wait_for_event("declined \"journaled::main::by");
    kill(child);
    assert_eq!(letters(&place.run("late")), [""; 0]);
}

#[test]
fn one_that_is_registered_while_the_run_begins_owes_too() {
    let place = Place::new("meanwhile");
    let killed = kill(place.serve("meanwhile"));
    let registered = &killed.stdout[killed.line("registered meanwhile: ")];
    let owed = letters(&place.run("")).len();
    assert_eq!(*registered, format!("registered meanwhile: {owed}"));
}

#[test]
fn one_that_is_registered_late_waits_until_it_is_recorded_or_the_disk_is_late() {
    let place = Place::new("late-stuck");
    let child = place.serve("late, stuck");
    // While it serves: nothing of the shutdown has asked the disk yet.
    child.wait_for_stderr("has not answered");
    assert_eq!(child.terminate().code, Some(0));
}

#[test]
fn a_compensation_belongs_to_the_shutdown_step_that_it_stands_in_for() {
    let place = Place::new("wrong");
    let ended = place.start("wrong place").wait(PATIENCE);
    assert_eq!(ended.code, Some(78));
    let text = ended.stderr.join(" ");
    assert!(
        text.contains("`too early`") && text.contains("write it on the shutdown step that undoes"),
        "{text}"
    );
    assert!(!place.journal().exists(), "nothing was started");
}

#[test]
fn a_second_process_on_the_same_journal_is_refused() {
    let place = Place::new("second");
    let first = place.serve("");
    let second = place.start("").wait(PATIENCE);
    assert_eq!(second.code, Some(1), "which may pass, so it is no 78");
    let in_use = format!("is in use by process {}", first.pid());
    assert!(second.stderr.iter().any(|line| line.contains(&in_use)), "{:#?}", second.stderr);
    assert_eq!(second.stdout, [""; 0], "nothing was started");
    assert_eq!(first.terminate().code, Some(0));
    assert_eq!(previous(&place.run("")), "previous: clean, exit 0");
}

#[test]
fn a_damaged_file_is_set_aside_and_not_believed() {
    let place = Place::new("damaged");
    place.kill_serving();
    let mut bytes = fs::read(place.journal()).unwrap();
    bytes[60] ^= 1;
    fs::write(place.journal(), &bytes).unwrap();
    let ended = place.run("");
    assert!(previous(&ended).starts_with("previous: Unknown"), "{}", previous(&ended));
    assert!(!has_undone(&ended), "nothing in it is believed");
    let aside = alarms(&ended).iter().any(|alarm| alarm.contains("is damaged in line 2"));
    assert!(aside, "{:#?}", ended.stderr);
    let folder = place.journal().parent().unwrap().to_owned();
    let kept = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<PathBuf> =
        kept.filter(|path| path.file_name().unwrap().to_str().unwrap().contains("damaged")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read(&kept[0]).unwrap(), bytes, "nor deleted");
}

#[test]
fn what_is_no_journal_is_refused_and_left_as_it_is() {
    let place = Place::new("foreign");
    let made = Command::new("mkfifo").arg(place.journal()).status().unwrap();
    assert!(made.success());
    let ended = place.start("").wait(PATIENCE);
    assert_eq!((ended.code, ended.stdout.len()), (Some(78), 0), "{:#?}", ended.stderr);
    use std::os::unix::fs::FileTypeExt;
    assert!(fs::metadata(place.journal()).unwrap().file_type().is_fifo());
}

#[test]
fn a_printed_plan_has_the_compensations_and_touches_no_journal() {
    let place = Place::new("plan");
    let mut command = place.command("");
    command.env("LIFECYCLE_PLAN", "text");
    let ended = Child::start(command).wait(PATIENCE);
    assert_eq!(ended.code, Some(0));
    let line = ended.stdout[ended.line("compensate cancel")].clone();
    assert!(line.contains("open_exchange"), "it waits for who provides: {line}");
    assert!(!place.journal().exists());
}

/// The machine may be busy, the disk is not what holds it up.
const FAR_BELOW_GRACE: Duration = Duration::from_secs(15);

#[test]
fn a_disk_that_does_not_answer_holds_up_no_deadline() {
    let place = Place::new("stuck");
    let child = place.serve("stuck");
    child.wait_for("the disk has changed");
    child.signal(libc::SIGTERM);
    let ended = child.wait(FAR_BELOW_GRACE);
    ended.assert_any_order(
        0,
        &[
            ("open_exchange", "done"),
            ("afterwards", "done"),
            ("Requests", "done"),
            ("jobs", "done"),
            ("cancel", "done"),
        ],
    );
    assert!(alarms(&ended).iter().any(|alarm| alarm.contains("has not answered")), "{:#?}", ended.stderr);
    assert!(has_undone(&place.run("")), "what is not recorded as done is done again");
}

#[test]
fn a_disk_that_fails_holds_up_nothing_and_is_told() {
    let place = Place::new("broken");
    let child = place.serve("broken");
    child.wait_for("the disk has changed");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(0));
    assert!(alarms(&ended).iter().any(|alarm| alarm.contains("could not be synced")), "{:#?}", ended.stderr);
}

#[test]
fn main_begins_only_when_all_before_it_is_on_the_disk_or_the_disk_is_late() {
    let place = Place::new("stuck-at-the-start");
    let child = place.serve("stuck at the start");
    // While it serves: nothing of the shutdown has asked the disk yet.
    child.wait_for_stderr("has not answered");
    assert_eq!(child.terminate().code, Some(0));
}

#[test]
fn what_a_report_says_and_the_report_itself_are_to_be_on_the_disk_when_it_is_shown() {
    let place = Place::new("flushed");
    for (scenario, before_the_report) in [("breaks before the report", true), ("breaks at the end", false)] {
        let ended = place.run(scenario);
        assert_eq!(ended.code, Some(0));
        let line = |text: &str| ended.stderr.iter().position(|line| line.contains(text));
        let (alarm, report) = (line("the journal lacks what came last").unwrap(), line("\"steps\"").unwrap());
        assert_eq!(alarm < report, before_the_report, "{:#?}", ended.stderr);
    }
}

/// Chance that can be had again.
struct Chance(u64);

impl Chance {
    /// Below that. Marsaglia's xorshift.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Kills so many runs at moments that chance chooses, and holds what they did to the world against what they recorded.
fn kill_at_any_moment(place: &Place, runs: u32, seed: u64) {
    let mut chance = Chance(seed);
    let (mut killed_owing, mut killed_done, mut compensated) = (0, 0, 0);
    // The whole of a run, which is what the moments are spread over.
    let began = Instant::now();
    assert_eq!(place.run("").code, Some(0));
    let mut whole = began.elapsed();
    for run in 0..runs {
        let done_before = place.last_run().contains(&format!("done {CANCEL}"));
        let owed_before = place.last_run().contains(&format!("owed {CANCEL}"));
        let paid_before = place.last_run().contains(&format!("compensated {CANCEL}"));
        let world_before = world(place).len();

        let began = Instant::now();
        let child = place.start("");
        let stops = chance.below(4) > 0;
        let moment = Duration::from_micros(chance.below(u64::try_from(whole.as_micros()).unwrap()));
        if stops {
            // The half of the moments that matter most is after the signal.
            let serving = chance.below(2) > 0;
            if serving {
                child.wait_for("serving");
            }
            std::thread::sleep(if serving { moment / 8 } else { moment / 2 });
            child.signal(libc::SIGTERM);
            std::thread::sleep(moment / 4);
        } else {
            std::thread::sleep(moment);
        }
        let ended = kill(child);
        if ended.signal.is_none() {
            whole = whole.max(began.elapsed());
        }

        let now = &world(place)[world_before..];
        let undone = now.iter().filter(|line| *line == "undone").count();
        assert!(undone <= 1, "run {run} of seed {seed}: {now:?}");
        compensated += undone;
        if done_before && (!owed_before || paid_before) {
            assert_eq!(undone, 0, "run {run} of seed {seed} made up for what has a done record: {now:?}");
            killed_done += 1;
        }
    }
    // Whatever was placed was cancelled or made up for before the next was.
    let mut owed = false;
    for (number, line) in world(place).iter().enumerate() {
        match line.as_str() {
            "placed" => {
                assert!(!owed, "seed {seed}: what was owed at line {number} of the world is lost");
                owed = true;
                killed_owing += 1;
            }
            "cancelled" | "undone" => owed = false,
            other => panic!("{other}"),
        }
    }
    println!("{killed_owing} placed, {compensated} made up for, {killed_done} after a done record");
    assert!(compensated > 0 && killed_done > 0, "the moments were chosen badly");
}

fn world(place: &Place) -> Vec<String> {
    let path: &Path = &place.folder.file("world");
    lines(path)
}

/// `SEED=… cargo test` tries other moments.
#[test]
fn killed_at_any_moment_nothing_owed_is_lost_and_nothing_done_is_made_up_for() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    kill_at_any_moment(&Place::new("kills"), 300, seed.unwrap_or(0x9e37_79b9_7f4a_7c15));
}

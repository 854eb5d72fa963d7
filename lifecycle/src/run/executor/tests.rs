use std::time::Duration;

use super::*;
use crate::run::shared::Shared;

#[derive(Default)]
struct Script {
    log: Vec<String>,
}

struct Fake {
    name: &'static str,
    limit: Option<Duration>,
    wake_after: Option<Duration>,
    /// It goes on so many times after an end of something that it began.
    goes_on: u32,
    script: Shared<Script>,
}

impl Work for Fake {
    fn begin(&mut self, now: Instant) -> Progress {
        self.script.borrow_mut().log.push(format!("begin {}", self.name));
        self.wake_after.map_or(Progress::Running, |after| Progress::Until(now + after))
    }
    fn wake(&mut self, _: Instant) -> Progress {
        self.script.borrow_mut().log.push(format!("wake {}", self.name));
        Progress::Running
    }
    fn told(&mut self, end: End, now: Instant) -> Progress {
        if self.goes_on == 0 {
            return Progress::Ended(end);
        }
        self.script.borrow_mut().log.push(format!("told {}", self.name));
        self.goes_on -= 1;
        Progress::Until(now + SECOND / 8)
    }
    fn cut(&mut self) {
        self.script.borrow_mut().log.push(format!("cut {}", self.name));
    }
    fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

const SECOND: Duration = Duration::from_secs(1);

struct Rig {
    script: Shared<Script>,
    zero: Instant,
}

impl Rig {
    fn new() -> Self {
        Rig { script: Shared::default(), zero: Instant::now() }
    }
    fn work(&self, name: &'static str, limit: Option<Duration>) -> MaybeWork {
        Some(Box::new(Fake {
            name,
            limit,
            wake_after: None,
            goes_on: 0,
            script: Shared::clone(&self.script),
        }))
    }
    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.script.borrow_mut().log)
    }
}

fn begun(
    works: Vec<(MaybeWork, Vec<usize>)>,
    deadline: Option<Instant>,
    after_failure: AfterFailure,
    now: Instant,
) -> Execution {
    let mut run = Execution::new(works);
    run.begin(deadline, after_failure, now);
    run
}

fn done() -> End {
    End::bare(Outcome::Done)
}

#[test]
fn a_node_begins_when_all_it_waits_for_have_ended_and_no_sooner() {
    let rig = Rig::new();
    // a, b ─▶ (join) ─▶ c
    let nodes = vec![
        (rig.work("a", None), vec![2]),
        (rig.work("b", None), vec![2]),
        (None, vec![3]),
        (rig.work("c", None), vec![]),
    ];
    let mut run = begun(nodes, None, AfterFailure::GoOn, rig.zero);
    assert_eq!(rig.log(), ["begin a", "begin b"], "in their order");
    run.ended(0, End::new(Outcome::Failed, "no"), rig.zero);
    assert!(rig.log().is_empty(), "c waits for b");
    run.ended(1, done(), rig.zero);
    assert_eq!(rig.log(), ["begin c"]);
    run.ended(3, done(), rig.zero);
    assert!(run.is_done());
    assert_eq!(run.record(0).unwrap().end.outcome, Outcome::Failed);
}

#[test]
fn past_its_limit_a_node_is_cut_and_ends_as_timed_out_if_it_stops() {
    let rig = Rig::new();
    let nodes = vec![(rig.work("a", Some(SECOND)), vec![1]), (rig.work("b", None), vec![])];
    let mut run = begun(nodes, None, AfterFailure::GoOn, rig.zero);
    assert_eq!(run.next_timer(), Some(rig.zero + SECOND));
    run.on_time(rig.zero + SECOND / 2);
    assert_eq!(rig.log(), ["begin a"]);
    run.on_time(rig.zero + SECOND);
    assert_eq!(rig.log(), ["cut a"]);
    run.ended(0, End::bare(Outcome::CutOff), rig.zero + SECOND);
    assert_eq!(rig.log(), ["begin b"]);
    assert_eq!(run.record(0).unwrap().end.outcome, Outcome::TimedOut);
}

#[test]
fn one_that_returns_because_it_was_cut_has_timed_out_and_keeps_its_words() {
    for end in [done(), End::new(Outcome::Failed, "2 files left")] {
        let rig = Rig::new();
        let mut run = begun(vec![(rig.work("a", Some(SECOND)), vec![])], None, AfterFailure::GoOn, rig.zero);
        run.on_time(rig.zero + SECOND);
        run.ended(0, end.clone(), rig.zero + SECOND);
        let timed_out = End { outcome: Outcome::TimedOut, why: end.why };
        assert_eq!(run.record(0).unwrap().end, timed_out);
    }
}

#[test]
fn one_that_does_not_stop_is_abandoned_and_its_late_end_changes_nothing() {
    let rig = Rig::new();
    let nodes = vec![(rig.work("a", Some(SECOND)), vec![1]), (rig.work("b", None), vec![])];
    let mut run = begun(nodes, None, AfterFailure::GoOn, rig.zero);
    run.on_time(rig.zero + SECOND);
    run.on_time(rig.zero + SECOND + SETTLE);
    assert_eq!(rig.log(), ["begin a", "cut a", "begin b"]);
    run.ended(0, done(), rig.zero + 2 * SECOND);
    assert_eq!(run.record(0).unwrap().end.outcome, Outcome::Abandoned);
    run.ended(1, done(), rig.zero + 2 * SECOND);
    assert!(run.is_done());
}

#[test]
fn at_the_deadline_what_runs_is_cut_and_the_rest_is_not_reached() {
    let rig = Rig::new();
    let nodes = vec![(rig.work("a", None), vec![1]), (None, vec![2]), (rig.work("b", None), vec![])];
    let mut run = begun(nodes, Some(rig.zero + SECOND), AfterFailure::GoOn, rig.zero);
    assert_eq!(run.next_timer(), Some(rig.zero + SECOND));
    run.on_time(rig.zero + SECOND);
    run.ended(0, End::bare(Outcome::CutOff), rig.zero + SECOND);
    assert!(run.is_done());
    assert_eq!(rig.log(), ["begin a", "cut a"]);
    assert_eq!(run.record(0).unwrap().end.outcome, Outcome::CutOff);
    assert_eq!(run.record(2).unwrap().end.outcome, Outcome::NotReached);
    assert!(run.record(2).unwrap().began.is_none());
}

#[test]
fn a_work_is_woken_when_it_asked_to_be_and_still_held_to_its_limit() {
    let rig = Rig::new();
    let work = Fake {
        name: "a",
        limit: Some(SECOND),
        wake_after: Some(SECOND / 4),
        goes_on: 0,
        script: Shared::clone(&rig.script),
    };
    let mut run = begun(vec![(Some(Box::new(work)), vec![])], None, AfterFailure::GoOn, rig.zero);
    run.on_time(rig.zero + SECOND / 4);
    assert_eq!(rig.log(), ["begin a", "wake a"]);
    run.on_time(rig.zero + SECOND);
    assert_eq!(rig.log(), ["cut a"]);
}

#[test]
fn a_work_that_goes_on_after_an_end_has_not_ended_and_is_held_to_its_limit() {
    let rig = Rig::new();
    let work = Fake {
        name: "a",
        limit: Some(SECOND),
        wake_after: None,
        goes_on: 2,
        script: Shared::clone(&rig.script),
    };
    let nodes: Vec<(MaybeWork, Vec<usize>)> =
        vec![(Some(Box::new(work)), vec![1]), (rig.work("b", None), vec![])];
    let mut run = begun(nodes, None, AfterFailure::BeginNothing, rig.zero);
    run.ended(0, End::new(Outcome::Failed, "no"), rig.zero);
    assert!(run.record(0).is_none());
    assert_eq!(run.next_timer(), Some(rig.zero + SECOND / 8));
    run.on_time(rig.zero + SECOND / 8);
    run.ended(0, End::new(Outcome::Failed, "no"), rig.zero + SECOND / 2);
    assert_eq!(rig.log(), ["begin a", "told a", "wake a", "told a"]);
    run.on_time(rig.zero + SECOND);
    // From here on it is asked nothing.
    run.ended(0, done(), rig.zero + SECOND);
    assert_eq!(rig.log(), ["cut a"]);
    assert_eq!(run.record(0).unwrap().end.outcome, Outcome::TimedOut);
}

#[test]
fn a_chain_of_joins_as_long_as_you_like_does_not_overflow_the_stack() {
    let rig = Rig::new();
    let length = 100_000;
    let mut nodes: Vec<(MaybeWork, Vec<usize>)> = (0..length).map(|i| (None, vec![i + 1])).collect();
    nodes.push((rig.work("end", None), vec![]));
    let run = begun(nodes, None, AfterFailure::GoOn, rig.zero);
    assert_eq!(rig.log(), ["begin end"]);
    assert!(!run.is_done());
}

#[test]
fn after_a_failure_nothing_begins_if_it_is_so_wanted() {
    let rig = Rig::new();
    let nodes = vec![
        (rig.work("a", None), vec![2]),
        (rig.work("b", None), vec![3]),
        (rig.work("after a", None), vec![]),
        (rig.work("after b", None), vec![]),
    ];
    let mut run = begun(nodes, None, AfterFailure::BeginNothing, rig.zero);
    assert_eq!(rig.log().len(), 2);
    run.ended(0, End::new(Outcome::Failed, "no"), rig.zero);
    run.ended(1, done(), rig.zero);
    assert!(rig.log().is_empty() && !run.is_done());
    run.stop(rig.zero, Outcome::CutOff);
    assert!(run.is_done());
    assert_eq!(run.record(1).unwrap().end.outcome, Outcome::Done);
    for node in [2, 3] {
        assert_eq!(run.record(node).unwrap().end.outcome, Outcome::NotReached);
    }
}

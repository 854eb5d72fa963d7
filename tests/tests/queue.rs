//! What the last request enqueues is still taken, by a group that closes once the queue is empty.

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};

const PROGRAM: &str = include_str!("../src/bin/queue.rs");
const GUIDE: &str = include_str!("../../docs/GROUPS.md");
const JOBS: usize = 30;

/// To the point where the consumer has one job, the others wait in the queue, and the requests are over.
fn fill_the_queue(scenario: &str) -> Child {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_queue"), &[scenario]));
    child.wait_for_nth("an order runs", 3);
    child.signal(libc::SIGTERM);
    child.wait_for(&format!("the queue has {JOBS} jobs"));
    child
}

fn count(ended: &Ended, word: &str) -> usize {
    ended.stdout.iter().filter(|line| line.starts_with("job ") && line.ends_with(word)).count()
}

#[test]
fn every_job_of_the_queue_is_taken_and_none_refused() {
    let child = fill_the_queue("");
    child.say("go on");
    let ended = child.wait(PATIENCE);
    assert_eq!((count(&ended, "is taken"), count(&ended, "is lost")), (JOBS, 0), "{:#?}", ended.stdout);
    ended.assert(
        0,
        &[
            ("open", "done"),
            ("Requests", "done"),
            ("queue_is_empty", "done"),
            ("Jobs", "done"),
            ("close_db", "done"),
        ],
    );
    assert_eq!(ended.step("Jobs")["calls"]["refused"], 0);
}

/// The control: the same program without the edge loses what waits in the queue.
#[test]
fn without_the_edge_jobs_are_lost() {
    let child = fill_the_queue("without the edge");
    child.wait_for("Jobs closes");
    child.say("go on");
    let ended = child.wait(PATIENCE);
    assert_eq!((count(&ended, "is taken"), count(&ended, "is lost")), (1, JOBS - 1), "{:#?}", ended.stdout);
    assert_eq!(ended.step("Jobs")["calls"]["refused"], JOBS - 1);
}

#[test]
fn the_guide_shows_what_runs_here() {
    let marked = GUIDE.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let shown: Vec<&str> = marked.filter(|block| block.contains("queue_is_empty")).collect();
    assert_eq!(shown.len(), 1);
    for item in shown[0].trim().split("\n\n") {
        assert!(PROGRAM.contains(item.trim()), "tests/src/bin/queue.rs does not contain this:\n{item}");
    }
}

//! Calls are counted and awaited also where the system refuses what makes counting them cheap.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};
use lifecycle_tests::posix::{Membarrier, sandbox};

fn start(membarrier: Membarrier) -> Child {
    let mut command = talkative(env!("CARGO_BIN_EXE_requests"), &["drain"]);
    sandbox(&mut command, membarrier);
    Child::start(command)
}

/// In full in `requests.rs`.
fn drain(child: Child) -> Ended {
    child.wait_for("the order runs");
    child.signal(libc::SIGTERM);
    child.wait_for("stats: Draining, 1 in flight, order 1, refused 21");
    child.say("go on");
    child.wait_for("the order ends");
    child.say("end the task");
    let ended = child.wait(PATIENCE);
    ended.assert(0, &[("early", "done"), ("Requests", "done"), ("flush", "done"), ("flush_sync", "done")]);
    let begun = |line: &str| ended.stdout.iter().position(|said| said.starts_with(line)).unwrap();
    assert!(begun("the task that the order left ends") < begun("flush:"), "{:#?}", ended.stdout);
    ended
}

#[test]
fn where_it_cannot_be_registered_it_is_not_used() {
    drain(start(Membarrier::RegisterForbidden));
}

#[test]
fn where_it_is_forbidden_later_calls_are_awaited_all_the_same() {
    drain(start(Membarrier::UseForbidden));
}

#[test]
fn elsewhere_it_is_registered() {
    let ended = start(Membarrier::RegisterKills).wait(PATIENCE);
    assert_eq!(ended.signal, Some(libc::SIGSYS), "the sandbox works, and so the other tests tell something");
}

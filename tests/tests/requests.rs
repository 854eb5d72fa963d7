//! Tracked calls: refused from the moment the gate closes, never within an admitted one, awaited before the hooks.

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_requests"), &[scenario]))
}

#[track_caller]
fn assert_steps(ended: &Ended, requests: &str) {
    let code = i32::from(requests != "done");
    ended.assert(
        code,
        &[("early", "done"), ("Requests", requests), ("flush", "done"), ("flush_sync", "done")],
    );
}

#[test]
fn what_was_admitted_finishes_with_all_that_it_calls_and_nothing_else_is_let_in() {
    let child = start("drain");
    child.wait_for("the order runs");
    child.signal(libc::SIGTERM);
    child.wait_for("stats: ");
    child.say("go on");
    child.wait_for("the order ends");
    child.say("end the task");
    let ended = child.wait(PATIENCE);
    let lines: Vec<&str> =
        ended.stdout.iter().map(String::as_str).filter(|line| *line != "serving").collect();
    let left_task = lines.iter().position(|line| *line == "the task that the order leaves runs").unwrap();
    let order_ends = lines.iter().position(|line| *line == "the order ends").unwrap();
    assert!(left_task.abs_diff(order_ends) == 1, "{lines:#?}");
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.contains("leaves runs")).collect();
    assert_eq!(
        lines,
        [
            "the order runs",
            "beside the early hook: admitted, LameDuck",
            "the service is shutting down: refused 21, Draining",
            "stats: Draining, 1 in flight, order 1, refused 21",
            "nested: admitted",
            "nested, sync, after an await: admitted",
            "spawn: (\"admitted\", \"admitted\")",
            "spawn_blocking: admitted",
            "inherit: admitted",
            "tokio::spawn: refused",
            "tokio's spawn_blocking: refused",
            "the order ends",
            "the task that the order left ends: Draining",
            "drained: 0 in flight, Draining",
            "flush: 0 in flight, Stopping",
            "from a hook: admitted",
            "from a hook's task: admitted",
            "from a stray task: refused",
            "from a sync hook: admitted",
            "from a thread: refused",
        ]
    );
    assert_steps(&ended, "done");
    let calls = &ended.report()["calls"];
    // Besides the order perhaps a call that came just before the gate closed.
    assert!(calls["awaited"].as_u64().unwrap() >= 1);
    assert_eq!(calls["cut_off"], serde_json::json!([]));
    assert_eq!(calls["refused"], 21 + 2 + 2);
    assert!(calls["drained_in_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_call_that_is_always_admitted_is_let_in_and_awaited() {
    let child = start("always");
    child.wait_for("the order runs");
    child.signal(libc::SIGTERM);
    child.wait_for("the heartbeat runs: Draining");
    child.say("go on");
    child.wait_for("the order ends");
    child.say("end the task");
    child.wait_for("the task that the order left ends");
    child.say("end the heartbeat");
    let ended = child.wait(PATIENCE);
    assert!(ended.line("the heartbeat ends: Draining") < ended.line("drained: 0 in flight"));
    assert!(ended.line("the heartbeat ends: Draining") < ended.line("flush"));
    assert_steps(&ended, "done");
}

#[test]
fn tasks_that_take_turns_on_one_thread_do_not_lend_each_other_admission() {
    let child = start("turns");
    child.wait_for("turns runs");
    let ended = child.terminate();
    ended.line("the call's own were admitted 1000");
    ended.line("a strange task was refused 50");
    ended.line("a stranger in the call's task was refused 50");
    assert_steps(&ended, "done");
}

#[test]
fn when_the_drain_times_out_the_calls_are_told_then_dropped_and_named() {
    let child = start("times out");
    for number in 1..=3 {
        child.wait_for(&format!("stream {number} runs"));
    }
    child.wait_for("upload runs");
    child.signal(libc::SIGTERM);
    child.wait_for("flush: ");
    child.wait_for_nth("a deaf stream is dropped", 2);
    child.say("wake the upload");
    child.wait_for("the upload is dropped");
    child.say("enough");
    let ended = child.wait(PATIENCE);
    assert!(!ended.stdout.iter().any(|line| line.contains("goes on")), "{:#?}", ended.stdout);
    assert!(ended.line("cut_off() fires") < ended.line("flush: "));
    assert!(ended.line("drained: ") < ended.line("flush: "));
    assert!(ended.line("stream 3 is told") < ended.line("flush: "));
    assert_steps(&ended, "cut off");
    let report = ended.report();
    assert_eq!(report["service"], "ended");
    assert_eq!(report["calls"]["awaited"], 4);
    let named = report["calls"]["cut_off"].as_array().unwrap();
    let mut cut_off: Vec<(&str, u64)> =
        named.iter().map(|call| (call["name"].as_str().unwrap(), call["count"].as_u64().unwrap())).collect();
    cut_off.sort_unstable();
    assert_eq!(cut_off, [("orders.upload", 1), ("stream", 2)], "stream 3 ended when it was told to");
    let requests = ended.step("Requests");
    let error = requests["error"].as_str().unwrap();
    for call in named {
        assert_eq!(call["file"], "tests/src/bin/requests.rs");
        assert_eq!(call["module"], "requests");
        let (name, count, line) = (call["name"].as_str().unwrap(), &call["count"], &call["line"]);
        let words = format!("{name} ×{count} (tests/src/bin/requests.rs:{line})");
        assert!(error.contains(&words), "{words:?} in {error:?}");
    }
    // drain and cut.
    assert!(requests["ran_ms"].as_f64().unwrap() >= 400.0);
}

#[test]
fn calls_that_end_when_they_are_told_have_timed_out() {
    let child = start("ends in time");
    child.wait_for("stream 1 runs");
    let ended = child.terminate();
    ended.line("stream 1 is told that the time is up");
    ended.line("drained: ");
    assert_steps(&ended, "timed out");
    assert_eq!(ended.step("Requests")["error"], "what still ran ended when cut_off() fired");
}

#[test]
fn a_sync_call_that_never_ends_is_named_and_left() {
    let child = start("sync");
    child.wait_for("grind runs");
    let ended = child.terminate();
    assert_steps(&ended, "cut off");
    assert_eq!(ended.report()["calls"]["cut_off"][0]["name"], "grind");
    assert!(ended.line("cut_off() fires") < ended.line("flush: 1 in flight"));
}

//! Groups of tracked calls: each is closed and awaited at its own place, for its own time.

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_groups"), &[scenario]))
}

/// The steps as they come where nobody changes their order, with what is special about them.
#[track_caller]
fn assert_steps(ended: &Ended, special: &[(&str, &str)]) {
    let mut steps = [
        ("Sessions", "done"),
        ("Requests", "done"),
        ("Jobs", "done"),
        ("Uploads", "done"),
        ("close", "done"),
        ("Mails", "done"),
        ("at_last", "done"),
    ];
    for (name, outcome) in special {
        let step = steps.iter_mut().find(|step| step.0 == *name);
        step.unwrap_or_else(|| panic!("no step {name}")).1 = outcome;
    }
    ended.assert(i32::from(!special.is_empty()), &steps);
}

#[test]
fn each_group_closes_at_its_place_and_is_awaited_there() {
    let child = start("order");
    for call in ["session", "request", "job", "mail"] {
        child.wait_for(&format!("{call} runs"));
    }
    child.signal(libc::SIGTERM);
    child.wait_for("Sessions began in LameDuck: session out, request in, job in, mail in");
    child.say("end the session");
    child.wait_for("Requests began in Draining: session out, request out, job in, mail in");
    child.say("end the request");
    child.wait_for("Jobs began in Stopping: session out, request out, job out, mail in");
    child.wait_for("Uploads ended");
    child.say("end the job");
    child.wait_for("close began in Stopping: session out, request out, job out, mail in");
    child.say("end close");
    child.wait_for("Mails began in Stopping: session out, request out, job out, mail out");
    child.say("end the mail");
    let ended = child.wait(PATIENCE);
    assert_steps(&ended, &[]);
    for (before, after) in [
        ("session ends", "Requests began"),
        ("request ends", "Jobs began"),
        ("Jobs ended", "close began"),
        ("Uploads ended", "close began"),
        ("close ended", "Mails began"),
        ("mail ends", "at last: session out, request out, job out, mail out"),
    ] {
        assert!(ended.line(before) < ended.line(after), "{before} before {after}: {:#?}", ended.stdout);
    }
    assert_eq!(ended.step("Sessions")["order"], -1);
    assert!(ended.step("Jobs")["order"].is_null(), "it comes before those of order 0");
    assert_eq!(
        (&ended.step("Jobs")["limit_ms"], &ended.step("Uploads")["limit_ms"]),
        (&15e3.into(), &20e3.into())
    );
    for (name, refused) in [("Sessions", 7), ("Requests", 6), ("Jobs", 5), ("Mails", 2)] {
        let step = ended.step(name);
        assert_eq!(step["kind"], "group");
        assert_eq!(step["calls"]["awaited"], 1, "{name}");
        // As often as somebody knocked after its close.
        assert_eq!(step["calls"]["refused"], refused, "{name}");
    }
    assert!(ended.step("close")["calls"].is_null());
    let calls = &ended.report()["calls"];
    assert_eq!((&calls["awaited"], &calls["refused"]), (&4.into(), &20.into()));
}

#[test]
fn what_the_last_request_hands_over_is_taken_though_requests_are_refused() {
    let child = start("taken");
    child.wait_for("order 1 runs");
    child.signal(libc::SIGTERM);
    child.wait_for("work 1 is taken");
    child.say("it was taken");
    child.wait_for("another is refused in Stopping");
    child.say("end work 1");
    let ended = child.wait(PATIENCE);
    assert!(ended.line("order 1 ends") < ended.line("work 1 ends"));
    assert!(ended.line("another is refused") < ended.line("work 1 ends"));
    assert!(ended.line("work 1 ends") < ended.line("close: "));
    assert_steps(&ended, &[]);
    let calls = &ended.step("Jobs")["calls"];
    // Besides the work perhaps a call that came just before the close.
    assert!(calls["awaited"].as_u64().unwrap() >= 1);
    assert_eq!(calls["refused"], 2);
}

#[test]
fn a_queue_is_worked_off_before_its_group_closes() {
    let child = start("queue");
    child.wait_for("work 1 is taken");
    child.wait_for("order 2 runs");
    child.signal(libc::SIGTERM);
    // The request is over, and what it left waits behind another.
    child.wait_for("close: ");
    child.say("end work 1");
    child.wait_for("work 2 is taken");
    child.say("end work 2");
    let ended = child.wait(PATIENCE);
    assert!(ended.line("order 2 ends") < ended.line("work 2 is taken"));
    ended.line("at last: session out, request out, job out, mail out");
    ended.assert(
        0,
        &[
            ("Sessions", "done"),
            ("Requests", "done"),
            ("Uploads", "done"),
            ("close", "done"),
            ("Jobs", "done"),
            ("Mails", "done"),
            ("at_last", "done"),
        ],
    );
    assert_eq!(ended.step("Jobs")["order"], 1);
}

#[test]
fn a_task_that_a_call_leaves_is_awaited_with_the_group_of_the_call() {
    let child = start("task");
    child.wait_for("leaving runs");
    child.signal(libc::SIGTERM);
    child.wait_for("the task runs");
    child.say("end the task");
    let ended = child.wait(PATIENCE);
    ended.line(
        "the task ends: (\"in\", \"in\"), Requests 0 -0 closed, Jobs 1 -0 closed, Mails 0 -0, Sessions 0 -0 closed, \
         Uploads 0 -0 closed, 1 -0",
    );
    assert!(ended.line("the task ends") < ended.line("close: "));
    assert_steps(&ended, &[]);
}

#[test]
fn when_a_group_s_time_is_up_its_own_calls_are_told_and_dropped_and_no_others() {
    let child = start("times out");
    child.wait_for("deaf runs");
    child.wait_for("upload runs");
    child.signal(libc::SIGTERM);
    child.wait_for("deaf is told");
    child.wait_for("cutting off");
    child.wait_for("step=\"Jobs\" outcome=\"cut off\"");
    child.say("wake the deaf");
    child.wait_for("the deaf job is dropped");
    child.say("end the upload");
    let ended = child.wait(PATIENCE);
    assert!(ended.line("the deaf job is dropped") < ended.line("upload ends"));
    assert!(ended.line("upload ends") < ended.line("close: "));
    assert!(!ended.stdout.iter().any(|line| line.contains("upload is told")), "{:#?}", ended.stdout);
    assert_steps(&ended, &[("Jobs", "cut off")]);
    let jobs = ended.step("Jobs");
    let error = jobs["error"].as_str().unwrap();
    assert!(error.starts_with("still running: deaf ×1 (tests/src/bin/groups.rs:"), "{error}");
    // timeout and cut.
    assert!(jobs["ran_ms"].as_f64().unwrap() >= 400.0);
    assert_eq!(jobs["limit_ms"], 200.0);
    let calls = &ended.report()["calls"];
    assert_eq!((&calls["awaited"], calls["cut_off"].as_array().unwrap().len()), (&2.into(), 1));
    assert_eq!(calls["cut_off"], jobs["calls"]["cut_off"]);
    assert_eq!(
        (&calls["cut_off"][0]["name"], &calls["cut_off"][0]["group"]),
        (&"deaf".into(), &"Jobs".into())
    );
    assert_eq!(ended.step("Uploads")["calls"]["cut_off"], serde_json::json!([]));
    for words in [
        "draining shutdown=",
        "group=\"Jobs\" in_flight=1 limit_ms=200",
        "group=\"Uploads\" in_flight=1 limit_ms=20000",
        "cutting off group=\"Jobs\" what=\"deaf ×1",
    ] {
        ended.line(words);
    }
}

#[test]
fn a_drain_that_times_out_cuts_requests_alone() {
    let child = start("requests");
    child.wait_for("stuck runs");
    child.wait_for("upload runs");
    child.signal(libc::SIGTERM);
    child.wait_for("stuck is told");
    child.say("end the upload");
    let ended = child.wait(PATIENCE);
    ended.line("upload ends");
    assert_steps(&ended, &[("Requests", "cut off")]);
    let cut_off = &ended.report()["calls"]["cut_off"];
    assert_eq!(cut_off.as_array().unwrap().len(), 1);
    assert_eq!(cut_off[0]["group"], "Requests");
}

#[test]
fn a_sync_call_that_never_ends_is_named_and_left() {
    let child = start("sync");
    child.wait_for("grind runs");
    let ended = child.terminate();
    assert_steps(&ended, &[("Jobs", "cut off")]);
    ended.line("close: Requests 0 -0 closed, Jobs 1 -0 closed, Mails 0 -0");
    let jobs = ended.step("Jobs");
    assert_eq!(jobs["calls"]["cut_off"][0]["name"], "grind");
    let ran = jobs["ran_ms"].as_f64().unwrap();
    assert!((400.0..2_000.0).contains(&ran), "{ran}");
}

#[test]
fn a_group_whose_turn_never_comes_is_closed_and_cut_at_the_end() {
    let child = start("late");
    child.wait_for("mail runs");
    let ended = child.terminate();
    assert_steps(&ended, &[("close", "cut off"), ("Mails", "not reached")]);
    ended.line("at last: session out, request out, job out, mail out");
    let report = ended.report();
    assert_eq!(report["calls"]["cut_off"][0]["name"], "mail");
    assert_eq!(report["calls"]["cut_off"][0]["group"], "Mails");
}

#[test]
fn settings_override_a_group_s_keys() {
    let child = start("settings");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(
        0,
        &[
            ("Sessions", "done"),
            ("Requests", "done"),
            ("Uploads", "done"),
            ("close", "done"),
            ("Mails", "done"),
            ("Jobs", "done"),
            ("at_last", "done"),
        ],
    );
    let jobs = ended.step("Jobs");
    assert_eq!((&jobs["order"], &jobs["limit_ms"]), (&3.into(), &200.0.into()));
}

#[test]
fn a_group_that_is_off_stays_open_and_is_not_awaited() {
    let child = start("off");
    child.wait_for("job runs");
    let ended = child.terminate();
    ended.assert(
        0,
        &[
            ("Sessions", "done"),
            ("Requests", "done"),
            ("Uploads", "done"),
            ("close", "done"),
            ("Mails", "done"),
            ("Jobs", "off"),
            ("at_last", "done"),
        ],
    );
    assert_eq!(ended.step("Jobs")["error"], "nobody waits for them");
    assert!(ended.step("Jobs")["calls"].is_null());
    ended.line("close: Requests 0 -0 closed, Jobs 1 -0, Mails 0 -0");
    ended.line("at close: session out, request out, job in, mail in");
    ended.line("at last: session out, request out, job in, mail out");
}

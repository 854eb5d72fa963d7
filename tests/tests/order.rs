//! Steps come in their order: by rank, by resource, beside their equals, the last ones after the report.

use lifecycle_tests::child::{Child, program, talkative};

#[test]
fn every_step_comes_at_its_place() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_order"), &[]));
    child.wait_for("main: ");
    child.signal(libc::SIGTERM);
    // The telemetry hook holds the process until the report was seen: it is printed before that hook, or never.
    child.wait_for("a_flush_telemetry");
    child.wait_for_stderr("\"steps\"");
    child.say("the report is out");
    let ended = child.wait(lifecycle_tests::child::PATIENCE);
    assert_eq!(
        ended.stdout,
        [
            "warm_up: Starting, beside 0",
            "z_config: Starting, beside 0",
            "a_open_db: Starting, beside 0",
            "a_preload: Starting, beside 0",
            "main: Running",
            "y_announce: LameDuck, beside 0",
            "x_deregister: LameDuck, beside 0",
            "main stops: Draining, beside 0",
            "w_flush: Stopping, beside 0",
            "v_usage: Stopping, beside 0",
            "a_close_db: Stopping, beside 0",
            "a_sync: Stopping, beside 0",
            "a_highest: Stopping, beside 0",
            "z_alert: Stopping, beside 0",
            "the alert knows of 12 steps",
            "a_flush_telemetry: Stopping, beside 0",
            "telemetry is flushed",
        ]
    );
    ended.assert(
        0,
        &[
            ("warm_up", "done"),
            ("z_config", "done"),
            ("a_open_db", "done"),
            ("a_preload", "done"),
            ("y_announce", "done"),
            ("x_deregister", "done"),
            ("Requests", "done"),
            ("w_flush", "done"),
            ("v_usage", "done"),
            ("a_close_db", "done"),
            ("a_sync", "done"),
            ("a_highest", "done"),
            ("z_alert", "done"),
        ],
    );
    assert_eq!(ended.step("x_deregister")["order"], -1);
    assert_eq!(ended.step("v_usage")["order"], 2);
    assert_eq!(ended.step("a_close_db")["order"], 2, "derived from its last user");
    assert_eq!(ended.step("z_alert")["kind"], "last");
}

#[test]
fn equals_run_at_the_same_time_and_others_one_after_the_other() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_concurrent"), &[]));
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(
        0,
        &[
            ("start_a", "done"),
            ("start_b", "done"),
            ("start_lower", "done"),
            ("start_upper", "done"),
            ("early_a", "done"),
            ("early_b", "done"),
            ("Requests", "done"),
            ("async_a", "done"),
            ("async_b", "done"),
            ("sync_a", "done"),
            ("sync_b", "done"),
            ("lower", "done"),
            ("upper", "done"),
        ],
    );
    for name in ["start_a", "start_b", "early_a", "early_b"] {
        ended.line(&format!("{name} met its equal"));
    }
    for name in ["async_a", "async_b", "sync_a", "sync_b"] {
        ended.line(&format!("{name} met its equals"));
    }
    ended.line("start_lower met anyone: false");
    ended.line("lower met anyone: false");
}

//! The end, in the middle of activities.

use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e_support::{Ended, until};

use crate::scene::{Scene, Worker};

/// While the process still lives, neither server has a connection of it any more, and PostgreSQL was told of each one's end.
pub(crate) fn ends_clean(scene: &Scene, mut worker: Worker) -> Ended {
    let name = worker.name;
    worker.says(": keeps the report");
    assert_eq!(worker.connections(scene.db.port()), 0, "connections to PostgreSQL");
    until("pg_stat_activity without it", || (scene.db.sessions(name, "true") == 0).then_some(()));
    until("Temporal without it", || (worker.connections(scene.port) == 0).then_some(()));
    assert!(worker.is_running(), "it has closed them itself");
    let ended = worker.end();
    let count = |text: &str| scene.db.log().iter().filter(|line| line.contains(text)).count();
    let (begun, over) = (format!("application_name={name}"), format!("[{name}] LOG:  disconnection"));
    until("the ends of its sessions", || (count(&begun) == count(&over)).then_some(()));
    assert_ne!(count(&begun), 0);
    assert_eq!(count(&format!("[{name}] DEBUG:  unexpected EOF")), 0, "{:#?}{ended:#?}", scene.db.log());
    ended
}

/// A worker is ended in the middle of an activity, another takes its place.
pub(crate) fn finishes_what_runs(scene: &Scene) -> Ended {
    let temporal = scene.temporal();
    let first = scene.start_working("first");
    let part = scene.hold_part(1, 3);
    temporal.order(1, 5);
    scene.waiting(&first, 1);
    first.stop_polling(temporal);
    temporal.order(2, 1);
    part.roll_back();
    let ended = ends_clean(scene, first);

    assert_eq!(temporal.activities(1), [(1, "first".to_owned())]);
    assert_eq!(scene.attempts(1), ["1"; 5]);
    // Nobody has taken what came later.
    assert_eq!(temporal.kinds(2), ["workflow_execution_started", "workflow_task_scheduled"]);

    let second = scene.start_working("second");
    temporal.fulfilled(1);
    temporal.fulfilled(2);
    assert_eq!(temporal.activities(1), [(1, "first".to_owned()), (1, "second".to_owned())]);
    assert_eq!(temporal.activities(2), [(1, "second".to_owned()), (1, "second".to_owned())]);
    for kind in temporal.kinds(1).iter().chain(&temporal.kinds(2)) {
        assert!(!kind.ends_with("timed_out") && !kind.ends_with("failed"), "{kind}");
    }
    second.signal();
    assert_eq!(ends_clean(scene, second).code, Some(0));
    ended
}

/// Two activities run: one finishes in time, one does not.
pub(crate) fn hands_back_the_rest(scene: &mut Scene) -> Ended {
    scene.set("worker.finish", "4s");
    let temporal = scene.temporal();
    let mut first = scene.start_working("first");
    let (one, other) = (scene.hold_part(1, 3), scene.hold_part(2, 3));
    temporal.order(1, 5);
    temporal.order(2, 5);
    scene.waiting(&first, 2);
    first.stop();
    one.roll_back();

    let failure = until("a second attempt", || {
        let pending = temporal.pending(2).into_iter().find(|activity| activity["attempt"] == 2)?;
        Some(pending["failure"].as_str().unwrap().to_owned())
    });
    assert_eq!(failure, "Worker is shutting down and this activity did not complete in time");
    // The query of the first is still there, so the pool cannot be closed yet; but the client is gone.
    until("Temporal without it", || (first.connections(scene.port) == 0).then_some(()));
    assert_eq!(scene.db.sessions(first.name, "wait_event_type = 'Lock'"), 1);
    assert!(first.is_running());
    other.roll_back();
    let ended = ends_clean(scene, first);

    assert_eq!(temporal.activities(1), [(1, "first".to_owned())]);
    let second = scene.start_working("second");
    temporal.fulfilled(1);
    temporal.fulfilled(2);
    assert_eq!(temporal.activities(1), [(1, "first".to_owned()), (1, "second".to_owned())]);
    assert_eq!(temporal.activities(2), [(2, "second".to_owned()), (1, "second".to_owned())]);
    assert_eq!(
        (scene.attempts(1), scene.attempts(2)),
        (vec!["1".to_owned(); 5], ["1", "1", "1", "2", "2"].map(str::to_owned).to_vec())
    );
    second.signal();
    assert_eq!(ends_clean(scene, second).code, Some(0));
    ended
}

const ALL_DONE: [(&str, &str); 7] = [
    ("open_pool", "done"),
    ("connect", "done"),
    ("Requests", "done"),
    ("work", "done"),
    ("disconnect", "done"),
    ("close_pool", "done"),
    ("keep_report", "done"),
];

#[test]
fn running_activities_finish_and_nothing_more_is_taken() {
    let scene = Scene::new("finish");
    finishes_what_runs(&scene).assert_any_order(0, &ALL_DONE);
}

/// Switching the step off is all that it takes to make the test above fail.
#[test]
fn with_the_pool_left_open_the_checks_notice() {
    let mut scene = Scene::new("control");
    scene.set("database.left_open", "to see what closing is good for");
    let failed = catch_unwind(AssertUnwindSafe(|| finishes_what_runs(&scene))).unwrap_err();
    let words = failed.downcast_ref::<String>().unwrap();
    assert!(words.contains("connections to PostgreSQL"), "{words}");
}

#[test]
fn what_does_not_finish_is_handed_back_before_anything_is_closed() {
    let mut scene = Scene::new("hand-back");
    hands_back_the_rest(&mut scene).assert_any_order(0, &ALL_DONE);
}

#[test]
fn an_activity_that_listens_to_nobody_is_abandoned_and_tried_again() {
    let mut scene = Scene::new("deaf");
    for (key, value) in [
        ("worker.finish", "200ms"),
        ("worker.hand_back", "500ms"),
        ("database.close", "500ms"),
        ("activity.timeout", "4s"),
    ] {
        scene.set(key, value);
    }
    let temporal = scene.temporal();
    let first = scene.start_working("first");
    let booking = scene.hold_booking(1);
    temporal.order(1, 1);
    scene.waiting(&first, 1);
    first.stop_polling(temporal);
    let ended = first.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.step("work")["outcome"], "abandoned");
    assert_eq!(ended.step("disconnect")["outcome"], "done");
    assert_eq!(ended.step("close_pool")["outcome"], "timed out");

    booking.roll_back();
    let second = scene.start_working("second");
    temporal.fulfilled(1);
    let activities = temporal.activities(1);
    assert_eq!(activities[0], (1, "first".to_owned()));
    assert!(activities[1].0 > 1 && activities[1].1 == "second", "{activities:?}");
    assert_eq!(scene.db.query("SELECT count(*) FROM booked"), ["1"]);
    second.signal();
    assert_eq!(ends_clean(&scene, second).code, Some(0));
}

//! The start, when something is amiss.

use serde_json::json;

use crate::scene::Scene;
use crate::shutdown::ends_clean;

#[test]
fn it_waits_for_temporal_to_come_up() {
    let mut scene = Scene::without_temporal("late");
    let first = scene.start("first");
    first.says("attempt failed");
    scene.start_temporal();
    let temporal = scene.temporal();
    temporal.order(1, 1);
    temporal.fulfilled(1);
    first.signal();
    assert_eq!(ends_clean(&scene, first).code, Some(0));
}

#[test]
fn ended_before_temporal_is_up_it_closes_what_it_has_opened() {
    let scene = Scene::without_temporal("never");
    let first = scene.start("first");
    first.says("attempt failed");
    first.says("step=\"open_pool\" outcome=\"done\"");
    first.signal();
    let ended = ends_clean(&scene, first);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.step("close_pool")["outcome"], "done");
}

#[test]
fn a_worker_that_fails_is_begun_again_on_the_same_client_and_ends_the_process_at_last() {
    let mut scene = Scene::new("fails");
    scene.set("temporal.namespace", "nowhere");
    scene.set("worker.retry", 3);
    let ended = scene.start("first").end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let work = ended.step("work");
    assert_eq!((&work["outcome"], &work["worker"]["restarts"]), (&json!("failed"), &json!(3)));
    assert!(work["worker"]["last_error"].as_str().unwrap().contains("nowhere"), "{work:#}");
    assert_eq!(ended.step("close_pool")["outcome"], "done");
}

#[test]
fn times_that_do_not_fit_start_nothing() {
    let mut scene = Scene::without_temporal("budget");
    scene.set("grace", "140s");
    let ended = scene.start("first").end();
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    assert!(ended.stderr.iter().any(|line| line.contains("the shutdown may take")), "{ended:#?}");
    assert!(!scene.db.log().iter().any(|line| line.contains("application_name=first")));
}

//! What clients hear of the daemons' health.

use std::fs;

use e2e_support::signals::SIGKILL;
use e2e_support::{posix, until};
use serde_json::{Value, json};

use crate::scene::Scene;

fn is_healthy(heard: &Value) -> bool {
    heard["checks"].as_array().unwrap().iter().all(|check| check["status"] == "healthy")
}

/// What was said of this check in all events of that name.
fn of(scene: &Scene, event: &str, check: &str) -> Vec<Value> {
    scene.heard(event).into_iter().filter(|what| what["check"] == check).collect()
}

/// The process id of the last `claude-2`.
fn last(scene: &Scene) -> i32 {
    scene.daemon_lines().into_iter().rfind(|(name, ..)| name == "claude-2").unwrap().1
}

#[test]
fn a_daemon_that_has_died_is_replaced_and_everybody_hears_of_it() {
    die_and_recover(&Scene::new("health"));
}

pub(crate) fn die_and_recover(scene: &Scene) {
    let backend = scene.start();
    scene.connect();
    let healthy = until("good health", || scene.heard("health").into_iter().find(is_healthy));
    let names: Vec<_> = healthy["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    for name in ["claude-1", "claude-2", "redis"] {
        assert!(names.contains(&&json!(name)), "{names:?}");
    }

    posix::send(last(scene), SIGKILL);
    until("the recovery", || of(scene, "recovered", "claude-2").pop());
    let recovering = of(scene, "recovering", "claude-2");
    assert_eq!((&recovering[0]["attempt"], &recovering[0]["of"]), (&json!(1), &json!(3)));
    assert!(recovering[0]["error"].as_str().unwrap().contains("signal: 9"), "{recovering:?}");
    scene.until_daemons(3);

    // From now on none can be begun.
    fs::remove_file(scene.file("node")).unwrap();
    posix::send(last(scene), SIGKILL);
    until("three attempts in vain", || of(scene, "recovery_failed", "claude-2").pop());
    let attempts: Vec<_> = of(scene, "recovering", "claude-2")
        .iter()
        .skip(recovering.len())
        .map(|what| what["attempt"].clone())
        .take(3)
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    let (status, _) = scene.get("/ready").join().unwrap();
    assert_eq!(status, 503);
    // The other one works on.
    scene.touch("go");
    scene.enqueue(&["a", "b"], "go");
    scene.until_counts([0, 0, 2, 0]);

    scene.link_node();
    until("the second recovery", || (of(scene, "recovered", "claude-2").len() == 2).then_some(()));
    until("readiness", || (scene.get("/ready").join().unwrap().0 == 200).then_some(()));
    assert!(of(scene, "recovering", "claude-1").is_empty());
    scene.until_daemons(4);
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

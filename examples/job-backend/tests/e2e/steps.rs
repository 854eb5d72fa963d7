//! The seven steps, one after the other, as the counterparts of each saw them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e_support::signals::SIGTERM;
use e2e_support::{Ended, PATIENCE, until};
use serde_json::{Value, json};

use crate::scene::{Scene, assert_in_order, is_there};

/// The outputs of these jobs.
fn results(jobs: &[(&String, &str)]) -> BTreeMap<String, Value> {
    jobs.iter().map(|(job, output)| ((*job).clone(), json!(output))).collect()
}

/// Ends a backend in the middle of everything that it does, and looks at each step from outside.
pub(crate) fn end_amid_work(scene: &Scene) -> Ended {
    let backend = scene.start();
    let jobs = scene.enqueue(&["a", "b", "c", "d", "e"], "go");
    scene.until_counts([2, 3, 0, 0]);
    scene.connect();
    let active = scene.wait_for(&backend, &jobs[0]);
    let waiting = scene.wait_for(&backend, &jobs[4]);
    let upload = scene.post(&json!({"say": "f"}));
    let daemons = scene.daemons();
    assert!(scene.redis_connections() >= 2);

    backend.signal(SIGTERM);
    backend.wait_for(": taking no more jobs");
    // The jobs go on, and so does what they need.
    assert!(scene.daemons_that("was told to end").is_empty());
    assert!(scene.heard("disconnect").is_empty());
    scene.touch("go");
    let (status, body) = active.join().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body), (200, json!({"job": jobs[0], "output": "a"})));

    // Step 5 is over, and so are those before it.
    assert_eq!(scene.disconnected(), "io server disconnect");
    assert_eq!(scene.counts(), [0, 3, 2, 0], "active, waiting, completed, failed");
    assert_eq!(scene.daemons_that("was told to end"), daemons);
    assert!(!daemons.iter().any(|pid| is_there(*pid)), "{daemons:?} are reaped");
    until("the end of the connections to Redis", || (scene.redis_connections() == 0).then_some(()));

    // Step 6: who waits for a job that is another run's has an answer, and what is on its way is taken.
    let (status, body) = waiting.join().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body), (200, json!({"job": jobs[4], "output": null})));
    assert_eq!(scene.rows(), (BTreeMap::new(), 0), "step 7 comes after this one");
    let response = upload.finish();
    assert!(response.starts_with("HTTP/1.1 202 ") && response.contains("post-1"), "{response}");

    // Step 7.
    let ended = backend.wait(PATIENCE);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(scene.rows(), (results(&[(&jobs[0], "a"), (&jobs[1], "b")]), 1));
    assert_in_order(&ended);

    // Its port is free, and the next run does the rest.
    let backend = scene.start();
    scene.until_counts([0, 0, 6, 0]);
    assert_eq!(scene.job("post-1"), json!({"state": "completed", "output": "f"}));
    let last = backend.terminate();
    assert_eq!(last.code, Some(0), "{last:#?}");
    let (rows, posted) = scene.rows();
    let mut outputs: Vec<_> = rows.values().map(|output| output.as_str().unwrap()).collect();
    outputs.sort_unstable();
    assert_eq!((outputs, posted), (vec!["a", "b", "c", "d", "e", "f"], 1));
    ended
}

#[test]
fn the_seven_steps_come_one_after_the_other() {
    let scene = Scene::new("seven");
    let ended = end_amid_work(&scene);
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap().iter().filter(|step| step["kind"] != "start");
    let steps: Vec<_> =
        steps.map(|step| (step["name"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect();
    let expected = [
        "tell_health",
        "work_off_jobs",
        "stop_daemons",
        "close_queue",
        "close_socket_io",
        "Requests",
        "close_db",
    ];
    assert_eq!(steps, expected.map(|step| (step, "done")));
    assert_eq!(report["calls"]["awaited"], 2, "the one that waits for a job, and the upload");
    assert_eq!(ended.step("stop_daemons")["items"].as_array().unwrap().len(), 2);
}

/// Leaving out one of the steps is all that it takes to make the test above fail.
fn fails_without(step: &str, words: [&str; 2]) {
    let mut scene = Scene::new(&format!("without-{step}"));
    scene.step(step, "off", "to see what it is good for");
    // What the server then waits for in vain.
    scene.set("drain", "500ms");
    let failed = catch_unwind(AssertUnwindSafe(|| end_amid_work(&scene))).unwrap_err();
    let said = failed.downcast_ref::<String>().unwrap();
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

#[test]
fn without_the_step_for_socket_io_the_client_is_not_told() {
    fails_without("close_socket_io", ["transport", "io server disconnect"]);
}

#[test]
fn without_the_step_for_daemons_they_are_not_told() {
    fails_without("stop_daemons", ["left: []", "right: ["]);
}

#[test]
fn the_port_is_free_at_once() {
    let scene = Scene::new("port");
    let backend = scene.start();
    scene.connect();
    assert_eq!(backend.terminate().code, Some(0));
    TcpListener::bind(scene.address()).unwrap();
}

//! Steps that fail or hang: the others come all the same, and the end in time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e_support::signals::{SIGCONT, SIGSTOP, SIGTERM};
use e2e_support::{Child, Ended, PATIENCE, posix};
use serde_json::json;

use crate::scene::{Scene, is_there};

/// The steps after the daemons' have ended well.
fn assert_the_others_are_done(scene: &Scene, ended: &Ended) {
    for step in ["close_queue", "close_socket_io", "Requests", "close_db"] {
        assert_eq!(ended.step(step)["outcome"], "done", "{ended:#?}");
    }
    assert_eq!(scene.disconnected(), "io server disconnect");
    assert_eq!(scene.rows().0.len(), 1);
}

/// A backend that has done a job, and has a client.
fn start(scene: &Scene) -> Child {
    let backend = scene.start();
    scene.connect();
    scene.touch("go");
    scene.enqueue(&["a"], "go");
    scene.until_counts([0, 0, 1, 0]);
    backend
}

/// The line in which a step's end was logged as an error.
fn error_of<'a>(ended: &'a Ended, step: &str) -> &'a str {
    let step = format!("step=\"{step}\"");
    let mut lines =
        ended.stdout.iter().filter(|line| line.contains("ERROR lifecycle: ") && line.contains(&step));
    lines.next().unwrap_or_else(|| panic!("no error of {step}: {ended:#?}"))
}

#[test]
fn a_step_that_is_stuck_for_ever_is_abandoned_and_named() {
    let mut scene = Scene::new("stuck");
    scene.step("stop_daemons", "timeout", "1s");
    let backend = start(&scene);
    // Whoever opens this to write waits until somebody reads.
    fs::remove_file(scene.file("daemons.log")).unwrap();
    assert!(Command::new("mkfifo").arg(scene.file("daemons.log")).status().unwrap().success());
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let step = ended.step("stop_daemons");
    assert_eq!((&step["outcome"], &step["limit_ms"]), (&json!("abandoned"), &json!(1000.0)));
    assert!(error_of(&ended, "stop_daemons").contains("abandoned"));
    assert_the_others_are_done(&scene, &ended);
}

#[test]
fn a_process_that_is_stuck_as_a_whole_is_ended_at_its_deadline() {
    let mut scene = Scene::new("wedged");
    scene.set("grace", "8s");
    scene.set("drain", "200ms");
    scene.set("jobs.finish", "200ms");
    scene.set("jobs.hand_back", "200ms");
    scene.set("jobs.lock", "2s");
    for step in ["tell_health", "stop_daemons", "close_queue", "close_socket_io", "close_db"] {
        scene.step(step, "timeout", "200ms");
    }
    let (stdout, writer) = posix::pipe();
    let theirs = Stdio::from(writer.try_clone().unwrap());
    let backend = Child::start_with(scene.command(), theirs, Stdio::piped());
    let mut lines = BufReader::new(stdout).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(": listening on ")));
    scene.enqueue(&["a"], "go");
    scene.until_counts([1, 0, 0, 0]);
    let daemons = scene.daemons();
    // Nobody reads any more: whoever logs waits for ever.
    posix::fill(&writer);
    backend.signal(SIGTERM);
    let ended = backend.wait(PATIENCE);
    assert_eq!(ended.code, Some(124), "{ended:#?}");
    let (least, most) = (Duration::from_secs(7), Duration::from_secs(20));
    assert!((least..most).contains(&ended.took), "{ended:#?}");
    assert!(ended.stderr.iter().any(|line| line.contains("the watchdog ends the process")), "{ended:#?}");
    // What it had begun is the next run's.
    scene.touch("go");
    let backend = scene.start();
    scene.until_counts([0, 0, 1, 0]);
    assert_eq!(backend.terminate().code, Some(0));
    assert!(!daemons.iter().any(|pid| is_there(*pid)), "{daemons:?} have ended with it");
}

#[test]
fn a_step_that_fails_is_logged_and_the_next_ones_run() {
    let scene = Scene::new("fails");
    let backend = start(&scene);
    fs::remove_file(scene.file("daemons.log")).unwrap();
    fs::create_dir(scene.file("daemons.log")).unwrap();
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let step = ended.step("stop_daemons");
    assert_eq!(step["outcome"], "failed", "{step:#}");
    let error = step["error"].as_str().unwrap();
    assert!(
        error.contains("Is a directory") && error_of(&ended, "stop_daemons").contains(error),
        "{ended:#?}"
    );
    assert_the_others_are_done(&scene, &ended);
}

#[test]
fn a_daemon_that_does_not_end_is_killed_and_told_of() {
    let mut scene = Scene::new("stubborn");
    scene.set("daemons.patience", "100ms");
    let backend = start(&scene);
    scene.touch("stubborn");
    let daemons = scene.daemons();
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let step = ended.step("stop_daemons");
    assert_eq!(step["outcome"], "partial", "{step:#}");
    let items = step["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["error"].as_str().unwrap().starts_with("killed")), "{step:#}");
    assert!(!daemons.iter().any(|pid| is_there(*pid)), "{daemons:?} are reaped");
    assert_the_others_are_done(&scene, &ended);
}

#[test]
fn a_job_that_takes_too_long_goes_back_to_the_queue() {
    let mut scene = Scene::new("late");
    scene.set("jobs.finish", "300ms");
    let backend = scene.start();
    let jobs = scene.enqueue(&["a"], "go");
    scene.until_counts([1, 0, 0, 0]);
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let step = ended.step("work_off_jobs");
    let error = step["error"].as_str().unwrap();
    assert_eq!(
        (step["outcome"].as_str(), error),
        (Some("failed"), "1 of the jobs took longer than 300ms and went back to the queue")
    );
    assert_eq!(scene.counts(), [0, 1, 0, 0], "active, waiting, completed, failed");
    assert_eq!(scene.rows().0.len(), 0);

    scene.touch("go");
    let backend = scene.start();
    scene.until_counts([0, 0, 1, 0]);
    assert_eq!(backend.terminate().code, Some(0));
    assert_eq!(scene.rows().0[&jobs[0]], json!("a"));
}

#[test]
fn a_redis_that_hangs_holds_up_nothing_else() {
    let mut scene = Scene::new("hang");
    scene.set("jobs.finish", "500ms");
    scene.set("jobs.hand_back", "500ms");
    scene.set("jobs.lock", "2s");
    let backend = start(&scene);
    scene.enqueue(&["b"], "later");
    scene.until_counts([1, 0, 1, 0]);
    scene.redis.signal(SIGSTOP);
    let ended = backend.terminate();
    scene.redis.signal(SIGCONT);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.step("work_off_jobs")["outcome"], "timed out", "{ended:#?}");
    assert_eq!(ended.step("stop_daemons")["outcome"], "done", "{ended:#?}");
    assert_the_others_are_done(&scene, &ended);
    // It could not be given back, and so is the next run's once its lock has expired.
    assert_eq!(scene.counts(), [1, 0, 1, 0], "active, waiting, completed, failed");
    scene.touch("later");
    let backend = scene.start();
    scene.until_counts([0, 0, 2, 0]);
    assert_eq!(backend.terminate().code, Some(0));
}

#[test]
fn times_that_do_not_fit_stop_the_start() {
    let mut scene = Scene::new("budget");
    scene.set("grace", "60s");
    let ended = Child::start(scene.command()).wait(PATIENCE);
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    let told =
        ended.stderr.iter().any(|line| line.contains("The longest way is") && line.contains("work_off_jobs"));
    assert!(told && scene.daemon_lines().is_empty(), "{ended:#?}");
}

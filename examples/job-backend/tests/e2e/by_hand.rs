//! The backend that was written without the library does what the other one does, as far as README.md compares the two.

use e2e_support::lines::assert_readme_counts;

use crate::health::die_and_recover;
use crate::scene::{Scene, assert_in_order, is_there};
use crate::steps::end_amid_work;

fn scene(name: &str) -> Scene {
    let mut scene = Scene::new(&format!("by-hand-{name}"));
    scene.by_hand();
    scene
}

#[test]
fn its_seven_steps_come_one_after_the_other() {
    end_amid_work(&scene("seven"));
}

#[test]
fn a_daemon_that_has_died_is_replaced() {
    die_and_recover(&scene("health"));
}

#[test]
fn a_step_that_fails_is_logged_and_the_next_ones_run() {
    let mut scene = scene("stubborn");
    scene.set("daemons.patience", "100ms");
    let backend = scene.start();
    scene.touch("stubborn");
    let daemons = scene.daemons();
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let error = &ended.stdout[ended.line("stop_daemons: ")];
    assert!(error.contains("ERROR") && error.contains("claude-1 killed"), "{error}");
    assert_in_order(&ended);
    assert!(!daemons.iter().any(|pid| is_there(*pid)), "{daemons:?} are reaped");
}

#[test]
fn the_readme_counts_both() {
    let names = [
        "lifecycle",
        "CancellationToken",
        "Check",
        "Event",
        "Requests",
        "Settings",
        "Take",
        "TrackLayer",
        "register",
        "settings",
        "step",
        "stop.",
    ];
    let with = ["src/main.rs"];
    assert_readme_counts(env!("CARGO_MANIFEST_DIR"), &with, &names, &["src/bin/by-hand.rs"]);
}

//! The worker that was written without the library does what the other one does, as far as README.md compares the two.

use e2e_support::lines::assert_readme_counts;

use crate::scene::Scene;
use crate::shutdown::{finishes_what_runs, hands_back_the_rest};

fn scene(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    scene.by_hand();
    scene
}

#[test]
fn it_finishes_what_runs() {
    assert_eq!(finishes_what_runs(&scene("by-hand-finish")).code, Some(0));
}

#[test]
fn it_hands_back_the_rest() {
    assert_eq!(hands_back_the_rest(&mut scene("by-hand-back")).code, Some(0));
}

#[test]
fn the_readme_counts_both() {
    let names =
        ["lifecycle", "CancellationToken", "Report", "Settings", "Take", "report", "settings", "stop."];
    assert_readme_counts(env!("CARGO_MANIFEST_DIR"), &["src/main.rs"], &names, &["src/bin/by-hand.rs"]);
}

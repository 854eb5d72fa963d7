//! The server that was written without the library does what the other one does, as far as README.md compares the two.

use e2e_support::Gateway;
use e2e_support::lines::assert_readme_counts;

use crate::calls::{assert_logged, talk};
use crate::scene::{By, Scene, Sdk};
use crate::settings::cut_off;

fn scene(name: &str, by: By) -> Scene {
    let mut scene = Scene::new(name, by);
    scene.by_hand();
    scene
}

#[test]
fn it_finishes_the_calls_that_it_has_taken() {
    for (name, by, sdk) in [
        ("by-hand-stdio", By::Stdio, Sdk::Node),
        ("by-hand-node", By::Http, Sdk::Node),
        ("by-hand-python", By::Http, Sdk::Python),
    ] {
        let gateway = Gateway::start();
        let mut scene = scene(name, by);
        scene.set("pushgateway", gateway.address());
        talk(&scene, sdk, 4);
        assert_logged(&scene);
        assert!(gateway.metrics("mcp-server").values().any(|value| *value == 2.0));
        assert_eq!(scene.history()["build"], 2);
    }
}

#[test]
fn it_cuts_off_a_call_that_takes_too_long() {
    cut_off(&mut scene("by-hand-long", By::Http), Sdk::Node);
}

#[test]
fn the_readme_counts_both() {
    let names = [
        "lifecycle",
        "CancellationToken",
        "Limit",
        "Responses",
        "Settings",
        "Take",
        "TrackLayer",
        "settings",
        "signals::",
        "step",
        "stop.",
        "tracked",
    ];
    let with = ["src/main.rs", "src/tools.rs"];
    assert_readme_counts(env!("CARGO_MANIFEST_DIR"), &with, &names, &["src/bin/by-hand.rs"]);
}

//! The backend that was written without the library does what the other one does, as far as README.md compares the two.

use e2e_support::PATIENCE;
use e2e_support::lines::assert_readme_counts;
use e2e_support::signals::SIGTERM;

use crate::rolling::{LAME_DUCK, roll};
use crate::scene::Scene;

#[test]
fn a_rolling_restart_loses_nothing() {
    let mut scene = Scene::new("by-hand-rolling");
    scene.by_hand();
    scene.set("shutdown.lameduck", LAME_DUCK);
    assert_eq!(roll(&scene, 1, false), [""; 0]);
}

#[test]
fn what_is_open_at_the_signal_is_brought_to_its_end() {
    let mut scene = Scene::new("by-hand-open");
    scene.by_hand();
    let instance = scene.start();
    let place = instance.place;
    let (feed, idle) = (place.visitor("feed"), place.visitor("idle"));
    feed.wait_for("listening");
    idle.wait_for("idle after 200");
    let lock = scene.lock_orders();
    let order = place.ordering();
    scene.holds_up(1);
    instance.child.signal(SIGTERM);
    place.closes();
    assert_eq!(feed.wait(PATIENCE).stdout.last().unwrap(), "CLOSE 1012 restarting");
    assert_eq!(idle.wait(PATIENCE).stdout, ["idle after 200", "closed in order"]);
    assert_eq!(place.probe("/live").unwrap().status, 200);
    lock.roll_back();
    assert_eq!(order.join().unwrap().unwrap().status, 200);
    assert_eq!(instance.ended().code, Some(0));
    assert_eq!((scene.orders(), scene.abandoned_sessions()), (1, 0));
}

#[test]
fn the_readme_counts_both() {
    let names = [
        "lifecycle",
        "CancellationToken",
        "Settings",
        "Take",
        "TrackLayer",
        "settings",
        "step",
        "close.",
        "stop.",
    ];
    assert_readme_counts(env!("CARGO_MANIFEST_DIR"), &["src/main.rs"], &names, &["src/bin/by-hand.rs"]);
}

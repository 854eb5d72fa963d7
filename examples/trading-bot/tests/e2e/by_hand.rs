//! The bot that was written without the library does what the other one does, as far as README.md compares the two.

use std::time::Duration;

use e2e_support::lines::assert_readme_counts;
use e2e_support::signals::{SIGUSR1, SIGUSR2};
use e2e_support::until;

use crate::scene::{Scene, summary};

fn scene(name: &str, orders: i64) -> Scene {
    let mut scene = Scene::rest(name);
    scene.by_hand();
    scene.wants(orders);
    scene
}

#[test]
fn it_cancels_what_is_open_and_pauses() {
    let scene = scene("by-hand-well", 2);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let judge = scene.judge();
    bot.signal(SIGUSR1);
    bot.wait_for(": paused");
    judge.sell(59990.0, 0.01);
    until("the fill", || (scene.count("FILLED") == 1).then_some(()));
    assert_eq!(judge.open().len(), 1);
    bot.signal(SIGUSR2);
    bot.wait_for_nth(": placed bot", 3);
    let ended = bot.terminate();
    assert_eq!((ended.code, judge.open().len()), (Some(0), 0), "{ended:#?}");
    assert_eq!(summary(&ended), "2, cancel errors: 0, left open: 0, state flushed: yes");
    assert_eq!((scene.calls("trade/cancel-batch-orders"), scene.calls("trade/cancel-order")), (1, 0));
}

#[test]
fn it_tells_of_what_stays_open_and_makes_up_for_it() {
    let mut scene = scene("by-hand-stuck", 3);
    scene.fault("trade/cancel-batch-orders", "refuse");
    scene.fault_of("cancel", "59980", None);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    let ended = bot.terminate();
    let judge = scene.judge();
    assert_eq!((ended.code, judge.open().len()), (Some(1), 1), "{ended:#?}");
    assert_eq!((scene.calls("trade/cancel-batch-orders"), scene.calls("trade/cancel-order")), (3, 5));
    assert_eq!((scene.inbox("webhooks").len(), scene.inbox("mails").len()), (1, 1));
    scene.mend();
    scene.wants(0);
    assert_eq!((scene.start_and_end().code, judge.open().len()), (Some(0), 0));
}

#[test]
fn a_venue_that_hangs_does_not_hold_it_up() {
    let mut scene = scene("by-hand-hang", 2);
    scene.hangs(["trade/cancel-batch-orders", "trade/cancel-order"]);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.took < Duration::from_secs(35), "{ended:#?}");
}

#[test]
fn the_readme_counts_both() {
    let names = [
        "lifecycle",
        "CancellationToken",
        "PreviousRun",
        "Report",
        "Settings",
        "admitting",
        "settings",
        "step",
        "stop.",
    ];
    let with = ["src/main.rs", "src/summary.rs"];
    assert_readme_counts(env!("CARGO_MANIFEST_DIR"), &with, &names, &["src/bin/by-hand.rs"]);
}

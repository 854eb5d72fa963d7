//! At QuickFIX's acceptor, which says what it saw.

use std::time::Duration;

use serde_json::json;

use crate::scene::{Scene, items, step, summary};

/// The orders that the venue has as open.
fn open(scene: &Scene) -> usize {
    scene.venue.ask(&json!({"ask": "open"})).as_array().unwrap().len()
}

/// How many cancels by batch, single cancels and logouts the venue has seen.
fn seen(scene: &Scene) -> (u64, u64, u64) {
    (scene.calls("q"), scene.calls("F"), scene.calls("5"))
}

#[test]
fn several_orders_are_cancelled_in_one_message() {
    let mut scene = Scene::fix("fix-several");
    scene.wants(3);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    assert_eq!(open(&scene), 3);
    scene.venue.ask(&json!({"ask": "fill", "price": "59990"}));
    bot.wait_for_nth(": placed bot", 4);
    assert_eq!(open(&scene), 3);

    let ended = bot.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(open(&scene), 0);
    assert_eq!(seen(&scene), (1, 0, 1));
    assert_eq!((scene.count("CANCELED"), scene.count("FILLED"), scene.count("OPEN")), (3, 1, 0));
    assert_eq!(summary(&ended), "3, cancel errors: 0, left open: 0, state flushed: yes");
    assert!(scene.inbox("webhooks").is_empty() && scene.inbox("mails").is_empty());
}

#[test]
fn a_single_order_is_cancelled_by_its_own_message() {
    let mut scene = Scene::fix("fix-single");
    scene.wants(1);
    let bot = scene.start();
    bot.wait_for(": placed bot");
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(open(&scene), 0);
    assert_eq!(seen(&scene), (0, 1, 1));
}

#[test]
fn what_the_batch_does_not_cancel_is_cancelled_singly_or_by_the_next_run() {
    let mut scene = Scene::fix("fix-stuck");
    scene.wants(3);
    scene.fault("q", "refuse");
    scene.fault_of("cancel", "59980", None);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(open(&scene), 1);
    // Three attempts by batch, then two orders at once and the third in vain three times.
    assert_eq!(seen(&scene), (3, 5, 1));
    let cancel = ended.step("cancel_open_orders");
    assert_eq!((&cancel["outcome"], items(&cancel).0), (&json!("partial"), 2));
    assert_eq!((scene.inbox("webhooks").len(), scene.inbox("mails").len()), (1, 1));

    scene.mend();
    scene.wants(0);
    let ended = scene.start_and_end();
    assert_eq!(open(&scene), 0);
    assert_eq!(step(&ended.report(), "compensation", "compensate cancel_open_orders")["outcome"], "done");
    assert_eq!((scene.count("CANCELED"), scene.count("OPEN")), (3, 0));
}

#[test]
fn a_venue_that_says_nothing_holds_nothing_up_and_sees_the_logout() {
    let mut scene = Scene::fix("fix-hang");
    scene.wants(2);
    scene.hangs(["q", "F"]);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.took < Duration::from_secs(35), "{ended:#?}");
    assert_eq!(ended.step("cancel_open_orders")["outcome"], "timed out");
    assert_eq!((open(&scene), scene.calls("5")), (2, 1));
}

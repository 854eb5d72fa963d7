//! The relay's whole life, as processes that are paused, ended and killed.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod service;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use service::{Home, Relay, items};

fn names(good: &[&str], failed: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    (owned(good), owned(failed))
}

#[tokio::test]
async fn a_run_that_goes_well() {
    let home = Home::new();
    fs::remove_file(home.path("venue/up")).unwrap();
    let relay = Relay::spawn(&home, &[]);
    relay.says_times(2, "connecting").await;
    home.touch("venue/up");
    relay.says("VenueAnswers: healthy").await;
    assert!(relay.said().contains(&"previous run: none".to_owned()), "{:?}", relay.said());
    assert!(home.has("pid"));
    home.shows("ready", true).await;
    assert!(home.read("ready").contains("VenueAnswers: healthy"));
    home.place(&relay, &["tea", "rice"]).await;
    assert_eq!(home.open(), ["rice", "tea"]);

    // The venue goes down and comes back; an order waits for that.
    fs::remove_file(home.path("venue/up")).unwrap();
    relay.says("VenueAnswers: recovering, 1 of 50").await;
    home.shows("ready", false).await;
    home.touch("inbox/salt");
    relay.says("VenueAnswers: recovering, 3 of 50").await;
    assert!(home.has("inbox/salt"));
    home.touch("venue/up");
    relay.says("VenueAnswers: recovered").await;
    relay.says("placed salt").await;

    relay.signal("USR1").await;
    relay.says("paused").await;
    home.shows("ready", false).await;
    home.touch("inbox/oats");
    assert!(relay.does_not_say("placed oats").await && home.has("inbox/oats"));
    relay.signal("USR2").await;
    relay.says("placed oats").await;
    home.shows("ready", true).await;

    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(home.open(), [""; 0]);
    let cancel = ended.step("shutdown", "CancelOrders");
    assert_eq!(items(cancel), names(&["oats", "rice", "salt", "tea"], &[]));
    assert_eq!(cancel["notes"], json!([["open", "4"]]));
    assert_eq!((&cancel["outcome"], &cancel["fallback"]), (&json!("done"), &json!(false)));
    assert!(!home.has("alert") && !home.has("left-open") && !home.has("pid") && !home.has("ready"));
    let steps = ended.report["steps"].as_array().unwrap();
    let turn = |name| steps.iter().position(|step| step["name"] == name).unwrap();
    assert!(turn("relay") < turn("beacon") && turn("relay") < turn("CancelOrders"), "{ended:#?}");

    // The second run knows, and has nothing to make up for. This one is to leave its orders open, as the third run sees.
    let relay = Relay::start_with(&home, &[("RELAY_KEEP_ORDERS", "1")]).await;
    assert!(relay.said().contains(&"previous run: ended by SIGTERM".to_owned()), "{:?}", relay.said());
    home.place(&relay, &["tea"]).await;
    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(ended.step("shutdown", "CancelOrders")["outcome"], "skipped");
    assert_eq!(home.open(), ["tea"]);

    let relay = Relay::start(&home).await;
    assert!(!relay.said().iter().any(|line| line.starts_with("owed:") || line.starts_with("cancelled")));
    assert_eq!(home.open(), ["tea"]);
}

#[tokio::test]
async fn its_plan_says_what_is_done_if_something_fails() {
    let home = Home::new();
    let ended = Relay::spawn(&home, &[("LIFECYCLE_PLAN", "text")]).ended().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    for line in [
        "connect: tried again up to 10 times after 100ms and more",
        "relay (worker): begun again up to 5 times in a row after 500ms and more; then its failure ends the service",
        "beacon (worker): begun again up to 3 times in a row after 200ms and more, also after a good end; then its failure \
         ends the service",
        "CancelOrders: runs only when it applies; each attempt within 2s; tried again up to 2 times after 100ms and more; \
         then its fallback; what is not done, the next start makes up for",
        "VenueAnswers (examples/whole-life/src/main.rs:",
    ] {
        assert!(ended.stdout.iter().any(|said| said.trim_start().starts_with(line)), "{line}: {ended:#?}");
    }
    assert!(!home.has("journal") && !home.has("pid"), "nothing was started");
}

#[tokio::test]
async fn what_comes_in_during_the_shutdown_is_not_left_open() {
    let home = Home::new();
    let relay = Relay::start(&home).await;
    home.place(&relay, &["first"]).await;
    // An order that waits through a pause is not taken by the shutdown either.
    relay.signal("USR1").await;
    relay.says("paused").await;
    home.touch("inbox/late");
    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(home.open(), [""; 0]);
    assert!(home.has("inbox/late"));

    // Nor one of many that come all the time; each is either still here or was placed and cancelled.
    let relay = Relay::start(&home).await;
    let (inbox, over) = (home.clone(), Arc::new(AtomicBool::new(false)));
    let until = Arc::clone(&over);
    let feeding = tokio::task::spawn_blocking(move || {
        let orders = (0..).take_while(|_| !until.load(Ordering::Relaxed));
        // Not faster than they can be cancelled.
        orders
            .inspect(|_| thread::sleep(Duration::from_micros(200)))
            .map(|n| inbox.touch(&format!("inbox/{n}")))
            .count()
    });
    relay.says("placed 1").await;
    let ended = relay.terminate().await;
    over.store(true, Ordering::Relaxed);
    let came = feeding.await.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(home.open(), [""; 0], "{ended:#?}");
    let steps = ended.report["steps"].as_array().unwrap();
    let turn = |name| steps.iter().position(|step| step["name"] == name).unwrap();
    assert!(turn("relay") < turn("CancelOrders"), "{ended:#?}");
    let placed = |line: &&String| line.starts_with("placed");
    let left = fs::read_dir(home.path("inbox")).unwrap().count();
    assert_eq!(ended.stdout.iter().filter(placed).count() + left, came + 1);
}

#[tokio::test]
async fn what_cannot_be_cancelled_is_tried_again_and_then_written_down() {
    let home = Home::new();
    let relay = Relay::start(&home).await;
    home.place(&relay, &["tea"]).await;
    fs::create_dir(home.path("venue/rice")).unwrap();

    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    let cancel = ended.step("shutdown", "CancelOrders");
    assert_eq!((&cancel["outcome"], &cancel["fallback"]), (&json!("done"), &json!(true)));
    assert_eq!(cancel["notes"], json!([["left open", "rice"]]));
    let attempts = cancel["attempts"].as_array().unwrap();
    let tried: Vec<_> =
        attempts.iter().map(|attempt| (attempt["outcome"].as_str().unwrap(), items(attempt))).collect();
    let again = ("failed", names(&[], &["rice"]));
    assert_eq!(tried, [("failed", names(&["tea"], &["rice"])), again.clone(), again]);
    assert_eq!(home.read("left-open"), "rice\n");
    assert!(!home.has("alert"));

    // Written down is done: the next run owes nothing.
    let relay = Relay::start(&home).await;
    assert!(!relay.said().iter().any(|line| line.starts_with("owed:") || line.starts_with("cancelled")));
}

#[tokio::test]
async fn what_cannot_be_written_down_either_is_a_bad_end_and_stays_owed() {
    let home = Home::new();
    let relay = Relay::start(&home).await;
    for stuck in ["venue/rice", "left-open"] {
        fs::create_dir(home.path(stuck)).unwrap();
    }
    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert_eq!(ended.step("shutdown", "CancelOrders")["outcome"], "failed");
    assert!(home.read("alert").contains("CancelOrders"), "{}", home.read("alert"));
    // What comes after the report has run all the same.
    assert!(!home.has("pid"));

    fs::remove_dir(home.path("venue/rice")).unwrap();
    let relay = Relay::start(&home).await;
    assert!(relay.said().contains(&"previous run: left something undone".to_owned()), "{:?}", relay.said());
    assert!(
        relay.said().iter().any(|line| line.starts_with("owed: whole_life::CancelOrders, tried 0 times"))
    );
    let ended = relay.terminate().await;
    assert_eq!(ended.step("compensation", "compensate CancelOrders")["outcome"], "done");
}

#[tokio::test]
async fn a_venue_that_stays_away_ends_the_relay() {
    let home = Home::new();
    let relay = Relay::start(&home).await;
    home.place(&relay, &["tea"]).await;
    fs::remove_file(home.path("venue/up")).unwrap();
    // By itself.
    let ended = relay.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    let why = ended.report["service"]["failed"]["error"].as_str().unwrap_or_default();
    assert!(why.contains("VenueAnswers: not connected"), "{ended:#?}");
    assert_eq!(ended.step("shutdown", "CancelOrders")["fallback"], true);
    assert_eq!(home.read("left-open"), "tea\n");
    assert!(home.has("alert") && !home.has("pid"));
}

#[tokio::test]
async fn killed_with_open_orders_the_next_run_cancels_them_first() {
    let home = Home::new();
    let relay = Relay::start(&home).await;
    home.place(&relay, &["tea", "rice"]).await;
    let ended = relay.kill().await;
    assert_eq!(ended.status.code(), None);
    assert_eq!(home.open(), ["rice", "tea"]);

    home.touch("inbox/salt");
    let relay = Relay::start(&home).await;
    relay.says("placed salt").await;
    assert_eq!(home.open(), ["salt"]);
    let ended = relay.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    let lines = [
        "previous run: killed",
        "owed: ",
        "cancelled rice",
        "cancelled tea",
        "placed salt",
        "cancelled salt",
    ];
    assert!(lines.map(|line| ended.line(line)).is_sorted(), "{ended:#?}");
    assert_eq!(items(ended.step("compensation", "compensate CancelOrders")), names(&["rice", "tea"], &[]));
    assert_eq!(items(ended.step("shutdown", "CancelOrders")), names(&["salt"], &[]));

    // Made up for once, and no more.
    let relay = Relay::start(&home).await;
    assert!(!relay.said().iter().any(|line| line.starts_with("owed:") || line.starts_with("cancelled")));
}

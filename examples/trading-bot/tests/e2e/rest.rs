//! At the simulated exchange; ccxt says what is open there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use e2e_support::signals::{SIGKILL, SIGTERM, SIGUSR1, SIGUSR2};
use e2e_support::{Ended, Gateway, PATIENCE, until};
use serde_json::json;

use crate::scene::{Judge, Scene, items, step, summary};

/// Every step, where all of them are done.
const ALL_DONE: [(&str, &str); 12] = [
    ("open_book", "done"),
    ("connect", "done"),
    ("look_back", "done"),
    ("Requests", "done"),
    ("trade", "done"),
    ("cancel_open_orders", "done"),
    ("read_executions", "done"),
    ("log_out", "done"),
    ("flush_state", "done"),
    ("sum_up", "done"),
    ("alert", "done"),
    ("push_metrics", "done"),
];

/// Nothing is open at the venue, the bot has cancelled so many orders, knows it, and has told nobody of anything bad.
fn assert_clean_end(scene: &Scene, judge: &Judge, ended: &Ended, cancelled: usize) {
    assert_eq!(judge.open(), [""; 0], "{ended:#?}");
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let step = ended.step("cancel_open_orders");
    assert_eq!(items(&step), (cancelled, vec![]));
    // Of the attempt that did it; the fallback says nothing.
    let notes = if step["fallback"] == true { json!([]) } else { json!([["open", cancelled.to_string()]]) };
    assert_eq!(step["notes"], notes);
    assert_eq!(scene.count("CANCELED"), cancelled, "{:#?}", scene.states());
    assert_eq!(scene.count("OPEN"), 0, "{:#?}", scene.states());
    for (name, state) in scene.states() {
        let told = ended.stdout.iter().any(|line| line.ends_with(&format!("cancelled {name}: Canceled")));
        assert_eq!(told, state == "CANCELED", "{name} is {state}: {ended:#?}");
    }
    let expected = format!("{cancelled}, cancel errors: 0, left open: 0, state flushed: yes");
    assert_eq!(summary(ended), expected);
    assert!(scene.inbox("webhooks").is_empty() && scene.inbox("mails").is_empty());
}

/// A run that goes well, as the tests below have it and the one that must fail has not.
fn run_well(scene: &Scene, orders: usize) {
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", orders);
    let judge = scene.judge();
    judge.sees_open(orders);
    assert_clean_end(scene, &judge, &bot.terminate(), orders);
}

#[test]
fn several_orders_are_cancelled_in_one_call() {
    let mut scene = Scene::rest("several");
    scene.wants(3);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    let judge = scene.judge();
    judge.sees_open(3);
    // Somebody takes the best one; the bot hears of it and places another in its stead.
    judge.sell(59990.0, 0.01);
    bot.wait_for_nth(": placed bot", 4);
    judge.sees_open(3);

    let ended = bot.terminate();
    ended.assert_any_order(0, &ALL_DONE);
    let report = ended.report();
    let turn =
        |name| report["steps"].as_array().unwrap().iter().position(|step| step["name"] == name).unwrap();
    let one_by_one = ["trade", "cancel_open_orders", "read_executions", "log_out", "flush_state", "alert"];
    assert!(one_by_one.map(turn).is_sorted(), "{report:#}");
    assert_clean_end(&scene, &judge, &ended, 3);
    assert_eq!((scene.calls("trade/cancel-batch-orders"), scene.calls("trade/cancel-order")), (1, 0));
    assert_eq!(scene.count("FILLED"), 1);
}

/// Removing the step is all that it takes to make the test above fail.
#[test]
fn with_the_step_off_orders_stay_open_and_the_checks_notice() {
    let mut scene = Scene::rest("control");
    scene.wants(2);
    scene.set("cancel.off", "to see what it is good for");
    let failed = catch_unwind(AssertUnwindSafe(|| run_well(&scene, 2))).unwrap_err();
    let words = failed.downcast_ref::<String>().unwrap();
    assert!(words.starts_with("assertion `left == right` failed"), "{words}");
    assert_eq!(scene.judge().open().len(), 2);
}

#[test]
fn a_single_order_is_cancelled_by_a_single_call_live_too() {
    let mut scene = Scene::rest("single");
    scene.wants(1);
    scene.set("mode", "LIVE");
    run_well(&scene, 1);
    assert_eq!((scene.calls("trade/cancel-batch-orders"), scene.calls("trade/cancel-order")), (0, 1));
}

#[test]
fn orders_that_are_just_being_placed_are_cancelled_too() {
    let mut scene = Scene::rest("amid");
    scene.wants(1000);
    scene.set("strategy.interval", "5ms");
    scene.set("strategy.step", "1");
    let bot = scene.start();
    let judge = scene.judge();
    bot.wait_for_nth(": placed bot", 45);
    let ended = bot.terminate();
    let placed = ended.stdout.iter().filter(|line| line.contains(": placed bot")).count();
    assert!((45..1000).contains(&placed), "{placed} were placed before it stopped");
    assert_clean_end(&scene, &judge, &ended, placed);
    // The venue takes twenty at a time.
    assert_eq!(scene.calls("trade/cancel-batch-orders"), placed.div_ceil(20) as u64);
}

#[test]
fn a_single_cancel_that_fails_twice_is_tried_again() {
    let mut scene = Scene::rest("again");
    scene.wants(1);
    scene.fault_of("cancel", "59990", Some(2));
    run_well(&scene, 1);
    assert_eq!(scene.calls("trade/cancel-order"), 3);
}

#[test]
fn where_the_batch_fails_each_is_cancelled_by_itself() {
    let mut scene = Scene::rest("batch");
    scene.wants(3);
    scene.fault("trade/cancel-batch-orders", "refuse");
    // Singly, one of them takes three attempts.
    scene.fault_of("cancel", "59980", Some(2));
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    let judge = scene.judge();
    judge.sees_open(3);
    let ended = bot.terminate();
    assert_clean_end(&scene, &judge, &ended, 3);
    let step = ended.step("cancel_open_orders");
    assert_eq!((&step["outcome"], &step["fallback"]), (&json!("done"), &json!(true)));
    assert_eq!(step["attempts"].as_array().unwrap().len(), 3);
    assert_eq!((scene.calls("trade/cancel-batch-orders"), scene.calls("trade/cancel-order")), (3, 5));
}

#[test]
fn an_order_that_cannot_be_cancelled_is_told_of_and_made_up_for_by_the_next_run() {
    let mut scene = Scene::rest("stuck");
    scene.wants(3);
    scene.fault_of("cancel", "59980", None);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 3);
    let judge = scene.judge();
    judge.sees_open(3);
    let ended = bot.terminate();

    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let left = judge.open();
    assert_eq!(left.len(), 1);
    let cancel = ended.step("cancel_open_orders");
    assert_eq!((&cancel["outcome"], &cancel["fallback"]), (&json!("partial"), &json!(true)));
    // The first attempt has cancelled the other two, so it was the only one by batch.
    assert_eq!(items(&cancel["attempts"][0]), (2, left.clone()));
    assert_eq!(items(&cancel), (0, left.clone()));
    assert_eq!(scene.calls("trade/cancel-batch-orders"), 1);
    assert_eq!((scene.count("CANCELED"), scene.count("OPEN")), (2, 1));
    assert_eq!(summary(&ended), "2, cancel errors: 1, left open: 1, state flushed: yes");
    let (webhooks, mails) = (scene.inbox("webhooks"), scene.inbox("mails"));
    assert_eq!((webhooks.len(), mails.len()), (1, 1));
    assert_eq!(mails[0]["to"], json!(["operator@example.org"]));
    for text in [&webhooks[0], &mails[0]["text"]] {
        let text = text.as_str().unwrap();
        assert!(text.contains("left open: 1") && text.contains(&left[0]), "{text}");
    }

    // The next run tries again, before it trades; the venue is still at fault.
    scene.wants(0);
    let ended = scene.start_and_end();
    assert_eq!(judge.open(), left);
    assert_eq!(step(&ended.report(), "compensation", "compensate cancel_open_orders")["outcome"], "partial");

    scene.mend();
    let ended = scene.start_and_end();
    assert_eq!(judge.open(), [""; 0]);
    assert_eq!(step(&ended.report(), "compensation", "compensate cancel_open_orders")["outcome"], "done");
    assert_eq!(ended.code, Some(0));
    assert_eq!((scene.count("CANCELED"), scene.count("OPEN")), (3, 0));
}

#[test]
fn a_venue_that_hangs_holds_nothing_up() {
    let mut scene = Scene::rest("hang");
    scene.wants(2);
    scene.hangs(["trade/cancel-batch-orders", "trade/cancel-order"]);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let judge = scene.judge();
    judge.sees_open(2);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.took < Duration::from_secs(35), "{ended:#?}");
    let cancel = ended.step("cancel_open_orders");
    assert_eq!(cancel["outcome"], "timed out");
    assert_eq!(cancel["attempts"].as_array().unwrap().len(), 3);
    for later in ["read_executions", "log_out", "flush_state"] {
        assert_eq!(ended.step(later)["outcome"], "done");
    }
    assert_eq!(summary(&ended), "0, cancel errors: 0, left open: 2, state flushed: yes");
    assert_eq!((scene.inbox("webhooks").len(), scene.inbox("mails").len()), (1, 1));
    assert_eq!(judge.open().len(), 2);
}

#[test]
fn after_a_kill_a_dry_run_leaves_the_orders_and_the_next_real_one_cancels_them() {
    let mut scene = Scene::rest("kill");
    scene.wants(2);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let judge = scene.judge();
    judge.sees_open(2);
    bot.signal(SIGKILL);
    assert_eq!(bot.wait(PATIENCE).signal, Some(SIGKILL));
    assert_eq!(scene.count("OPEN"), 2);

    scene.wants(4);
    scene.set("mode", "DRY_RUN");
    let bot = scene.start();
    bot.wait_for(": would place bot");
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.step("cancel_open_orders")["outcome"], "skipped");
    assert_eq!((judge.open().len(), scene.count("OPEN")), (2, 2));
    // Who was killed could not tell anybody.
    let (webhooks, mails) = (scene.inbox("webhooks"), scene.inbox("mails"));
    assert_eq!((webhooks.len(), mails.len()), (1, 1));
    assert!(webhooks[0].as_str().unwrap().contains("killed: true"), "{webhooks:?}");

    // First of all.
    scene.wants(1);
    scene.set("mode", "PAPER");
    let bot = scene.start();
    bot.wait_for(": placed bot");
    judge.sees_open(1);
    let ended = bot.terminate();
    let made_up = step(&ended.report(), "compensation", "compensate cancel_open_orders").clone();
    assert_eq!((&made_up["outcome"], items(&made_up)), (&json!("done"), (2, vec![])));
    assert!(ended.line(": cancelled bot") < ended.line(": placed bot"));
    assert_eq!(judge.open(), [""; 0]);
    assert_eq!(scene.count("CANCELED"), 3);
}

#[test]
fn killed_in_the_middle_of_cancelling_the_next_run_goes_on() {
    let mut scene = Scene::rest("middle");
    scene.wants(2);
    scene.fault("trade/cancel-batch-orders", "hang");
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    bot.signal(SIGTERM);
    until("the call that hangs", || (scene.calls("trade/cancel-batch-orders") == 1).then_some(()));
    bot.signal(SIGKILL);
    assert_eq!(bot.wait(PATIENCE).signal, Some(SIGKILL));

    scene.mend();
    scene.wants(0);
    let ended = scene.start_and_end();
    assert_eq!(step(&ended.report(), "compensation", "compensate cancel_open_orders")["outcome"], "done");
    assert_eq!(scene.judge().open(), [""; 0]);
    assert_eq!((scene.count("CANCELED"), scene.count("OPEN")), (2, 0));
}

#[test]
fn while_it_is_paused_it_places_nothing_but_hears_what_is_filled() {
    let mut scene = Scene::rest("pause");
    scene.wants(2);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let judge = scene.judge();
    judge.sees_open(2);

    bot.signal(SIGUSR1);
    bot.wait_for(": paused");
    judge.sell(59990.0, 0.01);
    until("the fill", || (scene.count("FILLED") == 1).then_some(()));
    // For as long as the bot takes to ask five times for news, which is many times as long as it leaves between orders.
    let asked = scene.calls("trade/orders-history");
    until("more questions", || (scene.calls("trade/orders-history") >= asked + 5).then_some(()));
    assert_eq!((judge.open().len(), scene.calls("trade/order")), (1, 2));

    bot.signal(SIGUSR2);
    bot.wait_for_nth(": placed bot", 3);
    judge.sees_open(2);
    // The end of a bot that is paused leaves nothing open either.
    bot.signal(SIGUSR1);
    bot.wait_for_nth(": paused", 2);
    assert_clean_end(&scene, &judge, &bot.terminate(), 2);
}

#[test]
fn the_states_are_on_the_disk_before_it_ends() {
    let mut scene = Scene::rest("disk");
    scene.wants(2);
    let trace = scene.file("trace");
    // With -D the bot is the child of this test, and not strace.
    let words = ["strace", "-D", "-f", "-y", "-e", "trace=write,fsync", "-e", "signal=none", "-o"];
    let bot = scene.start_by(&[&words[..], &[trace.to_str().unwrap()]].concat());
    bot.wait_for_nth(": placed bot", 2);
    assert_eq!(bot.terminate().code, Some(0));
    // Of the folder, the file's name is synced too.
    let state = scene.file("state");
    let folder = state.parent().unwrap();
    until("both syncs after the last change", || {
        let calls = std::fs::read_to_string(&trace).unwrap();
        let last = |call: &str, path: &Path| {
            let open = format!("<{}>", path.display());
            calls
                .lines()
                .collect::<Vec<_>>()
                .iter()
                .rposition(|line| line.contains(call) && line.contains(&open))
        };
        let written = last("write(", &state)?;
        let (file, folder) = (last("fsync(", &state)?, last("fsync(", folder)?);
        assert!(calls.lines().skip(written).all(|line| !line.contains("fsync") || !line.contains("= -1")));
        (written < file && file < folder).then_some(())
    });
}

#[test]
fn an_order_that_is_filled_instead_is_no_error() {
    let mut scene = Scene::rest("filled");
    scene.wants(2);
    scene.fault_of("fill", "59990", None);
    let bot = scene.start();
    bot.wait_for_nth(": placed bot", 2);
    let judge = scene.judge();
    judge.sees_open(2);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(judge.open(), [""; 0]);
    assert_eq!((scene.count("CANCELED"), scene.count("FILLED")), (1, 1));
}

#[test]
fn an_order_without_the_exchange_s_name_for_it_is_skipped() {
    let mut scene = Scene::rest("unknown");
    scene.wants(2);
    scene.fault_times("trade/order", "refuse", 1);
    let bot = scene.start();
    bot.wait_for(": nobody knows whether bot");
    bot.wait_for(": placed bot");
    let judge = scene.judge();
    judge.sees_open(1);
    let ended = bot.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(judge.open(), [""; 0]);
    assert_eq!((scene.count("CANCELED"), scene.count("NEW")), (1, 1));
    let line = &ended.stdout[ended.line(": skipped bot")];
    assert!(line.ends_with("it has no exchange id"), "{line}");
    assert_eq!(summary(&ended), "1, cancel errors: 0, left open: 1, state flushed: yes");
}

#[test]
fn the_metrics_of_the_shutdown_are_pushed() {
    let gateway = Gateway::start();
    let mut scene = Scene::rest("metrics");
    scene.wants(2);
    scene.set("pushgateway", gateway.address());
    run_well(&scene, 2);
    let metrics = gateway.metrics("trading-bot");
    let value =
        |begin: &str| metrics.iter().find(|(name, _)| name.starts_with(begin)).map(|(_, value)| *value);
    for (name, expected) in [
        ("shutdown_orders_canceled{", 2.0),
        ("shutdown_cancel_errors{", 0.0),
        ("shutdown_orders_left_open{", 0.0),
        ("shutdown_state_flushed{", 1.0),
        ("shutdown_degraded{", 0.0),
    ] {
        assert_eq!(value(name), Some(expected), "{name}: {metrics:#?}");
    }
    let steps = metrics.keys().filter(|name| name.starts_with("shutdown_step_seconds{"));
    let done = steps.filter(|name| name.contains(r#"outcome="done""#));
    let names: Vec<_> = done.filter_map(|name| name.split(r#"step=""#).nth(1)?.split('"').next()).collect();
    for step in ["trade", "cancel_open_orders", "read_executions", "log_out", "flush_state"] {
        assert!(names.contains(&step), "{names:?}");
    }
    let (all, cancelling) =
        (value("shutdown_seconds{").unwrap(), |name: &&String| name.contains("cancel_open"));
    let cancelling = metrics[metrics.keys().find(cancelling).unwrap()];
    assert!(0.0 < cancelling && cancelling <= all, "{cancelling} of {all}");
}

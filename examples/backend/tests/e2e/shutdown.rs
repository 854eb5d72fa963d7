//! One instance, and what was open at the signal.

use e2e_support::signals::SIGTERM;
use e2e_support::{PATIENCE, until};
use serde_json::json;

use crate::scene::{ALL_DONE, SOON, Scene};

#[test]
fn what_is_open_at_the_signal_is_brought_to_its_end() {
    let mut scene = Scene::new("open");
    scene.set("shutdown.lameduck", "5s");
    let instance = scene.start();
    let place = instance.place;
    scene.add_orders(20_000);
    let export = place.visitor("export");
    export.wait_for("the first line");
    let feed = place.visitor("feed");
    feed.wait_for("listening");
    let idle = place.visitor("idle");
    idle.wait_for("idle after 200");
    assert_eq!(place.place_order().unwrap().status, 200);
    feed.wait_for(r#"heard {"id":20001,"item":"tea","quantity":2}"#);
    let lock = scene.lock_orders();
    let order = place.ordering();
    scene.holds_up(1);

    // Not ready, and serving all the same.
    instance.child.signal(SIGTERM);
    until("the lame-duck time", || (place.probe("/ready").unwrap().status == 503).then_some(()));
    let answer = place.get("/orders").unwrap();
    assert_eq!((answer.status, &*answer.text, answer.closes), (200, "20001\n", true));

    // Nobody new is let in, who has nothing to wait for is sent away, and it is alive.
    place.closes();
    assert_eq!(feed.wait(PATIENCE).stdout.last().unwrap(), "CLOSE 1012 restarting");
    assert_eq!(idle.wait(PATIENCE).stdout, ["idle after 200", "closed in order"]);
    assert_eq!(place.probe("/live").unwrap().status, 200);
    assert_eq!(place.probe("/ready").unwrap().status, 503);

    // What runs is finished, by what the database does for it until then.
    assert!(!order.is_finished());
    lock.roll_back();
    assert_eq!(order.join().unwrap().unwrap().status, 200);
    export.say("go on");
    assert_eq!(export.wait(PATIENCE).stdout.last().unwrap(), "all of 20002 lines");
    let ended = instance.ended();
    ended.assert(0, &ALL_DONE);
    let calls = &ended.report()["calls"];
    // And perhaps the one that asked whether it still listens.
    assert!(calls["awaited"].as_u64() >= Some(3) && calls["cut_off"] == json!([]), "{calls}");
    assert!(place.probe("/live").is_err());
    assert_eq!((scene.orders(), scene.abandoned_sessions()), (20_002, 0));
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let scene = Scene::new("idle");
    let instance = scene.start();
    let idle = instance.place.visitor("idle");
    idle.wait_for("idle after 200");
    let ended = instance.terminate();
    assert_eq!(idle.wait(PATIENCE).stdout, ["idle after 200", "closed in order"]);
    ended.assert(0, &ALL_DONE);
    assert!(ended.took < SOON, "{ended:#?}");
}

#[test]
fn an_order_that_hangs_holds_it_up_for_as_long_as_the_configuration_says() {
    let mut scene = Scene::new("hang");
    for (key, value) in [("drain", "1s"), ("stop", "7s"), ("close", "6s")] {
        scene.set(&format!("shutdown.{key}"), value);
    }
    let instance = scene.start();
    let lock = scene.lock_orders();
    let order = instance.place.ordering();
    scene.holds_up(1);
    instance.child.signal(SIGTERM);
    assert!(order.join().unwrap().is_err());
    let ended = instance.ended();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.took < SOON, "{ended:#?}");
    // What the pool makes of a connection whose query was given up is its own affair.
    for (step, outcome, limit_ms) in [
        ("open_db", Some("done"), 60_000.0),
        ("Requests", Some("cut off"), 1000.0),
        ("hear_of_orders", Some("done"), 7000.0),
        ("close_db", None, 6000.0),
        ("probes", Some("done"), 7000.0),
    ] {
        let step = ended.step(step);
        assert_eq!(step["limit_ms"], limit_ms, "{step:#}");
        assert!(outcome.is_none_or(|outcome| step["outcome"] == outcome), "{step:#}");
    }
    assert_eq!(ended.report()["calls"]["cut_off"].as_array().unwrap().len(), 1);
    lock.roll_back();
    // The database has heard that its client is gone.
    until("the end of all sessions", || (scene.sessions() == 0).then_some(()));
    assert_eq!(scene.orders(), 0);
}

/// A client has gone, and left behind a query that hangs: the pool waits for it.
#[test]
fn it_is_alive_until_its_last_step_has_ended_and_no_step_takes_longer_than_it_may() {
    let mut scene = Scene::new("alive");
    scene.set("shutdown.lameduck", "2s");
    scene.set("shutdown.close", "6s");
    let instance = scene.start();
    let place = instance.place;
    let lock = scene.lock_orders();
    let client = place.unread_order();
    scene.holds_up(1);
    drop(client);
    until("the end of its connection", || (place.connections() == 0).then_some(()));
    instance.child.signal(SIGTERM);
    place.closes();
    assert_eq!(place.probe("/live").unwrap().status, 200);
    let ended = instance.ended();
    let mut steps = ALL_DONE;
    steps[4].1 = "timed out";
    ended.assert(1, &steps);
    assert!(ended.took < SOON, "{ended:#?}");
    lock.roll_back();
}

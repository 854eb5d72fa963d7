//! What the configuration says of the shutdown.

use std::time::{Duration, Instant};

use e2e_support::signals::{SIGINT, SIGTERM, SIGUSR1};
use e2e_support::{Ended, PATIENCE, posix, until};
use serde_json::json;

use crate::calls::{assert_orderly, printed};
use crate::scene::{By, Scene, Sdk};

/// A call that takes longer than there is time; `sdk` hears why it has no result.
pub(crate) fn cut_off(scene: &mut Scene, sdk: Sdk) -> Ended {
    scene.set("shutdown.request_timeout", "300ms");
    let session = scene.start(sdk);
    session.begin("long", "run", json!({"command": "build"}));
    session.sees_active(1);
    let signalled = Instant::now();
    session.signal(SIGTERM);
    let cut = session.result("long");
    assert!(signalled.elapsed() < Duration::from_secs(10), "{:?}", signalled.elapsed());
    assert_eq!(cut["code"], -32000, "{cut:#}");
    assert_eq!(
        cut["message"].as_str().map(|text| text.contains("has shut down before")),
        Some(true),
        "{cut:#}"
    );
    let (ended, seen) = session.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_orderly(&seen);
    scene.sees_no_command();
    ended
}

#[test]
fn a_call_that_takes_too_long_is_cut_off_and_its_client_told() {
    for (name, by, sdk) in [
        ("long-stdio", By::Stdio, Sdk::Node),
        ("long-http", By::Http, Sdk::Node),
        ("long-python", By::Http, Sdk::Python),
    ] {
        let ended = cut_off(&mut Scene::new(name, by), sdk);
        // The operator is told which one it was.
        let cut = &ended.step("Requests")["calls"]["cut_off"][0]["running"][0];
        assert_eq!((&cut["name"], &cut["id"]), (&json!("run"), &json!("long")));
    }
}

#[test]
fn unless_it_is_forced_a_call_is_awaited_for_as_long_as_it_takes() {
    let mut scene = Scene::new("patient", By::Stdio);
    scene.set("shutdown.request_timeout", "20ms");
    scene.set("shutdown.force_after_timeout", false);
    let session = scene.start(Sdk::Node);
    session.begin("long", "run", json!({"command": "build"}));
    session.sees_active(1);
    session.signal(SIGTERM);
    let long = |stats: serde_json::Value| stats["shutdown_duration"].as_f64().filter(|time| *time > 1.0);
    until("a second of shutdown", || long(session.stats()));
    scene.release();
    assert_eq!(session.result("long"), printed("built\n"));
    assert_eq!(session.end().0.code, Some(0));
}

#[test]
fn a_clean_up_that_hangs_holds_nothing_up() {
    let mut scene = Scene::new("hang", By::Stdio);
    let words = ["tail", "-f", scene.file("gate").to_str().unwrap()].map(toml::Value::from);
    scene.set("shutdown.cleanup", words.to_vec());
    scene.set("shutdown.cleanup_timeout", "300ms");
    let session = scene.start(Sdk::Node);
    assert_eq!(session.call("run", json!({"command": "lint"})), printed("linted\n"));
    session.signal(SIGTERM);
    let (ended, _) = session.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let clean_up = ended.step("clean_up");
    // Abandoned where the machine is so busy that it cannot be stopped at once.
    assert!(clean_up["outcome"] == "timed out" || clean_up["outcome"] == "abandoned", "{clean_up:#}");
    assert_eq!(clean_up["limit_ms"], 300.0);
    assert_eq!(ended.step("save_history")["outcome"], "done");
    scene.sees_no_command();
    scene.set("shutdown.cleanup", Vec::<toml::Value>::new());
    assert_eq!(scene.history().get("lint"), Some(&1));
}

#[test]
fn the_signals_are_those_of_the_configuration() {
    let mut scene = Scene::new("signals", By::Http);
    scene.set("shutdown.signals", ["SIGHUP", "SIGUSR1"].map(toml::Value::from).to_vec());
    let session = scene.start(Sdk::Node);
    session.signal(SIGUSR1);
    let (ended, seen) = session.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.report()["reason"], json!({"signal": SIGUSR1}));
    assert_orderly(&seen);

    scene.set("shutdown.signals", vec![toml::Value::from("SIGTRM")]);
    let ended = scene.serve().wait(PATIENCE);
    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.concat().contains("there is no signal SIGTRM"), "{ended:#?}");
}

/// As a terminal sends it.
#[test]
fn a_signal_to_all_of_its_group_leaves_commands_alone() {
    let scene = Scene::new("group", By::Stdio);
    // This SDK starts its server in a group of its own.
    let session = scene.start(Sdk::Python);
    session.begin("first", "run", json!({"command": "build"}));
    session.sees_active(1);
    let group = session.ask("pid").as_i64().unwrap();
    posix::send(-i32::try_from(group).unwrap(), SIGINT);
    session.sees_it_refuse();
    scene.release();
    assert_eq!(session.result("first"), printed("built\n"));
    assert_eq!(session.end().0.code, Some(0));
}

#[test]
fn what_does_not_fit_is_said_at_the_start() {
    let mut scene = Scene::new("budget", By::Stdio);
    scene.set("shutdown.grace", "10s");
    let ended = scene.serve().wait(PATIENCE);
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    assert!(ended.stderr.concat().contains("It fits with grace"), "{ended:#?}");
}

#[test]
fn a_client_that_leaves_ends_the_server() {
    let scene = Scene::new("leaves", By::Stdio);
    let session = scene.start(Sdk::Node);
    session.ask("leave");
    let (ended, _) = session.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.report()["reason"], json!({"requested": "the client has gone"}));
}

#[test]
fn a_server_that_nobody_has_said_hello_to_ends_well() {
    let scene = Scene::new("alone", By::Stdio);
    let server = scene.serve();
    // The protocol allows this before the hello, and the answer says that the server is there.
    server.say(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    server.wait_for(r#""id":1"#);
    let ended = server.terminate();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.took < Duration::from_secs(10), "{ended:#?}");
}

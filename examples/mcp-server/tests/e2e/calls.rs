//! Calls that run when the server is told to end, and one that comes too late.

use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e_support::signals::SIGTERM;
use e2e_support::{Ended, Gateway};
use serde_json::{Value, json};

use crate::scene::{By, Scene, Sdk};

/// What a client gets of a call that has gone well.
pub(crate) fn printed(text: &str) -> Value {
    json!({"text": text, "structured": null, "failed": false})
}

/// Every response has come to its end, and the client has nothing to complain of.
pub(crate) fn assert_orderly(seen: &Value) {
    for response in seen["responses"].as_array().into_iter().flatten() {
        assert!(response["end"] == "complete" || response["end"] == "left", "{seen:#}");
        assert!(response["status"].as_u64().unwrap() < 300, "{seen:#}");
    }
    assert_eq!(seen["errors"], json!([]), "{seen:#}");
}

/// Two calls run, the server is told to end, one more comes, the two end: what the client sees of all that.
pub(crate) fn talk(scene: &Scene, sdk: Sdk, cleanup_tasks: usize) -> Ended {
    let session = scene.start(sdk);
    let probes = || (scene.by == By::Http).then(|| (session.probe("/ready"), session.probe("/live")));
    assert_eq!(session.ask("tools"), json!(["history", "run", "run_all", "shutdown_stats"]));
    let idle = json!({
        "shutdown_initiated": false, "accepting_calls": true, "active_requests": 0,
        "cleanup_tasks_registered": cleanup_tasks, "shutdown_duration": null,
    });
    assert_eq!(session.stats(), idle);
    assert!(matches!(probes(), None | Some((200, 200))));
    session.begin("first", "run", json!({"command": "build"}));
    session.begin("second", "run_all", json!({}));
    session.sees_active(2);

    session.signal(SIGTERM);
    let stats = session.sees_it_refuse();
    assert_eq!((&stats["shutdown_initiated"], &stats["active_requests"]), (&json!(true), &json!(2)));
    assert!(stats["shutdown_duration"].as_f64().unwrap() > 0.0, "{stats:#}");
    assert!(matches!(probes(), None | Some((503, 200))));
    let late = session.call("run", json!({"command": "lint"}));
    assert_eq!(late["code"], -32000, "{late:#}");
    assert!(late["message"].as_str().unwrap().ends_with("the service is shutting down"), "{late:#}");
    scene.release();
    assert_eq!(session.result("first"), printed("built\n"));
    assert_eq!(session.result("second"), printed("built\nlinted\n"));

    let (ended, seen) = session.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_orderly(&seen);
    ended
}

/// Each line that a call has left names it.
pub(crate) fn assert_logged(scene: &Scene) {
    let log = scene.log();
    let of = |call: &str, line: &str| {
        let told = format!("{{id=\"{call}\"}}: mcp_server::commands: {line}");
        log.iter().filter(|line| line.replace("_by_hand::", "::").contains(&told)).count()
    };
    for (call, line) in [
        ("first", "build begins"),
        ("first", "build has ended: exit status: 0"),
        ("second", "build begins"),
        ("second", "build has ended: exit status: 0"),
        ("second", "lint begins"),
        ("second", "lint has ended: exit status: 0"),
    ] {
        assert_eq!(of(call, line), 1, "the log has {line:?} of the {call} call: {log:#?}");
    }
    assert_eq!(log.iter().filter(|line| line.contains(": lint begins")).count(), 1, "{log:#?}");
    assert!(log.iter().any(|line| line.contains(" over")), "the log has the end: {log:#?}");
}

/// The figures of the last moment have arrived.
fn assert_counted(gateway: &Gateway) {
    let metrics = gateway.metrics("mcp-server");
    let value = |name: &str, label: &str| {
        let found = metrics.iter().find(|(found, _)| found.starts_with(name) && found.contains(label));
        found.map(|(_, value)| *value)
    };
    for (name, label, expected) in [
        ("mcp_commands_total{", r#"command="build""#, 2.0),
        ("mcp_commands_total{", r#"command="lint""#, 1.0),
        ("lifecycle_refused_calls_total{", r#"group="Requests""#, 1.0),
        ("lifecycle_steps_total{", r#"step="clean_up""#, 1.0),
        ("lifecycle_shutdown_exit_code{", "", 0.0),
    ] {
        assert_eq!(value(name, label), Some(expected), "the metrics have {name}{label}: {metrics:#?}");
    }
}

/// The whole of it, with what is left behind.
fn run_well(scene: &mut Scene, sdk: Sdk) {
    let gateway = Gateway::start();
    scene.set("pushgateway", gateway.address());
    let ended = talk(scene, sdk, 7 - scene.left_out());
    assert_logged(scene);
    assert_counted(&gateway);
    let runs = [("build".to_owned(), 2), ("lint".to_owned(), 1)];
    assert_eq!(scene.history(), runs.into(), "the history has all runs");

    let (serves, does_not, listens) = match scene.by {
        By::Http => ("serve_http", "serve_stdio", "done"),
        By::Stdio => ("serve_stdio", "serve_http", "skipped"),
    };
    ended.assert_any_order(
        0,
        &[
            ("open_commands", "done"),
            ("listen", listens),
            ("Requests", "done"),
            ("Responses", "done"),
            (serves, "done"),
            (does_not, "skipped"),
            ("clean_up", "done"),
            ("save_history", "done"),
        ],
    );
    let report = ended.report();
    let turn =
        |name: &&str| report["steps"].as_array().unwrap().iter().position(|step| step["name"] == **name);
    let mut turns = vec!["Requests", serves, "save_history"];
    if scene.by == By::Http {
        turns.insert(1, "Responses");
    }
    assert!(turns.iter().map(turn).is_sorted(), "{report:#}");
    assert_eq!(report["calls"]["refused"], 1);
}

#[test]
fn a_client_of_node_over_stdio() {
    run_well(&mut Scene::new("node-stdio", By::Stdio), Sdk::Node);
}

#[test]
fn a_client_of_node_over_http() {
    run_well(&mut Scene::new("node-http", By::Http), Sdk::Node);
}

#[test]
fn a_client_of_python_over_stdio() {
    run_well(&mut Scene::new("python-stdio", By::Stdio), Sdk::Python);
}

#[test]
fn a_client_of_python_over_http() {
    run_well(&mut Scene::new("python-http", By::Http), Sdk::Python);
}

/// Leaving out one thing is all that it takes to make the tests above fail, by the check that is there for it.
#[test]
fn without_its_steps_the_checks_notice() {
    let fails = |name: &str, leave_out: fn(&mut Scene), says: &str| {
        let mut scene = Scene::new(name, By::Stdio);
        leave_out(&mut scene);
        let failed = catch_unwind(AssertUnwindSafe(|| run_well(&mut scene, Sdk::Node))).unwrap_err();
        let words = failed.downcast_ref::<String>().unwrap();
        assert!(words.contains(says), "{name}: {words}");
    };
    fails("no-flush", |scene| scene.without("flush_log"), "the log has");
    fails("no-push", |scene| scene.without("push_metrics"), "the metrics have");
    fails("no-save", |scene| scene.without("save_history"), "the history has all runs");
}

/// However many responses are on their way when the last call ends.
#[test]
fn every_response_is_written_before_the_sessions_are_closed() {
    for sdk in [Sdk::Node, Sdk::Python] {
        let scene = Scene::new("many", By::Http);
        let session = scene.start(sdk);
        let calls: Vec<String> = (0..30).map(|call| format!("call {call}")).collect();
        for call in &calls {
            session.begin(call, "run", json!({"command": "build"}));
        }
        session.sees_active(30);
        session.signal(SIGTERM);
        session.sees_it_refuse();
        scene.release();
        for call in &calls {
            assert_eq!(session.result(call), printed("built\n"));
        }
        let (ended, seen) = session.end();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert_orderly(&seen);
    }
}

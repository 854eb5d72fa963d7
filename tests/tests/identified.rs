//! What is told of calls with ids and spans: events while the drain goes on, the spans that a subscriber sees, the report.

use lifecycle_tests::child::{Child, PATIENCE, talkative};

const PLACE: &str = "tests/src/bin/identified.rs";

/// The only line on stdout with these words.
fn only<'a>(lines: &'a [String], words: &[&str]) -> &'a str {
    let found: Vec<_> = lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(found.len(), 1, "{words:?} in {lines:#?}");
    found[0]
}

#[test]
fn events_spans_and_the_report_say_which_calls_run() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_identified"), &[]));
    for call in ["checkout 42 runs", "checkout 43 runs", "checkout 44 runs", "checkout 7 runs", "grind runs"]
    {
        child.wait_for(call);
    }
    child.say("drop 44");
    child.wait_for("44 is dropped");
    child.signal(libc::SIGTERM);
    let still = child.wait_for("still draining");
    for call in ["checkout order=42 (", "checkout order=43 (", "mills.grind 5 (", "request ×1 ("] {
        assert!(still.contains(call), "{call:?} in {still}");
    }
    assert!(still.contains("[checkout order=7 (") && !still.contains("order=44"), "{still}");
    assert!(still.contains("group=\"Requests\"") && still.contains("in_flight=4"), "{still}");
    child.say("end 43");
    child.wait_for("checkout 43 ends");
    let ended = child.wait(PATIENCE);
    assert_eq!(ended.code, Some(1));

    let lines = &ended.stdout;
    // In its own span before it waits and after it, and nothing else is in one.
    assert!(only(lines, &["charging", "order=42"]).contains(" checkout{id=\"order=42\"}: "));
    for words in ["charging", "charged"] {
        assert!(only(lines, &[words, "order=43"]).contains(" checkout{id=\"order=43\"}: "));
    }
    assert!(only(lines, &["grinding"]).contains(" mills.grind{id=\"5\"}: "));
    assert!(only(lines, &["routed"]).contains(" request: "));
    assert!(only(lines, &["charging", "order=7"]).contains(" request:checkout{id=\"order=7\"}: "));
    assert!(!only(lines, &["outside"]).contains("id="));

    let up = only(lines, &["the drain's time is up"]);
    assert!(up.contains("checkout order=42 (") && !up.contains("order=43"), "{up}");

    let report = ended.report();
    let sites = report["calls"]["cut_off"].as_array().unwrap();
    let calls = sites.iter().flat_map(|site| site["running"].as_array().unwrap());
    let mut calls: Vec<_> = calls.collect();
    calls.sort_by_key(|call| call["id"].as_str().unwrap().to_owned());
    let named: Vec<_> =
        calls.iter().map(|call| (call["name"].as_str().unwrap(), call["id"].as_str().unwrap())).collect();
    assert_eq!(named, [("mills.grind", "5"), ("checkout", "order=42"), ("checkout", "order=7")]);
    for call in calls {
        assert_eq!(call["file"], PLACE);
        assert!(call["ran_ms"].as_f64().unwrap() >= 3_000.0, "at least the drain: {call}");
    }
}

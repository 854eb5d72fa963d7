//! Runtimes that are stuck, with what becomes of each hook; and hooks that two runtimes want.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::fmt::Debug;
use std::io::Read;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, program};
use lifecycle_tests::posix::{self, Scratch};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const GRACE: Duration = Duration::from_secs(4);
const FLAVORS: [&str; 2] = ["multi_thread", "current_thread"];

/// Accepts two connections and says what came over each.
struct Peer {
    address: String,
    heard: JoinHandle<Vec<String>>,
}

impl Peer {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = thread::spawn(move || {
            let connections: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
            connections
                .into_iter()
                .map(|mut connection| {
                    let mut heard = Vec::new();
                    // A connection that is reset has been heard out as well.
                    let _ = connection.read_to_end(&mut heard);
                    String::from_utf8(heard).unwrap()
                })
                .collect()
        });
        Peer { address, heard }
    }
}

/// A run whose peer, if it has one, it connects to at the start.
fn start(scenario: &str, flavor: &str, scratch: &Scratch, peer: Option<&Peer>) -> Child {
    let mut command = program(env!("CARGO_BIN_EXE_wedged"), &[]);
    command.env("SCENARIO", scenario).env("FLAVOR", flavor).env("FOLDER", scratch.file(""));
    command.env("PEER", peer.map_or("", |peer| &peer.address));
    Child::start(command)
}

const START: [(&str, &str); 2] = [("open_rows", "done"), ("connect", "done")];

/// The steps, where three of them depend on what is stuck.
fn steps<'a>(requests: &'a str, halfway: &'a str, goodbye: &'a str) -> Vec<(&'a str, &'a str)> {
    let shutdown = [
        ("Requests", requests),
        ("make_late", "done"),
        ("halfway", halfway),
        ("write_file", "done"),
        ("write_row", "done"),
        ("close_rows", "done"),
        ("say_goodbye", goodbye),
        ("connect_anew", "done"),
        ("on_a_thread", "done"),
        ("count", "done"),
    ];
    START.into_iter().chain(shutdown).collect()
}

fn assert_steps(ended: &Ended, steps: &[(&str, &str)]) {
    let (mut found, mut steps) = (posix::steps(ended), posix::named(steps));
    // The two start steps run at the same time.
    found[..2].sort();
    steps[..2].sort();
    assert_eq!(found, steps, "{:#}", ended.report());
}

fn assert_rescued(ended: &Ended, rescued: &[&str]) {
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap();
    let found: Vec<&str> = steps
        .iter()
        .filter(|step| step["rescued"] == true)
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(found, rescued, "{report:#}");
}

/// The file is there, the row is in the main database file alone.
fn assert_written(scratch: &Scratch) {
    assert_eq!(posix::lines(&scratch.file("file")), ["written"]);
    assert!(!scratch.file("rows.db-wal").exists());
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows: i64 = own.block_on(async {
        let options = SqliteConnectOptions::new().filename(scratch.file("rows.db"));
        let mut rows = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM rows").fetch_one(&mut rows).await.unwrap()
    });
    assert_eq!(rows, 1);
}

fn assert_within<T: Debug>(took: Duration, from: Duration, to: Duration, what: T) {
    assert!(took >= from && took < to, "{took:?}: {what:?}");
}

/// All async hooks that a stuck runtime does not begin.
const ALL: [&str; 6] = ["halfway", "write_file", "write_row", "close_rows", "say_goodbye", "connect_anew"];

#[test]
fn with_all_workers_stuck_files_rows_and_new_connections_are_rescued() {
    let scratch = Scratch::new("wedged");
    let peer = Peer::new();
    let child = start("wedged", "multi_thread", &scratch, Some(&peer));
    child.wait_for_nth("blocked", 2);
    let ended = child.terminate();
    // The connection opened before belongs to the stuck runtime: nothing wakes who waits for it.
    assert_steps(&ended, &steps("done", "done", "timed out"));
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.step("say_goodbye")["outcome"], "timed out");
    assert_rescued(&ended, &ALL);
    assert_eq!(ended.report()["service"], "ended");
    assert_written(&scratch);
    assert_eq!(peer.heard.join().unwrap()[1], "anew");
    ended.line("refused");
    assert!(ended.report()["calls"]["refused"].as_u64().unwrap() >= 1);
    assert!(ended.took < GRACE, "{:?}", ended.took);
}

#[test]
fn where_no_hook_needs_the_stuck_runtime_nothing_is_degraded() {
    let scratch = Scratch::new("wedged-without-peer");
    let child = start("wedged", "multi_thread", &scratch, None);
    child.wait_for_nth("blocked", 2);
    let ended = child.terminate();
    assert_steps(&ended, &steps("done", "done", "done"));
    assert_eq!(ended.code, Some(0));
    assert_rescued(&ended, &ALL);
    assert_written(&scratch);
}

#[test]
fn with_the_main_thread_stuck_too_the_watchdog_ends_it() {
    for flavor in FLAVORS {
        let scratch = Scratch::new(&format!("wedged-main-{flavor}"));
        let peer = Peer::new();
        let child = start("main too", flavor, &scratch, Some(&peer));
        child.wait_for_nth("blocked", if flavor == "multi_thread" { 3 } else { 1 });
        let ended = child.terminate();
        assert_steps(&ended, &steps("cut off", "done", "timed out"));
        assert_eq!(ended.code, Some(124), "{flavor}");
        assert_eq!(ended.report()["exit_code"], 1);
        assert_eq!(ended.report()["service"], "abandoned");
        assert_rescued(&ended, &ALL);
        assert_written(&scratch);
        assert_eq!(peer.heard.join().unwrap()[1], "anew");
        ended.line("refused");
        assert_within(ended.took, GRACE - Duration::from_millis(50), GRACE + Duration::from_secs(1), flavor);
        let last = ended.stderr.last().unwrap();
        assert!(last.contains("4s have passed, the watchdog ends the process, exit 124"), "{last}");
    }
}

#[test]
fn with_the_main_thread_stuck_until_the_report_it_exits_1_in_time() {
    for flavor in FLAVORS {
        let scratch = Scratch::new(&format!("wedged-until-{flavor}"));
        let child = start("main until the end", flavor, &scratch, None);
        child.wait_for_nth("blocked", if flavor == "multi_thread" { 3 } else { 1 });
        let ended = child.terminate();
        assert_steps(&ended, &steps("cut off", "done", "done"));
        assert_eq!(ended.code, Some(1), "{flavor}");
        assert_eq!(ended.report()["service"], "abandoned");
        assert_rescued(&ended, &ALL);
        assert_written(&scratch);
        ended.line("refused");
        assert!(ended.took < GRACE, "{:?}", ended.took);
    }
}

#[test]
fn a_hook_that_is_stuck_halfway_is_abandoned_and_the_rest_is_rescued() {
    for (scenario, flavor, code) in [
        ("halfway, waiting", "multi_thread", 1),
        // The one thread that there is polls the service and everything else.
        ("halfway, waiting", "current_thread", 124),
        ("halfway, blocking", "current_thread", 124),
    ] {
        let scratch = Scratch::new(&format!("halfway-{}-{flavor}", scenario.replace(", ", "-")));
        let peer = Peer::new();
        let child = start(scenario, flavor, &scratch, Some(&peer));
        child.wait_for("serving");
        let ended = child.terminate();
        assert_steps(&ended, &steps("done", "abandoned", "timed out"));
        assert_eq!(ended.code, Some(code), "{scenario}, {flavor}");
        assert_eq!(ended.report()["service"], "ended");
        assert_rescued(&ended, &ALL[1..]);
        assert_written(&scratch);
        assert_eq!(peer.heard.join().unwrap()[1], "anew");
        assert_eq!(ended.stdout.iter().filter(|line| *line == "halfway").count(), 1);
    }
}

#[test]
fn one_worker_that_is_stuck_delays_nothing() {
    let scratch = Scratch::new("one-worker");
    let child = start("halfway, blocking", "multi_thread", &scratch, None);
    child.wait_for("serving");
    let ended = child.terminate();
    assert_steps(&ended, &steps("done", "abandoned", "done"));
    assert_eq!(ended.code, Some(1));
    assert_rescued(&ended, &[]);
    assert_written(&scratch);
}

/// Sixteen hooks that the runtime begins so late; returns whether any of them was rescued, and any was not, and when
/// the runtime came free.
fn late(flavor: &str, delay: Duration, name: &str) -> (bool, bool, u64) {
    let scratch = Scratch::new(name);
    let mut command = program(env!("CARGO_BIN_EXE_wedged"), &[]);
    command.env("SCENARIO", "late").env("FLAVOR", flavor).env("FOLDER", scratch.file(""));
    command.env("DELAY_US", delay.as_micros().to_string());
    let child = Child::start(command);
    child.wait_for("serving");
    let ended = child.terminate();
    let names: Vec<String> = (0..16).map(|number| format!("late {number}")).collect();
    let mut expected = steps("done", "done", "done");
    expected.extend(names.iter().map(|name| (&**name, "done")));
    ended.assert_any_order(0, &expected);
    ended.line(&format!("runs {:?}", [1; 16]));
    let rescued: Vec<bool> = names.iter().map(|name| ended.step(name)["rescued"] == true).collect();
    let freed = &ended.stdout[ended.line("freed after")];
    let freed = freed.split(' ').nth(2).unwrap().parse().unwrap();
    (rescued.contains(&true), rescued.contains(&false), freed)
}

#[test]
fn a_hook_begun_late_but_in_time_runs_once_and_is_not_rescued() {
    for flavor in FLAVORS {
        for attempt in 0..20 {
            let (rescued, _, freed) =
                late(flavor, Duration::from_millis(30), &format!("late-{flavor}-{attempt}"));
            // On a busy machine it may come free too late, and then the test says nothing.
            if freed < 150 {
                assert!(!rescued);
                break;
            }
            assert!(attempt < 19, "the machine is too slow to be late by less than 250 ms");
        }
    }
}

#[test]
fn around_the_boundary_each_hook_runs_exactly_once() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut offset = || {
        // xorshift64: the same delays on every machine.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % 12_000
    };
    let delays: Vec<Duration> = (0..30).map(|_| Duration::from_micros(243_000 + offset())).collect();
    let run =
        |number: usize, delay: Duration| late(FLAVORS[number % 2], delay, &format!("boundary-{number}"));
    // A few at once: each mostly waits.
    let seen: Vec<(bool, bool, u64)> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..3)
            .map(|lane| {
                let delays = &delays;
                scope.spawn(move || {
                    (lane..30).step_by(3).map(|number| run(number, delays[number])).collect::<Vec<_>>()
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    assert!(seen.iter().any(|(rescued, ..)| *rescued), "no hook was claimed by the rescue: {seen:?}");
    assert!(seen.iter().any(|(_, kept, _)| *kept), "no hook was begun by the service's runtime: {seen:?}");
}

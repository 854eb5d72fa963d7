//! Reports to test with.

use super::*;
use crate::health::CheckStatus;

fn step(name: &str, kind: StepKind, order: Option<i32>, outcome: Outcome) -> StepReport {
    StepReport {
        name: name.into(),
        module: "shop::orders".into(),
        kind,
        file: "src/orders.rs".into(),
        line: 31,
        order,
        outcome,
        error: None,
        attempts: Vec::new(),
        fallback: false,
        began: Duration::from_millis(12),
        waited: Duration::from_millis(12),
        ran: Duration::from_micros(1_234_567),
        limit: Some(Duration::from_secs(5)),
        rescued: false,
        notes: Vec::new(),
        items: Vec::new(),
        calls: None,
        worker: None,
    }
}

/// Everything went as it should.
pub(crate) fn clean() -> Report {
    Report {
        id: "6f1a09".into(),
        reason: Reason::Signal(signals::SIGTERM),
        started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123),
        took: Duration::from_millis(1_250),
        grace: Some(Duration::from_secs(25)),
        exit_code: 0,
        errors: Vec::new(),
        service: ServiceOutcome::Ended,
        calls: Calls::default(),
        steps: vec![
            step("open_db", StepKind::Start, Some(0), Outcome::Done),
            step("close_db", StepKind::Shutdown, Some(0), Outcome::Done),
        ],
        unhealthy: Vec::new(),
    }
}

/// One of everything.
pub(crate) fn degraded() -> Report {
    let mut cancel = step("cancel_open_orders", StepKind::Shutdown, Some(-1), Outcome::Partial);
    cancel.notes = vec![("cancelled".into(), "12".into()), ("venue".into(), "\"XETRA\"\tFrankfurt".into())];
    cancel.items = vec![
        Item { name: "order 17".into(), error: None },
        Item { name: "order 18".into(), error: Some("the venue says no".into()) },
    ];
    cancel.rescued = true;
    cancel.attempts = vec![
        Attempt {
            outcome: Outcome::Failed,
            error: Some("the venue is busy:\ntry later".into()),
            ran: Duration::from_millis(20),
            notes: vec![("cancelled".into(), "5".into())],
            items: vec![
                Item { name: "order 17".into(), error: None },
                Item { name: "order 18".into(), error: Some("busy".into()) },
            ],
        },
        Attempt {
            outcome: Outcome::TimedOut,
            error: None,
            ran: Duration::from_millis(500),
            notes: Vec::new(),
            items: Vec::new(),
        },
    ];
    cancel.fallback = true;
    let mut close = step("close_db", StepKind::Shutdown, Some(0), Outcome::TimedOut);
    close.error = Some("3 connections are in use:\nweb\nbatch \u{1b}[31m".into());
    close.limit = Some(Duration::from_millis(1_250));
    let mut group = step("Requests", StepKind::Group, None, Outcome::CutOff);
    group.limit = None;
    group.calls = Some(Calls { awaited: 14, refused: 3, ..Calls::default() });
    let mut worker = step("jobs", StepKind::Worker, None, Outcome::Done);
    worker.worker = Some(WorkerReport { restarts: 3, last_error: Some("no \"broker\"".into()) });
    let mut off = step("notify", StepKind::Shutdown, Some(3), Outcome::Off);
    off.error = Some("not in this binary".into());
    (off.began, off.waited, off.ran) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    Report {
        reason: Reason::Requested("deploy \"42\"".into()),
        exit_code: 1,
        service: ServiceOutcome::Failed { error: "address in use\n(os error 98)".into() },
        calls: Calls {
            awaited: 14,
            cut_off: vec![CallSite {
                name: "create_order".into(),
                module: "shop::web".into(),
                file: "src/web.rs".into(),
                line: 7,
                group: "Requests".into(),
                count: 2,
                running: vec![
                    RunningCall {
                        name: "create_order".into(),
                        id: "order=\"42\"".into(),
                        file: "src/web.rs".into(),
                        line: 7,
                        ran: Duration::from_millis(22_100),
                    },
                    RunningCall {
                        name: "charge".into(),
                        id: "card\n\u{1b}[2J".into(),
                        file: "src/cards.rs".into(),
                        line: 40,
                        ran: Duration::from_micros(7_100_250),
                    },
                ],
            }],
            refused: 3,
            drained_in: Duration::from_secs(15),
        },
        steps: vec![
            step("open_db", StepKind::Start, Some(0), Outcome::Done),
            cancel,
            group,
            worker,
            close,
            off,
            step("flush", StepKind::Last, None, Outcome::Done),
        ],
        unhealthy: vec![CheckHealth {
            name: "venue".into(),
            status: CheckStatus::RecoveryFailed,
            error: Some("connection refused".into()),
            since: SystemTime::UNIX_EPOCH + Duration::from_millis(1_794_999_990_000),
            attempts: 3,
        }],
        ..clean()
    }
}

const MS: Duration = Duration::from_millis(1);

/// A step of a time line: which millisecond its turn came at, how long it waited and ran.
fn timed(name: &str, kind: StepKind, order: Option<i32>, outcome: Outcome, times: [u32; 3]) -> StepReport {
    let [began, waited, ran] = times.map(|time| MS * time);
    StepReport { began, waited, ran, ..step(name, kind, order, outcome) }
}

/// Five steps over time, all well.
pub(crate) fn short() -> Report {
    use StepKind::{Group, Last, Shutdown, Start};
    let mut requests = timed("Requests", Group, None, Outcome::Done, [4_060, 60, 1_900]);
    requests.calls = Some(Calls { awaited: 14, refused: 3, drained_in: 1_850 * MS, ..Calls::default() });
    requests.limit = Some(15_000 * MS);
    Report {
        took: 8_600 * MS,
        steps: vec![
            timed("open_db", Start, Some(0), Outcome::Done, [0, 0, 240]),
            timed("deregister", Shutdown, Some(-1), Outcome::Done, [4_000, 0, 60]),
            requests,
            timed("close_db", Shutdown, Some(0), Outcome::Done, [5_960, 1_960, 2_400]),
            timed("flush_traces", Last, None, Outcome::Done, [8_400, 0, 180]),
        ],
        ..clean()
    }
}

/// Sixty steps over time, with everything that can become of one.
pub(crate) fn long() -> Report {
    use StepKind::{Compensation, Group, Last, Shutdown, Start, Worker};
    let why = |mut step: StepReport, error: &str| {
        step.error = Some(error.into());
        step
    };
    let mut steps = vec![why(
        timed("cancel_what_was_left", Compensation, Some(0), Outcome::Failed, [0, 0, 700]),
        "the venue does not answer",
    )];
    for n in 0..18u32 {
        let [began, ran] = [n / 3 * 400, 150 + n * 37 % 240];
        let order = i32::try_from(n / 3).unwrap_or_default();
        steps.push(timed(&format!("open_store_{n}"), Start, Some(order), Outcome::Done, [began, began, ran]));
    }
    steps.push(timed("deregister", Shutdown, Some(-2), Outcome::Done, [2_000, 0, 800]));
    let mut cancel = timed("cancel_open_orders", Shutdown, Some(-1), Outcome::Partial, [2_800, 800, 2_500]);
    cancel.items = degraded().steps[1].items.clone();
    cancel.attempts = degraded().steps[1].attempts.clone();
    cancel.fallback = true;
    steps.push(cancel);
    let mut requests = timed("Requests", Group, None, Outcome::CutOff, [5_300, 3_300, 5_520]);
    requests.calls = Some(Calls { drained_in: 5_000 * MS, ..degraded().calls });
    requests.limit = Some(5_000 * MS);
    steps.push(why(requests, "still running: create_order ×2 (src/web.rs:7)"));
    for n in 0..14u32 {
        steps.push(timed(
            &format!("worker_{n}"),
            Worker,
            Some(-1),
            Outcome::Done,
            [10_820, 8_820, 100 + n * 61 % 900],
        ));
    }
    let rows: [(&str, i32, Outcome, [u32; 3], &str); 17] = [
        ("close_venue", 0, Outcome::Failed, [11_800, 9_800, 400], "logout was refused: 35=5 58=<no session>"),
        ("close_cache", 0, Outcome::TimedOut, [11_800, 9_800, 5_050], ""),
        ("close_socket", 0, Outcome::Panicked, [11_800, 9_800, 3], "index out of bounds: the len is 0"),
        ("join_threads", 0, Outcome::Abandoned, [11_800, 9_800, 5_100], "it cannot be stopped"),
        ("close_ledger", 1, Outcome::Done, [16_900, 14_900, 300], ""),
        ("close_book", 1, Outcome::Done, [16_900, 14_900, 900], ""),
        ("close_feed", 1, Outcome::Missing, [16_900, 14_900, 0], "no Feed was provided (Arc<Feed> was)"),
        ("close_mail", 1, Outcome::Skipped, [16_900, 14_900, 0], "`open_mail` is off: no mail here"),
        ("compact_the_table_of_every_counterparty", 2, Outcome::Done, [17_800, 15_800, 4_000], ""),
        ("archive", 2, Outcome::Done, [17_800, 15_800, 2_000], ""),
        ("vacuum", 3, Outcome::CutOff, [21_800, 19_800, 1_200], ""),
        ("close_db", 4, Outcome::NotReached, [23_000, 21_000, 0], ""),
        ("close_log", 4, Outcome::NotReached, [23_000, 21_000, 0], ""),
        ("sync_disk", 4, Outcome::NotReached, [23_000, 21_000, 0], ""),
        ("notify", 5, Outcome::NotReached, [23_000, 21_000, 0], ""),
        ("say_goodbye", 5, Outcome::Off, [0, 0, 0], "not in this binary"),
        ("print_figures", 5, Outcome::Off, [0, 0, 0], "nobody reads them"),
    ];
    for (name, order, outcome, times, error) in rows {
        let row = timed(name, Shutdown, Some(order), outcome, times);
        steps.push(if error.is_empty() { row } else { why(row, error) });
    }
    for n in 0..6u32 {
        steps.push(timed(&format!("alert_{n}"), Last, None, Outcome::Done, [23_000, 0, 90 + n * 40]));
    }
    steps.push(timed("flush_metrics", Last, None, Outcome::TimedOut, [23_400, 0, 1_200]));
    steps.push(timed("flush_traces", Last, None, Outcome::Done, [23_400, 0, 300]));
    Report { took: 24_700 * MS, steps, ..degraded() }
}

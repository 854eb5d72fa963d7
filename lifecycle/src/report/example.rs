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
    (off.waited, off.ran) = (Duration::ZERO, Duration::ZERO);
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

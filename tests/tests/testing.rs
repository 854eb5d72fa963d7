//! Tests as a service's author writes them: `#[lifecycle::test]` beside ordinary ones, over one set of steps.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lifecycle::signals::{SIGHUP, SIGINT, SIGTERM};
use lifecycle::{
    CancellationToken, Event, Hook, Outcome, Reason, Rejected, Settings, State, Take, Worker, on_shutdown,
    on_start, testing, tracked,
};

use tokio::sync::Notify;

/// What this process has done, of which each test must see its own alone.
static LOG: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

fn log(line: &'static str) {
    LOG.lock().unwrap().push(line);
}

fn logged() -> Vec<&'static str> {
    LOG.lock().unwrap().clone()
}

#[derive(Clone, Debug)]
struct Db {
    open: bool,
}

trait Venue: Send + Sync {
    fn name(&self) -> &'static str;
}

struct Real;

impl Venue for Real {
    fn name(&self) -> &'static str {
        "real"
    }
}

struct Fake;

impl Venue for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
}

#[on_start]
async fn open_db() -> std::io::Result<Db> {
    tokio::time::sleep(Duration::from_secs(2)).await;
    log("open_db");
    Ok(Db { open: true })
}

#[on_start(after = open_db)]
fn connect() -> Arc<dyn Venue> {
    log("connect");
    Arc::new(Real)
}

#[tracked]
async fn order(takes: Duration) -> Result<(), Rejected> {
    tokio::time::sleep(takes).await;
    log("order");
    Ok(())
}

#[on_shutdown(order = -1)]
async fn deregister() {
    log("deregister");
}

#[on_shutdown(timeout = "10s")]
async fn cancel_orders(venue: &dyn Venue) -> Result<(), String> {
    lifecycle::note("venue", venue.name());
    log("cancel_orders");
    Ok(())
}

static SLOW: AtomicBool = AtomicBool::new(false);
static FLUSHED: Notify = Notify::const_new();

#[on_shutdown(after = cancel_orders, timeout = "1s")]
fn flush_files() {
    if SLOW.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
    }
    FLUSHED.notify_one();
    log("flush_files");
}

#[on_shutdown(after = flush_files)]
async fn close_db(Take(db): Take<Db>) {
    assert!(db.open);
    log("close_db");
}

fn began() -> Vec<String> {
    let began = testing::events().into_iter().filter_map(|event| match event {
        Event::StepBegan { step } => Some(step),
        _ => None,
    });
    began.collect()
}

fn outcome(report: &lifecycle::Report, step: &str) -> Outcome {
    report.steps.iter().find(|report| report.name == step).unwrap().outcome
}

#[lifecycle::test]
async fn the_start_is_over_when_the_test_begins(db: &Db, venue: Arc<dyn Venue>) {
    assert!(db.open);
    assert_eq!(venue.name(), "real");
    assert_eq!(logged(), ["open_db", "connect"]);
    assert_eq!(lifecycle::state(), State::Running);
    assert!(lifecycle::is_ready());
}

#[lifecycle::test]
async fn a_signal_runs_the_steps_in_their_order() {
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert_eq!(report.reason, Reason::Signal(SIGTERM));
    let steps =
        ["open_db", "connect", "deregister", "Requests", "cancel_orders", "flush_files", "close_db", "flaky"];
    assert_eq!(began(), steps);
    assert_eq!(report.steps.iter().map(|step| &*step.name).collect::<Vec<_>>(), steps);
    assert_eq!(logged(), ["open_db", "connect", "deregister", "cancel_orders", "flush_files", "close_db"]);
}

#[lifecycle::test(grace = "1m", drain = "40s")]
async fn a_drain_of_thirty_seconds_takes_no_time() {
    let real = Instant::now();
    let running = tokio::spawn(order(Duration::from_secs(30)));
    tokio::task::yield_now().await;
    let shutdown = testing::signal(SIGINT);
    let draining = tokio::time::Instant::now();
    lifecycle::stopping().await;
    assert_eq!(lifecycle::state(), State::Draining);
    assert!(order(Duration::ZERO).await.is_err(), "new ones are refused");
    let report = shutdown.await;
    assert!(running.await.unwrap().is_ok());
    assert_eq!(report.exit_code, 0, "{report}");
    assert_eq!((report.calls.awaited, report.calls.refused), (1, 1));
    let drained = report.calls.drained_in;
    assert!((29..=31).contains(&drained.as_secs()), "{drained:?}");
    assert!(draining.elapsed() >= Duration::from_secs(29) && report.took < Duration::from_secs(40));
    assert!(real.elapsed() < Duration::from_secs(20), "half a minute, of which none has passed");
}

#[lifecycle::test(drain = "5s")]
async fn calls_are_cut_off_when_the_drain_is_over() {
    tokio::spawn(order(Duration::from_secs(3600)));
    tokio::task::yield_now().await;
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 1);
    assert_eq!(report.calls.cut_off[0].name, "order");
    assert!(!logged().contains(&"order"));
}

#[lifecycle::test]
async fn a_hook_that_hangs_is_timed_out() {
    lifecycle::register(
        Hook::on_shutdown("hang", std::future::pending::<()>).timeout(Duration::from_secs(9)),
    );
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "hang"), Outcome::TimedOut);
    assert_eq!(outcome(&report, "close_db"), Outcome::Done);
    assert!((9..12).contains(&report.took.as_secs()), "{:?}", report.took);
}

#[lifecycle::test]
async fn while_a_sync_hook_blocks_no_time_passes() {
    SLOW.store(true, Ordering::Relaxed);
    let waits = Hook::on_shutdown("waits", || FLUSHED.notified()).after::<cancel_orders>();
    lifecycle::register(waits.timeout(Duration::from_secs(1)));
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "flush_files"), Outcome::Done, "{report}");
    assert_eq!(outcome(&report, "waits"), Outcome::Done, "it ran beside it: {report}");
    assert!(report.took < Duration::from_millis(50), "{report}");
}

fn fakes(_: &mut Settings) {
    let fake: Arc<dyn Venue> = Arc::new(Fake);
    testing::provide(fake);
    testing::provide(Db { open: true });
}

#[lifecycle::test(setup = fakes)]
async fn a_fake_takes_the_place_of_what_would_have_been_started(venue: &dyn Venue) {
    assert_eq!(venue.name(), "fake");
    assert!(logged().is_empty(), "no start hook has run");
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert_eq!((outcome(&report, "connect"), outcome(&report, "open_db")), (Outcome::Off, Outcome::Off));
    let cancelled = report.steps.iter().find(|step| step.name == "cancel_orders").unwrap();
    assert_eq!(cancelled.notes, [("venue".to_owned(), "fake".to_owned())]);
}

static FAILS: AtomicU32 = AtomicU32::new(0);

#[on_shutdown(after = close_db, timeout = "1m")]
async fn flaky() -> Result<(), String> {
    match FAILS.load(Ordering::Relaxed) {
        0 => Ok(()),
        n => {
            FAILS.store(n - 1, Ordering::Relaxed);
            Err(format!("{n} to go"))
        }
    }
}

fn retried(settings: &mut Settings) {
    settings.step::<flaky>().retry(3).backoff(Duration::from_secs(1));
}

#[lifecycle::test(setup = retried)]
async fn one_step_runs_alone_with_its_attempts() {
    FAILS.store(2, Ordering::Relaxed);
    let report = testing::run::<flaky>().await;
    assert_eq!((report.outcome, report.attempts.len()), (Outcome::Done, 2), "{report:?}");
    assert_eq!(report.attempts[0].error.as_deref(), Some("2 to go"));
    assert!(report.ran >= Duration::from_secs(1), "the pauses: {:?}", report.ran);
    assert_eq!(logged(), ["open_db", "connect"], "no other has run");
    // Each step has one turn.
    FAILS.store(99, Ordering::Relaxed);
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert_eq!(outcome(&report, "flaky"), Outcome::Off);
    assert_eq!(FAILS.load(Ordering::Relaxed), 99);
}

fn falls_back(settings: &mut Settings) {
    settings.step::<flaky>().fallback(|| async { log("fallback") });
    settings.step::<deregister>().when(|| Err::<(), _>("not registered"));
}

#[lifecycle::test(setup = falls_back)]
async fn one_step_runs_alone_with_its_fallback_and_its_condition() {
    FAILS.store(9, Ordering::Relaxed);
    let report = testing::run::<flaky>().await;
    assert_eq!((report.outcome, report.fallback), (Outcome::Done, true));
    assert!(logged().contains(&"fallback"));
    let report = testing::run::<deregister>().await;
    assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Skipped, Some("not registered")));
}

fn without_db(settings: &mut Settings) {
    settings.step::<open_db>().off("run by the test");
}

#[lifecycle::test(setup = without_db)]
async fn a_start_step_runs_alone_and_gives_what_it_gives() {
    assert!(lifecycle::resource::<Db>().is_none());
    let report = testing::run::<open_db>().await;
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(report.ran, Duration::from_secs(2));
    assert!(lifecycle::resource::<Db>().unwrap().open);
    let closed = testing::run::<close_db>().await;
    assert_eq!(closed.outcome, Outcome::Done);
    let again = testing::run::<close_db>().await;
    assert_eq!(again.outcome, Outcome::Missing, "{again:?}");
}

#[lifecycle::test]
async fn a_worker_is_told_to_stop_at_its_place() {
    let ticks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&ticks);
    let worker = Worker::new("ticker", move |token: CancellationToken| {
        let ticks = Arc::clone(&counted);
        async move {
            while token.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_some() {
                ticks.fetch_add(1, Ordering::Relaxed);
            }
            log("stopped");
        }
    });
    lifecycle::register(worker);
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(ticks.load(Ordering::Relaxed), 3);
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "ticker"), Outcome::Done, "{report}");
    let log = logged();
    let at = |line: &str| log.iter().position(|logged| *logged == line).unwrap();
    assert!(at("deregister") < at("stopped") && at("stopped") < at("cancel_orders"));
}

fn with_a_thread(_: &mut Settings) {
    let worker = Worker::sync("thread", |token: CancellationToken| {
        tokio::runtime::Handle::current().block_on(token.cancelled());
        std::thread::sleep(Duration::from_millis(100));
        log("stopped");
    });
    lifecycle::register(worker.timeout(Duration::from_secs(1)));
}

#[lifecycle::test(setup = with_a_thread)]
async fn a_sync_worker_has_the_time_it_needs_to_stop() {
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "thread"), Outcome::Done, "{report}");
    assert!(logged().contains(&"stopped"));
}

#[lifecycle::test(clock = real)]
async fn a_runtime_that_is_busy_is_the_only_one_there_is() {
    // More than it takes in one round, and in all longer than a service's runtime has to begin a step.
    for _ in 0..150 {
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(5)) });
    }
    let report = testing::signal(SIGTERM).await;
    assert!(report.steps.iter().all(|step| !step.rescued), "{report}");
}

static BROKEN: AtomicBool = AtomicBool::new(false);

fn checked(_: &mut Settings) {
    let check = lifecycle::Check::new("disk", || async {
        if BROKEN.load(Ordering::Relaxed) { Err("full") } else { Ok(()) }
    });
    lifecycle::register(check.interval(Duration::from_secs(30)));
}

#[lifecycle::test(setup = checked)]
async fn health_checks_go_by_the_same_clock() {
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(lifecycle::is_ready() && testing::events().contains(&Event::Healthy { check: "disk".into() }));
    BROKEN.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(!lifecycle::is_ready());
    BROKEN.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(lifecycle::is_ready());
}

#[lifecycle::test(pause = SIGHUP, resume = SIGUSR1)]
async fn signals_pause_and_resume() {
    drop(testing::signal(SIGHUP));
    assert_eq!(lifecycle::state(), State::Paused);
    assert!(order(Duration::ZERO).await.is_err());
    drop(testing::signal(lifecycle::signals::SIGUSR1));
    assert!(order(Duration::ZERO).await.is_ok());
}

#[lifecycle::test]
async fn no_test_sees_what_another_has_done() -> Result<(), std::num::ParseIntError> {
    lifecycle::shutdown("the first of two").await;
    assert_eq!(logged().iter().filter(|line| **line == "close_db").count(), "1".parse::<usize>()?);
    Ok(())
}

#[lifecycle::test]
async fn nor_the_other_what_it_has_done() {
    lifecycle::shutdown("the second of two").await;
    assert_eq!(logged().iter().filter(|line| **line == "close_db").count(), 1);
}

#[lifecycle::test]
#[should_panic(expected = "as it should")]
async fn a_panic_is_one_here_too() {
    panic!("it panics, as it should");
}

#[lifecycle::test]
#[should_panic(expected = "this lifecycle catches SIGTERM, SIGINT")]
async fn a_signal_that_is_not_caught() {
    drop(testing::signal(SIGHUP));
}

mod beside {
    use super::*;

    #[lifecycle::test]
    async fn a_test_in_a_module(venue: &dyn Venue) {
        assert_eq!(venue.name(), "real");
    }

    #[tokio::test]
    async fn an_ordinary_test_sees_no_lifecycle() {
        assert_eq!(lifecycle::state(), State::Idle);
        assert!(order(Duration::ZERO).await.is_ok());
        assert!(testing::events().is_empty());
        assert!(lifecycle::resource::<Db>().is_none());
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() >= Duration::from_millis(20), "its clock is the real one");
    }

    #[test]
    #[should_panic(expected = "testing::signal belongs into the body of a #[lifecycle::test]")]
    fn nor_can_it_signal() {
        drop(testing::signal(SIGTERM));
    }
}

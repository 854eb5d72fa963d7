//! Health checks: their arguments by type, sync and async.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::fs;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use lifecycle::{CancellationToken, Event, Settings, Take, health_check, on_shutdown, on_start};
use lifecycle_tests::scene::{block_on, plays, told, told_blocking};

/// A check's `timeout`, where it is no matter.
const PATIENT: Duration = Duration::from_secs(3600);

struct Db {
    connected: AtomicBool,
}

/// What `main` provides late.
#[health_check(interval = "5ms", timeout = "50ms", retry = 2, delay = "5ms", recover = reconnect, when = |_: &Told| true)]
async fn db_answers(db: &Db, pool: Option<Arc<Pool>>) -> Result<(), String> {
    assert!(pool.is_none() || !plays("late"));
    if db.connected.load(Ordering::SeqCst) { Ok(()) } else { Err("not connected".to_owned()) }
}

fn reconnect(db: &Db, route: Arc<str>) -> Result<(), String> {
    println!("reconnecting by {route} on {}", thread::current().name().unwrap_or_default());
    db.connected.store(true, Ordering::SeqCst);
    Ok(())
}

/// What reconnecting takes beside.
struct Told;

static DISK_RUNS: AtomicUsize = AtomicUsize::new(0);

/// Blocks its thread until the test says otherwise.
#[health_check(interval = "5ms", timeout = "50ms", retry = 2, delay = "5ms")]
fn disk() -> Result<(), String> {
    if DISK_RUNS.fetch_add(1, Ordering::SeqCst) == 0 {
        told_blocking("release the disk");
    }
    Ok(())
}

static HOLDERS: AtomicUsize = AtomicUsize::new(0);

struct Pool;

/// What is gone only a moment after it was told to go.
struct SlowToGo;

impl Drop for SlowToGo {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[health_check(interval = "5ms", timeout = PATIENT, retry = 2, delay = "5ms")]
async fn holds(pool: &Pool) -> Result<(), String> {
    let _slow = SlowToGo;
    HOLDERS.fetch_add(1, Ordering::SeqCst);
    pending::<()>().await;
    drop_nothing(pool);
    Ok(())
}

fn drop_nothing(_: &Pool) {}

#[health_check(interval = "5ms", timeout = PATIENT, retry = 2, delay = "5ms")]
fn holds_blocking(_pool: &Pool, token: CancellationToken) -> Result<(), String> {
    HOLDERS.fetch_add(1, Ordering::SeqCst);
    while !token.is_cancelled() {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

#[on_start]
fn open_pool() -> Option<Pool> {
    plays("holds").then_some(Pool)
}

#[on_shutdown]
async fn close_pool(pool: Option<Take<Pool>>) {
    println!("a pool is closed: {}", pool.is_some());
}

fn setup(settings: &mut Settings) {
    // What listens to the test is a thread, which would else have the name of the check that first asks.
    let mut listens = Box::pin(told("nothing"));
    block_on(poll_fn(|cx| Poll::Ready(_ = listens.as_mut().poll(cx))));
    if plays("late") {
        settings.health_check::<db_answers>().retry(1).delay(Duration::ZERO);
    }
    if plays("late") || plays("holds") {
        settings.health_check::<disk>().off("not played");
    }
}

/// Resolves once that check's line begins so, which it returns. No event, since one may have been told before anybody listens.
async fn says(check: &str, begin: &str) -> String {
    loop {
        let line = lifecycle::health().check(check).unwrap().to_string();
        if line.starts_with(begin) {
            return line;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The threads of a check.
fn threads(check: &str) -> usize {
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap);
    tasks.filter(|task| task.path().exists()).map(name).filter(|name| name.trim_end() == check).count()
}

#[lifecycle::main(setup = setup)]
async fn main() {
    let stopping = lifecycle::stopping();
    if plays("late") {
        // A check that waits does not keep the service from being ready.
        while !lifecycle::is_ready() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("{}", says("db_answers", "db_answers: waiting: no Db was provided").await);
        let mut events = lifecycle::events();
        lifecycle::provide(Db { connected: AtomicBool::new(false) }).unwrap();
        println!("{}", says("db_answers", "db_answers: waiting: no str was provided").await);
        lifecycle::provide::<Arc<str>>(Arc::from("the back door")).unwrap();
        println!("{}", says("db_answers", "db_answers: waiting: no Told was provided").await);
        lifecycle::provide(Told).unwrap();
        while !matches!(events.recv().await, Some(Event::Recovered { .. })) {}
        println!("{}", lifecycle::health().check("db_answers").unwrap());
        println!("{}", lifecycle::health().check("disk").unwrap());
    }
    if plays("stuck") || plays("released") {
        says("disk", "disk: recovery failed").await;
        // So long that it is due many more times.
        tokio::time::sleep(Duration::from_millis(200)).await;
        println!("{}", lifecycle::health().check("disk").unwrap());
        println!("{} run, {} thread", DISK_RUNS.load(Ordering::SeqCst), threads("lifecycle: disk"));
        if plays("released") {
            println!("stuck");
            told("go on").await;
            println!("{}", says("disk", "disk: healthy").await);
        }
    }
    while plays("holds") && HOLDERS.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("serving");
    stopping.await;
}

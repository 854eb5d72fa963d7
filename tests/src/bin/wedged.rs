//! A runtime that does not get on. `SCENARIO` names when it gets stuck, `FLAVOR` which runtime it is.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lifecycle::{Event, Flavor, Hook, Report, Settings, State, Take, on_shutdown, on_start, tracked};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WORKERS: usize = 2;
/// Hooks of the scenario `late`.
const LATE: usize = 16;

struct Config {
    folder: PathBuf,
    peer: String,
}
/// Connected before anything is stuck.
struct Peer(TcpStream);

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn scenario() -> String {
    var("SCENARIO")
}

fn is_current_thread() -> bool {
    var("FLAVOR") == "current_thread"
}

fn setup(settings: &mut Settings) -> Config {
    match is_current_thread() {
        true => settings.flavor(Flavor::CurrentThread),
        false => settings.worker_threads(WORKERS),
    };
    if scenario() == "late" {
        for (number, runs) in RUNS.iter().enumerate() {
            let late = move || async move {
                runs.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            };
            lifecycle::register(Hook::on_shutdown(format!("late {number}"), late).order(1));
        }
    }
    Config { folder: PathBuf::from(var("FOLDER")), peer: var("PEER") }
}

static RUNS: [AtomicUsize; LATE] = [const { AtomicUsize::new(0) }; LATE];
static BLOCKED: AtomicUsize = AtomicUsize::new(0);
static FREE: Mutex<bool> = Mutex::new(false);
static FREED: Condvar = Condvar::new();

/// Holds the thread until `set_free`, which most scenarios never call.
fn block() {
    BLOCKED.fetch_add(1, Ordering::SeqCst);
    println!("blocked");
    drop(FREED.wait_while(FREE.lock().unwrap(), |free| !*free).unwrap());
}

fn set_free() {
    *FREE.lock().unwrap() = true;
    FREED.notify_all();
}

/// Blocks all of the runtime's threads. More tasks than threads: some wait behind another on the same thread.
fn wedge() {
    for _ in 0..4 * WORKERS {
        tokio::spawn(async { block() });
    }
}

fn wait_until_wedged() {
    let threads = if is_current_thread() { 1 } else { WORKERS };
    while BLOCKED.load(Ordering::SeqCst) < threads {
        thread::yield_now();
    }
}

#[on_start]
async fn open_rows(config: &Config) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(config.folder.join("rows.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS rows (text TEXT)").execute(&pool).await?;
    // A connection goes back to the pool in a task of its own, which must not be stuck behind what comes.
    while pool.num_idle() < pool.size() as usize {
        tokio::task::yield_now().await;
    }
    Ok(pool)
}

#[on_start]
async fn connect(config: &Config) -> io::Result<Option<Peer>> {
    if config.peer.is_empty() {
        return Ok(None);
    }
    Ok(Some(Peer(TcpStream::connect(&config.peer).await?)))
}

/// On a thread of its own, so that it sees the runtime get stuck.
#[on_shutdown(order = 0)]
fn make_late() {
    if scenario() != "late" {
        return;
    }
    let mut events = lifecycle::events();
    wedge();
    wait_until_wedged();
    let delay = Duration::from_micros(var("DELAY_US").parse().unwrap());
    thread::spawn(move || {
        let own = tokio::runtime::Builder::new_current_thread().build().unwrap();
        own.block_on(async {
            while !matches!(events.recv().await, Some(Event::StepBegan { step }) if step.starts_with("late"))
            {
            }
        });
        let began = Instant::now();
        thread::sleep(delay);
        // Before it is, since the process may end at once then.
        println!("freed after {} ms", began.elapsed().as_millis());
        set_free();
    });
}

/// Begun on the service's runtime, it gets stuck there.
#[on_shutdown(order = 1, timeout = "400ms")]
async fn halfway() {
    match &*scenario() {
        "halfway, waiting" => {
            println!("halfway");
            wedge();
            std::future::pending().await
        }
        "halfway, blocking" => {
            println!("halfway");
            block();
        }
        _ => {}
    }
}

#[on_shutdown(order = 2)]
async fn write_file(config: &Config) -> io::Result<()> {
    std::fs::write(config.folder.join("file"), "written")
}

#[on_shutdown(order = 3)]
async fn write_row(pool: SqlitePool) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO rows (text) VALUES ('written')").execute(&pool).await?;
    Ok(())
}

#[on_shutdown(order = 4)]
async fn close_rows(Take(pool): Take<SqlitePool>) {
    pool.close().await;
}

/// Its connection is the stuck runtime's.
#[on_shutdown(order = 5, timeout = "400ms")]
async fn say_goodbye(peer: Option<Take<Peer>>) -> io::Result<()> {
    let Some(Take(Peer(mut stream))) = peer else { return Ok(()) };
    stream.write_all(b"goodbye").await?;
    stream.read_u8().await?;
    Ok(())
}

#[on_shutdown(order = 6)]
async fn connect_anew(config: &Config) -> io::Result<()> {
    if config.peer.is_empty() {
        return Ok(());
    }
    TcpStream::connect(&config.peer).await?.write_all(b"anew").await
}

#[on_shutdown(order = 7)]
fn on_a_thread() {
    println!("on_a_thread");
}

#[on_shutdown(last)]
fn count(_: &Report) {
    let runs: Vec<usize> = RUNS.iter().map(|runs| runs.load(Ordering::SeqCst)).collect();
    println!("runs {runs:?}");
}

#[tracked(reject = false)]
fn admitted() -> bool {
    true
}

#[lifecycle::main(grace = "4s", drain = "300ms", cut = "0s", reserve = "500ms", setup = setup)]
async fn main() {
    thread::spawn(|| {
        while admitted() {
            thread::park_timeout(Duration::from_millis(1));
        }
        println!("refused");
    });
    match &*scenario() {
        // The service's own thread is free, on a multi-thread runtime.
        "wedged" => wedge(),
        "main too" => {
            wedge();
            block();
        }
        "main until the end" => {
            wedge();
            tokio::spawn(async {});
            thread::spawn(|| {
                while lifecycle::state() != State::Stopped {
                    thread::park_timeout(Duration::from_millis(1));
                }
                set_free();
            });
            block();
        }
        _ => println!("serving"),
    }
    lifecycle::stopping().await;
}

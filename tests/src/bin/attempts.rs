//! Steps that are tried several times, saved by a fallback, or skipped: each scenario registers its own.

use std::future::pending;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use lifecycle::{Hook, Settings, item, note, on_shutdown, register};
use lifecycle_tests::scene::{Loud, Meeting, plays, scenario};

const MS: Duration = Duration::from_millis(1);

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Which call of the scenario's step this is.
fn call() -> u32 {
    let call = 1 + CALLS.fetch_add(1, Ordering::SeqCst);
    println!("attempt {call}");
    call
}

fn flush() -> Hook {
    Hook::on_shutdown("flush", || async {
        let call = call();
        let _held = Loud("what flush holds");
        note("call", call);
        match (scenario().as_str(), call) {
            ("third time", 1) => Err("busy"),
            ("third time", 2) => panic!("lost"),
            ("third time", _) => Ok(()),
            ("never" | "saved" | "no time", _) => Err("busy"),
            ("hangs once", 1) => pending().await,
            ("hangs", _) => pending().await,
            ("blocks", _) => loop {
                thread::park();
            },
            ("late end", _) => {
                while !LET_GO.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                Err("too late to be heard")
            }
            ("items", 1) => {
                item("order 1", Err("no"));
                Err("1 order is left")
            }
            ("items", _) => {
                item("order 1", Ok::<(), &str>(()));
                Ok(())
            }
            _ => Ok(()),
        }
    })
    .backoff(10 * MS)
}

static LET_GO: AtomicBool = AtomicBool::new(false);
/// Of the fallback and of the step behind it, which must not be there yet.
static TOGETHER: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));

/// Lets the abandoned attempt end, and goes on for long enough that its end has been told.
async fn beside() {
    LET_GO.store(true, Ordering::SeqCst);
    println!("the fallback is overtaken: {}", TOGETHER.meets_anyone().await);
}

async fn on_disk() -> Result<(), &'static str> {
    println!("on disk, with time left: {}", lifecycle::time_left().is_some_and(|left| !left.is_zero()));
    note("rows", 3);
    if scenario() == "lost" { Err("the disk is full") } else { Ok(()) }
}

fn steps() {
    match scenario().as_str() {
        "third time" | "never" | "items" => {
            register(flush().retry(2));
        }
        "no time" => {
            register(flush().retry(9).backoff(400 * MS).timeout(300 * MS));
        }
        "hangs once" => {
            register(flush().retry(1).attempt(200 * MS));
        }
        "blocks" => {
            register(flush().retry(3).attempt(200 * MS));
        }
        "late end" => {
            register(flush().retry(1).attempt(200 * MS).fallback(beside));
        }
        "saved" => {
            register(flush().retry(1).fallback(on_disk));
        }
        "hangs" => {
            register(flush().retry(0).timeout(600 * MS).fallback(on_disk));
        }
        "lost" => {
            register(flush_always_fails().fallback(on_disk));
        }
        "skipped" => {
            register(flush().retry(2).when(|| {
                println!("asked on {}", thread::current().name().unwrap_or_default());
                Err::<(), _>("not the leader")
            }));
            register(Hook::on_shutdown("quiet", || async { println!("never") }).when(|| false));
            register(Hook::on_shutdown("loud", || async { println!("loud") }).when(|| true));
        }
        "start" => {
            register(
                Hook::on_start("connect", || async { if call() < 3 { Err("refused") } else { Ok(()) } })
                    .retry(2)
                    .backoff(MS),
            );
        }
        "start fails" => {
            register(Hook::on_start("connect", || async { Err::<(), _>("refused") }).retry(2).backoff(MS));
        }
        "start is interrupted" => {
            let refused = || async {
                call();
                Err::<(), _>("refused")
            };
            register(Hook::on_start("connect", refused).retry(9).backoff(Duration::from_secs(20)));
            register(Hook::on_start("witness", witness).retry(1).backoff(Duration::ZERO));
        }
        "longer than all" => {
            register(
                flush_always_fails()
                    .retry(9)
                    .backoff(Duration::from_secs(3))
                    .timeout(Duration::from_secs(60)),
            );
        }
        "nonsense" => {
            register(flush().fallback(on_disk).attempt(Duration::from_secs(9)));
            register(Hook::on_start("open", || async {}).retry(1).fallback(on_disk));
        }
        _ => {}
    }
    let afterwards = || {
        if tokio::runtime::Handle::try_current().is_ok() {
            println!("afterwards is made on a thread of the runtime");
        }
        async {
            if plays("late end") {
                TOGETHER.meet().await;
            }
            println!("afterwards");
        }
    };
    register(Hook::on_shutdown("afterwards", afterwards).order(1));
}

/// Says when the failure of `connect` has been heard. There is one worker: once this goes on, the other's call has ended
/// and told so; and before this is tried again, that has been heard.
async fn witness() -> Result<(), &'static str> {
    static TRIED: AtomicBool = AtomicBool::new(false);
    if TRIED.swap(true, Ordering::SeqCst) {
        println!("connect waits");
        return pending().await;
    }
    while CALLS.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    Err("look again")
}

fn flush_always_fails() -> Hook {
    Hook::on_shutdown("flush", || async {
        call();
        Err::<(), _>("busy")
    })
}

/// Written with the attribute, and told by the settings how it is tried.
#[on_shutdown(order = 2)]
async fn close() -> Result<(), String> {
    if scenario() != "settings" {
        return Ok(());
    }
    call();
    Err("no".into())
}

fn setup(settings: &mut Settings) {
    match scenario().as_str() {
        "settings" => {
            settings.step::<close>().retry(1).backoff(MS).attempt(1000 * MS).fallback(on_disk);
        }
        "settings, skipped" => {
            settings.step::<close>().when(|| Err::<(), _>("this binary has nothing to close"));
        }
        "start is interrupted" => {
            settings.worker_threads(1);
        }
        "late end" => {
            settings.worker_threads(3);
        }
        "longer than all" => {
            settings.grace(1500 * MS).reserve(500 * MS);
        }
        _ => {}
    }
    steps();
}

#[lifecycle::main(setup = setup)]
async fn main() -> ExitCode {
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
    ExitCode::SUCCESS
}

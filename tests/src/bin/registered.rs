//! What is registered by hand, before the start, during it and after it.

use std::future::pending;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use lifecycle::{Event, Hook, Registration, Restart, Worker, WorkerEvent, register};
use lifecycle_tests::scene::{Loud, plays, scenario, told};

fn obeys(name: &'static str) -> Worker {
    let life = move |token: lifecycle::CancellationToken| async move {
        println!("{name} runs in {:?}", lifecycle::state());
        token.cancelled().await;
        println!("{name} ends");
    };
    Worker::new(name, life)
}

static KEPT: Mutex<Option<Registration>> = Mutex::new(None);

fn before() {
    // The last first: the order is that of their keys.
    register(obeys("last of all").order(3));
    register(Hook::on_shutdown("between", || async { println!("between") }).order(2));
    register(obeys("first of all").order(1));
    let gone = register(obeys("gone"));
    println!("gone: {}", gone.remove());
    register(Hook::on_start("open", || async {
        println!("open");
        register(obeys("of the start"));
        let gone = register(obeys("gone at the start"));
        println!("gone at the start: {}", gone.remove());
    }));
}

async fn after() {
    for _ in 0..2 {
        register(obeys("shard").timeout(Duration::from_secs(9)));
    }
    told("register nothing").await;
    let shard = register(obeys("shard to go"));
    told("remove").await;
    println!("removed: {}", shard.remove());
}

/// Several of one name, of which one goes and another comes.
fn namesakes() {
    let flush = || register(Hook::on_shutdown("flush", || async {}));
    let [first, _, third] = [flush(), flush(), flush()];
    println!("removed: {}, {}", first.remove(), third.remove());
    for _ in 0..3 {
        flush();
    }
    println!("all registered");
}

/// Takes back a worker that does not end.
async fn stubborn() {
    let held = register(
        Worker::new("stubborn", |token| async move {
            let _held = Loud("what stubborn holds");
            println!("stubborn runs");
            token.cancelled().await;
            println!("stubborn is told");
            pending::<()>().await;
        })
        .timeout(Duration::from_millis(100))
        .restart(Restart::Always),
    );
    told("remove").await;
    println!("removed: {}", held.remove());
}

/// One that makes the plan invalid, and one that does not.
#[expect(non_camel_case_types, reason = "a step's own name")]
struct nowhere {}
impl lifecycle::Node for nowhere {}

fn invalid() {
    register(obeys("impossible").after::<nowhere>());
    register(obeys("possible"));
}

fn main() -> ExitCode {
    if plays("order") {
        before();
    }
    lifecycle::builder().run(|| async {
        let stopping = lifecycle::stopping();
        let mut events = lifecycle::events();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Worker { worker, what: WorkerEvent::Failed { error } } = event {
                    println!("event: {worker} failed: {error}");
                }
            }
        });
        println!("serving");
        match scenario().as_str() {
            "order" => after().await,
            "stubborn" => stubborn().await,
            "namesakes" => namesakes(),
            "invalid" => invalid(),
            "at the end" => {
                *KEPT.lock().unwrap_or_else(|broken| broken.into_inner()) = Some(register(obeys("kept")));
            }
            _ => {}
        }
        stopping.await;
        let late = register(obeys("too late"));
        println!("too late: {}", late.remove());
        let kept = KEPT.lock().unwrap_or_else(|broken| broken.into_inner()).take();
        println!("kept: {:?}", kept.map(Registration::remove));
    })
}

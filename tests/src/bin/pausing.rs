//! A service that is paused and resumed, by words or by signals.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lifecycle::{Event, Hook, Rejected, Worker, admitting, group, register, signals, tracked};
use lifecycle_tests::scene::{plays, scenario, told};
use tokio::sync::{Mutex, mpsc};

#[group]
struct Jobs;

#[tracked]
async fn request() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = Jobs)]
async fn job() -> Result<(), Rejected> {
    Ok(())
}

/// One that is running when the pause comes.
#[tracked]
async fn slow() -> Result<(), Rejected> {
    println!("slow runs");
    told("end slow").await;
    println!("a nested call: {}", word(request().await));
    println!("slow ends");
    Ok(())
}

#[tracked(admit = always)]
async fn probe() -> Result<(), Rejected> {
    Ok(())
}

fn word(result: Result<(), Rejected>) -> String {
    result.map_or_else(|rejected| format!("{:?}", rejected.reason()), |()| "admitted".to_owned())
}

/// From outside of everything.
async fn doors() -> String {
    let doors = async {
        format!("request {}, job {}, probe {}", word(request().await), word(job().await), word(probe().await))
    };
    let doors = tokio::spawn(doors).await.unwrap();
    let closed: Vec<bool> = lifecycle::stats().groups.iter().map(|group| group.closed).collect();
    format!("{:?}, ready {}, {doors}, closed {closed:?}", lifecycle::state(), lifecycle::is_ready())
}

type Items = (mpsc::UnboundedSender<u32>, Arc<Mutex<mpsc::UnboundedReceiver<u32>>>);
static ITEMS: LazyLock<Items> = LazyLock::new(|| {
    let (to, from) = mpsc::unbounded_channel();
    (to, Arc::new(Mutex::new(from)))
});

/// Waits for an item when the pause comes, and must not take it.
fn takes() -> Worker {
    Worker::new("takes", |_| async {
        let mut items = ITEMS.1.lock().await;
        while let Some(Some(item)) = admitting().next(items.recv()).await {
            println!("item {item} is taken");
        }
        println!("takes ends");
    })
}

static STEPS: AtomicU32 = AtomicU32::new(0);

/// Asks before each step, as one does that has its work at hand.
fn steps() -> Worker {
    Worker::new("steps", |token| async move {
        while !token.is_cancelled() {
            admitting().await;
            STEPS.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        println!("steps ends");
    })
}

/// How far it gets meanwhile.
async fn steps_within(time: Duration) -> u32 {
    let before = STEPS.load(Ordering::SeqCst);
    tokio::time::sleep(time).await;
    STEPS.load(Ordering::SeqCst) - before
}

async fn play() {
    match scenario().as_str() {
        "words" => {
            for word in ["first", "second"] {
                told(&format!("pause {word}")).await;
                println!("paused: {} {}", lifecycle::pause(), lifecycle::pause());
                println!("in the pause: {}", doors().await);
                // One may have been asked for before.
                println!("goes on: {}", steps_within(Duration::from_millis(50)).await > 1);
                ITEMS.0.send(lifecycle::stats().refused as u32).unwrap();
                told(&format!("resume {word}")).await;
                println!("it resumes");
                println!("resumed: {} {}", lifecycle::resume(), lifecycle::resume());
                println!("after it: {}", doors().await);
            }
        }
        "shutdown" => {
            told("pause first").await;
            println!("paused: {}", lifecycle::pause());
            ITEMS.0.send(1).unwrap();
            println!("in the pause: {}", doors().await);
        }
        "start" => println!("in the pause: {}", doors().await),
        _ => {}
    }
}

fn main() -> ExitCode {
    println!("before: {} {}", lifecycle::pause(), lifecycle::resume());
    register(takes());
    if plays("words") {
        register(steps());
    }
    if plays("start") {
        register(Hook::on_start("pauses", || async {
            println!("paused: {}, {:?}", lifecycle::pause(), lifecycle::state());
            ITEMS.0.send(1).unwrap();
        }));
    }
    register(
        Hook::on_shutdown("early", || async {
            println!("early: paused {}, resumed {}", lifecycle::pause(), lifecycle::resume());
            println!("early: {}", doors().await);
            if plays("shutdown") {
                told("end early").await;
            }
        })
        .order(-1),
    );
    let mut events = lifecycle::events();
    lifecycle::builder().pause(signals::SIGUSR1).resume(signals::SIGUSR2).run(|| async move {
        let stopping = lifecycle::stopping();
        if !plays("start") {
            tokio::spawn(slow());
        }
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    Event::State(state) => println!("event: {state:?}"),
                    Event::Ready => println!("event: ready"),
                    _ => {}
                }
                if plays("signals") {
                    println!("seen: {}", doors().await);
                }
            }
        });
        println!("serving");
        play().await;
        stopping.await;
    })
}

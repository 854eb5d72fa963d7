//! Groups of tracked calls: each closes and drains at its own place.
#![allow(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::future::pending;
use std::sync::LazyLock;
use std::time::Duration;

use lifecycle::{Event, Rejected, Report, Settings, on_shutdown, tracked};
use lifecycle_tests::scene::{Loud, plays, scenario, told, told_blocking};
use tokio::sync::{mpsc, watch};

#[lifecycle::group(order = -1)]
struct Sessions;

#[lifecycle::group]
struct Jobs;

#[lifecycle::group(timeout = "20s")]
struct Uploads;

#[lifecycle::group(order = 1)]
struct Mails;

/// Runs until the test says so, if it is held.
async fn hold(name: &str, held: bool) {
    if held {
        println!("{name} runs");
        told(&format!("end the {name}")).await;
        println!("{name} ends");
    }
}

#[tracked(group = Sessions)]
async fn session(held: bool) -> Result<(), Rejected> {
    hold("session", held).await;
    Ok(())
}

#[tracked(group = lifecycle::Requests)]
async fn request(held: bool) -> Result<(), Rejected> {
    hold("request", held).await;
    Ok(())
}

#[tracked(group = Jobs)]
async fn job(held: bool) -> Result<(), Rejected> {
    hold("job", held).await;
    Ok(())
}

#[tracked(group = Mails)]
async fn mail(held: bool) -> Result<(), Rejected> {
    hold("mail", held).await;
    Ok(())
}

fn word<T>(result: Result<T, Rejected>) -> &'static str {
    if result.is_ok() { "in" } else { "out" }
}

/// Who is let in from outside.
async fn doors() -> String {
    format!(
        "session {}, request {}, job {}, mail {}",
        word(session(false).await),
        word(request(false).await),
        word(job(false).await),
        word(mail(false).await)
    )
}

/// What is in flight and who has closed.
fn figures() -> String {
    let stats = lifecycle::stats();
    let groups = stats.groups.iter().map(|group| {
        let closed = if group.closed { " closed" } else { "" };
        format!("{} {} -{}{closed}", group.name, group.in_flight, group.refused)
    });
    let groups: Vec<String> = groups.collect();
    format!("{}, {} -{}", groups.join(", "), lifecycle::in_flight(), stats.refused)
}

fn is_closed(name: &str) -> bool {
    lifecycle::stats().groups.iter().any(|group| group.name == name && group.closed)
}

static QUEUE: LazyLock<(mpsc::UnboundedSender<u32>, watch::Sender<usize>)> = LazyLock::new(|| {
    let (sender, mut queue) = mpsc::unbounded_channel();
    // Takes one after the other, and is no part of any call.
    tokio::spawn(async move {
        while let Some(number) = queue.recv().await {
            match work(number).await {
                Ok(()) => QUEUE.1.send_modify(|open| *open -= 1),
                Err(_) => println!("work {number} is refused"),
            }
        }
    });
    (sender, watch::Sender::new(0))
});

fn enqueue(number: u32) {
    QUEUE.1.send_modify(|open| *open += 1);
    let _ = QUEUE.0.send(number);
}

#[tracked(group = Jobs, name = "jobs.work")]
async fn work(number: u32) -> Result<(), Rejected> {
    println!("work {number} is taken");
    told(&format!("end work {number}")).await;
    println!("work {number} ends");
    Ok(())
}

/// Waits for a job that somebody else has to take, or leaves it behind.
#[tracked]
async fn order(number: u32) -> Result<(), Rejected> {
    println!("order {number} runs");
    lifecycle::stopping().await;
    while request_from_outside().await {}
    enqueue(number);
    if plays("taken") {
        told("it was taken").await;
    }
    println!("order {number} ends");
    Ok(())
}

async fn request_from_outside() -> bool {
    tokio::spawn(request(false)).await.unwrap().is_ok()
}

/// Leaves a task behind.
#[tracked(group = Jobs)]
async fn leaving() -> Result<(), Rejected> {
    println!("leaving runs");
    lifecycle::stopping().await;
    drop(lifecycle::spawn(async {
        println!("the task runs");
        told("end the task").await;
        // Both come in their turn after `Requests`, which the task knows of first.
        while !["Jobs", "Uploads"].iter().all(|name| is_closed(name)) {
            tokio::task::yield_now().await;
        }
        let nested = (word(request(false).await), word(job(false).await));
        println!("the task ends: {nested:?}, {}", figures());
    }));
    Ok(())
}

/// Hears of nothing until it is dropped.
#[tracked(group = Jobs)]
async fn deaf() -> Result<(), Rejected> {
    let _held = Loud("the deaf job");
    println!("deaf runs");
    lifecycle::cut_off().await;
    println!("deaf is told");
    told("wake the deaf").await;
    pending().await
}

#[tracked(group = Jobs)]
fn grind() -> Result<(), Rejected> {
    println!("grind runs");
    told_blocking("never");
    Ok(())
}

#[tracked(group = Uploads)]
async fn upload() -> Result<(), Rejected> {
    let _held = Loud("the upload");
    println!("upload runs");
    let told = told("end the upload");
    tokio::select! {
        () = lifecycle::cut_off() => println!("upload is told"),
        () = told => println!("upload ends"),
    }
    Ok(())
}

/// A request that its drain cuts.
#[tracked]
async fn stuck() -> Result<(), Rejected> {
    println!("stuck runs");
    lifecycle::cut_off().await;
    println!("stuck is told");
    pending().await
}

/// Before the groups of order 1.
#[on_shutdown(timeout = "20s")]
async fn close() {
    println!("close: {}", figures());
    match scenario().as_str() {
        "order" => told("end close").await,
        "queue" => {
            let mut open = QUEUE.1.subscribe();
            let _ = open.wait_for(|open| *open == 0).await;
        }
        "late" => pending().await,
        "off" => println!("at close: {}", tokio::spawn(doors()).await.unwrap()),
        _ => {}
    }
}

#[on_shutdown(last)]
async fn at_last(_: &Report) {
    println!("at last: {}", tokio::spawn(doors()).await.unwrap());
}

fn setup(settings: &mut Settings) {
    const SHORT: Duration = Duration::from_millis(200);
    match scenario().as_str() {
        "queue" => {
            settings.step::<Jobs>().order(1);
        }
        "times out" | "sync" => {
            settings.step::<Jobs>().timeout(SHORT);
            settings.cut(SHORT);
        }
        "requests" => {
            settings.drain(SHORT).cut(SHORT);
        }
        "late" => {
            settings.grace(2 * SHORT).reserve(SHORT);
        }
        "settings" => {
            settings.step::<Jobs>().timeout(SHORT).order(3);
        }
        "off" => {
            settings.step::<Jobs>().off("nobody waits for them");
        }
        _ => {}
    }
    if plays("times out") {
        tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    }
}

#[lifecycle::main(setup = setup)]
async fn main() {
    let stopping = lifecycle::stopping();
    match scenario().as_str() {
        "order" => {
            let mut events = lifecycle::events();
            tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    match event {
                        Event::StepBegan { step } if step != "at_last" => {
                            println!("{step} began in {:?}: {}", lifecycle::state(), doors().await);
                        }
                        Event::StepEnded { step, .. } => println!("{step} ended"),
                        _ => {}
                    }
                }
            });
            for held in [tokio::spawn(session(true)), tokio::spawn(request(true))] {
                drop(held);
            }
            for held in [tokio::spawn(job(true)), tokio::spawn(mail(true))] {
                drop(held);
            }
        }
        "taken" => {
            tokio::spawn(async {
                order(1).await?;
                while job(false).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                println!("another is refused in {:?}", lifecycle::state());
                Ok::<(), Rejected>(())
            });
        }
        "queue" => {
            enqueue(1);
            tokio::spawn(order(2));
        }
        "task" => drop(tokio::spawn(leaving())),
        "times out" => {
            tokio::spawn(deaf());
            tokio::spawn(upload());
        }
        "requests" => {
            tokio::spawn(stuck());
            tokio::spawn(upload());
        }
        "sync" => {
            tokio::task::spawn_blocking(grind);
        }
        "late" => {
            tokio::spawn(mail(true));
        }
        "off" => {
            tokio::spawn(job(true));
        }
        _ => {}
    }
    println!("serving");
    stopping.await;
}

//! Workers that are registered by hand, as the test's first argument asks for them.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::future::pending;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lifecycle::{
    CancellationToken, Event, Events, Flavor, Hook, Rejected, Restart, Worker, WorkerEvent, admitting,
    register, tracked,
};
use lifecycle_tests::scene::{Loud, plays, scenario, told, told_blocking};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

fn says(name: &'static str) -> Hook {
    Hook::on_shutdown(name, move || async move { println!("{name}") })
}

/// Ends when it is told to.
fn obeys(name: &'static str) -> Worker {
    Worker::new(name, move |token| async move {
        println!("{name} runs");
        token.cancelled().await;
        println!("{name} ends");
    })
}

#[tracked]
async fn request() -> Result<(), Rejected> {
    Ok(())
}

async fn refused_outside() -> bool {
    tokio::spawn(request()).await.unwrap().is_err()
}

/// What `second` is asked for.
type Question = oneshot::Sender<&'static str>;
static ASK: LazyLock<(mpsc::UnboundedSender<Question>, Mutex<mpsc::UnboundedReceiver<Question>>)> =
    LazyLock::new(|| {
        let (to, from) = mpsc::unbounded_channel();
        (to, Mutex::new(from))
    });

async fn ask() -> &'static str {
    let (answer, wait) = oneshot::channel();
    ASK.0.send(answer).unwrap();
    wait.await.unwrap_or("nobody answers")
}

/// Two workers at their places among hooks.
fn order() {
    register(says("early").order(-1));
    register(Worker::new("first", |token| async move {
        println!("first runs");
        token.cancelled().await;
        println!("first is told, requests are refused: {}", refused_outside().await);
        println!("a call in a worker is admitted: {}", request().await.is_ok());
        told("end first").await;
        println!("first ends");
    }));
    register(Hook::on_shutdown("between", || async {
        println!("between: {}", ask().await);
    }));
    let answers = |token: CancellationToken| async move {
        println!("second runs");
        let mut asked = ASK.1.lock().await;
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                question = asked.recv() => drop(question.unwrap().send("second goes on")),
            }
        }
        println!(
            "second ends, within {}",
            lifecycle::time_left().is_some_and(|left| left <= Duration::from_secs(7))
        );
    };
    register(Worker::new("second", answers).order(1).timeout(Duration::from_secs(7)));
    register(says("after").order(2));
    register(says("goodbye").last());
}

/// Hears of nothing.
fn deaf() {
    register(
        Worker::new("deaf", |_| async {
            let _held = Loud("what deaf holds");
            println!("deaf runs");
            pending::<()>().await;
        })
        .timeout(SHORT),
    );
    register(says("after"));
}

fn stuck() {
    let hangs = |_| {
        println!("stuck runs");
        told_blocking("never");
    };
    register(Worker::sync("stuck", hangs).timeout(SHORT));
    register(says("after"));
}

/// A future that stays on one thread.
async fn local(token: CancellationToken) -> Result<(), String> {
    let here = Rc::new(std::thread::current().id());
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
    }
    println!("local runs");
    token.cancelled().await;
    let same = *here == std::thread::current().id();
    println!("local ends, on one thread: {same}, {:?}", std::thread::current().name());
    Ok(())
}

static FAIL: Notify = Notify::const_new();
static RUNS: AtomicU32 = AtomicU32::new(0);

/// Fails as often as it is asked to: by an error, then by panics.
async fn fails(times: u32, token: CancellationToken) -> Result<(), String> {
    let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
    println!("run {run}");
    match run {
        run if run > times => {}
        1 => return Err("no broker".to_owned()),
        _ => panic!("run {run} panics"),
    }
    println!("it runs");
    token.cancelled().await;
    println!("it ends");
    Ok(())
}

fn failing(times: u32) -> Worker {
    Worker::new("fails", move |token| fails(times, token)).backoff(Duration::from_millis(20))
}

/// Everything that happens to workers, on stdout.
fn follow(mut events: Events) {
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Worker { worker, what } = event {
                match what {
                    WorkerEvent::Started => println!("event: {worker} started"),
                    WorkerEvent::Restarting { attempt, after, error } => {
                        let why = error.unwrap_or_default();
                        println!("event: {worker} restarts, {attempt}, {why:?}, {}", after > Duration::ZERO);
                    }
                    WorkerEvent::Failed { error } => println!("event: {worker} failed, {error:?}"),
                    WorkerEvent::Ended => println!("event: {worker} ended"),
                    WorkerEvent::Skipped { why } => println!("event: {worker} is skipped, {why}"),
                    other => println!("event: {worker} {other:?}"),
                }
            }
        }
    });
}

/// Items that are offered without an end, and what became of them.
#[derive(Default)]
struct Counts {
    offered: AtomicU32,
    taken: AtomicU32,
    taken_when_told: AtomicU32,
    finished: AtomicU32,
}
static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);

fn queue() {
    let (offer, items) = mpsc::channel::<u32>(8);
    let items = Arc::new(Mutex::new(items));
    let left = Arc::clone(&items);
    register(Worker::new("takes", move |token| {
        let items = Arc::clone(&items);
        async move {
            let mut items = items.lock().await;
            while let Some(Some(_item)) = admitting().next(items.recv()).await {
                // Every number is counted somewhere, and work goes on after the token has fired.
                COUNTS.taken_when_told.fetch_add(token.is_cancelled().into(), Ordering::SeqCst);
                if COUNTS.taken.fetch_add(1, Ordering::SeqCst) == 100 {
                    println!("a hundred are taken");
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_micros(50)).await;
                COUNTS.finished.fetch_add(1, Ordering::SeqCst);
            }
        }
    }));
    register(Hook::on_start("offers", move || {
        let offer = offer.clone();
        async move {
            tokio::spawn(async move {
                for item in 0.. {
                    if offer.send(item).await.is_err() {
                        break;
                    }
                    COUNTS.offered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    }));
    register(Hook::on_shutdown("counts", move || {
        let left = Arc::clone(&left);
        async move {
            let mut items = left.lock().await;
            items.close();
            let mut left = 0;
            while items.recv().await.is_some() {
                left += 1;
            }
            let [offered, taken, told, finished] =
                [&COUNTS.offered, &COUNTS.taken, &COUNTS.taken_when_told, &COUNTS.finished]
                    .map(|count| count.load(Ordering::SeqCst));
            println!("none is lost: {}", offered == taken + left);
            println!("what was taken is finished: {}", taken == finished);
            println!("taken after it was told: {told}");
        }
    }));
}

/// Blocks all threads of the runtime.
fn wedge() {
    for _ in 0..8 {
        tokio::spawn(async {
            println!("blocked");
            loop {
                std::thread::park();
            }
        });
    }
}

fn builder() -> lifecycle::Builder {
    let builder = lifecycle::builder().flavor(match scenario().ends_with("current_thread") {
        true => Flavor::CurrentThread,
        false => Flavor::MultiThread,
    });
    match scenario().as_str() {
        "wedged" | "wedged, endless" => {
            builder.worker_threads(2).grace(Duration::from_secs(8)).reserve(Duration::from_secs(6))
        }
        "not reached" => builder.grace(LONG).reserve(LONG - SHORT),
        _ => builder,
    }
}

fn prepare() {
    match scenario().split(',').next().unwrap() {
        "order" => order(),
        "deaf" => deaf(),
        "stuck" => stuck(),
        "not send" => {
            register(Worker::sync("local", |token| Handle::current().block_on(local(token))));
        }
        "gives up" => {
            register(failing(9).retry(2));
            register(says("after"));
        }
        "recovers" => {
            register(failing(2));
        }
        "never" => {
            register(failing(9).restart(Restart::Never));
        }
        "always" => {
            register(
                Worker::new("again", |token| async move {
                    let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
                    println!("run {run}");
                    if run == 8 {
                        token.cancelled().await;
                    }
                })
                .restart(Restart::Always)
                .retry(1)
                .backoff(Duration::from_millis(10)),
            );
        }
        "ends" => {
            register(Worker::new("import", |_| async { println!("import is done") }));
        }
        "pending restart" => {
            register(failing(9).backoff(LONG));
            register(says("after"));
        }
        "fails when told" => {
            register(Worker::new("fails", |token| async move {
                println!("fails runs");
                token.cancelled().await;
                Err::<(), _>("cannot commit")
            }));
        }
        "items" => {
            register(Worker::new("items", |token| async move {
                lifecycle::item("before it was told", Err("not reported"));
                lifecycle::note("progress", 1);
                lifecycle::note("progress", 2);
                println!("items runs");
                token.cancelled().await;
                lifecycle::item("order 7", Ok::<(), &str>(()));
                lifecycle::item("order 8", Err("gone"));
            }));
        }
        "fails before its place" => {
            register(
                Worker::new("again", |token| async move {
                    println!("run {}", RUNS.fetch_add(1, Ordering::SeqCst) + 1);
                    tokio::select! {
                        () = token.cancelled() => Ok(()),
                        () = FAIL.notified() => Err("asked to"),
                    }
                })
                .backoff(Duration::from_millis(10)),
            );
            register(
                Hook::on_shutdown("early", || async {
                    FAIL.notify_one();
                    told("it runs again").await;
                })
                .order(-1),
            );
        }
        "when" => {
            register(obeys("yes").when(|| true));
            register(obeys("no").when(|| Err("not the leader")));
        }
        "when panics" => {
            register(obeys("asks").when(|| -> bool { panic!("no idea") }));
        }
        "when hangs" => {
            let hangs = || {
                println!("it is asked");
                told_blocking("never");
                true
            };
            register(obeys("asks").when(hangs));
        }
        "queue" => queue(),
        "start fails" => {
            register(Hook::on_start("open", || async { Err::<(), _>("no disk") }));
            register(obeys("worker"));
        }
        "not reached" => {
            register(Hook::on_shutdown("hangs", pending::<()>).order(-1));
            register(Worker::new("worker", |_| async {
                let _held = Loud("what the worker holds");
                println!("worker runs");
                pending::<()>().await;
            }));
            register(Hook::on_shutdown("waits", || told("all is seen")).last().timeout(LONG));
        }
        "wedged" => {
            register(obeys("worker").timeout(SHORT));
            register(says("after"));
            if scenario().ends_with("endless") {
                register(obeys("endless").timeout(LONG));
            }
        }
        _ => {}
    }
}

async fn service() {
    let stopping = lifecycle::stopping();
    println!("serving");
    if plays("wedged") || plays("wedged, endless") {
        told("wedge").await;
        wedge();
    }
    stopping.await;
}

fn main() -> ExitCode {
    prepare();
    let events = lifecycle::events();
    builder().run(|| {
        follow(events);
        service()
    })
}

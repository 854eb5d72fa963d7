//! Sync functions of the lifecycle in a `#[lifecycle::test]`: on a paused clock they are called on the test's own thread.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use lifecycle::signals::SIGTERM;
use lifecycle::{
    CancellationToken, Event, Hook, Outcome, Settings, Worker, health_check, on_shutdown, on_start, testing,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

thread_local! {
    /// What stands for a mock.
    static MOCK: Cell<&'static str> = const { Cell::new("none") };
}

/// One call of a function below.
#[derive(Clone, Debug)]
struct Made {
    name: String,
    thread: ThreadId,
    mock: &'static str,
}

type Act = Box<dyn FnOnce() + Send>;

static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
static ACTS: Mutex<Vec<(&str, Act)>> = Mutex::new(Vec::new());

/// Has the first call of this function do something.
fn does(name: &'static str, act: impl FnOnce() + Send + 'static) {
    ACTS.lock().unwrap().push((name, Box::new(act)));
}

/// Returns whether the test has it do something.
fn made(name: &str) -> bool {
    MADE.lock().unwrap().push(Made {
        name: name.to_owned(),
        thread: thread::current().id(),
        mock: MOCK.get(),
    });
    let act = {
        let mut acts = ACTS.lock().unwrap();
        let found = acts.iter().position(|(of, _)| *of == name);
        found.map(|found| acts.remove(found).1)
    };
    act.map(|act| act()).is_some()
}

fn asked(name: &str) -> bool {
    made(name);
    true
}

fn calls() -> Vec<Made> {
    MADE.lock().unwrap().clone()
}

fn names() -> Vec<String> {
    calls().into_iter().map(|made| made.name).collect()
}

#[on_start]
fn start() {
    made("start");
}

#[on_shutdown(timeout = "9s")]
fn first() {
    made("first");
}

#[on_shutdown]
fn second() {
    made("second");
}

#[on_shutdown(order = 1, when = asked("when"), fallback = fallback)]
fn fails() -> Result<(), &'static str> {
    if made("fails") { Err("as the test wants it") } else { Ok(()) }
}

fn fallback() {
    made("fallback");
}

#[health_check(interval = "30s", recover = recover)]
fn check() -> Result<(), &'static str> {
    if made("check") { Err("as the test wants it") } else { Ok(()) }
}

fn recover() {
    made("recover");
}

static FLUSHED: Mutex<Option<oneshot::Receiver<()>>> = Mutex::new(None);

/// Beside `first` and `second`, as what follows it.
#[on_shutdown]
async fn flush() {
    let flushed = FLUSHED.lock().unwrap().take();
    if let Some(flushed) = flushed {
        flushed.await.unwrap();
    }
}

static CLOSED: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);

#[on_shutdown(after = flush)]
async fn close() {
    if let Some(closed) = CLOSED.lock().unwrap().take() {
        closed.send(()).unwrap();
    }
}

fn outcome(report: &lifecycle::Report, step: &str) -> Outcome {
    report.steps.iter().find(|report| report.name == step).unwrap().outcome
}

fn with_a_mock(_: &mut Settings) {
    MOCK.set("of setup");
}

#[lifecycle::test(setup = with_a_mock)]
async fn every_call_is_made_on_the_tests_thread_and_sees_what_it_keeps() {
    does("fails", || {});
    does("check", || {});
    tokio::time::sleep(Duration::from_secs(40)).await;
    MOCK.set("of the body");
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "fails"), Outcome::Done, "{report}");
    let calls = calls();
    assert_eq!(
        names(),
        ["start", "check", "check", "recover", "check", "first", "second", "when", "fails", "fallback"],
        "{report}"
    );
    assert!(calls.iter().all(|made| made.thread == thread::current().id()), "{calls:?}");
    let (before, after) = calls.split_at(5);
    assert!(before.iter().all(|made| made.mock == "of setup"), "{before:?}");
    assert!(after.iter().all(|made| made.mock == "of the body"), "{after:?}");
}

#[lifecycle::test]
async fn so_is_that_of_a_step_that_runs_alone() {
    MOCK.set("of the body");
    assert_eq!(testing::run::<first>().await.outcome, Outcome::Done);
    let made = calls().pop().unwrap();
    assert_eq!(
        (made.name.as_str(), made.mock, made.thread),
        ("first", "of the body", thread::current().id())
    );
}

/// What a subscriber of `tracing` has written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[lifecycle::test]
async fn the_tests_subscriber_hears_it_and_what_runs_beside_it() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _default = tracing::subscriber::set_default(subscriber);
    let (said, hears) = oneshot::channel();
    does("first", || {
        tracing::info!("said by the step");
        tokio::spawn(async {
            tracing::info!("said beside it");
            said.send(()).unwrap();
        });
        Handle::current().block_on(hears).unwrap();
    });
    testing::signal(SIGTERM).await;
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("said by the step"), "{lines}");
    assert!(lines.contains("said beside it"), "{lines}");
}

/// Answers each number, for as long as it is asked.
fn answerer() -> tokio::sync::mpsc::UnboundedSender<(u32, oneshot::Sender<u32>)> {
    let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel::<(u32, oneshot::Sender<u32>)>();
    tokio::spawn(async move {
        while let Some((number, answer)) = asked.recv().await {
            answer.send(number).unwrap();
        }
    });
    ask
}

#[lifecycle::test]
async fn it_may_wait_for_what_is_async_and_the_clock_waits_for_it() {
    tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
    let (ask, here) = (answerer(), thread::current().id());
    does("first", move || {
        let began = tokio::time::Instant::now();
        // Between any two of them nothing can run.
        for number in 0..100 {
            let (answer, answered) = oneshot::channel();
            ask.send((number, answer)).unwrap();
            assert_eq!(Handle::current().block_on(answered).unwrap(), number);
        }
        tokio::task::block_in_place(|| assert_eq!(began.elapsed(), Duration::ZERO));
        assert_eq!(thread::current().id(), here);
        lifecycle::note("answers", 100);
    });
    let report = testing::signal(SIGTERM).await;
    let step = report.steps.iter().find(|step| step.name == "first").unwrap();
    assert_eq!((step.outcome, step.ran), (Outcome::Done, Duration::ZERO), "{report}");
    assert_eq!(step.notes, [("answers".to_owned(), "100".to_owned())]);
    let then = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(then.elapsed().as_secs(), 1, "and it goes on afterwards");
}

#[lifecycle::test]
async fn it_may_wait_for_a_step_that_is_still_to_begin() {
    let (closed, closes) = oneshot::channel();
    *CLOSED.lock().unwrap() = Some(closed);
    let (flush, flushed) = oneshot::channel();
    *FLUSHED.lock().unwrap() = Some(flushed);
    does("first", || {
        flush.send(()).unwrap();
        Handle::current().block_on(closes).unwrap();
        assert_eq!(names(), ["start", "check", "first"], "no other sync one has begun");
    });
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert_eq!(names(), ["start", "check", "first", "second", "when", "fails"]);
}

#[lifecycle::test]
async fn what_it_spawns_goes_on_after_it() {
    let (done, ends) = oneshot::channel();
    does("first", || drop(tokio::spawn(async { done.send(thread::current().id()).unwrap() })));
    testing::run::<first>().await;
    assert_eq!(ends.await.unwrap(), thread::current().id());
}

fn with_many(_: &mut Settings) {
    for number in 0..600 {
        let name = format!("many {number:03}");
        let log = name.clone();
        // Beside all others.
        lifecycle::register(Hook::on_shutdown(name, || async {}).when(move || asked(&log)));
    }
}

#[lifecycle::test(setup = with_many)]
async fn however_many_there_are_they_are_called_in_their_order() {
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    let many: Vec<String> = names().into_iter().filter(|name| name.starts_with("many")).collect();
    assert_eq!(many.len(), 600);
    assert!(many.is_sorted(), "{many:?}");
}

#[lifecycle::test]
async fn one_that_panics_is_reported_and_the_next_is_called() {
    does("first", || {
        lifecycle::item("one", Ok::<_, &str>(()));
        assert_eq!(lifecycle::time_left(), Some(Duration::from_secs(9)));
        panic!("in the step");
    });
    let report = testing::signal(SIGTERM).await;
    let step = report.steps.iter().find(|step| step.name == "first").unwrap();
    assert_eq!((step.outcome, step.error.as_deref()), (Outcome::Panicked, Some("in the step")), "{report}");
    assert_eq!(step.items.len(), 1);
    assert_eq!(outcome(&report, "second"), Outcome::Done);
}

#[lifecycle::test]
async fn a_sync_worker_has_a_thread_of_its_own() {
    let (began, begins) = oneshot::channel();
    let began = Mutex::new(Some(began));
    let worker = Worker::sync("worker", move |token: CancellationToken| {
        let began = began.lock().unwrap().take().unwrap();
        began.send((thread::current().id(), MOCK.get())).unwrap();
        Handle::current().block_on(token.cancelled());
    });
    MOCK.set("of the body");
    lifecycle::register(worker);
    let (thread, mock) = begins.await.unwrap();
    assert!(thread != thread::current().id() && mock == "none");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "worker"), Outcome::Done, "{report}");
}

fn soon_abandoned(settings: &mut Settings) {
    settings.step::<first>().timeout(Duration::from_secs(1));
}

#[lifecycle::test(setup = soon_abandoned, clock = real)]
async fn on_the_real_clock_each_has_a_thread_of_its_own_and_is_abandoned_in_the_end() {
    let (never, told) = mpsc::channel::<()>();
    does("first", move || told.recv().unwrap_or_default());
    let began = Instant::now();
    let report = testing::signal(SIGTERM).await;
    assert_eq!(outcome(&report, "first"), Outcome::Abandoned, "{report}");
    assert_eq!(outcome(&report, "second"), Outcome::Done, "{report}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let here = thread::current().id();
    assert!(calls().iter().all(|made| made.thread != here), "{:?}", calls());
    let ended = |event: &Event| matches!(event, Event::StepEnded { step, .. } if step == "first");
    assert_eq!(testing::events().iter().filter(|event| ended(event)).count(), 1);
    drop(never);
}

// The second example of docs/TESTING.md.

thread_local! {
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) }; // a mock
}

fn send_mail(text: &str) {
    SENT.with_borrow_mut(|sent| sent.push(text.to_owned()));
}

#[on_shutdown]
fn tell_the_owner() {
    send_mail("it has ended");
}

#[lifecycle::test]
async fn the_owner_is_told() {
    testing::signal(SIGTERM).await;
    SENT.with_borrow(|sent| assert_eq!(*sent, ["it has ended"]));
}

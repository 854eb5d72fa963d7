//! The same bot without the library, for comparison: README.md has the counts, `tests/e2e/by_hand.rs` holds it to the same.
//!
//! Missing all the same: an order of steps that is checked before anything runs, the plan and its worst case, a way past a
//! runtime whose threads are stuck, a lock against a second process, an alert of a run that was killed, and a report that
//! programs can read.

#[path = "../book.rs"]
mod book;
#[path = "../config.rs"]
#[expect(dead_code, reason = "there is no journal: what is owed is what the state file has as open")]
mod config;
#[path = "../notify.rs"]
mod notify;
#[path = "../strategy.rs"]
mod strategy;
#[path = "../venue/mod.rs"]
mod venue;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use prometheus::{Gauge, GaugeVec, Opts, Registry};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use book::{Book, Order, State};
use config::Config;
use strategy::Ladder;
use venue::{Placed, Venue};

const STEP: Duration = Duration::from_secs(5);
const RESERVE: Duration = Duration::from_secs(5);
const DEBOUNCE: Duration = Duration::from_millis(500);

/// What everything here shares.
struct Bot {
    config: Config,
    book: Book,
    venue: Arc<dyn Venue>,
    paused: watch::Sender<bool>,
    outcomes: Mutex<BTreeMap<String, Option<String>>>,
}

/// How the shutdown went.
#[derive(Default)]
struct Steps {
    ended: Vec<(&'static str, Result<(), String>, Duration)>,
    deadline: Option<Instant>,
}

impl Steps {
    /// Runs a step in a task of its own, so that a panic ends it alone, within its time and the whole's.
    async fn run<F>(&mut self, name: &'static str, limit: Duration, step: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let began = Instant::now();
        let left = self.deadline.map_or(limit, |deadline| deadline.saturating_duration_since(began));
        let mut task = tokio::spawn(step);
        let result = match timeout(limit.min(left), &mut task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(format!("{error:#}")),
            Ok(Err(panic)) => Err(panic.to_string()),
            Err(_) => {
                task.abort();
                Err(format!("timed out after {:?}", began.elapsed()))
            }
        };
        if let Err(why) = &result {
            error!("{name}: {why}");
        }
        self.ended.push((name, result, began.elapsed()));
    }

    fn is_degraded(&self) -> bool {
        self.ended.iter().any(|(_, result, _)| result.is_err())
    }

    fn is_done(&self, name: &str) -> bool {
        self.ended.iter().any(|(step, result, _)| *step == name && result.is_ok())
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, result, ran) in &self.ended {
            writeln!(f, "{name:20} {:10.1?} {}", ran, result.as_ref().err().map_or("done", |why| why))?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = match Config::read() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(78);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(config));
    // A blocking call that does not return must not keep us.
    runtime.shutdown_background();
    code
}

async fn run(config: Config) -> ExitCode {
    let (began, paused) = (CancellationToken::new(), watch::Sender::new(false));
    if let Err(error) = listen(config.grace, began.clone(), paused.clone()) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let bot = match began.run_until_cancelled(start(config, paused)).await {
        Some(Ok(bot)) => Arc::new(bot),
        Some(Err(error)) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
        None => return ExitCode::FAILURE,
    };
    if bot.config.mode.sends_orders() && !sent(&bot).is_empty() {
        info!("an earlier run has left orders open");
        if timeout(bot.config.cancel.timeout, cancel_singly(&bot)).await.is_err() {
            error!("what an earlier run has left open could not be cancelled in time");
        }
        bot.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    let (stop_trade, stop_reader) = (CancellationToken::new(), CancellationToken::new());
    let trade = supervise("trade", &bot, &stop_trade, &began, trade);
    let reader = supervise("read_executions", &bot, &stop_reader, &began, read_executions);
    let check = tokio::spawn(check(Arc::clone(&bot)));
    info!("trading, {:?}", bot.config.mode);
    began.cancelled().await;
    check.abort();

    let shutdown = Instant::now();
    let grace = bot.config.grace;
    let mut steps = Steps { ended: Vec::new(), deadline: Some(shutdown + grace.saturating_sub(RESERVE)) };
    stop_trade.cancel();
    steps.run("trade", STEP, stopped(trade)).await;
    if bot.config.mode.sends_orders() && bot.config.cancel.off.is_none() {
        let cancel = cancel_open_orders(Arc::clone(&bot));
        steps.run("cancel_open_orders", bot.config.cancel.timeout, cancel).await;
    }
    stop_reader.cancel();
    steps.run("read_executions", STEP, stopped(reader)).await;
    let venue = Arc::clone(&bot.venue);
    steps.run("log_out", STEP, async move { venue.log_out().await }).await;
    let flushed = Arc::clone(&bot);
    let flush = async move { Ok(tokio::task::spawn_blocking(move || flushed.book.flush()).await??) };
    steps.run("flush_state", STEP, flush).await;

    // The last three have what was kept for them.
    let degraded = steps.is_degraded();
    let summary = sum_up(&bot, &steps);
    info!("{summary}");
    eprintln!("{steps}");
    let mut last = Steps::default();
    if let Some(text) = degraded.then(|| format!("{summary}\n\n{steps}")) {
        last.run("alert", RESERVE / 2, alert(Arc::clone(&bot), text)).await;
    }
    let metrics = metrics(&bot, &steps, shutdown.elapsed());
    last.run("push_metrics", RESERVE / 2, push(Arc::clone(&bot), metrics)).await;
    ExitCode::from(u8::from(degraded))
}

/// Signals begin the shutdown, force it, pause and resume. A thread sees that it ends even if the runtime is stuck.
fn listen(grace: Duration, began: CancellationToken, paused: watch::Sender<bool>) -> std::io::Result<()> {
    let on = |kind: SignalKind| signal(kind);
    let (mut term, mut int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let (mut pause, mut resume) = (on(SignalKind::user_defined1())?, on(SignalKind::user_defined2())?);
    let first = Mutex::new(None::<Instant>);
    let end = move |name: &str, number: i32| {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match *first {
            None => {
                info!("{name}: shutting down");
                *first = Some(Instant::now());
                thread::spawn(move || {
                    thread::sleep(grace);
                    exit(124);
                });
                began.cancel();
            }
            Some(at) if at.elapsed() > DEBOUNCE => exit(128 + number),
            Some(_) => {}
        }
    };
    async fn next(signal: &mut Signal) {
        signal.recv().await;
    }
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = next(&mut term) => end("SIGTERM", 15),
                () = next(&mut int) => end("SIGINT", 2),
                () = next(&mut pause) => {
                    info!("paused");
                    paused.send_replace(true);
                }
                () = next(&mut resume) => {
                    info!("resumed");
                    paused.send_replace(false);
                }
            }
        }
    });
    Ok(())
}

async fn start(config: Config, paused: watch::Sender<bool>) -> anyhow::Result<Bot> {
    let book = Book::open(&config.state)?;
    let mut pause = Duration::from_millis(500);
    let mut attempts = 0;
    let venue = loop {
        match timeout(STEP, venue::connect(&config)).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(venue) => break venue,
            Err(error) if attempts == 5 => return Err(error),
            Err(error) => warn!("connect: {error:#}"),
        }
        attempts += 1;
        sleep(pause).await;
        pause *= 2;
    };
    Ok(Bot { config, book, venue, paused, outcomes: Mutex::default() })
}

/// Begins it again when it fails; past the limit the bot ends.
fn supervise<F>(
    name: &'static str,
    bot: &Arc<Bot>,
    stop: &CancellationToken,
    began: &CancellationToken,
    work: impl Fn(Arc<Bot>, CancellationToken) -> F + Send + 'static,
) -> JoinHandle<anyhow::Result<()>>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (bot, stop, began) = (Arc::clone(bot), stop.clone(), began.clone());
    tokio::spawn(async move {
        let mut failures = 0;
        loop {
            let why = match tokio::spawn(work(Arc::clone(&bot), stop.clone())).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(panic) => panic.into(),
            };
            if stop.is_cancelled() {
                return Err(why);
            }
            error!("{name}: {why:#}");
            failures += 1;
            if failures > 5 {
                began.cancel();
                return Err(why);
            }
            let pause = Duration::from_millis(500) * 2u32.pow(failures - 1);
            stop.run_until_cancelled(sleep(pause)).await;
        }
    })
}

async fn stopped(worker: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    worker.await?
}

async fn check(bot: Arc<Bot>) {
    let mut tick = interval(Duration::from_secs(10));
    loop {
        tick.tick().await;
        match timeout(STEP, bot.venue.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!("the venue does not answer: {error:#}"),
            Err(_) => error!("the venue does not answer"),
        }
    }
}

async fn trade(bot: Arc<Bot>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ladder = Ladder::new(&bot.config.strategy);
    let mut paused = bot.paused.subscribe();
    loop {
        let resumed = async { paused.wait_for(|paused| !paused).await.map(drop) };
        match stop.run_until_cancelled(resumed).await {
            None => return Ok(()),
            Some(resumed) => resumed?,
        }
        // A pause or the end takes the place of the next order.
        let order = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = paused.wait_for(|paused| *paused) => continue,
            order = ladder.next(&bot.book) => order,
        };
        let name = &order.client_id;
        if !bot.config.mode.sends_orders() {
            info!("would place {name} at {}", order.price);
            continue;
        }
        bot.book.add(&order)?;
        match bot.venue.place(&order).await {
            Ok(Placed::Accepted { exchange_id }) => {
                bot.book.placed(name, exchange_id)?;
                info!("placed {name} at {}", order.price);
            }
            Ok(Placed::Rejected { why }) => {
                bot.book.set(name, State::Rejected)?;
                warn!("not placed {name}: {why}");
            }
            Err(error) => warn!("nobody knows whether {name} was placed: {error:#}"),
        }
    }
}

async fn read_executions(bot: Arc<Bot>, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        let last = stop.is_cancelled();
        for execution in bot.venue.executions().await? {
            bot.book.apply(execution)?;
        }
        if last {
            return Ok(());
        }
        stop.run_until_cancelled(sleep(Duration::from_millis(200))).await;
    }
}

/// Together, several times; then each by itself.
async fn cancel_open_orders(bot: Arc<Bot>) -> anyhow::Result<()> {
    let cancel = &bot.config.cancel;
    let mut pause = cancel.backoff;
    for attempt in 0..=cancel.retry {
        match timeout(cancel.attempt, cancel_together(&bot)).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(()) => return Ok(()),
            Err(error) => warn!("attempt {} at cancelling: {error:#}", attempt + 1),
        }
        if attempt < cancel.retry {
            sleep(pause).await;
            pause *= 2;
        }
    }
    cancel_singly(&bot).await?;
    let outcomes = bot.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = outcomes.values().flatten().count();
    ensure!(failed == 0, "{failed} orders could not be cancelled");
    Ok(())
}

async fn cancel_together(bot: &Bot) -> anyhow::Result<()> {
    let orders = sent(bot);
    let outcomes = match &*orders {
        [] => Vec::new(),
        [order] => vec![bot.venue.cancel(order).await],
        orders => bot.venue.cancel_all(orders).await?,
    };
    let mut left = 0;
    for (order, outcome) in orders.iter().zip(outcomes) {
        left += usize::from(!settle(bot, order, outcome)?);
    }
    ensure!(left == 0, "{left} of {} orders are still open", orders.len());
    Ok(())
}

async fn cancel_singly(bot: &Bot) -> anyhow::Result<()> {
    for order in sent(bot) {
        let mut outcome = bot.venue.cancel(&order).await;
        let mut pause = bot.config.cancel.backoff;
        for _ in 0..bot.config.cancel.retry {
            if outcome.is_ok() {
                break;
            }
            sleep(pause).await;
            pause *= 2;
            outcome = bot.venue.cancel(&order).await;
        }
        settle(bot, &order, outcome)?;
    }
    Ok(())
}

fn sent(bot: &Bot) -> Vec<Order> {
    let (sent, unknown): (Vec<_>, Vec<_>) =
        bot.book.open_orders().into_iter().partition(|order| order.exchange_id.is_some());
    for order in unknown {
        warn!("skipped {}: it has no exchange id", order.client_id);
    }
    sent
}

fn settle(bot: &Bot, order: &Order, outcome: anyhow::Result<State>) -> anyhow::Result<bool> {
    let name = &order.client_id;
    match &outcome {
        Ok(state) => {
            bot.book.set(name, *state)?;
            info!("cancelled {name}: {state:?}");
        }
        Err(error) => error!("not cancelled {name}: {error:#}"),
    }
    let (closed, why) = (outcome.is_ok(), outcome.err().map(|error| format!("{error:#}")));
    bot.outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), why);
    Ok(closed)
}

fn counts(bot: &Bot) -> (usize, usize) {
    let outcomes = bot.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    let errors = outcomes.values().flatten().count();
    (outcomes.len() - errors, errors)
}

fn sum_up(bot: &Bot, steps: &Steps) -> String {
    let (canceled, errors) = counts(bot);
    let left = bot.book.open_orders();
    let flushed = if steps.is_done("flush_state") { "yes" } else { "no" };
    let mut text = format!(
        "orders canceled: {canceled}, cancel errors: {errors}, left open: {}, state flushed: {flushed}",
        left.len()
    );
    for order in left {
        // A String takes everything.
        let _ = write!(text, ", {}", order.client_id);
    }
    text
}

async fn alert(bot: Arc<Bot>, text: String) -> anyhow::Result<()> {
    let Some(alert) = &bot.config.alert else { return Ok(()) };
    notify::everybody(alert, "trading-bot: the shutdown was degraded", &text).await
}

async fn push(bot: Arc<Bot>, metrics: prometheus::Result<Registry>) -> anyhow::Result<()> {
    match &bot.config.pushgateway {
        Some(gateway) => notify::push(gateway, &metrics?).await,
        None => Ok(()),
    }
}

fn metrics(bot: &Bot, steps: &Steps, took: Duration) -> prometheus::Result<Registry> {
    let metrics = Registry::new();
    let gauge = |name: &str, help: &str, value: f64| {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        metrics.register(Box::new(gauge))
    };
    let (canceled, errors) = counts(bot);
    gauge("shutdown_orders_canceled", "Orders that were cancelled.", canceled as f64)?;
    gauge("shutdown_cancel_errors", "Orders that could not be cancelled.", errors as f64)?;
    let left = bot.book.open_orders().len();
    gauge("shutdown_orders_left_open", "Orders that may still be open.", left as f64)?;
    gauge("shutdown_state_flushed", "1 if the state is on the disk.", steps.is_done("flush_state").into())?;
    gauge("shutdown_degraded", "1 if it was degraded.", steps.is_degraded().into())?;
    gauge("shutdown_seconds", "How long it took.", took.as_secs_f64())?;
    let each = Opts::new("shutdown_step_seconds", "How long each step of it took.");
    let each = GaugeVec::new(each, &["step", "outcome"])?;
    for (name, result, ran) in &steps.ended {
        let outcome = if result.is_ok() { "done" } else { "failed" };
        each.with_label_values(&[*name, outcome]).set(ran.as_secs_f64());
    }
    metrics.register(Box::new(each))?;
    Ok(metrics)
}

//! A trading bot that leaves no order open behind it.

mod book;
mod config;
mod notify;
mod strategy;
mod summary;
#[cfg(test)]
mod tests;
mod venue;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use lifecycle::{CancellationToken, PreviousRun, Report, Settings};
use lifecycle::{admitting, health_check, on_shutdown, on_start, worker};
use tokio::time::sleep;
use tracing::{error, info, warn};

use book::{Book, Order, State};
use config::Config;
use strategy::Ladder;
use summary::Summary;
use venue::{Placed, Venue};

fn setup(settings: &mut Settings) -> anyhow::Result<Config> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = Config::read()?;
    configure(settings, &config);
    Ok(config)
}

fn configure(settings: &mut Settings, config: &Config) {
    settings.grace(config.grace).journal(&config.journal);
    let cancel = &config.cancel;
    let step = settings.step::<cancel_open_orders>();
    let step =
        step.timeout(cancel.timeout).attempt(cancel.attempt).retry(cancel.retry).backoff(cancel.backoff);
    if let Some(why) = &cancel.off {
        step.off(why);
    }
}

#[on_start]
fn open_book(config: &Config) -> io::Result<Book> {
    Book::open(&config.state)
}

#[on_start(retry = 5, backoff = "500ms")]
async fn connect(config: &Config) -> anyhow::Result<Arc<dyn Venue>> {
    venue::connect(config).await
}

/// A run that was killed could not call for anybody itself.
#[on_start]
async fn look_back(config: &Config) {
    let (Some(alert), Some(PreviousRun::Unclean(run))) = (&config.alert, lifecycle::previous_run()) else {
        return;
    };
    if run.killed {
        let text = format!("killed: {run:#?}");
        if let Err(error) = notify::everybody(alert, "trading-bot: the last run was killed", &text).await {
            error!("nobody knows that the last run was killed: {error:#}");
        }
    }
}

#[health_check(interval = "10s")]
async fn venue_answers(venue: &dyn Venue) -> anyhow::Result<()> {
    venue.ping().await
}

/// Sends no order while the bot is paused.
#[worker]
async fn trade(config: &Config, venue: &dyn Venue, book: &Book) -> anyhow::Result<()> {
    let mut ladder = Ladder::new(&config.strategy);
    while let Some(order) = admitting().next(ladder.next(book)).await {
        let name = &order.client_id;
        if !config.mode.sends_orders() {
            info!("would place {name} at {}", order.price);
            continue;
        }
        book.add(&order)?;
        match venue.place(&order).await {
            Ok(Placed::Accepted { exchange_id }) => {
                book.placed(name, exchange_id)?;
                info!("placed {name} at {}", order.price);
            }
            Ok(Placed::Rejected { why }) => {
                book.set(name, State::Rejected)?;
                warn!("not placed {name}: {why}");
            }
            Err(error) => warn!("nobody knows whether {name} was placed: {error:#}"),
        }
    }
    Ok(())
}

/// Hears what has become of orders, also while they are being cancelled.
#[worker(after = cancel_open_orders)]
async fn read_executions(venue: &dyn Venue, book: &Book, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        let last = stop.is_cancelled();
        for execution in venue.executions().await? {
            book.apply(execution)?;
        }
        if last {
            return Ok(());
        }
        stop.run_until_cancelled(sleep(Duration::from_millis(200))).await;
    }
}

#[on_shutdown(
    after = trade,
    when = |config: &Config| config.mode.sends_orders(),
    fallback = cancel_singly,
    compensate = cancel_singly
)]
async fn cancel_open_orders(venue: &dyn Venue, book: &Book) -> anyhow::Result<()> {
    let orders = sent(book);
    lifecycle::note("open", orders.len());
    let outcomes = match &*orders {
        [] => Vec::new(),
        [order] => vec![venue.cancel(order).await],
        orders => venue.cancel_all(orders).await?,
    };
    let mut left = 0;
    for (order, outcome) in orders.iter().zip(outcomes) {
        left += usize::from(!settle(book, order, outcome)?);
    }
    ensure!(left == 0, "{left} of {} orders are still open", orders.len());
    Ok(())
}

/// One order that cannot be cancelled keeps none of the others.
async fn cancel_singly(config: &Config, venue: &dyn Venue, book: &Book) -> anyhow::Result<()> {
    for order in sent(book) {
        let mut outcome = venue.cancel(&order).await;
        let mut pause = config.cancel.backoff;
        for _ in 0..config.cancel.retry {
            if outcome.is_ok() {
                break;
            }
            sleep(pause).await;
            pause *= 2;
            outcome = venue.cancel(&order).await;
        }
        settle(book, &order, outcome)?;
    }
    Ok(())
}

/// The open orders that the venue knows.
fn sent(book: &Book) -> Vec<Order> {
    let (sent, unknown): (Vec<_>, Vec<_>) =
        book.open_orders().into_iter().partition(|order| order.exchange_id.is_some());
    for order in unknown {
        warn!("skipped {}: it has no exchange id", order.client_id);
    }
    sent
}

/// Keeps and tells what has become of one order. Returns whether it is closed.
fn settle(book: &Book, order: &Order, outcome: anyhow::Result<State>) -> io::Result<bool> {
    let name = &order.client_id;
    match &outcome {
        Ok(state) => {
            book.set(name, *state)?;
            info!("cancelled {name}: {state:?}");
        }
        Err(error) => error!("not cancelled {name}: {error:#}"),
    }
    lifecycle::item(name, outcome.as_ref().map(drop));
    Ok(outcome.is_ok())
}

#[on_shutdown(after = read_executions)]
async fn log_out(venue: &dyn Venue) -> anyhow::Result<()> {
    venue.log_out().await
}

#[on_shutdown(after = log_out)]
fn flush_state(book: &Book) -> io::Result<()> {
    book.flush()
}

#[on_shutdown(last)]
fn sum_up(report: &Report, book: &Book) {
    info!("{}", Summary::of(report, book));
}

/// Somebody should look at a bad end.
#[on_shutdown(last)]
async fn alert(report: &Report, book: &Book, config: &Config) -> anyhow::Result<()> {
    match &config.alert {
        Some(alert) if report.is_degraded() => {
            let text = format!("{}\n\n{report}", Summary::of(report, book));
            notify::everybody(alert, "trading-bot: the shutdown was degraded", &text).await
        }
        _ => Ok(()),
    }
}

#[on_shutdown(last)]
async fn push_metrics(report: &Report, book: &Book, config: &Config) -> anyhow::Result<()> {
    match &config.pushgateway {
        Some(gateway) => notify::push(gateway, &Summary::of(report, book).metrics(report)?).await,
        None => Ok(()),
    }
}

#[lifecycle::main(setup = setup, budget = deny, drain = "1s", reserve = "5s", pause = SIGUSR1, resume = SIGUSR2)]
async fn main(config: &Config) {
    info!("trading, {:?}", config.mode);
    lifecycle::stopping().await;
}

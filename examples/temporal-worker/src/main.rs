//! A Temporal worker that hands back what it cannot finish.

mod config;
mod orders;

use std::fs::File;

use lifecycle::{CancellationToken, Report, Settings, Take};
use lifecycle::{on_shutdown, on_start, worker};
use sqlx::PgPool;
use temporalio_client::Client;
use tokio::runtime::Handle;
use tracing::info;

use config::Config;

fn setup(settings: &mut Settings) -> anyhow::Result<Config> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = Config::read()?;
    settings.grace(config.grace).reserve(config.reserve);
    let (start, worker) = (&config.start, &config.worker);
    settings.step::<open_pool>().timeout(start.timeout).retry(start.retry).backoff(start.backoff);
    settings.step::<connect>().timeout(start.timeout).retry(start.retry).backoff(start.backoff);
    let work = settings.step::<work>().timeout(worker.finish + worker.hand_back);
    work.retry(worker.retry).backoff(worker.backoff);
    settings.step::<keep_report>().timeout(config.reserve);
    let close = settings.step::<close_pool>().timeout(config.database.close);
    if let Some(why) = &config.database.left_open {
        close.off(why);
    }
    Ok(config)
}

#[on_start]
async fn open_pool(config: &Config) -> sqlx::Result<PgPool> {
    orders::open_pool(config).await
}

#[on_start]
async fn connect(config: &Config) -> anyhow::Result<Client> {
    orders::connect(config).await
}

/// Sync, for a thread of its own: what runs workflows is not `Send`.
#[worker]
fn work(config: &Config, client: Client, pool: PgPool, stop: CancellationToken) -> anyhow::Result<()> {
    Handle::current().block_on(orders::work(config, client, pool, stop.cancelled()))
}

#[on_shutdown]
async fn disconnect(Take(client): Take<Client>) {
    drop(client);
}

/// Waits also for queries of activities that have been handed back.
#[on_shutdown(after = disconnect)]
async fn close_pool(Take(pool): Take<PgPool>) {
    pool.close().await;
}

#[on_shutdown(last)]
fn keep_report(report: &Report, config: &Config) -> anyhow::Result<()> {
    info!("keeps the report");
    Ok(serde_json::to_writer_pretty(File::create(&config.report)?, report)?)
}

#[lifecycle::main(setup = setup, budget = deny, drain = "1s")]
async fn main(config: &Config) {
    info!("queue {}", config.temporal.task_queue);
    lifecycle::stopping().await;
}

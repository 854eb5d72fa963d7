//! A backend for orders, made to be one of several instances behind a balancer.

mod api;
mod config;
mod feed;
mod store;

use std::io;

use lifecycle::tower::TrackLayer;
use lifecycle::{CancellationToken, Settings, Take, on_shutdown, on_start, worker};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tracing::info;

use config::Config;
use feed::Feed;

fn setup(settings: &mut Settings) -> anyhow::Result<Config> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = Config::read()?;
    let shutdown = &config.shutdown;
    settings.grace(shutdown.grace).lameduck(shutdown.lameduck).drain(shutdown.drain);
    settings.step::<open_db>().timeout(config.database.connect_timeout);
    settings.step::<hear_of_orders>().timeout(shutdown.stop);
    settings.step::<probes>().timeout(shutdown.stop);
    let close = settings.step::<close_db>().timeout(shutdown.close);
    if let Some(why) = &shutdown.keep_open {
        close.off(why);
    }
    Ok(config)
}

#[on_start(retry = 5, backoff = "500ms")]
async fn open_db(config: &Config) -> sqlx::Result<PgPool> {
    store::open(&config.database).await
}

#[on_start]
fn open_feed() -> Feed {
    Feed::new()
}

/// An order is told to the clients of all instances, whichever has taken it.
#[worker]
async fn hear_of_orders(db: PgPool, feed: Feed, stop: CancellationToken) -> sqlx::Result<()> {
    feed.follow(&db, stop).await
}

#[on_shutdown]
async fn close_db(Take(db): Take<PgPool>) {
    db.close().await;
}

/// On a port of their own they answer until everything else has ended.
#[worker(order = 100)]
async fn probes(config: &Config, stop: CancellationToken) -> io::Result<()> {
    let listener = TcpListener::bind(config.probes).await?;
    let server = lifecycle::axum::serve(listener, lifecycle::axum::probes());
    server.with_graceful_shutdown(stop.cancelled_owned()).await
}

#[lifecycle::main(setup = setup, budget = deny)]
async fn main(config: &Config, db: PgPool, feed: Feed) -> anyhow::Result<()> {
    let app = api::router(db, feed, lifecycle::stop_token()).layer(TrackLayer::new());
    let listener = TcpListener::bind(config.listen).await?;
    info!("listening on {}", config.listen);
    lifecycle::axum::serve(listener, app).await?;
    Ok(())
}

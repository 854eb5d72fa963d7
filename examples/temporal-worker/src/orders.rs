//! The workflow of an order and its activities.

use std::pin::pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use temporalio_client::{Client, ClientOptions, ConnectionOptions, Url};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};
use tracing::info;

use crate::config::{Activity, Config};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    id: i64,
    parts: i32,
}

/// Its parts are collected, then it is booked.
#[workflow]
pub(crate) struct Fulfil {
    times: Activity,
}

#[workflow_methods(factory_only)]
impl Fulfil {
    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, order: Order) -> WorkflowResult<()> {
        let Activity { timeout, heartbeat, retry_after } = ctx.state(|fulfil| fulfil.times);
        let retry = RetryPolicy::builder().initial_interval(retry_after).build();
        let book = ActivityOptions::with_start_to_close_timeout(timeout).retry_policy(retry.clone()).build();
        let collect = ActivityOptions::with_start_to_close_timeout(timeout)
            .heartbeat_timeout(heartbeat)
            .retry_policy(retry)
            .build();
        ctx.execute_activity(Warehouse::collect, order.clone(), collect).await?;
        ctx.execute_activity(Warehouse::book, order, book).await?;
        Ok(())
    }
}

pub(crate) struct Warehouse {
    pool: PgPool,
    identity: String,
}

#[activities]
impl Warehouse {
    /// Goes on where an earlier attempt has stopped, and stops as soon as Temporal says so.
    #[activity]
    pub(crate) async fn collect(
        self: Arc<Self>,
        ctx: ActivityContext,
        order: Order,
    ) -> Result<(), ActivityError> {
        let collected: i32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for part in collected + 1..=order.parts {
            tokio::select! {
                biased;
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
                added = self.add(order.id, part, ctx.info().attempt) => added?,
            }
            ctx.record_heartbeat(part).await?;
        }
        Ok(())
    }

    /// Takes but a moment, and so listens to nobody.
    #[activity]
    pub(crate) async fn book(
        self: Arc<Self>,
        ctx: ActivityContext,
        order: Order,
    ) -> Result<(), ActivityError> {
        let book = "INSERT INTO booked (order_id, attempt) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let attempt = i64::from(ctx.info().attempt);
        sqlx::query(book).bind(order.id).bind(attempt).execute(&self.pool).await?;
        Ok(())
    }
}

impl Warehouse {
    /// An attempt whose end nobody has heard of is followed by another: what is there already stays as it is.
    async fn add(&self, order: i64, part: i32, attempt: u32) -> sqlx::Result<()> {
        let add = "INSERT INTO parts (order_id, part, attempt, worker) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let add = sqlx::query(add).bind(order).bind(part).bind(i64::from(attempt)).bind(&self.identity);
        add.execute(&self.pool).await?;
        Ok(())
    }
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS parts (
        order_id BIGINT, part INT, attempt BIGINT, worker TEXT, PRIMARY KEY (order_id, part)
    );
    CREATE TABLE IF NOT EXISTS booked (order_id BIGINT PRIMARY KEY, attempt BIGINT);
";

pub(crate) async fn open_pool(config: &Config) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = config.database.url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(config.database.connections)
        .connect_with(options.application_name(&config.temporal.identity))
        .await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    Ok(pool)
}

pub(crate) async fn connect(config: &Config) -> anyhow::Result<Client> {
    let temporal = &config.temporal;
    let connection =
        ConnectionOptions::new(temporal.address.parse::<Url>()?).identity(&temporal.identity).build();
    Ok(Client::connect(connection, ClientOptions::new(&temporal.namespace).build()).await?)
}

/// Fulfils orders until it is told to take no more, and those that run have ended or were handed back. Not `Send`.
pub(crate) async fn work(
    config: &Config,
    client: Client,
    pool: PgPool,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let times = config.activity;
    let warehouse = Warehouse { pool, identity: config.temporal.identity.clone() };
    let options = WorkerOptions::new(&config.temporal.task_queue)
        .register_workflow_with_factory(move || Fulfil { times })?
        .register_activities(warehouse)
        .graceful_shutdown_period(config.worker.finish)
        .build();
    let connection = client.connection().clone();
    let mut worker = Worker::new(&Runtime::from_current_tokio(Default::default())?, client, options)?;
    let take_no_more = worker.shutdown_handle();
    let ended = {
        let mut run = pin!(worker.run());
        info!("working");
        tokio::select! {
            ended = &mut run => ended,
            () = stop => {
                take_no_more();
                info!("takes no more");
                run.await
            }
        }
    };
    // temporalio-sdk 1.1 leaves it registered with its connection, which it holds: neither would ever be dropped.
    take_no_more();
    let unregistered = connection.workers().finalize_unregister(worker.worker_instance_key());
    ended?;
    unregistered.map(drop)
}

//! Where orders are placed. Nothing here knows of a lifecycle.

mod fix;
mod rest;

use std::sync::Arc;

use async_trait::async_trait;

use crate::book::{Execution, Order, State};
use crate::config::{Config, Mode, VenueConfig};

#[async_trait]
pub(crate) trait Venue: Send + Sync {
    async fn place(&self, order: &Order) -> anyhow::Result<Placed>;

    /// Returns once the venue says that the order is not open any more, and what has become of it. One that was not open
    /// before is no error.
    async fn cancel(&self, order: &Order) -> anyhow::Result<State>;

    /// In one call. An error is that call's; the outcomes are in the order of the orders.
    async fn cancel_all(&self, orders: &[Order]) -> anyhow::Result<Vec<anyhow::Result<State>>>;

    /// What has become of our orders lately; some of it may have been told before.
    async fn executions(&self) -> anyhow::Result<Vec<Execution>>;

    async fn ping(&self) -> anyhow::Result<()>;

    async fn log_out(&self) -> anyhow::Result<()>;
}

/// An error instead means that nobody knows.
pub(crate) enum Placed {
    Accepted { exchange_id: String },
    Rejected { why: String },
}

pub(crate) async fn connect(config: &Config) -> anyhow::Result<Arc<dyn Venue>> {
    let venue: Arc<dyn Venue> = match &config.venue {
        VenueConfig::Fix(fix) => Arc::new(fix::Fix::log_on(fix).await?),
        VenueConfig::Rest(rest) => Arc::new(rest::Rest::new(rest, config.mode == Mode::Live)?),
    };
    venue.ping().await?;
    Ok(venue)
}

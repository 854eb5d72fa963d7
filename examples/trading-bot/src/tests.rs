//! The bot at a venue of this file, on a clock that does not wait.

use std::future::pending;

use async_trait::async_trait;
use lifecycle::signals::SIGTERM;
use lifecycle::{Outcome, testing};
use tempfile::TempDir;

use super::*;
use crate::book::Execution;

/// It does not answer when all orders are to be cancelled.
struct Fake;

#[async_trait]
impl Venue for Fake {
    async fn place(&self, order: &Order) -> anyhow::Result<Placed> {
        Ok(Placed::Accepted { exchange_id: format!("X{}", order.client_id) })
    }

    async fn cancel(&self, _: &Order) -> anyhow::Result<State> {
        Ok(State::Canceled)
    }

    async fn cancel_all(&self, _: &[Order]) -> anyhow::Result<Vec<anyhow::Result<State>>> {
        pending().await
    }

    async fn executions(&self) -> anyhow::Result<Vec<Execution>> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn log_out(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// As in the file that comes with the bot, but for what is outside of this process.
fn beside_a_fake(settings: &mut Settings) -> anyhow::Result<(Config, TempDir)> {
    let folder = TempDir::new()?;
    let mut config: Config = toml::from_str(include_str!("../bot.toml"))?;
    config.state = folder.path().join("orders");
    config.journal = folder.path().join("journal");
    (config.alert, config.pushgateway) = (None, None);
    configure(settings, &config);
    testing::provide(Arc::new(Fake) as Arc<dyn Venue>);
    Ok((config, folder))
}

#[lifecycle::test(setup = beside_a_fake)]
async fn a_batch_that_hangs_leaves_time_to_cancel_each(config: &Config, book: &Book) {
    while book.open_orders().len() < config.strategy.orders {
        sleep(config.strategy.interval).await; // no time at all
    }

    let report = testing::signal(SIGTERM).await;

    assert_eq!(report.exit_code, 0, "{report}");
    let cancel = report.step("cancel_open_orders").unwrap();
    assert!(cancel.fallback && cancel.outcome == Outcome::Done, "{report}");
    let attempts: Vec<_> = cancel.attempts.iter().map(|attempt| (attempt.outcome, attempt.ran)).collect();
    assert_eq!(attempts, [(Outcome::TimedOut, config.cancel.attempt); 3]);
    assert_eq!(cancel.items.len(), config.strategy.orders);
    assert!(book.open_orders().is_empty());
}

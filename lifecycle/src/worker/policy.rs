//! What is done about a worker that ends while the service runs.

use std::time::Duration;

use super::Restart;
use crate::hook::Extra;
use crate::run::backoff;

/// How often a worker that fails is begun again, where `retry` is not said.
const RETRY: u32 = 5;
/// The first pause, where `backoff` is not said: with it the five take about 15 seconds, as a broker's restart may.
const BACKOFF: Duration = Duration::from_millis(500);
/// What has not run for so long has not really run, however short its pauses.
const SHORT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) restart: Restart,
    /// Restarts in a row.
    pub(crate) retry: u32,
    pub(crate) backoff: Duration,
}

impl Policy {
    pub(crate) fn of(extra: &Extra) -> Self {
        Policy {
            restart: extra.restart.unwrap_or_default(),
            retry: extra.retry.unwrap_or(RETRY),
            backoff: extra.backoff.unwrap_or(BACKOFF),
        }
    }

    /// Whether its failures before this run still count.
    pub(super) fn is_in_a_row(&self, ran: Duration) -> bool {
        ran <= backoff::longest(self.backoff, self.retry).max(SHORT)
    }

    /// The pause before the nth restart in a row.
    pub(super) fn pause(&self, nth: u32) -> Duration {
        backoff::pause(self.backoff, nth)
    }
}

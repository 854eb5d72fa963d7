//! The file that an operator writes.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use rust_decimal::Decimal;
use serde::Deserialize;

/// Everything that differs between two installations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    /// Where the states of the orders are kept.
    pub(crate) state: PathBuf,
    /// Where the next run finds what this one has left undone.
    pub(crate) journal: PathBuf,
    /// The whole shutdown.
    #[serde(with = "humantime_serde")]
    pub(crate) grace: Duration,
    pub(crate) venue: VenueConfig,
    pub(crate) strategy: Strategy,
    pub(crate) cancel: Cancel,
    pub(crate) alert: Option<Alert>,
    /// Address of a Pushgateway.
    pub(crate) pushgateway: Option<String>,
}

/// What it may do at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Mode {
    /// Only say what it would do.
    DryRun,
    /// Trade in the venue's simulation.
    Paper,
    Live,
}

impl Mode {
    pub(crate) fn sends_orders(self) -> bool {
        self != Mode::DryRun
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum VenueConfig {
    Fix(Fix),
    Rest(Rest),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fix {
    /// `host:port`
    pub(crate) address: String,
    pub(crate) sender: String,
    pub(crate) target: String,
    /// Seconds, as FIX has it.
    #[serde(default = "half_a_minute")]
    pub(crate) heartbeat: u32,
    /// The logon, and each answer.
    #[serde(with = "humantime_serde")]
    pub(crate) request_timeout: Duration,
}

fn half_a_minute() -> u32 {
    30
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rest {
    /// A URL.
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) passphrase: String,
    /// Each call.
    #[serde(with = "humantime_serde")]
    pub(crate) request_timeout: Duration,
}

/// Buy orders, one below the other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strategy {
    pub(crate) symbol: String,
    pub(crate) size: Decimal,
    /// The first is this less `step`.
    pub(crate) price: Decimal,
    pub(crate) step: Decimal,
    /// How many of them are kept open.
    pub(crate) orders: usize,
    #[serde(with = "humantime_serde")]
    pub(crate) interval: Duration,
}

/// How open orders are cancelled at the end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// All of it.
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
    /// Each attempt at all orders together.
    #[serde(with = "humantime_serde")]
    pub(crate) attempt: Duration,
    /// How many more attempts, also at each order by itself.
    pub(crate) retry: u32,
    #[serde(with = "humantime_serde")]
    pub(crate) backoff: Duration,
    /// Why orders are left open, if they are.
    pub(crate) off: Option<String>,
}

/// Who is told of a bad end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alert {
    pub(crate) webhook: String,
    /// Of a mail relay: `host:port`.
    pub(crate) smtp: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Config {
    /// From the file that `TRADING_BOT_CONFIG` names, or from `bot.toml`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file = env::var_os("TRADING_BOT_CONFIG").map_or_else(|| PathBuf::from("bot.toml"), PathBuf::from);
        Self::from_file(&file).with_context(|| file.display().to_string())
    }

    fn from_file(file: &Path) -> anyhow::Result<Self> {
        Ok(toml::from_str(&fs::read_to_string(file)?)?)
    }
}

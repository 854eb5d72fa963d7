//! The file that an operator writes.

use std::net::SocketAddr;
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use serde::Deserialize;

/// Everything that differs between two installations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where clients come, or the balancer before them.
    pub(crate) listen: SocketAddr,
    /// Where it is asked how it is.
    pub(crate) probes: SocketAddr,
    pub(crate) database: Database,
    pub(crate) shutdown: Shutdown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) connections: u32,
    /// At the start, with all attempts.
    #[serde(with = "humantime_serde")]
    pub(crate) connect_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) acquire_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) statement_timeout: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// All of it.
    #[serde(with = "humantime_serde")]
    pub(crate) grace: Duration,
    /// Still serving, while the balancer finds out that it should send nothing more.
    #[serde(with = "humantime_serde")]
    pub(crate) lameduck: Duration,
    /// For the requests that run.
    #[serde(with = "humantime_serde")]
    pub(crate) drain: Duration,
    /// For each worker to stop.
    #[serde(with = "humantime_serde")]
    pub(crate) stop: Duration,
    /// For the database to be closed.
    #[serde(with = "humantime_serde")]
    pub(crate) close: Duration,
    /// Why the database is not closed, if it is not.
    pub(crate) keep_open: Option<String>,
}

impl Config {
    /// From the file that `BACKEND_CONFIG` names, or from `backend.toml`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file = env::var("BACKEND_CONFIG").unwrap_or_else(|_| "backend.toml".to_owned());
        let config = fs::read_to_string(&file).map_err(anyhow::Error::from);
        config.and_then(|text| Ok(toml::from_str(&text)?)).context(file)
    }
}

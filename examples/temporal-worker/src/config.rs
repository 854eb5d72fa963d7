//! The file that an operator writes.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use serde::Deserialize;

/// Everything that differs between two installations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The whole shutdown.
    #[serde(with = "humantime_serde")]
    pub(crate) grace: Duration,
    /// What of it is kept for the last steps.
    #[serde(with = "humantime_serde")]
    pub(crate) reserve: Duration,
    /// Where it is written what became of the last run.
    pub(crate) report: PathBuf,
    pub(crate) start: Start,
    pub(crate) temporal: Temporal,
    pub(crate) worker: Worker,
    pub(crate) activity: Activity,
    pub(crate) database: Database,
}

/// How long Temporal and the database may take to come up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// All attempts together.
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
    /// How many more attempts.
    pub(crate) retry: u32,
    /// The pause before the second attempt; the next ones are longer.
    #[serde(with = "humantime_serde")]
    pub(crate) backoff: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Temporal {
    /// A URL.
    pub(crate) address: String,
    pub(crate) namespace: String,
    pub(crate) task_queue: String,
    /// What Temporal and the database know this process by.
    pub(crate) identity: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    /// How often it is begun again when it fails, before the process ends.
    pub(crate) retry: u32,
    /// The pause before the first time; the next ones are longer.
    #[serde(with = "humantime_serde")]
    pub(crate) backoff: Duration,
    /// What running activities are given to finish at its end.
    #[serde(with = "humantime_serde")]
    pub(crate) finish: Duration,
    /// What the others are given to stop and be handed back.
    #[serde(with = "humantime_serde")]
    pub(crate) hand_back: Duration,
}

/// What Temporal holds each activity to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activity {
    /// Each attempt.
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) heartbeat: Duration,
    /// The pause before the second attempt; the next ones are longer.
    #[serde(with = "humantime_serde")]
    pub(crate) retry_after: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// Of PostgreSQL.
    pub(crate) url: String,
    pub(crate) connections: u32,
    #[serde(with = "humantime_serde")]
    pub(crate) close: Duration,
    /// Why it is not closed, if it is not.
    pub(crate) left_open: Option<String>,
}

impl Config {
    /// From the file that `TEMPORAL_WORKER_CONFIG` names, or from `worker.toml`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file =
            env::var_os("TEMPORAL_WORKER_CONFIG").map_or_else(|| PathBuf::from("worker.toml"), PathBuf::from);
        Self::from_file(&file).with_context(|| file.display().to_string())
    }

    fn from_file(file: &Path) -> anyhow::Result<Self> {
        Ok(toml::from_str(&fs::read_to_string(file)?)?)
    }
}

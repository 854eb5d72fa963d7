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
    /// `host:port`
    pub(crate) listen: String,
    pub(crate) database: PathBuf,
    /// The whole shutdown.
    #[serde(with = "humantime_serde")]
    pub(crate) grace: Duration,
    /// The running requests.
    #[serde(with = "humantime_serde")]
    pub(crate) drain: Duration,
    pub(crate) redis: Redis,
    pub(crate) jobs: Jobs,
    pub(crate) daemons: Daemons,
    pub(crate) health: Health,
    pub(crate) steps: Steps,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    pub(crate) url: String,
    /// The queue's name.
    pub(crate) queue: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    /// How long those that run at the shutdown may go on.
    #[serde(with = "humantime_serde")]
    pub(crate) finish: Duration,
    /// How long it may take to give the others back.
    #[serde(with = "humantime_serde")]
    pub(crate) hand_back: Duration,
    /// A job whose worker is gone is another one's after this.
    #[serde(with = "humantime_serde")]
    pub(crate) lock: Duration,
    /// How long one look for a job waits, in whole seconds.
    #[serde(with = "humantime_serde")]
    pub(crate) wait: Duration,
    /// The pause after a look that failed.
    #[serde(with = "humantime_serde")]
    pub(crate) retry: Duration,
}

/// The child processes that do the jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Daemons {
    /// One process for each, which does one job at a time.
    pub(crate) names: Vec<String>,
    /// The program and its arguments; the name comes last.
    pub(crate) command: Vec<String>,
    /// What they say on stderr, and how they ended.
    pub(crate) log: PathBuf,
    /// Who has not ended so long after SIGTERM is killed.
    #[serde(with = "humantime_serde")]
    pub(crate) patience: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    #[serde(with = "humantime_serde")]
    pub(crate) interval: Duration,
    /// How often what has failed is recovered.
    pub(crate) attempts: u32,
    /// The pause after each.
    #[serde(with = "humantime_serde")]
    pub(crate) delay: Duration,
}

/// The steps of the shutdown that have nothing else to be configured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    pub(crate) tell_health: Step,
    pub(crate) stop_daemons: Step,
    pub(crate) close_queue: Step,
    pub(crate) close_socket_io: Step,
    pub(crate) close_db: Step,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
    /// Why it is left out, if it is.
    pub(crate) off: Option<String>,
}

impl Config {
    /// From the file that `JOB_BACKEND_CONFIG` names, or from `jobs.toml`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file =
            env::var_os("JOB_BACKEND_CONFIG").map_or_else(|| PathBuf::from("jobs.toml"), PathBuf::from);
        Self::from_file(&file).with_context(|| file.display().to_string())
    }

    fn from_file(file: &Path) -> anyhow::Result<Self> {
        Ok(toml::from_str(&fs::read_to_string(file)?)?)
    }
}

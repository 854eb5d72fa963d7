//! The file that an operator writes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use serde::Deserialize;

/// Everything that differs between two installations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen. Without it there is one client, which has started us, at stdin and stdout.
    pub(crate) http: Option<SocketAddr>,
    pub(crate) log: PathBuf,
    /// Where it is kept which commands were run.
    pub(crate) history: PathBuf,
    /// Address of a Pushgateway.
    pub(crate) pushgateway: Option<String>,
    /// What clients may run: a program and its arguments, by the name that they give.
    pub(crate) commands: BTreeMap<String, Vec<String>>,
    pub(crate) shutdown: Shutdown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// By their names.
    pub(crate) signals: Vec<String>,
    /// Calls that run are awaited for so long.
    #[serde(with = "humantime_serde")]
    pub(crate) request_timeout: Duration,
    /// Until their responses are written, and again until the sessions are closed.
    #[serde(with = "humantime_serde")]
    pub(crate) close_timeout: Duration,
    /// A program and its arguments.
    #[serde(default)]
    pub(crate) cleanup: Vec<String>,
    /// Each step of it.
    #[serde(with = "humantime_serde")]
    pub(crate) cleanup_timeout: Duration,
    /// All of it, if it is forced.
    #[serde(with = "humantime_serde")]
    pub(crate) grace: Duration,
    /// Otherwise calls are awaited for as long as they take.
    pub(crate) force_after_timeout: bool,
    /// What is left out.
    #[serde(default)]
    pub(crate) off: Vec<Part>,
}

/// A part of the shutdown that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    SaveHistory,
    PushMetrics,
    FlushLog,
}

impl Config {
    /// From the file that `MCP_SERVER_CONFIG` names, or from `mcp.toml`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file = env::var_os("MCP_SERVER_CONFIG").map_or_else(|| PathBuf::from("mcp.toml"), PathBuf::from);
        Self::from_file(&file).with_context(|| file.display().to_string())
    }

    fn from_file(file: &Path) -> anyhow::Result<Self> {
        Ok(toml::from_str(&fs::read_to_string(file)?)?)
    }
}

//! The commands that clients may run, and what has become of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use metrics::counter;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tracing::info;

use crate::config::Config;

pub(crate) struct Commands {
    known: BTreeMap<String, Vec<String>>,
    file: PathBuf,
    runs: Mutex<Vec<Run>>,
}

/// One that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) command: String,
    /// `None` if a signal has killed it.
    pub(crate) code: Option<i32>,
}

impl Commands {
    /// With the runs that were kept.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let file = config.history.clone();
        let runs = match File::open(&file) {
            Ok(lines) => read(lines).with_context(|| file.display().to_string())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        Ok(Commands { known: config.commands.clone(), file, runs: Mutex::new(runs) })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// Returns what it has written to stdout. Dropped, it kills the command.
    pub(crate) async fn run(&self, name: &str) -> anyhow::Result<String> {
        let words = self.known.get(name).with_context(|| {
            format!("there is no command {name:?}, but: {}", Vec::from_iter(self.names()).join(", "))
        })?;
        info!("{name} begins");
        let output = command(words)?.output().await?;
        info!("{name} has ended: {}", output.status);
        counter!("mcp_commands_total", "command" => name.to_owned()).increment(1);
        self.lock().push(Run { command: name.to_owned(), code: output.status.code() });
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name}: {}: {said}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        self.lock().clone()
    }

    /// Keeps the runs, as a whole or not at all.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let new = self.file.with_extension("new");
        let mut file = File::create(&new).with_context(|| new.display().to_string())?;
        for run in &*self.lock() {
            writeln!(file, "{}", serde_json::to_string(run)?)?;
        }
        file.sync_all()?;
        fs::rename(&new, &self.file).with_context(|| self.file.display().to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(lines: File) -> anyhow::Result<Vec<Run>> {
    BufReader::new(lines).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// What the project wants to be done at the end.
pub(crate) async fn clean_up(words: &[String]) -> anyhow::Result<()> {
    let status = command(words)?.stdout(Stdio::null()).status().await?;
    ensure!(status.success(), "{}: {status}", words.join(" "));
    Ok(())
}

/// Stdin and stdout may be the client's, and a Ctrl-C at a terminal is ours: it goes to the whole group.
fn command(words: &[String]) -> anyhow::Result<Command> {
    let (program, arguments) = words.split_first().context("a command has no words")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).process_group(0);
    Ok(command)
}

//! The child processes that do the jobs: a line of JSON on their stdin is a job, the next line on their stdout its result.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncGuard, Notify};

use crate::config;

pub(crate) struct Daemons {
    each: Vec<Arc<Daemon>>,
    idle: Arc<Notify>,
    log: PathBuf,
    patience: Duration,
}

pub(crate) struct Daemon {
    name: String,
    command: Vec<String>,
    log: PathBuf,
    child: Mutex<Child>,
    /// Held by whoever has given it a job.
    pipes: AsyncMutex<Pipes>,
    /// Told whenever one can take a job that could not.
    idle: Arc<Notify>,
}

struct Pipes {
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Output(Value),
    Error(String),
}

impl Daemons {
    /// Must be called in a runtime.
    pub(crate) fn start(config: &config::Daemons) -> anyhow::Result<Self> {
        let (mut each, idle) = (Vec::new(), Arc::new(Notify::new()));
        for name in &config.names {
            let daemon = Daemon::start(name, config, Arc::clone(&idle)).with_context(|| name.clone())?;
            each.push(Arc::new(daemon));
        }
        Ok(Daemons { each, idle, log: config.log.clone(), patience: config.patience })
    }

    pub(crate) fn each(&self) -> &[Arc<Daemon>] {
        &self.each
    }

    /// Has one that is idle do a job, once there is one.
    pub(crate) async fn run(&self, job: &str, instruction: &Value) -> anyhow::Result<Value> {
        loop {
            for daemon in self.each.iter().filter(|daemon| daemon.check().is_ok()) {
                if let Ok(pipes) = daemon.pipes.try_lock() {
                    let done = daemon.run(pipes, job, instruction).await;
                    self.idle.notify_one();
                    return done;
                }
            }
            self.idle.notified().await;
        }
    }

    /// Tells all to end, and kills who does not. None is left, not even as a zombie.
    pub(crate) fn stop(&self) -> Vec<(&str, Result<(), String>)> {
        for daemon in &self.each {
            daemon.terminate();
        }
        let patience = Instant::now() + self.patience;
        self.each.iter().map(|daemon| (&*daemon.name, daemon.wait(patience))).collect()
    }

    pub(crate) fn write_log(&self, ended: &[(&str, Result<(), String>)]) -> io::Result<()> {
        let mut log = open_log(&self.log)?;
        for (name, how) in ended {
            let how = how.as_ref().err().map_or("ended well", |why| why);
            writeln!(log, "{name}: {how}")?;
        }
        Ok(())
    }
}

impl Daemon {
    fn start(name: &str, config: &config::Daemons, idle: Arc<Notify>) -> anyhow::Result<Self> {
        let (child, pipes) = spawn(&config.command, name, &config.log)?;
        Ok(Daemon {
            name: name.to_owned(),
            command: config.command.clone(),
            log: config.log.clone(),
            child: Mutex::new(child),
            pipes: AsyncMutex::new(pipes),
            idle,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it runs.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match self.child().try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it has ended: {status}"),
        }
    }

    /// Puts another process in the place of one that has ended.
    pub(crate) async fn respawn(self: Arc<Self>) -> anyhow::Result<()> {
        if self.check().is_ok() {
            return Ok(());
        }
        let (child, pipes) = spawn(&self.command, &self.name, &self.log)?;
        *self.child() = child;
        // Whoever had given the other one a job has read its end.
        *self.pipes.lock().await = pipes;
        self.idle.notify_one();
        Ok(())
    }

    async fn run(
        &self,
        mut pipes: AsyncGuard<'_, Pipes>,
        job: &str,
        instruction: &Value,
    ) -> anyhow::Result<Value> {
        let line = format!("{}\n", json!({"job": job, "instruction": instruction}));
        pipes.stdin.write_all(line.as_bytes()).await.with_context(|| self.name.clone())?;
        let answer = pipes.stdout.next_line().await?;
        let answer = answer.with_context(|| format!("{} has ended before it was done", self.name))?;
        match serde_json::from_str(&answer).with_context(|| format!("{} says {answer}", self.name))? {
            Answer::Output(output) => Ok(output),
            Answer::Error(why) => bail!("{}: {why}", self.name),
        }
    }

    fn terminate(&self) {
        let mut child = self.child();
        // The id of one that was waited for may be somebody else's by now.
        let runs = matches!(child.try_wait(), Ok(None));
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw).filter(|_| runs) {
            // An error: it has just ended, which `wait` will find.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    fn wait(&self, patience: Instant) -> Result<(), String> {
        let mut child = self.child();
        let ended = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if Instant::now() < patience => thread::sleep(Duration::from_millis(10)),
                None => {
                    let killed = child.kill().and_then(|()| child.wait());
                    return Err(format!("killed, it did not end: {}", outcome(killed)));
                }
            }
        };
        // One that has not set up anything yet ends by the signal itself.
        let as_told = ended.success() || ended.signal() == Some(Signal::TERM.as_raw());
        if as_told { Ok(()) } else { Err(ended.to_string()) }
    }
}

fn outcome(ended: io::Result<ExitStatus>) -> String {
    ended.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn spawn(command: &[String], name: &str, log: &Path) -> anyhow::Result<(Child, Pipes)> {
    let [program, arguments @ ..] = command else { bail!("its command is empty") };
    let mut command = Command::new(program);
    command.args(arguments).arg(name).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(open_log(log)?);
    // A Ctrl-C is for the service, which ends its daemons when nobody needs them any more.
    command.process_group(0);
    let mut child = command.spawn().with_context(|| program.clone())?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("it has no pipes")
    };
    let stdout = BufReader::new(ChildStdout::from_std(stdout)?).lines();
    Ok((child, Pipes { stdin: ChildStdin::from_std(stdin)?, stdout }))
}

fn open_log(file: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(file)
}

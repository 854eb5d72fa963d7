//! This program as a child of its own: a process has one lifecycle, and that ends once.

use std::env;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What a child of this program has printed.
pub fn output(arguments: &[&str], within: Duration) -> Result<String> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("child").args(arguments);
    output_of(&mut command, within).with_context(|| format!("the child {arguments:?}"))
}

/// What a program has printed, if it ends well and in time.
pub fn output_of(command: &mut Command, within: Duration) -> Result<String> {
    // The environment may say otherwise of a lifecycle, and no child is to talk on the terminal.
    command.env_remove("LIFECYCLE_PLAN").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = Path::new(command.get_program()).display().to_string();
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    let stdout = child.stdout.take().map(|mut pipe| thread::spawn(move || read(&mut pipe)));
    let stderr = child.stderr.take().map(|mut pipe| thread::spawn(move || read(&mut pipe)));
    let status = wait(&mut child, within)?;
    let text = |reader: Option<thread::JoinHandle<String>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    if !status.success() {
        bail!("{program} ended with {status}: {}", stderr.trim());
    }
    Ok(stdout)
}

fn read(pipe: &mut impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    // Less than everything is told by what then is missing.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, within: Duration) -> Result<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if began.elapsed() > within {
            child.kill()?;
            child.wait()?;
            bail!("it had not ended after {within:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

//! Clients that nobody here wrote, as child processes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::child::Child;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// The folder in which what they need is installed, by the first who asks.
fn installed(folder: &'static str) -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let folder = Path::new(folder).join("clients");
        let done = Command::new(format!("{SCRIPTS}/install")).arg(&folder).status();
        assert!(done.unwrap().success(), "the clients are installed");
        folder
    })
}

/// A client that ran to its end.
#[derive(Debug)]
pub struct Said {
    /// Whether it was content.
    pub success: bool,
    /// Its exit code.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
}

/// curl, to its end. `folder` is `env!("CARGO_TARGET_TMPDIR")`, which only tests have.
pub fn curl(arguments: &[&str]) -> Said {
    let output = curl_command(arguments).output().unwrap();
    Said {
        success: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

fn curl_command(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--no-buffer", "--max-time", "60"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// curl, at work.
pub fn curl_running(arguments: &[&str]) -> Child {
    Child::start(curl_command(arguments))
}

/// A script of `clients/` in Node.
pub fn node(folder: &'static str, script: &str, arguments: &[impl AsRef<OsStr>]) -> Child {
    let mut command = Command::new("node");
    command.env("NODE_PATH", installed(folder).join("npm/node_modules"));
    command.arg(format!("{SCRIPTS}/{script}")).args(arguments).stdin(Stdio::null());
    Child::start(command)
}

/// The same in Python.
pub fn python(folder: &'static str, script: &str, arguments: &[impl AsRef<OsStr>]) -> Child {
    let mut command = Command::new(installed(folder).join("venv/bin/python"));
    command.arg("-u").arg(format!("{SCRIPTS}/{script}")).args(arguments).stdin(Stdio::piped());
    Child::start(command)
}

//! The log, which is written in blocks, and the metrics, which a Pushgateway gets at the end.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;

/// Stdout may be the client's, and stderr is for what a person must see.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<BufWriter<File>>>);

impl Log {
    /// From now on `tracing` writes to it.
    pub(crate) fn begin(path: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| path.display().to_string())?;
        let log = Log(Arc::new(Mutex::new(BufWriter::new(file))));
        let writer = log.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        Ok(log)
    }

    fn file(&self) -> MutexGuard<'_, BufWriter<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.file().write(text)
    }

    /// A line is no reason to write a block.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn push(gateway: &str, metrics: &str) -> anyhow::Result<()> {
    ureq::put(format!("{gateway}/metrics/job/mcp-server")).send(metrics).context("the Pushgateway")?;
    Ok(())
}

//! The runtime for hooks that the service's own has not begun.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

use super::call::panicked;

/// Built when the first hook needs it.
#[derive(Default)]
pub(crate) struct Rescue {
    runtime: OnceLock<Result<Runtime, String>>,
}

/// Two, so that one hook that blocks does not keep the next one waiting.
const THREADS: usize = 2;

impl Rescue {
    /// What became of it; `None` until it has been built.
    pub(super) fn runtime(&self) -> Option<Result<&Handle, &str>> {
        self.runtime.get().map(|built| built.as_ref().map(Runtime::handle).map_err(String::as_str))
    }

    /// Builds it, unless somebody has, and then calls `built`; on a thread of its own: where tokio is denied a thread
    /// after all, it panics, and unwinding may wait for ever.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(super) fn build(self: &Arc<Self>, built: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let this = Arc::clone(self);
        let builder = thread::Builder::new().name("lifecycle-rescue".into());
        builder.spawn(move || {
            this.runtime.get_or_init(build);
            // Whoever has the last one may drop it only by `shut_down`.
            drop(this);
            built();
        })?;
        Ok(())
    }

    /// Lets go of the runtime without waiting for what is stuck on it.
    pub(super) fn shut_down(self) {
        if let Some(Ok(runtime)) = self.runtime.into_inner() {
            runtime.shutdown_background();
        }
    }
}

fn build() -> Result<Runtime, String> {
    room().map_err(|error| format!("the system gives no more threads: {error}"))?;
    let runtime = || {
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("lifecycle-rescue")
            .enable_all()
            .build()
    };
    match catch_unwind(AssertUnwindSafe(runtime)) {
        Ok(built) => built.map_err(|error| error.to_string()),
        Err(payload) => Err(panicked(payload).why.unwrap_or_default()),
    }
}

/// Whether there are threads to be had, asked in the way that does not panic. Twice as many as are needed, since one
/// that has ended counts for a moment more.
fn room() -> io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..2 * THREADS {
        let (release, wait) = channel::<()>();
        let thread = thread::Builder::new().spawn(move || wait.recv())?;
        held.push((release, thread));
    }
    for (release, thread) in held {
        drop(release);
        // It does nothing that could panic.
        let _ = thread.join();
    }
    Ok(())
}

//! The service's runtime.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use super::Refusal;
use crate::settings::Flavor;
use crate::sys;

/// Builds it, or ends the process.
pub(super) fn build(flavor: Flavor, workers: Option<usize>) -> Result<Runtime, String> {
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread => Builder::new_multi_thread(),
    };
    if let (Flavor::MultiThread, Some(workers)) = (flavor, workers) {
        builder.worker_threads(workers);
    }
    leave_on_panic(|| builder.enable_all().build()).map_err(|error| cannot_be_built(&error.to_string()))
}

fn cannot_be_built(why: &str) -> String {
    format!("the runtime cannot be built: {why}")
}

/// tokio panics where it is denied a thread, and unwinding then waits for ever for those that it did get: the process
/// has to be left before that, in the panic hook.
fn leave_on_panic<T>(build: impl FnOnce() -> T) -> T {
    let builder = thread::current().id();
    let before: Arc<Hook> = Arc::new(panic::take_hook());
    let of_others = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != builder {
            return of_others(info);
        }
        let report = Refusal::by_system(cannot_be_built(text(info.payload()))).report();
        sys::exit_now(report.exit_code.into())
    }));
    let built = build();
    drop(panic::take_hook());
    panic::set_hook(match Arc::try_unwrap(before) {
        Ok(before) => before,
        // Another thread is panicking with it just now.
        Err(shared) => Box::new(move |info| shared(info)),
    });
    built
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

fn text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}

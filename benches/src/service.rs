//! Measuring inside a running lifecycle: without one, tracked calls are admitted and nobody has to count them.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lifecycle::{Limit, Rejected, ReportFormat, builder, in_flight};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::pool::cores;

/// What a call that must not be refused says to being refused.
#[cold]
pub fn refused() {
    panic!("a tracked call was refused while the service was running");
}

/// One that panics after this would hang whoever waits for it; nothing measured here may panic.
pub fn end_at_panic() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        std::process::exit(101);
    }));
}

/// A runtime like the one that a service has.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(cores()).enable_all().build()
}

fn never_ending() -> lifecycle::Builder {
    builder().grace(Limit::Never).drain(Limit::Never).report(ReportFormat::Off)
}

/// Runs this on a thread of its own while the service is running.
pub fn while_running(measure: impl FnOnce() + Send + 'static) -> ExitCode {
    never_ending().run(async move {
        calls_are_counted().await;
        let (over, is_over) = oneshot::channel();
        thread::spawn(move || {
            measure();
            // Nobody listens only if the service is gone, which needs nothing then.
            let _ = over.send(());
        });
        assert!(is_over.await.is_ok(), "what was measured came to no end");
    })
}

/// Runs this on a thread of its own while calls are refused.
pub fn while_draining(measure: impl FnOnce() + Send + 'static) -> ExitCode {
    static RELEASE: Notify = Notify::const_new();

    #[lifecycle::tracked(reject = refused())]
    async fn keeps_it_draining() {
        RELEASE.notified().await;
    }

    never_ending().run(async move {
        let held = tokio::spawn(keeps_it_draining());
        while in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        let (over, is_over) = oneshot::channel();
        thread::spawn(move || {
            drop(lifecycle::shutdown("to be measured"));
            wait_until_refused();
            measure();
            RELEASE.notify_one();
            let _ = over.send(());
        });
        lifecycle::stopping().await;
        assert!(is_over.await.is_ok() && held.await.is_ok(), "what was measured came to no end");
    })
}

/// Waits until the gate is closed; `is_draining` is true some steps before.
pub fn wait_until_refused() {
    #[lifecycle::tracked]
    fn probe() -> Result<(), Rejected> {
        Ok(())
    }
    while probe().is_ok() {
        thread::yield_now();
    }
}

/// A guard that counts nothing would be the fastest of all.
async fn calls_are_counted() {
    static RELEASE: Notify = Notify::const_new();

    #[lifecycle::tracked(reject = refused())]
    async fn held() {
        RELEASE.notified().await;
    }

    let before = in_flight();
    let call = tokio::spawn(held());
    let counted = async {
        while in_flight() != before + 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(Duration::from_secs(30), counted).await.is_ok(), "a tracked call is not counted");
    RELEASE.notify_one();
    assert!(call.await.is_ok());
    assert_eq!(in_flight(), before, "the call has ended");
}

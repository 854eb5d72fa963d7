//! The process that runs one test.

use std::future::Future;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock};

use super::link::Told;
use super::{Clock, TestResult, lock};
use crate::clock;
use crate::events::Event;
use crate::hook::Missing;
use crate::resource::Inputs;
use crate::run::{MainDef, in_test, panicked};
use crate::sys;

/// What libtest prints before it is of no interest to anyone.
pub(super) const BEGINS: &str = "lifecycle::test begins";

/// What the body is called among the things that run.
const BODY: &str = "the test's body";

static PARENT: OnceLock<Mutex<UnixStream>> = OnceLock::new();

/// Runs it, tells the parent, and ends this process.
pub(super) fn run<F>(
    def: &'static MainDef,
    clock: Clock,
    body: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) -> !
where
    F: Future,
    F::Output: TestResult,
{
    println!("{BEGINS}");
    if let Ok(stdin) = sys::take_stdin() {
        drop(PARENT.set(Mutex::new(UnixStream::from(stdin))));
    }
    clock::enter_test();
    let ended = catch_unwind(AssertUnwindSafe(|| in_test::run(def, clock, body)));
    let verdict = match ended {
        Ok(Ok(())) => Told::Passed,
        Ok(Err(failure)) => {
            if !failure.said {
                eprintln!("{}", failure.message);
            }
            Told::Failed(failure.message)
        }
        Err(payload) => Told::Failed(panicked(payload).why.unwrap_or_default()),
    };
    drop(std::io::stdout().flush());
    let code = i32::from(verdict != Told::Passed);
    tell(&verdict);
    std::process::exit(code)
}

fn tell(told: &Told) {
    if let Some(parent) = PARENT.get() {
        // Without a parent there is nobody to tell.
        drop(told.write(&mut *lock(parent)));
    }
}

/// Tells what has begun or ended, for the parent to name should it not end.
pub(super) fn heard(event: &Event) {
    match event {
        Event::StepBegan { step } => tell(&Told::Began(step.clone())),
        Event::StepEnded { step, .. } => tell(&Told::Ended(step.clone())),
        _ => {}
    }
}

pub(super) fn body(begins: bool) {
    run_by_the_thread(BODY.to_owned(), begins);
}

/// Told beside the step whose call it is, if it is a step's, because of what waits for it.
pub(super) fn sync_call(name: &str, begins: bool) {
    run_by_the_thread(
        format!("the sync call of {name} (until it returns, the body and other sync calls wait)"),
        begins,
    );
}

fn run_by_the_thread(what: String, begins: bool) {
    tell(&if begins { Told::Began(what) } else { Told::Ended(what) });
}

//! A call is counted while its body runs and until its arguments are gone, however it ends; what is made inside it is
//! not counted again.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use lifecycle::{in_flight, tracked};
use support::{block_on, log, logged, pause};

/// Logs how many calls are running, when it is dropped.
struct Count;
impl Drop for Count {
    fn drop(&mut self) {
        log(in_flight().to_string());
    }
}

#[tracked(admit = always)]
fn body(_: Count, (_a, _): (Count, Count)) -> usize {
    in_flight()
}
#[tracked(admit = always)]
async fn async_body(_: Count, (_a, _): (Count, Count)) -> usize {
    pause().await;
    in_flight()
}
#[tracked(admit = always)]
fn nested(_: Count) -> usize {
    body(Count, (Count, Count)) + block_on(async_body(Count, (Count, Count))) + in_flight()
}
#[tracked(admit = always)]
fn panics(_: Count) {
    resume_unwind(Box::new(()));
}
#[tracked(admit = always)]
fn returns_early(x: bool, _: Count) -> usize {
    if x {
        return in_flight();
    }
    0
}
impl Count {
    #[tracked(admit = always)]
    fn by_value(self) -> usize {
        in_flight()
    }
    #[tracked(admit = always)]
    fn boxed(self: Box<Self>) -> usize {
        in_flight()
    }
}

/// One at a time: the count is the process's.
fn alone<T>(call: impl FnOnce() -> T) -> (Option<T>, Vec<String>) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(in_flight(), 0);
    logged();
    let output = catch_unwind(AssertUnwindSafe(call)).ok();
    assert_eq!(in_flight(), 0);
    (output, logged())
}

#[test]
fn until_the_arguments_are_gone() {
    assert_eq!(alone(|| body(Count, (Count, Count))), (Some(1), vec!["1".to_owned(); 3]));
    assert_eq!(alone(|| block_on(async_body(Count, (Count, Count)))), (Some(1), vec!["1".to_owned(); 3]));
    assert_eq!(alone(|| returns_early(true, Count)), (Some(1), vec!["1".to_owned()]));
    assert_eq!(alone(|| Count.by_value()), (Some(1), vec!["1".to_owned()]));
    assert_eq!(alone(|| Box::new(Count).boxed()), (Some(1), vec!["1".to_owned()]));
    assert_eq!(alone(|| panics(Count)), (None, vec!["1".to_owned()]));
}

#[test]
fn once_however_deep() {
    assert_eq!(alone(|| nested(Count)), (Some(3), vec!["1".to_owned(); 7]));
}

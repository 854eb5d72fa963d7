use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::*;
use crate::report::Item;

fn step() -> Arc<StepContext> {
    Arc::default()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn keys(step: &StepContext) -> Vec<String> {
    step.record().notes.into_iter().map(|(key, _)| key).collect()
}

/// Shows its cause in `{:#}`, as `anyhow::Error` does.
#[derive(Debug)]
struct Chained;

impl fmt::Display for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { "cancel: refused" } else { "cancel" })
    }
}

impl Error for Chained {}

#[test]
fn notes_and_items_go_into_the_step_that_runs() {
    let step = step();
    block_on(in_step(Arc::clone(&step), async {
        note("orders", 2);
        tokio::task::yield_now().await;
        item("order 7", Ok::<_, Chained>(()));
        item(String::from("order 8"), Err(Chained));
        item("order 9", Err("gone"));
        note("venue", format_args!("{}", "test"));
    }));
    let item = |name: &str, error: Option<&str>| Item { name: name.into(), error: error.map(Into::into) };
    let record = step.record();
    assert_eq!(record.notes, [("orders".into(), "2".into()), ("venue".into(), "test".into())]);
    assert_eq!(
        record.items,
        [item("order 7", None), item("order 8", Some("cancel: refused")), item("order 9", Some("gone"))]
    );
}

#[test]
fn outside_a_step_they_do_nothing() {
    note("nobody", 1);
    item("nobody", Err("reads this"));
    assert_eq!(time_left(), None);
}

#[test]
fn a_value_may_itself_note_something_when_it_is_shown() {
    struct Noting;
    impl fmt::Display for Noting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            note("inner", 1);
            f.write_str("outer")
        }
    }
    let step = step();
    let scope = enter_step(Arc::clone(&step));
    note("outer", Noting);
    item("outer", Err(Noting));
    drop(scope);
    assert_eq!(keys(&step), ["inner", "outer", "inner"]);
}

#[test]
fn the_time_left_is_the_steps() {
    let step = step();
    let _scope = enter_step(Arc::clone(&step));
    assert_eq!(time_left(), None, "no limit");
    let limit = Duration::from_secs(3600);
    step.set_deadline(Some(Instant::now() + limit));
    let left = time_left().unwrap();
    assert!(left <= limit && left > limit - Duration::from_secs(60));
    step.set_deadline(Some(Instant::now()));
    assert_eq!(time_left(), Some(Duration::ZERO));
}

#[test]
fn steps_polled_in_turn_keep_apart() {
    let (one, other) = (step(), step());
    let body = |key: &'static str| async move {
        note(key, 1);
        tokio::task::yield_now().await;
        note(key, 2);
    };
    block_on(async {
        tokio::join!(in_step(Arc::clone(&one), body("a")), in_step(Arc::clone(&other), body("b")))
    });
    assert_eq!(keys(&one), ["a", "a"]);
    assert_eq!(keys(&other), ["b", "b"]);
}

#[test]
fn the_tasks_that_a_step_drives_are_not_in_it() {
    let step = step();
    block_on(in_step(Arc::clone(&step), async {
        let local = tokio::task::LocalSet::new();
        let unrelated = local.spawn_local(async { note("unrelated", time_left().is_some()) });
        local.run_until(unrelated).await.unwrap();
        tokio::spawn(async { note("spawned", 1) }).await.unwrap();
        note("own", 1);
    }));
    assert_eq!(keys(&step), ["own"]);
}

#[test]
fn tasks_started_with_us_are_in_the_step() {
    let step = step();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(in_step(Arc::clone(&step), async {
        crate::spawn(async { note("spawn", 1) }).await.unwrap();
        crate::spawn_blocking(|| note("spawn_blocking", 1)).await.unwrap();
        tokio::spawn(crate::inherit(async { note("inherit", 1) })).await.unwrap();
    }));
    assert_eq!(keys(&step), ["spawn", "spawn_blocking", "inherit"]);
}

#[test]
fn what_is_noted_after_the_end_does_not_contradict_it() {
    let step = step();
    let scope = enter_step(Arc::clone(&step));
    note("in time", 1);
    assert_eq!(step.close().notes.len(), 1);
    note("late", 1);
    item("late", Err("too late to count"));
    drop(scope);
    assert_eq!(keys(&step), ["in time"]);
    assert!(step.record().items.is_empty());
}

#[test]
fn a_step_dropped_midway_is_dropped_in_the_step() {
    struct NotesDrop;
    impl Drop for NotesDrop {
        fn drop(&mut self) {
            note("dropped", 1);
        }
    }
    let step = step();
    let mut running = Box::pin(in_step(Arc::clone(&step), async {
        let _held = NotesDrop;
        std::future::pending::<()>().await;
    }));
    assert!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(running);
    assert_eq!(keys(&step), ["dropped"]);
    assert!(current_step().is_none());
}

#[test]
fn a_panic_leaves_the_step() {
    let step = step();
    let running = std::panic::AssertUnwindSafe(|| {
        let running = pin!(in_step(Arc::clone(&step), async { panic!("in a step") }));
        let _: Poll<()> = running.poll(&mut Context::from_waker(Waker::noop()));
    });
    assert!(std::panic::catch_unwind(running).is_err());
    assert!(current_step().is_none());
    assert!(matches!(place(), Place::Outside));
}

#[test]
fn a_scope_within_another_gives_it_back() {
    let (outer, inner) = (step(), step());
    let scope = enter_step(Arc::clone(&outer));
    drop(enter_step(inner));
    assert!(Arc::ptr_eq(&current_step().unwrap(), &outer));
    drop(scope);
    assert!(current_step().is_none());
}

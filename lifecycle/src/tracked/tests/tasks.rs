//! Calls and the tasks around them.
#![allow(clippy::async_yields_async, reason = "a call may return the handle of a task it started")]

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

use super::*;
use crate::context::{StepContext, enter_step, in_step};

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn refused<T>(result: &Result<T, Rejected>) -> bool {
    result.is_err()
}

#[test]
fn a_spawned_task_is_outside_the_call_that_spawned_it() {
    let gate = gate();
    let site = site(gate);
    let result = multi_thread().block_on(call(site, async {
        gate.close();
        tokio::spawn(call(site, async {})).await.unwrap()
    }));
    assert!(refused(&result.unwrap()));
}

#[test]
fn tasks_that_a_call_drives_on_its_own_thread_are_outside() {
    let gate = gate();
    let site = site(gate);
    let (inside, local) = current_thread().block_on(async {
        tokio::spawn(async {}).await.unwrap();
        let local = LocalSet::new();
        let unrelated = local.spawn_local(call(site, async {}));
        call(site, async {
            gate.close();
            // Polls the unrelated task within the poll of this call.
            local
                .run_until(async {
                    let local = unrelated.await.unwrap();
                    (call(site, async {}).await, local)
                })
                .await
        })
        .await
        .unwrap()
    });
    assert!(refused(&local), "an unrelated task was lent the call's admission");
    assert!(!refused(&inside), "the call lost its own");
}

#[test]
fn so_are_the_tasks_of_a_local_set_within_a_task() {
    let gate = gate();
    let site = site(gate);
    let outer = LocalSet::new();
    let (inside, local) = outer.block_on(&current_thread(), async {
        tokio::task::spawn_local(async {
            call(site, async {
                gate.close();
                let local = LocalSet::new();
                let unrelated = local.spawn_local(call(site, async {}));
                local.run_until(async { (call(site, async {}).await, unrelated.await.unwrap()) }).await
            })
            .await
            .unwrap()
        })
        .await
        .unwrap()
    });
    assert!(refused(&local), "an unrelated task was lent the call's admission");
    assert!(!refused(&inside), "the call lost its own");
}

#[test]
fn the_end_of_an_unrelated_call_gives_the_driving_one_its_place_back() {
    let gate = gate();
    let site = site(gate);
    let (unrelated, own) = current_thread()
        .block_on(call(site, async {
            let local = LocalSet::new();
            let unrelated = local.spawn_local(call(site, async { gate.in_flight() }));
            local
                .run_until(async {
                    let unrelated = unrelated.await.unwrap();
                    gate.close();
                    (unrelated, call(site, async {}).await)
                })
                .await
        }))
        .unwrap();
    assert_eq!((unrelated, own), (Ok(2), Ok(())));

    let _scope = scope(named(self::gate(), "sync"));
    assert!(poll_once(pin!(in_step(Arc::<StepContext>::default(), pause()))).is_pending());
    assert!(is_inside());
}

#[test]
fn a_call_that_blocks_in_place_stays_inside() {
    let gate = gate();
    let site = site(gate);
    let runtime = multi_thread();
    let nested = runtime.block_on(async {
        let task = tokio::spawn(call(site, async {
            gate.close();
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    pause().await;
                    (call(site, async {}).await, call_sync(site, || ()))
                })
            })
        }));
        task.await.unwrap().unwrap()
    });
    assert_eq!(nested, (Ok(()), Ok(())));
}

/// A sync call that waits for a runtime of its own.
fn sync_call_with_a_runtime(gate: &'static Gate, site: &'static Site) -> (bool, bool) {
    call_sync(site, || {
        gate.close();
        current_thread().block_on(async {
            let task = tokio::spawn(call(site, async {})).await.unwrap();
            let own = call(site, pause()).await;
            (refused(&own), refused(&task))
        })
    })
    .unwrap()
}

#[test]
fn a_runtime_in_a_sync_call_lends_admission_to_what_it_blocks_on_alone() {
    let gate = gate();
    let (own, task) = sync_call_with_a_runtime(gate, site(gate));
    assert!(!own, "the future that the call waits for is a part of it");
    assert!(task, "a task is not");
}

#[test]
fn also_on_a_thread_for_blocking_work() {
    let gate = gate();
    let site = site(gate);
    let (own, task) = multi_thread().block_on(async {
        tokio::task::spawn_blocking(move || sync_call_with_a_runtime(gate, site)).await.unwrap()
    });
    assert!(!own && task);
}

#[test]
fn two_tasks_that_take_turns_on_a_thread_keep_apart() {
    let gate = gate();
    let site = site(gate);
    let (first, second) = current_thread().block_on(async {
        let (begun, has_begun) = oneshot::channel();
        let (end, may_end) = oneshot::channel::<()>();
        let first = tokio::spawn(call(site, async move {
            begun.send(()).unwrap();
            may_end.await.unwrap();
            call(site, async {}).await
        }));
        has_begun.await.unwrap();
        gate.close();
        let second = tokio::spawn(call(site, async {})).await.unwrap();
        end.send(()).unwrap();
        (first.await.unwrap(), second)
    });
    assert_eq!(first, Ok(Ok(())));
    assert!(refused(&second));
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_call_that_moves_between_threads_stays_inside() {
    let gate = gate();
    let site = site(gate);
    let mut running = Box::pin(call(site, async {
        pause().await;
        call(site, async {}).await
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    gate.close();
    let polled = std::thread::spawn(move || poll_once(running.as_mut())).join().unwrap();
    assert_eq!(polled, Poll::Ready(Ok(Ok(()))));
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_task_goes_on_inside_the_call_that_spawned_it() {
    let gate = gate();
    let (outer, inner) = (named(gate, "outer"), named(gate, "inner"));
    multi_thread().block_on(async {
        let (go, may_go) = oneshot::channel::<()>();
        let task = call(outer, async {
            gate.close();
            spawn(async move {
                may_go.await.unwrap();
                // In a task of its own again, begun by one that is inside.
                let deeper = spawn(call(inner, async {})).await.unwrap();
                (deeper, call(inner, async { gate.awaited() }).await)
            })
        })
        .await
        .unwrap();
        assert_eq!(gate.in_flight(), 1, "the call has ended, its task has not");
        assert!(refused(&call(inner, async {}).await));
        go.send(()).unwrap();
        let (deeper, awaited) = task.await.unwrap();
        assert_eq!(deeper, Ok(()));
        let awaited: Vec<_> = awaited.unwrap().iter().map(|site| (site.name, site.in_flight)).collect();
        assert_eq!(awaited, [("outer", 1)]);
    });
    assert_eq!((gate.in_flight(), gate.refused()), (0, 1));
}

#[test]
fn blocking_work_goes_on_inside_the_call_that_started_it() {
    let gate = gate();
    let site = site(gate);
    let runtime = multi_thread();
    let seen = runtime.block_on(async {
        let (go, may_go) = oneshot::channel::<()>();
        let work = call(site, async {
            gate.close();
            spawn_blocking(move || {
                may_go.blocking_recv().unwrap();
                (is_inside(), gate.in_flight(), call_sync(site, || ()))
            })
        });
        let work = work.await.unwrap();
        go.send(()).unwrap();
        work.await.unwrap()
    });
    assert_eq!(seen, (true, 1, Ok(())));
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn inherit_decides_when_it_is_called() {
    let gate = gate();
    let site = site(gate);
    let mut tasks = JoinSet::new();
    multi_thread().block_on(async {
        let outside = inherit(call(site, async {}));
        let handed_on = call(site, async { inherit(call(site, async { gate.in_flight() })) }).await.unwrap();
        assert_eq!(gate.in_flight(), 1, "counted though it has not been polled");
        gate.close();
        let inside = call(site, async {}).await;
        assert!(refused(&inside));
        tasks.spawn(handed_on);
        assert_eq!(tasks.join_next().await.unwrap().unwrap(), Ok(1));
        assert!(refused(&outside.await));
    });
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn what_was_inherited_and_never_begun_leaves() {
    let gate = gate();
    let site = site(gate);
    drop(call_sync(site, || inherit(async {})));
    assert_eq!(gate.in_flight(), 0);

    let runtime = current_thread();
    let handle = runtime.handle().clone();
    call_sync(site, || {
        let _entered = handle.enter();
        drop(spawn(async {}));
    })
    .unwrap();
    assert_eq!(gate.in_flight(), 1);
    drop(runtime);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_task_that_panics_or_is_aborted_leaves() {
    let gate = gate();
    let site = site(gate);
    multi_thread().block_on(async {
        let task = call(site, async { spawn(async { panic!("in a task") }) }).await.unwrap();
        assert!(task.await.unwrap_err().is_panic());
        let work = call(site, async { spawn_blocking(|| panic!("in blocking work")) }).await.unwrap();
        assert!(work.await.unwrap_err().is_panic());
        let task = call(site, async { spawn(std::future::pending::<()>()) }).await.unwrap();
        assert_eq!(gate.in_flight(), 1);
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn outside_of_everything_spawning_is_plain() {
    let gate = gate();
    multi_thread().block_on(async {
        assert!(!spawn(async { is_inside() }).await.unwrap());
        assert!(!spawn_blocking(is_inside).await.unwrap());
        assert!(!inherit(async { is_inside() }).await);
    });
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_task_of_a_frozen_call_is_frozen_too() {
    let gate = gate();
    let site = site(gate);
    let mut task = pin!(call_sync(site, || inherit(pause())).unwrap());
    assert!(poll_once(task.as_mut()).is_pending());
    gate.freeze();
    assert!(poll_once(task.as_mut()).is_pending());
    assert!(poll_once(task.as_mut()).is_pending());
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn calls_from_a_step_are_admitted_and_not_counted() {
    let gate = gate();
    let site = site(gate);
    gate.close();
    gate.freeze();
    let step = Arc::<StepContext>::default();
    let mut running = pin!(in_step(Arc::clone(&step), async {
        let first = call(site, async {
            pause().await;
            gate.in_flight()
        });
        (first.await, call_sync(site, || gate.in_flight()))
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    assert!(refused(&call_sync(site, || ())), "the mark is gone between two polls");
    assert_eq!(poll_once(running), Poll::Ready((Ok(0), Ok(0))));

    let scope = enter_step(step);
    assert_eq!(call_sync(site, || ()), Ok(()));
    drop(scope);
    assert!(refused(&call_sync(site, || ())));
}

#[test]
fn a_step_lends_admission_to_the_tasks_it_starts_with_us_alone() {
    let gate = gate();
    let site = site(gate);
    gate.close();
    let results = multi_thread().block_on(in_step(Arc::<StepContext>::default(), async {
        [
            tokio::spawn(call(site, async {})).await.unwrap(),
            spawn(call(site, async {})).await.unwrap(),
            spawn_blocking(|| call_sync(site, || ())).await.unwrap(),
            tokio::spawn(inherit(call(site, async {}))).await.unwrap(),
        ]
    }));
    assert_eq!(results.map(|result| refused(&result)), [true, false, false, false]);
    assert_eq!(gate.in_flight(), 0);
}

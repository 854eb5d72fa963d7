//! That nothing begins once a shutdown has been triggered: each place that looks, by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::board::CheckId;
use super::machine::{Part, Verdict};
use super::run::{Run, RunId, Tools, Wanted};
use super::{Check, CheckSpec, CheckStatus, Monitor, Told};
use crate::hook::{Ask, Begin, Call, Function, Signature};
use crate::narrator::Narrator;
use crate::process::{Lifecycle, Running};
use crate::report::Reason;
use crate::run::mailbox::{self, Inbox, Mailbox};
use crate::run::message::Message;

const INTERVAL: Duration = Duration::from_secs(30);
/// A state that does not come is a failure, not a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lifecycle of its own, and a runtime that polls only when it is told to.
struct World {
    life: &'static Lifecycle,
    mailbox: Mailbox,
    inbox: Inbox,
    narrator: Narrator,
    runtime: Runtime,
    now: Instant,
}

fn world() -> World {
    let (mailbox, inbox) = mailbox::on_a_thread();
    let (life, narrator): (&'static _, _) =
        (Box::leak(Box::new(Lifecycle::new())), Narrator::spawn().unwrap());
    let now = Instant::now();
    life.set_running(Running {
        mailbox: mailbox.clone(),
        watchdog: None,
        narrator: narrator.clone(),
        grace: None,
        began: now,
        journal: None,
        previous: None,
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    World { life, mailbox, inbox, narrator, runtime, now }
}

impl World {
    fn trigger(&self) {
        assert!(self.life.trigger(Reason::ServiceEnded));
    }

    /// With the service running.
    fn monitor(&self) -> Monitor {
        let mut monitor = Monitor::new(self.life, self.mailbox.clone(), self.narrator.clone());
        monitor.begin(self.runtime.handle().clone(), self.now);
        monitor
    }

    /// What became of the run that comes to an end next.
    fn verdict(&self) -> Option<Verdict> {
        self.runtime.block_on(async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        });
        loop {
            match self.inbox.within(PATIENCE).expect("a run that ends says so") {
                Message::Health(Told::Ended { verdict, .. }) => return verdict,
                _ => continue,
            }
        }
    }
}

type Count = Arc<AtomicUsize>;

fn of(count: &Count) -> usize {
    count.load(Ordering::SeqCst)
}

/// Counts how often it is begun, which is where a user's `Clone` is called.
fn counting(begun: &Count) -> Begin {
    let begun = Arc::clone(begun);
    Begin::new(move |_| {
        begun.fetch_add(1, Ordering::SeqCst);
        Ok(Call::Async(Box::pin(async { Ok(Vec::new()) })))
    })
}

fn check(begin: Begin) -> CheckSpec {
    CheckSpec { check: begin, ..Check::new("db", || async {}).interval(INTERVAL).spec }
}

fn good(monitor: &mut Monitor, check: CheckId, number: u64, now: Instant) {
    let run = RunId { check, number };
    monitor.told(Told::Ended { run, verdict: Some(Verdict::Good) }, now);
}

#[test]
fn what_is_due_after_the_trigger_is_not_begun() {
    let (world, begun) = (world(), Count::default());
    let id = world.life.health.add(check(counting(&begun)));
    let mut monitor = world.monitor();
    monitor.on_time(world.now);
    good(&mut monitor, id, 1, world.now);
    monitor.on_time(world.now + INTERVAL);
    assert_eq!(of(&begun), 2, "its time comes");
    good(&mut monitor, id, 2, world.now + INTERVAL);
    world.trigger();
    monitor.on_time(world.now + 2 * INTERVAL);
    assert_eq!(of(&begun), 2);
}

#[test]
fn what_is_due_at_the_same_time_is_not_begun_after_a_trigger_between_them() {
    let (world, begun) = (world(), Count::default());
    let life = world.life;
    let triggers = check(Begin::new(move |_| {
        assert!(life.trigger(Reason::ServiceEnded));
        Ok(Call::Async(Box::pin(async { Ok(Vec::new()) })))
    }));
    world.life.health.add(triggers);
    world.life.health.add(check(counting(&begun)));
    world.monitor().on_time(world.now);
    assert_eq!(of(&begun), 0);
}

#[test]
fn what_failed_when_the_trigger_came_is_neither_recovered_nor_told() {
    let (world, begun, recovered) = (world(), Count::default(), Count::default());
    let recover = Function { signature: Signature::default(), begin: counting(&recovered) };
    let id = world.life.health.add(CheckSpec { recover: Some(recover), ..check(counting(&begun)) });
    let mut monitor = world.monitor();
    monitor.on_time(world.now);
    let mut events = world.life.subscribe();
    world.trigger();
    let verdict = Some(Verdict::Failed("it goes, as we do".to_owned()));
    monitor.told(Told::Ended { run: RunId { check: id, number: 1 }, verdict }, world.now);
    monitor.on_time(world.now);
    assert_eq!((of(&begun), of(&recovered)), (1, 0));
    assert_eq!(world.life.health.health().checks[0].status, CheckStatus::Waiting);
    assert!(events.try_recv().is_err());
}

/// Between the look of whoever begins a run and the thread that runs it there may be a trigger.
#[test]
fn a_run_that_was_begun_before_the_trigger_calls_nothing_after_it() {
    for is_async in [true, false] {
        for triggered in [false, true] {
            let (world, called) = (world(), Count::default());
            let tools = Tools {
                life: world.life,
                mailbox: world.mailbox.clone(),
                runtime: world.runtime.handle().clone(),
            };
            let count = |by: usize| {
                let called = Arc::clone(&called);
                move || {
                    called.fetch_add(by, Ordering::SeqCst);
                }
            };
            let body = count(1);
            let call = Begin::new(move |_| {
                let body = body.clone();
                Ok(match is_async {
                    true => Call::Async(Box::pin(async move {
                        body();
                        Ok(Vec::new())
                    })),
                    false => Call::Sync(Box::new(move || {
                        body();
                        Ok(Vec::new())
                    })),
                })
            });
            let asked = count(10);
            let when: Ask = Arc::new(move |_| {
                let asked = asked.clone();
                Ok(Box::new(move || {
                    asked();
                    Ok(())
                }))
            });
            if triggered {
                world.trigger();
            }
            let id = RunId { check: world.life.health.add(check(call.clone())), number: 1 };
            let until = world.now + INTERVAL;
            let wanted = Wanted { name: "db", call: &call, when: Some(&when), until };
            Run::begin(&tools, id, Part::Check, &wanted).unwrap();
            let (verdict, calls) = if triggered { (None, 0) } else { (Some(Verdict::Good), 11) };
            assert_eq!((world.verdict(), of(&called)), (verdict, calls), "async {is_async}");
        }
    }
}

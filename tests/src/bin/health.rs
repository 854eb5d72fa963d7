//! Health checks that are registered: what they say, to whom, and what they must not do once the service goes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure is the test's failure")]

use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use lifecycle::{Check, Event, Hook, State, register};
use lifecycle_tests::child::PATIENCE;
use lifecycle_tests::scene::{Loud, scenario, told};
use tokio::sync::{Semaphore, watch};

const SOON: Duration = Duration::from_millis(5);

fn quick(check: Check) -> Check {
    check.interval(SOON).delay(SOON)
}

/// Every event of a check, as a line.
fn of_check(event: &Event) -> Option<String> {
    let line = match event {
        Event::Healthy { check } => format!("{check} healthy"),
        Event::Recovering { check, attempt, of, error } => {
            format!("{check} recovering {attempt} of {of}: {error}")
        }
        Event::Recovered { check } => format!("{check} recovered"),
        Event::RecoveryFailed { check, error } => format!("{check} recovery failed: {error}"),
        Event::CheckSkipped { check, why } => format!("{check} skipped: {why}"),
        _ => return None,
    };
    Some(line)
}

/// Says every event of a check, and what those who ask know by then.
fn say_events(mut events: lifecycle::Events) {
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Some(line) = of_check(&event) {
                println!("event: {line}");
            }
        }
    });
}

/// Resolves once the service is as ready as that.
async fn until_ready_is(ready: bool) {
    while lifecycle::is_ready() != ready {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Resolves once there is such an event.
async fn until(events: &mut lifecycle::Events, wanted: fn(&Event) -> bool) {
    while !wanted(&events.recv().await.unwrap()) {}
}

/// Good, then bad until the second recovery; then until the second round of them, and then for good. A round's first
/// recovery can be held, so that what is known then can be looked at.
fn comes_and_goes() -> ExitCode {
    static LEFT: AtomicU32 = AtomicU32::new(0);
    static RECOVERIES: AtomicU32 = AtomicU32::new(0);
    static HELD: Semaphore = Semaphore::const_new(0);
    let answers = || async {
        match LEFT.load(Ordering::SeqCst) {
            0 => Ok(()),
            left => Err(format!("{left} left")),
        }
    };
    let recover = || async {
        let number = RECOVERIES.fetch_add(1, Ordering::SeqCst) + 1;
        println!("recovery {number}, ready {}", lifecycle::is_ready());
        if [5, 9].contains(&number) {
            HELD.acquire().await.unwrap().forget();
        }
        LEFT.fetch_sub(1, Ordering::SeqCst);
        if number == 1 { Err("not yet") } else { Ok(()) }
    };
    let set = |left: u32| LEFT.store(left, Ordering::SeqCst);
    let is_tried = |event: &Event| matches!(event, Event::Recovering { attempt: 1, .. });
    let has_failed = |event: &Event| matches!(event, Event::RecoveryFailed { .. });
    let said = lifecycle::events();
    register(quick(Check::new("venue", answers)).timeout(PATIENCE).recover(recover).retry(2));
    lifecycle::builder().run(move || async move {
        say_events(said);
        let (mut events, stopping) = (lifecycle::events(), lifecycle::stopping());
        until_ready_is(true).await;
        println!("serving");
        told("break it").await;
        set(2);
        until(&mut events, |event| matches!(event, Event::Recovered { .. })).await;
        println!("as before, ready {}: {}", lifecycle::is_ready(), lifecycle::health());
        told("break it for longer").await;
        set(4);
        until(&mut events, has_failed).await;
        until(&mut events, is_tried).await;
        println!("once more, ready {}: {}", lifecycle::is_ready(), lifecycle::health());
        told("go on").await;
        HELD.add_permits(1);
        until(&mut events, |event| matches!(event, Event::Recovered { .. })).await;
        println!("mended, ready {}: {}", lifecycle::is_ready(), lifecycle::health());
        told("break it at the end").await;
        set(100);
        until(&mut events, has_failed).await;
        until(&mut events, is_tried).await;
        println!("broken at the end");
        stopping.await;
    })
}

/// Checks that say nothing, panic, hang, have failed items, or do not apply.
fn kinds() -> ExitCode {
    static APPLIES: AtomicUsize = AtomicUsize::new(0);
    let said = lifecycle::events();
    let once = |check: Check| check.interval(Duration::from_secs(3600)).retry(0);
    register(once(Check::new("silent", || async {})));
    register(once(Check::new("panics", || async {
        lifecycle::resource::<u8>().map(drop).expect("no such table")
    })));
    register(
        once(Check::new("hangs", || async {
            let _held = Loud("what hangs holds");
            pending::<()>().await;
        }))
        .timeout(Duration::from_millis(50)),
    );
    register(once(Check::new("items", || async {
        lifecycle::item("a", Ok::<(), &str>(()));
        lifecycle::item("b", Err("gone"));
    })));
    register(once(Check::new("same", || async { Err("first") })));
    register(once(Check::new("same", || async { Err("second") })));
    register(once(Check::new("never", || async { println!("never") })).when(|| false));
    register(
        once(Check::new("sometimes", || async { Ok::<(), &str>(()) }))
            .when(|| if APPLIES.load(Ordering::SeqCst) > 0 { Ok(()) } else { Err("a standby") })
            .interval(SOON),
    );
    lifecycle::builder().run(|| async move {
        say_events(said);
        let stopping = lifecycle::stopping();
        let all_said = |health: &lifecycle::Health| {
            health.checks.iter().all(|check| check.status != lifecycle::CheckStatus::Waiting)
        };
        while !all_said(&lifecycle::health()) {
            tokio::time::sleep(SOON).await;
        }
        for check in lifecycle::health().checks {
            println!("says: {check}");
        }
        println!("healthy {}", lifecycle::health().healthy);
        APPLIES.store(1, Ordering::SeqCst);
        let mut events = lifecycle::events();
        while !matches!(events.recv().await, Some(Event::Healthy { .. })) {}
        println!("serving");
        stopping.await;
    })
}

/// The check itself sends the signal, fails, and would be recovered at once. Another one never pauses.
fn around_the_signal() -> ExitCode {
    static LATE: AtomicUsize = AtomicUsize::new(0);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    // A run that began in time may take so long only if the machine stands still: the shutdown waits for it.
    let note = |what: &str| {
        RUNS.fetch_add(1, Ordering::SeqCst);
        if lifecycle::state() > State::Running {
            LATE.fetch_add(1, Ordering::SeqCst);
            println!("late: {what}");
        }
    };
    let after: usize = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(1);
    let fails = move || async move {
        note("the check");
        if RUNS.load(Ordering::SeqCst) >= after {
            send_sigterm();
        }
        Err::<(), _>("down")
    };
    let nothing = Duration::from_micros(1);
    let recover = move || async move { note("the recovery") };
    register(Check::new("fails", fails).recover(recover).retry(u32::MAX).delay(nothing).interval(nothing));
    let busy = Check::new("busy", move || async move { note("the busy check") });
    register(busy.interval(nothing));
    register(Hook::on_shutdown("close", || async {
        // Whatever would still begin has time for it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        println!("late: {}", LATE.load(Ordering::SeqCst));
    }));
    let mut events = lifecycle::events();
    lifecycle::builder().run(move || async move {
        let mut past = false;
        while let Some(event) = events.recv().await {
            past |= matches!(event, Event::State(State::LameDuck));
            if let Some(line) = of_check(&event).filter(|_| past) {
                println!("late: {line}");
            }
            if event == Event::State(State::Draining) {
                break;
            }
        }
    })
}

#[expect(unsafe_code, reason = "std cannot send a signal")]
fn send_sigterm() {
    // SAFETY: both take any numbers, and touch no memory.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGTERM);
    }
}

/// Two subscribers from before the start that listen, and one that only looks at the end, under a load of events.
fn subscribers() -> ExitCode {
    for number in 0..700 {
        register(Hook::on_shutdown(format!("step {number}"), || async {}));
    }
    for number in 0..20 {
        let failures = AtomicUsize::new(0);
        let flaps = Check::new(format!("flaps {number}"), move || {
            let failed = failures.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            async move { if failed { Err("down") } else { Ok(()) } }
        });
        register(flaps.interval(Duration::from_micros(200)).delay(Duration::from_micros(200)));
    }
    let (heard, mut count) = watch::channel(0);
    let (one, other, slow) = (lifecycle::events(), lifecycle::events(), lifecycle::events());
    let one = std::thread::spawn(move || all(one, |count| _ = heard.send(count)));
    let other = std::thread::spawn(move || all(other, |_| ()));
    let code = lifecycle::builder().run(move || async move {
        count.wait_for(|count| *count > 1_500).await.unwrap();
    });
    let (one, other, slow) = (one.join().unwrap(), other.join().unwrap(), all(slow, |_| ()));
    println!("as many for each: {}", one.len() == other.len() && other.len() == slow.len());
    let agree =
        |(this, that): (&Option<Event>, &Option<Event>)| this == that || this.is_none() || that.is_none();
    println!("in the same order: {}", one.iter().zip(&other).all(agree) && one.iter().zip(&slow).all(agree));
    println!("from the first: {}", agree((&one[0], &Some(Event::State(State::Starting)))));
    println!("to the last: {:?}", slow[slow.len() - 1]);
    let lost = slow.iter().take_while(|event| event.is_none()).count();
    let kept = slow[lost..].iter().flatten().count();
    println!("the slow one lost some: {}", lost > 0);
    println!("the oldest alone: {}", lost + kept == slow.len());
    println!("and kept as many as there is room for: {kept}");
    code
}

/// Every event; `None` for each that was missed.
fn all(mut events: lifecycle::Events, heard: impl Fn(usize)) -> Vec<Option<Event>> {
    lifecycle_tests::scene::block_on(async {
        let mut all = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                Event::Missed(missed) => all.resize(all.len() + usize::try_from(missed).unwrap(), None),
                event => all.push(Some(event)),
            }
            heard(all.len());
        }
        all
    })
}

/// Registered and taken back while the service runs.
fn late() -> ExitCode {
    let said = lifecycle::events();
    register(Check::new("taken back before the start", || async { println!("never") })).remove();
    lifecycle::builder().run(|| async move {
        say_events(said);
        let stopping = lifecycle::stopping();
        until_ready_is(true).await;
        let bad = || Check::new("late", || async { Err::<(), _>("down") });
        let (first, second) = (register(bad()), register(bad()));
        until_ready_is(false).await;
        println!("removed: {}", first.remove());
        println!("left: {}", lifecycle::health().checks.len());
        println!("removed: {}", second.remove());
        println!("ready again: {}", lifecycle::is_ready());
        let third = register(quick(bad()).retry(0));
        until_ready_is(false).await;
        println!("its name: {}", lifecycle::health().checks[0].name);

        let entered = Arc::new(tokio::sync::Notify::new());
        let inside = Arc::clone(&entered);
        let hangs = register(Check::new("hangs", move || {
            let inside = Arc::clone(&inside);
            async move {
                let _held = Loud("what hangs holds");
                inside.notify_one();
                pending::<()>().await;
            }
        }));
        entered.notified().await;
        println!("removed: {}", hangs.remove());
        register(Check::new("zero", || async { println!("never") }).interval(Duration::ZERO));
        println!("serving");
        stopping.await;
        println!("removed: {}", third.remove());
        println!("removed: {}", register(Check::new("too late", || async { println!("never") })).remove());
    })
}

/// Not begun before the start has ended, nor if it fails.
fn start(fails: bool) -> ExitCode {
    register(Check::new("check", || async { println!("checked in {:?}", lifecycle::state()) }));
    register(Hook::on_start("open", move || async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("open");
        if fails { Err("no disk") } else { Ok(()) }
    }));
    lifecycle::builder().run(|| async {
        println!("serving");
        lifecycle::stopping().await;
    })
}

fn invalid() -> ExitCode {
    register(Check::new("zero", || async {}).interval(Duration::ZERO).timeout(Duration::ZERO));
    lifecycle::builder().run(async {})
}

fn traced() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    let runs = AtomicUsize::new(0);
    let check = Check::new("venue", move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        if run == 200 {
            send_sigterm();
        }
        async move { if (50..52).contains(&run) { Err("down") } else { Ok(()) } }
    });
    register(check.interval(Duration::from_micros(100)).delay(Duration::from_micros(100)));
    lifecycle::builder().run(async { lifecycle::stopping().await })
}

fn main() -> ExitCode {
    match scenario().as_str() {
        "comes and goes" => comes_and_goes(),
        "kinds" => kinds(),
        "around the signal" => around_the_signal(),
        "subscribers" => subscribers(),
        "late" => late(),
        "start" => start(false),
        "start fails" => start(true),
        "invalid" => invalid(),
        "traced" => traced(),
        other => {
            println!("what is {other:?}?");
            ExitCode::FAILURE
        }
    }
}

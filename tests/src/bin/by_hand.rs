//! The same lifecycle without attributes: by the builder, and inside a runtime that exists.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::future::pending;
use std::process::ExitCode;
use std::time::Duration;

use lifecycle::{Event, Flavor, Hook, Ready, Rejected, Report, State, register, tracked};
use lifecycle_tests::scene::{Loud, scenario, told};

#[tracked]
async fn probe() -> Result<(), Rejected> {
    Ok(())
}

/// A hook that says its name.
fn says(name: &'static str) -> Hook {
    Hook::on_shutdown(name, move || async move { println!("{name}") })
}

fn summary(report: &Report) -> String {
    let steps: Vec<String> =
        report.steps.iter().map(|step| format!("{} {}", step.name, step.outcome)).collect();
    format!("{}, exit {}: {}", report.reason, report.exit_code, steps.join(", "))
}

fn builder(flavor: Flavor) -> ExitCode {
    register(Hook::on_start("open", || async {
        println!("open");
        Ok::<(), String>(())
    }));
    register(says("second").order(1));
    register(says("first"));
    register(says("early").order(-1));
    register(says("goodbye").last());
    let removed = register(says("removed"));
    println!("removed: {}", removed.remove());
    // The same name again.
    register(says("first"));
    register(
        Hook::on_shutdown("slow", || async {
            let _held = Loud("what slow holds");
            pending::<()>().await;
        })
        .order(2)
        .timeout(Duration::from_millis(100)),
    );
    register(Hook::on_shutdown("fails", || async { Err::<(), _>("no disk") }).order(3));
    let open_later = register(Hook::on_start("removed start", || async { println!("never") }));
    println!("removed: {}", open_later.remove());

    lifecycle::builder().grace(Duration::from_secs(20)).flavor(flavor).run(|| async {
        println!("{} shutdown steps", lifecycle::stats().shutdown_steps);
        register(says("late").order(4));
        let gone = register(says("late and gone"));
        println!("removed: {}", gone.remove());
        let start = register(Hook::on_start("start, too late", || async { println!("never") }));
        println!("removed: {}", start.remove());
        let stopping = lifecycle::stopping();
        println!("serving");
        stopping.await;
        let too_late = register(says("too late"));
        println!("removed: {}", too_late.remove());
    })
}

/// Somebody who asks for the shutdown and is told what it did.
#[tokio::main]
async fn shutdown() -> ExitCode {
    register(says("flush"));
    let asks = tokio::spawn(async {
        told("shut down").await;
        let (first, second) = (lifecycle::shutdown("deploy"), lifecycle::shutdown("another reason"));
        let (first, second) = tokio::join!(first, second);
        println!("told: {}", summary(&first));
        println!("the same: {}", first == second);
    });
    println!("before: {}", lifecycle::shutdown("nobody listens").await.errors.join("; "));
    let report = lifecycle::run(async {
        let stopping = lifecycle::stopping();
        println!("serving");
        stopping.await;
        println!("the service ends");
    })
    .await;
    asks.await.unwrap();
    println!("run: {}", summary(&report));
    println!("state {:?}", lifecycle::state());
    let again = lifecycle::run(async {}).await;
    println!("again: exit {}, {}", again.exit_code, again.errors.join("; "));
    println!("still here");
    ExitCode::from(report.exit_code)
}

/// A process that goes on after its lifecycle, whatever that came to.
#[tokio::main]
async fn inside() -> ExitCode {
    register(Hook::on_shutdown("fails", || async { Err::<(), _>("no disk") }));
    let report = lifecycle::run(async {
        let stopping = lifecycle::stopping();
        println!("serving");
        stopping.await;
    })
    .await;
    println!("run: {}", summary(&report));
    told("leave").await;
    println!("still here");
    ExitCode::from(report.exit_code)
}

/// A hook that keeps the process until it is killed.
#[tokio::main]
async fn stuck() -> ExitCode {
    let hang = || async {
        println!("the hook hangs");
        pending::<()>().await;
    };
    register(Hook::on_shutdown("hangs", hang).timeout(Duration::from_secs(20)));
    let report = lifecycle::run(async {
        let stopping = lifecycle::stopping();
        println!("serving");
        stopping.await;
    })
    .await;
    println!("run: {}", summary(&report));
    ExitCode::from(report.exit_code)
}

/// `run` dropped while the service runs.
#[tokio::main]
async fn dropped() -> ExitCode {
    register(says("flush"));
    let run = lifecycle::run(async {
        let _held = Loud("what the service holds");
        println!("serving");
        pending::<()>().await;
    });
    tokio::select! {
        _ = run => println!("never"),
        () = told("drop") => println!("run is dropped"),
    }
    // The lifecycle has heard of it.
    lifecycle::stopping().await;
    let report = lifecycle::shutdown("not the first reason").await;
    println!("told: {}", summary(&report));
    println!("service: {}", report.service);
    ExitCode::from(report.exit_code)
}

/// Everything that happens, in order.
#[tokio::main]
async fn events() -> ExitCode {
    register(Hook::on_start("open", || async {}));
    register(says("early").order(-1));
    register(Hook::on_shutdown("fails", || async { Err::<(), _>("no disk") }));
    register(says("goodbye").last());
    let mut events = lifecycle::events();
    println!("state {:?}", lifecycle::state());
    let listens = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(event) = events.recv().await {
            if event == Event::Ready {
                println!("it is ready");
            }
            all.push(match event {
                Event::StepBegan { step } => format!("{step} begins"),
                Event::StepEnded { step, outcome, error } => format!("{step} {outcome} {error:?}"),
                other => format!("{other:?}"),
            });
        }
        all
    });
    let report = lifecycle::run(async {
        let stopping = lifecycle::stopping();
        println!("serving");
        stopping.await;
    })
    .await;
    println!("events: {}", listens.await.unwrap().join(", "));
    ExitCode::from(report.exit_code)
}

fn moment(when: &str) {
    let (state, ready) = (lifecycle::state(), lifecycle::is_ready());
    let (stopping, draining) = (lifecycle::is_shutting_down(), lifecycle::is_draining());
    println!("{when}: {state:?}, ready {ready}, shutting down {stopping}, draining {draining}");
}

/// Not ready until it says so, nor once it has begun to shut down, though it still serves then.
fn readiness(ready: Ready) -> ExitCode {
    register(Hook::on_start("open", || async { moment("start") }));
    register(Hook::on_shutdown("early", || async { moment("early") }).order(-1));
    register(Hook::on_shutdown("flush", || async { moment("flush") }));
    moment("before");
    let service = move || async move {
        let (mut events, stopping) = (lifecycle::events(), lifecycle::stopping());
        let watch = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    Event::Ready => moment("Ready"),
                    Event::State(State::LameDuck) => {
                        moment("LameDuck");
                        lifecycle::ready();
                        moment("ready() in vain");
                        println!("a call is admitted: {}", probe().await.is_ok());
                        println!("refused so far: {}", lifecycle::stats().refused);
                        let since = lifecycle::stats().shutting_down_for;
                        println!("since: {}", since.is_some_and(|since| since < LAME_DUCK));
                    }
                    Event::State(State::Draining) => return moment("Draining"),
                    _ => {}
                }
            }
        });
        moment("main");
        if ready == Ready::Manual {
            told("be ready").await;
            moment("not yet");
            lifecycle::ready();
            moment("ready()");
        }
        // Keeps the drain from being over before the watch has seen it.
        watch.await.unwrap();
        stopping.await;
    };
    lifecycle::builder().ready(ready).lameduck(LAME_DUCK).run(service)
}

const LAME_DUCK: Duration = Duration::from_millis(700);

fn main() -> ExitCode {
    match scenario().as_str() {
        "builder" => builder(Flavor::MultiThread),
        "builder, current_thread" => builder(Flavor::CurrentThread),
        "a future" => lifecycle::builder().run(async { println!("serving") }),
        "shutdown" => shutdown(),
        "inside" => inside(),
        "stuck" => stuck(),
        "dropped" => dropped(),
        "events" => events(),
        "ready = auto" => readiness(Ready::Auto),
        "ready = manual" => readiness(Ready::Manual),
        other => {
            println!("what is {other:?}?");
            ExitCode::FAILURE
        }
    }
}

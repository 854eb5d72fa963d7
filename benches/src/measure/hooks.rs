//! The shutdown of a thousand hooks, at once and one after the other.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use lifecycle::{Hook, Outcome, ReportFormat, StepKind, builder};
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

use super::{Scale, sane};
use crate::child;
use crate::figures::{Figures, print};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, runtime};
use crate::stats::Shuffle;

const OURS: &str = "**lifecycle**";
const SUBSYSTEMS: &str = "tokio-graceful-shutdown";
const FLAT: &str = "flat";
const CHAIN: &str = "chain";

const MANY: usize = 1000;
const FEW: usize = 100;

static RAN: AtomicUsize = AtomicUsize::new(0);
static UP: AtomicUsize = AtomicUsize::new(0);

async fn ours(shape: &str, hooks: usize) {
    for index in 0..hooks {
        let hook = Hook::on_shutdown(format!("hook {index}"), || async {
            RAN.fetch_add(1, Ordering::Relaxed);
        });
        let order = if shape == CHAIN { i32::try_from(index).expect("they are few") } else { 0 };
        lifecycle::register(hook.order(order));
    }
    let began = std::sync::OnceLock::new();
    let report = builder()
        .report(ReportFormat::Off)
        .run_here(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            began.get_or_init(Instant::now);
            drop(lifecycle::shutdown("to be measured"));
        })
        .await;
    let took = began.get().expect("the service has run").elapsed();
    let done =
        report.steps.iter().filter(|step| step.kind == StepKind::Shutdown && step.outcome == Outcome::Done);
    assert_eq!(done.count(), hooks, "{report}");
    print("", "", took.as_nanos() as f64 / 1e3);
}

/// Each starts the next one: such a chain ends with its last link first.
fn start(parent: &mut SubsystemHandle, left: usize) {
    if left > 0 {
        parent.start(SubsystemBuilder::new("link", async move |this: &mut SubsystemHandle| {
            start(this, left - 1);
            UP.fetch_add(1, Ordering::SeqCst);
            this.on_shutdown_requested().await;
            RAN.fetch_add(1, Ordering::Relaxed);
            Ok::<(), std::io::Error>(())
        }));
    }
}

async fn subsystems(shape: &str, hooks: usize) {
    let token = CancellationToken::new();
    let (chains, length) = if shape == CHAIN { (1, hooks) } else { (hooks, 1) };
    let toplevel: Toplevel = Toplevel::new_with_shutdown_token(
        async move |this: &mut SubsystemHandle| {
            for _ in 0..chains {
                start(this, length);
            }
        },
        token.clone(),
    );
    let ended = tokio::spawn(toplevel.handle_shutdown_requests(Duration::from_secs(60)));
    while UP.load(Ordering::SeqCst) < hooks {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    let began = Instant::now();
    token.cancel();
    let ended = ended.await.expect("it does not panic");
    let took = began.elapsed();
    assert!(ended.is_ok(), "{ended:?}");
    print("", "", took.as_nanos() as f64 / 1e3);
}

pub fn child(variant: &str, shape: &str, hooks: usize) -> ExitCode {
    end_at_panic();
    let runtime = runtime().expect("the system gives a runtime");
    if variant == OURS {
        runtime.block_on(ours(shape, hooks));
    } else {
        runtime.block_on(async { subsystems(shape, hooks).await });
    }
    assert_eq!(RAN.load(Ordering::SeqCst), hooks);
    ExitCode::SUCCESS
}

fn group(shape: &str, hooks: usize) -> String {
    format!("{shape} {hooks}")
}

pub fn measure(scale: Scale) -> Result<Section> {
    let mut figures = Figures::default();
    let mut shuffle = Shuffle::new();
    let mut jobs = Vec::new();
    for shape in [FLAT, CHAIN] {
        for hooks in [FEW, MANY] {
            jobs.extend([OURS, SUBSYSTEMS].map(|variant| (shape, hooks, variant)));
        }
    }
    for _ in 0..scale.pick(41, 2) {
        shuffle.shuffle(&mut jobs);
        for &(shape, hooks, variant) in &jobs {
            let mut one = Figures::default();
            let printed =
                child::output(&["hooks", variant, shape, &hooks.to_string()], Duration::from_secs(60))?;
            one.read(&printed)?;
            figures.add(&group(shape, hooks), variant, one.median("", "")?);
        }
    }
    sane(&figures)?;

    let mut claims = Vec::new();
    for (shape, what, limit) in [
        (FLAT, "1,000 hooks of one order, against 1,000 flat subsystems", 1.0),
        (CHAIN, "a chain of 1,000 hooks, against 1,000 nested subsystems", 0.5),
    ] {
        let group = group(shape, MANY);
        let ms =
            |name| -> Result<String> { Ok(format!("{} ms", number(figures.median(&group, name)? / 1e3))) };
        let theirs = format!("{SUBSYSTEMS} {}", ms(SUBSYSTEMS)?);
        claims.push(Claim::at_most(what, ms(OURS)?, theirs, figures.ratio(&group, OURS, SUBSYSTEMS)?, limit));
    }
    let rows = [OURS, SUBSYSTEMS].map(|name| {
        let mut row = vec![name.to_owned()];
        for shape in [FLAT, CHAIN] {
            for hooks in [FEW, MANY] {
                let median = figures.median(&group(shape, hooks), name);
                row.push(median.map_or_else(|_| "?".to_owned(), |median| number(median / hooks as f64)));
            }
        }
        row
    });
    let text = format!(
        "From the trigger to the end of the shutdown, divided by the hooks, which do nothing. Ours run isolated from each \
         other, each with a limit, and are reported with their times; a chain is one hook an order. A process for each \
         sample.\n{}",
        table(&["µs a hook", "flat, 100", "flat, 1,000", "chain of 100", "chain of 1,000"], rows)
    );
    Ok(Section { title: "A thousand hooks", claims, text })
}

//! Calls that are refused while the others are awaited.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::Result;
use async_shutdown::ShutdownManager;
use lifecycle::{Rejected, tracked};

use super::{Scale, of_one_child};
use crate::figures::{Variant, in_turns};
use crate::pool::{Batch, Pool, turns_for};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, while_draining};

const NOTHING: &str = "nothing";
const OURS: &str = "**`#[tracked]` fn**";
const OURS_ASYNC: &str = "**`#[tracked]` async fn**";
const SHARED_WORD: &str = "a shared word with a closed bit";
const ASYNC_SHUTDOWN: &str = "async-shutdown delay token, when all is over";

#[tracked]
fn ours() -> Result<(), Rejected> {
    Ok(())
}

#[tracked]
async fn ours_async() -> Result<(), Rejected> {
    Ok(())
}

fn group(threads: usize) -> &'static str {
    if threads == 1 { "1 thread" } else { "2 threads" }
}

#[repr(align(128))]
struct Padded(AtomicUsize);

fn batches() -> Vec<(&'static str, Batch)> {
    macro_rules! batch {
        ($name:expr, $refused:expr) => {
            (
                $name,
                Arc::new(move |turns: u64| {
                    for turn in 0..turns {
                        black_box(turn);
                        assert!($refused);
                    }
                }) as Batch,
            )
        };
    }
    let word: &Padded = Box::leak(Box::new(Padded(AtomicUsize::new(1))));
    let manager = ShutdownManager::<i32>::new();
    assert!(manager.trigger_shutdown(1).is_ok());
    let refused_async = || {
        let polled = pin!(ours_async()).poll(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Err(_)))
    };
    vec![
        batch!(NOTHING, black_box(true)),
        batch!(OURS, ours().is_err()),
        batch!(OURS_ASYNC, refused_async()),
        batch!(SHARED_WORD, {
            let closed = word.0.fetch_add(2, Ordering::Acquire) & 1 == 1;
            word.0.fetch_sub(2, Ordering::AcqRel);
            closed
        }),
        batch!(ASYNC_SHUTDOWN, manager.delay_shutdown_token().is_err()),
    ]
}

pub fn child(scale: Scale) -> ExitCode {
    end_at_panic();
    while_draining(move || {
        let batches = batches();
        for threads in [1, 2] {
            let pool = Pool::new(threads);
            let long = scale.pick(Duration::from_millis(2), Duration::from_micros(200));
            let variant = |(name, batch): &'_ (&'static str, Batch)| {
                let (pool, batch, turns) = (&pool, Arc::clone(batch), turns_for(batch, long, threads));
                Variant { group: group(threads), name, sample: Box::new(move || pool.sample(&batch, turns)) }
            };
            in_turns(scale.pick(61, 3), batches.iter().map(variant).collect());
        }
    })
}

pub fn measure(scale: Scale) -> Result<Section> {
    let figures = of_one_child("refusal", scale)?;
    let cost = |threads, name| figures.added(group(threads), name, NOTHING);
    let mut claims = Vec::new();
    for (name, what) in
        [(OURS, "a refusal on 2 threads, sync"), (OURS_ASYNC, "a refusal on 2 threads, async")]
    {
        let (our, their) = (cost(2, name)?, cost(2, SHARED_WORD)?);
        let theirs = format!("{SHARED_WORD} {} ns", number(their));
        claims.push(Claim::within(what, our, 3.0, "ns", theirs, Some(our.max(0.0) / their)));
    }
    let rows = [OURS, OURS_ASYNC, SHARED_WORD, ASYNC_SHUTDOWN].map(|name| {
        let told = |threads| cost(threads, name).map_or_else(|_| "?".to_owned(), number);
        vec![name.to_owned(), told(1), told(2)]
    });
    let text = format!(
        "Nanoseconds of a call that is refused while a shutdown awaits another one. TaskTracker, tokio-graceful, hyper-util \
         and swansong refuse nothing.\n{}",
        table(&["refused", "1 thread", "2 threads"], rows)
    );
    Ok(Section { title: "Refusal", claims, text })
}

//! Calls with ids and spans, told of by a tracing subscriber.

use std::io;

use lifecycle::{Rejected, Settings, tracked};
use lifecycle_tests::scene::{told, told_blocking};

#[tracked(id = format_args!("order={order}"), span)]
async fn checkout(order: u32) -> Result<(), Rejected> {
    tracing::info!(order, "charging");
    println!("checkout {order} runs");
    told(&format!("end {order}")).await;
    tracing::info!(order, "charged");
    println!("checkout {order} ends");
    Ok(())
}

#[tracked(id = number, span, name = "mills.grind")]
fn grind(number: u8) -> Result<(), Rejected> {
    tracing::info!(number, "grinding");
    println!("grind runs");
    told_blocking("never");
    Ok(())
}

/// What an HTTP stack's layer would be.
#[tracked(span)]
async fn request() -> Result<(), Rejected> {
    tracing::info!("routed");
    checkout(7).await
}

fn setup(settings: &mut Settings) {
    tracing_subscriber::fmt().with_ansi(false).with_writer(io::stdout).init();
    settings.drain(std::time::Duration::from_secs(3));
}

#[lifecycle::main(setup = setup, grace = "20s")]
async fn main() {
    tokio::spawn(checkout(42));
    tokio::spawn(checkout(43));
    tokio::spawn(request());
    tokio::task::spawn_blocking(|| grind(5));
    tokio::spawn(async {
        // Aborted while it waits.
        let dropped = tokio::spawn(checkout(44));
        told("drop 44").await;
        dropped.abort();
        let _ = dropped.await;
        println!("44 is dropped");
    });
    lifecycle::stopping().await;
    tracing::info!("outside");
}

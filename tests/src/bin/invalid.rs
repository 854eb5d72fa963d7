//! A plan that cannot be. `KEEP` names which of its faults are left in; the steps of the others are off.

use std::time::Duration;

use lifecycle::{Settings, Take, on_shutdown, on_start};

struct Nobody;
struct Pool;
struct Early;

fn setup(settings: &mut Settings) {
    let keep = std::env::var("KEEP").unwrap_or_default();
    let off = "this run has other faults";
    if !keep.contains("nobody") {
        settings.step::<needs_nobody>().off(off);
    }
    if !keep.contains("takes") {
        settings.step::<close_pool>().off(off);
    }
    if !keep.contains("order") {
        settings.step::<uses_early>().off(off);
    }
    if keep.contains("budget") {
        settings.step::<drain_pool>().timeout(Duration::from_secs(40));
    }
}

#[on_start(order = -9)]
fn booted() {
    println!("booted");
}

#[on_start]
fn needs_nobody(_: &Nobody) {}

#[on_start]
fn open_pool() -> Pool {
    Pool
}

#[on_start]
fn uses_pool(_: &Pool) {}

#[on_shutdown]
fn drain_pool(_: Take<Pool>) {}

#[on_shutdown]
fn close_pool(_: Take<Pool>) {}

#[on_start(order = 5)]
fn early() -> Early {
    Early
}

#[on_start(order = 2)]
fn uses_early(_: &Early) {}

#[lifecycle::main(setup = setup, budget = deny)]
async fn main() {
    println!("serving");
}

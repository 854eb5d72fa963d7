//! Steps of one order meet each other; steps of different orders wait for one another in vain.

use std::sync::LazyLock;

use lifecycle::{on_shutdown, on_start};
use lifecycle_tests::scene::{Meeting, block_on};

static STARTS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static START_RANKS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static EARLY: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static EQUALS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(4));
static RANKS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));

#[on_start(order = 1)]
async fn start_a() {
    STARTS.meet().await;
    println!("start_a met its equal");
}

#[on_start(order = 1)]
fn start_b() {
    block_on(STARTS.meet());
    println!("start_b met its equal");
}

#[on_start(order = 2)]
async fn start_lower() {
    println!("start_lower met anyone: {}", START_RANKS.meets_anyone().await);
}

#[on_start(order = 3)]
async fn start_upper() {
    START_RANKS.meet().await;
}

#[on_shutdown(order = -1)]
async fn early_a() {
    EARLY.meet().await;
    println!("early_a met its equal");
}

#[on_shutdown(order = -1)]
fn early_b() {
    block_on(EARLY.meet());
    println!("early_b met its equal");
}

#[on_shutdown]
async fn async_a() {
    EQUALS.meet().await;
    println!("async_a met its equals");
}

#[on_shutdown(order = 0)]
async fn async_b() {
    EQUALS.meet().await;
    println!("async_b met its equals");
}

#[on_shutdown]
fn sync_a() {
    block_on(EQUALS.meet());
    println!("sync_a met its equals");
}

#[on_shutdown]
fn sync_b() {
    block_on(EQUALS.meet());
    println!("sync_b met its equals");
}

#[on_shutdown(order = 1)]
async fn lower() {
    println!("lower met anyone: {}", RANKS.meets_anyone().await);
}

#[on_shutdown(order = 2)]
fn upper() {
    block_on(RANKS.meet());
}

#[lifecycle::main(grace = "30s")]
async fn main() {
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}

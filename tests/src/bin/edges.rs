//! `after` and `before`: who says so waits, and nobody else does.

use std::sync::LazyLock;

use lifecycle::{Hook, Requests, Settings, on_shutdown, on_start, register};
use lifecycle_tests::scene::{Meeting, block_on};

static STARTS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static START_EDGE: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static BESIDE: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(3));
static EDGE: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static BY_SETTINGS: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));
static THROUGH: LazyLock<Meeting> = LazyLock::new(|| Meeting::of(2));

#[on_start(after = open)]
async fn a_migrate() {
    START_EDGE.meet().await;
}

#[on_start]
async fn open() {
    STARTS.meet().await;
    println!("open met its equal, and its follower: {}", START_EDGE.meets_anyone().await);
}

#[on_start]
fn warm() {
    block_on(STARTS.meet());
}

// Of one rank with all the others below: only its edge keeps it behind `flush`.
#[on_shutdown(after = flush)]
async fn a_close() {
    EDGE.meet().await;
}

#[on_shutdown]
async fn flush() {
    BESIDE.meet().await;
    println!("flush met two others, and its follower: {}", EDGE.meets_anyone().await);
}

#[on_shutdown(before = [a_close, later])]
async fn beside() {
    BESIDE.meet().await;
}

#[on_shutdown(after = Requests)]
fn beside_too() {
    block_on(BESIDE.meet());
}

// At 3, since it names nobody else.
#[on_shutdown(
    timeout = "4s",
    before = later
)]
async fn before_later() {
    println!("before_later");
}

#[on_shutdown(order = 3)]
async fn later() {
    println!("now the latter");
}

#[on_shutdown(after = early)]
async fn also_early() {
    println!("also_early: {:?}", lifecycle::state());
}

#[on_shutdown(order = -2)]
async fn early() {
    println!("early: {:?}", lifecycle::state());
}

#[on_shutdown(before = Requests)]
async fn last_call() {
    println!("last_call: {:?}", lifecycle::state());
}

#[on_shutdown(order = 5)]
async fn a_by_settings() {
    BY_SETTINGS.meet().await;
}

#[on_shutdown(order = 5)]
async fn named_in_settings() {
    println!("named_in_settings met anyone: {}", BY_SETTINGS.meets_anyone().await);
}

#[on_shutdown(order = 6, after = off)]
async fn a_behind_off() {
    THROUGH.meet().await;
}

#[on_shutdown(order = 6, after = front)]
async fn off() {}

#[on_shutdown(order = 6)]
async fn front() {
    println!("front met anyone: {}", THROUGH.meets_anyone().await);
}

fn setup(settings: &mut Settings) {
    settings.step::<a_by_settings>().after::<named_in_settings>();
    settings.step::<off>().off("this program has none");
    let told = || async { println!("by hand: {:?}", lifecycle::state()) };
    register(Hook::on_shutdown("by_hand", told).after::<early>().before::<Requests>());
}

#[lifecycle::main(setup = setup, grace = "60s")]
async fn main() {
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}

//! Keys that several attributes have, where they are not looked at elsewhere.
use lifecycle::{health_check, on_start, worker};

#[lifecycle::test(grace = 5, drain = "soon", cut = 1, lameduck = "1", reserve = later(), signals = SIGTERM, ready = maybe)]
async fn times() {}

#[lifecycle::test(pause = "SIGUSR1", resume = [SIGUSR2])]
async fn signals() {}

#[on_start(attempt = "0s", retry = 1, backoff = 200)]
async fn connect() {}

#[worker(before = "close_db", backoff = 5, when = |config| true, label = "Relay")]
async fn relay() {}

#[health_check(timeout = "0s", when = async || true, label = "Db")]
async fn answers() {}

fn main() {}

use lifecycle::{health_check, on_shutdown};

#[health_check(interval = 30)]
fn no_unit() {}

#[health_check(interval = "0s")]
fn no_pause() {}

#[health_check(intervall = "30s")]
fn misspelt() {}

#[health_check(order = 1)]
fn ordered() {}

#[health_check(backoff = "1s")]
fn backoff() {}

#[health_check(recover = reconnect())]
fn a_call() {}

#[health_check(recover = itself)]
fn itself() {}

#[health_check(retry = 1.5)]
fn one_and_a_half() {}

#[health_check(delay = "1s", delay = "2s")]
fn twice() {}

#[on_shutdown(interval = "1s")]
fn no_check() {}

#[health_check]
const ANSWERS: bool = true;

#[health_check]
fn changes(_: &mut u8) {}

struct Db;
impl Db {
    #[health_check]
    fn answers(&self) {}
}

fn main() {
    Db.answers();
}

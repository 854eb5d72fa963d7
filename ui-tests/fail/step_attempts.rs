use std::time::Duration;

use lifecycle::{on_shutdown, on_start};

#[on_start(retry = "2")]
fn a_string() {}

#[on_start(retry = -1)]
fn less_than_none() {}

#[on_start(retry)]
fn no_number() {}

#[on_shutdown(attempt = 2, retry = 1)]
fn no_unit() {}

#[on_shutdown(attempt = "0s", retry = 1)]
fn no_time() {}

#[on_shutdown(attempt = "6s", timeout = "5s", retry = 1)]
fn longer_than_all() {}

#[on_shutdown(backoff = "200ms")]
fn before_nothing() {}

#[on_shutdown(retry = 1, backoff = Duration::from_millis(200))]
fn a_call() {}

#[on_shutdown(retry = 1, retry = 2)]
fn twice() {}

#[on_shutdown(retires = 2)]
fn misspelt() {}

fn main() {}

//! The keys of attempts, and every shape of a function that a path names.
#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lifecycle::{CancellationToken, Report, Take, on_shutdown, on_start};

struct Db;
#[derive(Clone)]
struct Config {
    flush: bool,
}
type Alias<'a> = Option<&'a Db>;

const RETRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

#[on_start(attempt = "1s", retry = RETRIES, backoff = PAUSE, when = true)]
async fn open() -> Result<Db, String> {
    Ok(Db)
}

#[on_shutdown(attempt = "1s", timeout = "3s", retry = 2, backoff = "0s", fallback = none)]
async fn a() -> Result<(), String> {
    Ok(())
}
fn none() {}

#[on_shutdown(fallback = files::borrows, when = |config: &Config| config.flush)]
async fn b(_: &Db) {}
mod files {
    pub(crate) async fn borrows(_: &super::Db, _: Option<&u8>) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[on_shutdown(fallback = shares, when = |_: Arc<Config>, db: super_db::Borrowed<'_>| -> Result<(), String> {
    db.map(|_| ()).ok_or_else(|| "no".to_owned())
})]
fn c(_: &Db) {}
fn shares<'a>(_: Arc<Config>, _: Config, _: Option<Take<String>>, _: CancellationToken, _: Alias<'a>) {}
mod super_db {
    pub(crate) type Borrowed<'a> = Option<&'a super::Db>;
}

#[on_shutdown(fallback = Db::boxed, when = cfg!(unix))]
fn d() {}
impl Db {
    fn boxed(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async { Ok(()) })
    }
}

#[on_shutdown(last, fallback = reports)]
fn e() {}
async fn reports(_: &Report, _: &Db) {}

#[on_shutdown(fallback = eight, when = || Err::<(), _>("never"))]
fn f() {}
#[allow(clippy::too_many_arguments)]
async fn eight(_: &Db, _: &Db, _: &Db, _: &Db, _: &Db, _: &Db, _: &Db, _: &Config) {}

#[on_start]
fn config() -> Config {
    Config { flush: true }
}

fn main() {
    let plan = lifecycle::plan().map_err(|errors| errors.to_string()).unwrap();
    assert_eq!(plan.steps.iter().filter(|step| step.name.len() == 1).count(), 6);
}

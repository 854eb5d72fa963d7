//! A service whose plan is asked for. It says so wherever it does anything.

use lifecycle::{Report, Settings, Take, on_shutdown, on_start};
use std::time::Duration;

struct Config {
    listen: &'static str,
}
struct Db;

fn setup(settings: &mut Settings) -> Config {
    eprintln!("setup runs");
    settings.lameduck(Duration::from_secs(4));
    settings.step::<notify>().off("nobody to notify here");
    Config { listen: "127.0.0.1:0" }
}

#[on_start(timeout = "10s")]
async fn open_db(config: &Config) -> Db {
    println!("STARTED {}", config.listen);
    Db
}

#[on_shutdown(order = -1, timeout = "1s")]
async fn deregister(config: &Config) {
    println!("STOPPED {}", config.listen);
}

#[on_shutdown(order = 2, timeout = "3s")]
async fn flush(_db: &Db) {
    println!("STOPPED flush");
}

#[on_shutdown(timeout = "2s")]
async fn close_db(Take(_db): Take<Db>) {
    println!("STOPPED close_db");
}

#[on_shutdown(timeout = "5s")]
async fn notify() {}

#[on_shutdown(last, timeout = "1s")]
fn alert(_: &Report) {}

#[lifecycle::main(grace = "40s", setup = setup)]
async fn main(_: &Db) {
    println!("SERVED");
}

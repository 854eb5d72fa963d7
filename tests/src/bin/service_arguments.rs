//! A service that takes resources in every form, and its own stop token.

use std::sync::Arc;

use lifecycle::{CancellationToken, on_shutdown, on_start};

struct Config {
    name: &'static str,
}
#[derive(Clone)]
struct Pool(u8);
struct Absent;
trait Venue: Send + Sync {
    fn name(&self) -> &'static str;
}
struct Fix;
impl Venue for Fix {
    fn name(&self) -> &'static str {
        "fix"
    }
}

fn setup(_: &mut lifecycle::Settings) -> Config {
    Config { name: "orders" }
}

#[on_start]
async fn open() -> (Pool, u16) {
    (Pool(7), 16)
}

#[on_start]
fn venue() -> Arc<dyn Venue> {
    Arc::new(Fix)
}

#[on_shutdown]
async fn close(pool: Pool) {
    println!("close {}", pool.0);
}

#[lifecycle::main(setup = setup)]
async fn main(
    config: &Config,
    pool: Pool,
    number: Arc<u16>,
    venue: &dyn Venue,
    absent: Option<&Absent>,
    present: Option<Pool>,
    token: CancellationToken,
) {
    println!("{} {} {number} {} {}", config.name, pool.0, venue.name(), absent.is_some());
    println!("serving {}", present.map_or(0, |pool| pool.0));
    token.cancelled().await;
    println!("the token is cancelled");
    lifecycle_tests::scene::told("end").await;
    println!("the service ends");
}

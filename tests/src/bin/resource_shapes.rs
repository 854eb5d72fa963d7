//! What start hooks give in every shape, and every way to take it.

use std::cell::Cell;
use std::sync::Arc;

use lifecycle::{Take, on_shutdown, on_start};
use lifecycle_tests::scene::{Loud, plays};

trait Venue: Send + Sync {
    fn name(&self) -> &'static str;
}
struct Fix(#[expect(dead_code, reason = "held for its drop")] Loud);
impl Venue for Fix {
    fn name(&self) -> &'static str {
        "fix"
    }
}

struct Left(u8);
struct Right(u8);
struct Present(u8);
struct Absent;
/// Send, not Sync.
struct Counter(Cell<u8>);

#[on_start]
fn venue() -> Arc<dyn Venue> {
    Arc::new(Fix(Loud("the venue")))
}

#[on_start]
async fn pair() -> Result<(Left, Right), std::io::Error> {
    Ok((Left(1), Right(2)))
}

#[on_start]
fn present() -> Option<Present> {
    Some(Present(3))
}

#[on_start]
fn absent() -> Option<Absent> {
    None
}

#[on_start]
async fn counter() -> Counter {
    Counter(Cell::new(4))
}

#[on_start]
fn nothing() {}

#[on_shutdown]
async fn by_reference(venue: &dyn Venue, left: &Left, present: &Present) {
    println!("by_reference {} {} {}", venue.name(), left.0, present.0);
}

#[on_shutdown]
fn by_arc(venue: Arc<dyn Venue>, right: Arc<Right>) {
    println!("by_arc {} {}", venue.name(), right.0);
}

#[on_shutdown]
async fn by_option(left: Option<&Left>, absent: Option<Arc<Absent>>) {
    println!("by_option {:?} {}", left.map(|left| left.0), absent.is_some());
}

#[on_shutdown]
async fn count(Take(counter): Take<Counter>) {
    counter.0.set(counter.0.get() + 1);
    println!("count {}", counter.0.get());
}

// Behind all that use it, in spite of its name.
#[on_shutdown]
async fn a_close_left(left: Take<Left>) {
    println!("a_close_left {}", left.0.0);
}

#[on_shutdown]
async fn a_close_venue(Take(venue): Take<Arc<dyn Venue>>) {
    println!("a_close_venue {}, {} holders", venue.name(), Arc::strong_count(&venue));
    drop(venue);
    println!("closed");
}

#[on_shutdown(order = 1)]
async fn close_absent(absent: Option<Take<Absent>>) {
    println!("close_absent {}", absent.is_some());
}

#[on_shutdown]
async fn needs_absent(_: &Absent) {
    println!("needs_absent");
}

#[on_shutdown(order = 3)]
fn too_late() {
    println!("left is taken: {}", lifecycle::resource::<Left>().is_none());
}

#[lifecycle::main]
async fn main() {
    let venue = lifecycle::resource::<dyn Venue>();
    println!("resource {:?}", venue.map(|venue| venue.name()));
    println!("absent {}", lifecycle::resource::<Absent>().is_none());
    if plays("held") {
        let left = lifecycle::resource::<Left>();
        // Lives longer than the service.
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(left);
        });
    }
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}

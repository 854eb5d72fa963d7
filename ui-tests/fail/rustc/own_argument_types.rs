//! A type of the user's own with a name we know is an ordinary type.
use lifecycle::{on_shutdown};

struct Option<T>(T);
struct Arc<T>(T);
struct Take<T>(T);
struct CancellationToken;

#[on_shutdown]
fn option(_: Option<u8>) {}

#[on_shutdown]
fn arc(_: Arc<u8>) {}

#[on_shutdown]
fn take(_: Take<u8>) {}

#[on_shutdown]
fn token(_: CancellationToken) {}

fn main() {
    let _ = (Option(1).0, Arc(1).0, Take(1).0, CancellationToken);
}

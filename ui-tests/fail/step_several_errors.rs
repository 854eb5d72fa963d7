//! All of them at once, each with its own caret.
use lifecycle::on_shutdown;

#[on_shutdown(order = "1", timeout = 30s, lst, label = "x")]
fn close<T>(_: &mut T, _: &'static str) -> impl Sized {}

fn main() {}

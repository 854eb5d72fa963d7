use std::future::Future;
use std::pin::Pin;

use lifecycle::on_start;

#[on_start]
fn open() -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async { 5 })
}

fn main() {}

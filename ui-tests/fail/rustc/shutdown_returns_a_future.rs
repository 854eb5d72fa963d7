use std::future::Future;
use std::pin::Pin;

use lifecycle::on_shutdown;

#[on_shutdown]
fn close() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async {})
}

fn main() {}

use std::future::Future;
use std::pin::Pin;

use lifecycle::tracked;

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[tracked]
fn create() -> Later<Option<u8>> {
    Box::pin(async { None })
}

fn main() {
    drop(create());
}

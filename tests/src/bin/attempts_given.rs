//! A start step whose first attempt gives its value only when it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lifecycle::{CancellationToken, Settings, on_start};
use lifecycle_tests::scene::block_on;

struct Connection(u32);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("connection {} is dropped", self.0);
    }
}

#[on_start]
fn connect(token: CancellationToken) -> Connection {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = 1 + CALLS.fetch_add(1, Ordering::SeqCst);
    if call == 1 {
        block_on(token.cancelled());
    }
    Connection(call)
}

fn setup(settings: &mut Settings) {
    let attempt = Duration::from_millis(150);
    settings.step::<connect>().timeout(Duration::from_secs(20)).attempt(attempt).retry(3);
}

#[lifecycle::main(setup = setup)]
async fn main(connection: Arc<Connection>) {
    let stopping = lifecycle::stopping();
    println!("serving with {}", connection.0);
    stopping.await;
}

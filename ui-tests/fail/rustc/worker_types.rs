use lifecycle::{on_shutdown, worker};

#[worker]
async fn gives() -> u8 {
    1
}

#[worker]
async fn not_send() {
    let rc = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(rc);
}

#[worker(order = 1)]
fn early() {}

#[on_shutdown(order = 0, after = early)]
fn contradicts() {}

fn main() {}

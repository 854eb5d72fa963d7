//! Mistakes in a body are the user's own: rustc's words, with the caret in the body.
use lifecycle::{on_shutdown, on_start};

#[on_start]
async fn open(port: &u16) -> Result<String, std::io::Error> {
    Ok(*port)
}

#[on_shutdown]
fn close() {
    undefined();
}

#[on_shutdown]
async fn flush(db: &u8) {
    db.flush().await;
}

fn main() {}

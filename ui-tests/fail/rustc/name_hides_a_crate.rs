//! A step's name stands for a type: where it is also a crate's, paths that begin with it are looked up in the type.
#[lifecycle::on_shutdown]
fn tracing() {}

#[lifecycle::on_shutdown]
fn flush() {
    tracing::info!("flushed");
}

fn main() {}

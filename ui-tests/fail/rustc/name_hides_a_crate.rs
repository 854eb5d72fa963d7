//! A step's name stands for a type: where it is also a crate's, paths that begin with it are looked up in the type.
#[lifecycle::on_shutdown]
fn tracing() {}

#[lifecycle::on_shutdown]
fn flush() {
    tracing::info!("flushed");
    let _ = tracing::Level::INFO;
}

// What to write instead.
mod with_a_label {
    #[lifecycle::on_shutdown(label = FlushTraces)]
    fn tracing() {}

    #[lifecycle::on_shutdown(after = FlushTraces)]
    fn flush() {
        tracing::info!("flushed");
        let _ = tracing::Level::INFO;
    }
}

fn main() {}

use lifecycle::on_shutdown;

#[derive(Debug)]
struct Failed;

#[on_shutdown]
async fn close() -> Result<(), Failed> {
    Err(Failed)
}

fn main() {}

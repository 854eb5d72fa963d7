use lifecycle::on_start;

struct Failed;

#[on_start]
async fn open() -> Result<u8, Failed> {
    Err(Failed)
}

fn main() {}

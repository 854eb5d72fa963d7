use lifecycle::tracked;

#[tracked(reject = "refused")]
async fn asynchronous() -> Result<u8, String> {
    Ok(1)
}

#[tracked(reject = 503)]
fn synchronous() -> Option<u8> {
    Some(1)
}

#[tracked(reject = unknown())]
fn not_there() -> u8 {
    1
}

fn main() {
    drop(asynchronous());
    synchronous();
    not_there();
}

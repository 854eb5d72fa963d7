use lifecycle::on_shutdown;

#[on_shutdown]
fn a_number() -> u8 {
    5
}

#[on_shutdown]
async fn inside_a_result() -> Result<Vec<u8>, String> {
    Ok(Vec::new())
}

#[on_shutdown]
async fn an_option() -> Option<()> {
    None
}

fn main() {}

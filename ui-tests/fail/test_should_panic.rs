#[lifecycle::test]
#[should_panic]
async fn fails() -> Result<(), String> {
    Ok(())
}

fn main() {}

struct Failed;

fn setup(_: &mut lifecycle::Settings) -> Result<u8, Failed> {
    Err(Failed)
}

#[lifecycle::main(setup = setup)]
async fn main() {}

struct Failed;

#[lifecycle::main]
async fn main() -> Result<(), Failed> {
    Err(Failed)
}

#[lifecycle::main]
async fn main() -> Result<(), std::io::Error> {
    let port: u16 = "8080";
    undefined(port).await?;
    Ok(())
}

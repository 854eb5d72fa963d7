use lifecycle::tracked;

#[derive(Debug)]
struct ApiError;

#[tracked]
async fn create() -> Result<u8, ApiError> {
    Ok(1)
}

#[tracked]
fn create_now() -> Result<u8, String> {
    Ok(1)
}

struct Orders;

impl Orders {
    #[tracked]
    async fn create(&self) -> Result<(), ApiError> {
        Err(ApiError)
    }
}

fn main() {
    drop((create(), create_now(), Orders.create()));
}

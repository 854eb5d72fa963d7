//! A type of the user's own with a name we know is an ordinary type.
use lifecycle::tracked;

enum Result<T, E> {
    Ok(T),
    Err(E),
}

struct Pin<T>(T);

#[tracked]
async fn result() -> Result<u8, lifecycle::Rejected> {
    Result::Ok(1)
}

#[tracked]
fn pin() -> Pin<Box<dyn Future<Output = std::io::Result<()>>>> {
    Pin(Box::new(async { Ok(()) }))
}

fn main() {
    drop(result());
    drop(pin().0);
    let _: Result<u8, u8> = Result::Err(1);
}

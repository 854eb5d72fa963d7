//! A `Result` of the user's own is not one that says whether a step failed.
use lifecycle::on_shutdown;

enum Result<T, E> {
    Ok(T),
    Err(E),
}

#[on_shutdown]
fn close() -> Result<(), String> {
    if std::env::args().count() > 5 { Result::Ok(()) } else { Result::Err(String::new()) }
}

fn main() {}

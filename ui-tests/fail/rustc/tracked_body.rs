//! Mistakes in a body are the user's own: rustc's words, with the caret in the body.
use lifecycle::tracked;

#[tracked]
async fn asynchronous(name: String) -> Result<usize, std::io::Error> {
    let kept = name;
    Ok(name.len() + kept.len())
}

#[tracked]
fn synchronous() -> Result<usize, std::io::Error> {
    let file = std::fs::read("orders")?;
    Ok(file)
}

#[tracked(reject = 0)]
async fn question_mark() -> usize {
    std::fs::read("orders")?.len()
}

#[tracked(reject = 0)]
fn undefined() -> usize {
    nowhere()
}

#[tracked(reject = 0)]
async fn nothing() -> usize {
    1;
}

fn main() {
    drop((asynchronous(String::new()), synchronous(), question_mark(), undefined(), nothing()));
}

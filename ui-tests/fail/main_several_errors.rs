//! All of them at once, each with its own caret.

#[lifecycle::main(grace = 25s, exit = "zero", flavour = "current_thread", setup = 5)]
fn main(db: &mut u8) {
    let _ = db;
}

//! The borrow checker points into the user's own body.
use lifecycle::tracked;

#[tracked(reject = 0)]
async fn exclusive(list: &mut Vec<u8>) -> usize {
    let first = &list[0];
    list.push(1);
    usize::from(*first)
}

#[tracked(reject = "")]
fn returns_a_local<'a>() -> &'a str {
    let name = String::new();
    &name
}

fn main() {
    returns_a_local();
    drop(exclusive(&mut Vec::new()));
}

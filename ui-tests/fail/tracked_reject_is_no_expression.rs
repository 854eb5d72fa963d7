use lifecycle::tracked;

#[tracked(reject = let)]
fn a_keyword() -> u8 {
    1
}

#[tracked(reject = 1 2)]
fn two() -> u8 {
    1
}

#[tracked(reject = 1 name = "x")]
fn no_comma() -> u8 {
    1
}

fn main() {}

use lifecycle::tracked;

#[tracked(reject = 0)]
const fn answer() -> u8 {
    42
}

fn main() {
    answer();
}

use lifecycle::tracked;

#[tracked(nam = "x", admit = never, reject = , name = 5)]
const fn create() -> u8 {
    1
}

fn main() {
    create();
}

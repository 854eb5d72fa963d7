use lifecycle::{on_shutdown, on_start};

#[on_start]
fn hidden() -> impl Clone {
    5
}

#[on_start]
async fn never() -> ! {
    loop {}
}

#[on_shutdown]
fn in_a_box() -> Box<impl Clone> {
    Box::new(5)
}

fn main() {}

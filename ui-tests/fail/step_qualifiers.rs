use lifecycle::{on_shutdown, on_start};

#[on_start]
const fn constant() {}

#[on_start]
extern "C" fn foreign() {}

#[on_shutdown]
unsafe fn unsafely() {}

fn main() {}

#[lifecycle::test]
fn closes() {}

fn main() {}

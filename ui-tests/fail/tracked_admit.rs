use lifecycle::tracked;

#[tracked(admit = never)]
fn never() {}

#[tracked(admit = "always")]
fn quoted() {}

#[tracked(admit = alway)]
fn misspelt() {}

#[tracked(admit = always())]
fn called() {}

fn main() {}

use lifecycle::tracked;

#[tracked(reject)]
fn no_value() {}

#[tracked(reject =)]
fn nothing_after_the_sign() {}

#[tracked(reject = (), admit)]
fn no_admission() {}

#[tracked(reject = (), name)]
fn no_name() {}

fn main() {}

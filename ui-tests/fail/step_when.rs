use lifecycle::{on_shutdown, on_start};

struct Config {
    flush: bool,
}

#[on_start(when = |config| config.flush)]
fn untyped() {}

#[on_shutdown(when = |config: _| config.flush)]
fn of_any_type() {}

#[on_shutdown(when = async |config: &Config| config.flush)]
fn in_a_moment() {}

#[on_shutdown(when = |config: &mut Config| config.flush)]
fn changes_it() {}

#[on_shutdown(when = |config: &impl Sized| true)]
fn of_some_type() {}

#[on_shutdown(when)]
fn no_condition() {}

#[on_shutdown(when = true, when = false)]
fn twice() {}

#[on_shutdown(when = if)]
fn no_expression() {}

#[on_shutdown(wen = true)]
fn misspelt() {}

fn main() {
    let _ = Config { flush: true }.flush;
}

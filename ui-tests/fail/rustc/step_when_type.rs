use lifecycle::{on_shutdown, on_start};

struct Config {
    flush: u8,
}
struct NotShared(std::cell::Cell<u8>);

#[on_start(when = |config: &Config| config.flush)]
fn a_number() {}

#[on_shutdown(when = 1 + 1)]
fn a_sum() {}

fn flushes(config: &Config) -> bool {
    config.flush > 0
}

#[on_shutdown(when = flushes)]
fn a_function() {}

#[on_shutdown(when = |config: &Config| config.flash)]
fn misspelt() {}

#[on_shutdown(when = |cell: &NotShared| cell.0.get() > 0)]
fn no_resource() {}

fn main() {
    flushes(&Config { flush: 1 });
    NotShared(std::cell::Cell::new(1));
}

use lifecycle::on_shutdown;

#[on_shutdown(timeout = 30s)]
fn unquoted() {}

#[on_shutdown(timeout = 30)]
fn bare() {}

#[on_shutdown(timeout = 500ms)]
fn unquoted_too() {}

#[on_shutdown(timeout = 1.5s)]
fn a_fraction() {}

#[on_shutdown(timeout = 5_000)]
fn underscored() {}

#[on_shutdown(timeout = -5)]
fn negative() {}

fn main() {}

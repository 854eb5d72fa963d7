use lifecycle::{on_shutdown, on_start};

fn write() {}

#[on_start(fallback = write)]
fn at_the_start() {}

#[on_shutdown(fallback = "write")]
fn a_string() {}

#[on_shutdown(fallback = write())]
fn a_call() {}

#[on_shutdown(fallback = |path: &str| write())]
fn a_closure() {}

#[on_shutdown(fallback = itself)]
fn itself() {}

#[on_shutdown(fallback)]
fn no_path() {}

#[on_shutdown(fallbacks = write)]
fn misspelt() {}

fn main() {
    write();
}

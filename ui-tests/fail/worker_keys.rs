use lifecycle::worker;

#[worker(restart = "never")]
fn quoted() {}

#[worker(restart = on_falure)]
fn misspelt() {}

#[worker(restart = sometimes)]
fn unknown() {}

#[worker(restart)]
fn no_word() {}

#[worker(restart = never, retry = 2)]
fn never_again() {}

#[worker(restart = always, restart = never)]
fn twice() {}

#[worker(attempt = "1s")]
fn no_attempts() {}

#[worker(fallback = quoted)]
fn no_fallback() {}

#[worker(last)]
fn last() {}

#[worker(interval = "1s")]
fn often() {}

#[worker(backof = "1s")]
fn misspelt_key() {}

#[worker(timeout = 5)]
fn no_unit() {}

#[worker(after = again)]
fn again() {}

fn main() {}

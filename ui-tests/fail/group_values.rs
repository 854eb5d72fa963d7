//! Every key with values that it does not take.
#[lifecycle::group(order = "1", timeout = 15s)]
struct Quotes;

#[lifecycle::group(order, timeout)]
struct Missing;

#[lifecycle::group(order = 1.5, timeout = "0s")]
struct Wrong;

#[lifecycle::group(order = 1, order = 2, timeout = "never")]
struct Twice;

#[lifecycle::group(crate = "lifecycle", timeout = std::time::Duration::from_secs(5))]
struct Paths;

fn main() {}

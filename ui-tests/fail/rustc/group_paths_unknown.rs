//! Names of nothing.
#[lifecycle::group(order = NOWHERE)]
struct Order;

#[lifecycle::group(timeout = nowhere::SOON)]
struct Timeout;

#[lifecycle::group(crate = nowhere)]
struct NoCrate;

fn main() {}

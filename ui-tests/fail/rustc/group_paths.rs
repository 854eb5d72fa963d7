//! Constants of another type.
const LONG: u64 = 5;
const SOON: &str = "5s";

#[lifecycle::group(order = LONG)]
struct Order;

#[lifecycle::group(timeout = SOON)]
struct Timeout;

fn main() {}

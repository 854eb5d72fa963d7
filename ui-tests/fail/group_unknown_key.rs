//! An unknown key, a near one, and those that belong to other attributes.
use lifecycle::on_shutdown;

#[lifecycle::group(tiemout = "5s")]
struct Near;

#[lifecycle::group(drain = "5s")]
struct OfMain;

#[lifecycle::group(last)]
struct OfShutdown;

#[lifecycle::group(label = Jobs)]
struct OfSteps;

#[lifecycle::group(priority = 1)]
struct Far;

#[on_shutdown(group = Near)]
fn of_tracked() {}

fn main() {}

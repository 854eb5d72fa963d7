//! Names in a group's edges that are no step.
use lifecycle::on_shutdown;

#[on_shutdown]
fn queue_is_empty() {}

fn plain() {}

struct Db;

#[lifecycle::group(after = queue_is_emtpy)]
struct Jobs;

#[lifecycle::group(before = Job)]
struct Mails;

#[lifecycle::group(after = plain)]
struct Uploads;

#[lifecycle::group(after = Db)]
struct Downloads;

#[on_shutdown(after = plain::Jobs)]
fn in_nothing() {}

fn main() {
    let _ = Db;
}

//! Groups close at the shutdown.
use lifecycle::on_start;

#[on_start]
fn open_db() {}

#[lifecycle::group(after = open_db)]
struct Jobs;

#[lifecycle::group(before = open_db)]
struct Mails;

#[on_start(after = Jobs)]
fn migrate() {}

fn main() {}

//! Orders and edges of groups.
use lifecycle::{Requests, on_shutdown};

#[lifecycle::group]
struct Jobs;

#[lifecycle::group(order = 4)]
struct Mails;

#[lifecycle::group(after = Mails)]
struct Uploads;

#[lifecycle::group(order = 1, after = [Jobs, Uploads])]
struct TooEarly;

#[lifecycle::group(order = -1, after = Requests)]
struct BeforeRequests;

#[lifecycle::group(order = 5, before = Mails)]
struct TooLate;

#[lifecycle::group(after = Jobs, before = Requests)]
struct Torn;

#[on_shutdown(order = -1, after = Jobs)]
fn while_serving() {}

#[on_shutdown(last)]
fn alert() {}

#[lifecycle::group(after = alert)]
struct AfterLast;

// A group comes before order 0 by itself, and after it if it says so.
#[on_shutdown(order = 0, after = Jobs)]
fn fine() {}

#[lifecycle::group(order = 0, after = [fine, Jobs])]
struct FineToo;

fn main() {}

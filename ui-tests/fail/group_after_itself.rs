//! A group in its own edges, by every way in which that can be seen in the attribute.
#[lifecycle::group(after = Jobs)]
struct Jobs;

#[lifecycle::group(after = [Jobs, Mails], before = self::Mails)]
struct Mails;

#[lifecycle::group(after = Jobs, before = Jobs)]
struct Uploads;

fn main() {}

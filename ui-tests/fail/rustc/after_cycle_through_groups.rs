use lifecycle::on_shutdown;

#[lifecycle::group(after = empty_queue)]
struct Jobs;

#[on_shutdown(after = Jobs)]
fn empty_queue() {}

#[lifecycle::group(after = inner::Mails)]
struct Uploads;

mod inner {
    #[lifecycle::group(order = 3, after = crate::flush)]
    pub(crate) struct Mails;
}

#[on_shutdown(after = Uploads)]
fn flush() {}

fn main() {}

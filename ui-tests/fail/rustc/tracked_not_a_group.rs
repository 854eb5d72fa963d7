//! Names that stand for no group.
use lifecycle::{Rejected, on_shutdown, tracked};

mod jobs {
    #[lifecycle::group]
    struct Hidden;
}

#[lifecycle::group]
struct Mails;

struct Plain;

#[on_shutdown]
fn close_db() {}

#[tracked(group = Plain)]
async fn of_a_plain_struct() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = close_db)]
fn of_a_step() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = Mail)]
fn misspelled() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = jobs::Hidden)]
fn of_a_hidden_one() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = T)]
fn of_its_own_type<T>(_: T) -> Result<(), Rejected> {
    Ok(())
}

fn main() {}

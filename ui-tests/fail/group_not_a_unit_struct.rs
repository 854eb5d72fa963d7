//! A group is a name: nothing but `struct Jobs;`.
use lifecycle::tracked;

#[lifecycle::group]
struct Named {
    jobs: u8,
}

#[lifecycle::group]
struct Empty {}

#[lifecycle::group]
pub(crate) struct Tuple(u8);

#[lifecycle::group]
enum Jobs {}

#[lifecycle::group]
fn jobs() {}

#[lifecycle::group]
mod all {}

#[tracked(group = Named)]
fn its_name_stands_for_a_group_all_the_same() -> Result<(), lifecycle::Rejected> {
    Ok(())
}

fn main() {}

use lifecycle::{Rejected, tracked};

#[lifecycle::group]
struct Jobs;

#[tracked(group = "Jobs")]
fn quoted() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group)]
fn missing() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = Jobs, group = Jobs)]
fn twice() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = 5)]
fn number() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(group = Jobs(1))]
fn called() -> Result<(), Rejected> {
    Ok(())
}

#[tracked(gruop = Jobs)]
fn near() -> Result<(), Rejected> {
    Ok(())
}

fn main() {}

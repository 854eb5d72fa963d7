use lifecycle::on_shutdown;

#[on_shutdown(order = "1")]
fn quoted() {}

#[on_shutdown(order = "first")]
fn a_word() {}

#[on_shutdown(order = 1.5)]
fn fraction() {}

#[on_shutdown(order = 1u8)]
fn of_another_type() {}

#[on_shutdown(order = 3_000_000_000)]
fn too_large() {}

#[on_shutdown(order = -2147483649)]
fn too_small() {}

#[on_shutdown(order = [1])]
fn a_list() {}

#[on_shutdown(order = 1 + 1)]
fn a_sum() {}

fn main() {}

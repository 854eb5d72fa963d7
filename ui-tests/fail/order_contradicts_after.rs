//! An `order` below that of what the step names in `after`.
use lifecycle::{Requests, on_shutdown, on_start};

mod orders {
    use super::*;

    #[on_shutdown(order = 3)]
    pub fn stop_workers() {}
}

#[on_shutdown(order = 1, after = orders::stop_workers)]
fn close_db() {}

#[on_shutdown(after = [plain, orders::stop_workers])]
fn between() {}

#[on_shutdown(order = 2, after = [plain, between])]
fn far() {}

#[on_shutdown]
fn plain() {}

#[on_shutdown(order = -1, after = plain)]
fn deregister() {}

#[on_shutdown(order = -2, after = Requests)]
fn say_goodbye() {}

#[on_shutdown(order = 0, after = lifecycle_ui_tests::steps::renamed)]
fn before_another_crate() {}

const FIRST: i32 = -2147483648;

#[on_start(order = FIRST, after = migrate)]
fn warm() {}

#[on_start(order = 2_147_483_647)]
fn migrate() {}

fn main() {}

use lifecycle::on_start;

#[on_start(timeout = "")]
fn empty() {}

#[on_start(timeout = "30")]
fn no_unit() {}

#[on_start(timeout = "5 s")]
fn a_space() {}

#[on_start(timeout = "5sec")]
fn unknown_unit() {}

#[on_start(timeout = "1.5s")]
fn fraction() {}

#[on_start(timeout = "30s 1m")]
fn disordered() {}

#[on_start(timeout = "99999999999999999999s")]
fn overflow() {}

#[on_start(timeout = "-5s")]
fn negative() {}

#[on_start(timeout = "0s")]
fn zero() {}

fn main() {}

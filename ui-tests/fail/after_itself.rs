//! A step cannot wait for itself, nor be on both sides of another.
use lifecycle::on_shutdown;

#[on_shutdown]
fn flush() {}

#[on_shutdown(after = close_db)]
fn close_db() {}

#[on_shutdown(after = [flush, self::close_cache])]
fn close_cache() {}

#[on_shutdown(before = [flush, LeaveCluster], label = LeaveCluster)]
fn leave() {}

#[on_shutdown(after = flush, before = [flush])]
fn torn() {}

fn main() {}

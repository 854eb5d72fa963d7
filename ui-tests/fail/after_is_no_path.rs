//! What `after` and `before` take: a step's name, or a list of them.
use lifecycle::on_shutdown;

#[on_shutdown]
fn flush() {}

#[on_shutdown(after = "flush")]
fn quoted() {}

#[on_shutdown(after = flush())]
fn called() {}

#[on_shutdown(before = 3)]
fn a_number() {}

#[on_shutdown(after = [])]
fn empty() {}

#[on_shutdown(after = [flush, self::other, flush])]
fn twice() {}

#[on_shutdown(before = [flush, "other"])]
fn quoted_in_a_list() {}

#[on_shutdown(before = [flush,, other])]
fn hole() {}

#[on_shutdown(after = (flush, other))]
fn tuple() {}

#[on_shutdown(after = [flush other])]
fn comma_forgotten() {}

#[on_shutdown(after)]
fn other() {}

fn main() {}

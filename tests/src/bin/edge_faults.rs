//! Edges that only the start can refuse. `KEEP` names which of the faults are left in.

use lifecycle::__private::Node;
use lifecycle::{Hook, Requests, Settings, on_shutdown, on_start, register};

/// What is left of a step whose registration the linker has dropped: the compiler knows it, and that is all.
#[expect(non_camel_case_types, reason = "a step's own name")]
struct ghost;

impl Node for ghost {}

fn setup(settings: &mut Settings) {
    let keep = std::env::var("KEEP").unwrap_or_default();
    if !keep.contains("cycle") {
        settings.step::<one>().off("this run has other faults");
        settings.step::<two>().off("this run has other faults");
        settings.step::<three>().off("this run has other faults");
    }
    if keep.contains("linker") {
        register(Hook::on_shutdown("follower", || async {}).after::<ghost>());
    }
    if keep.contains("order") {
        settings.step::<behind>().order(-4);
    }
    if keep.contains("requests") {
        settings.step::<behind>().before::<Requests>();
    }
    if keep.contains("phase") {
        register(Hook::on_start("migrate", || async {}).before::<behind>());
    }
    if keep.contains("last") {
        settings.step::<front>().last();
    }
}

#[on_start]
fn booted() {
    println!("booted");
}

#[on_shutdown(before = two)]
fn one() {}

#[on_shutdown(before = three)]
fn two() {}

#[on_shutdown(
    timeout = "1s",
    before = [
        // Its own line is what the error names.
        one,
    ]
)]
fn three() {}

#[on_shutdown]
fn front() {}

#[on_shutdown(after = front)]
fn behind() {}

#[lifecycle::main(setup = setup)]
async fn main() {
    println!("serving");
}

//! The attributes of the `lifecycle` crate, which re-exports and documents them.
#![allow(missing_docs, reason = "most are documented at their re-export, where their examples compile")]

mod arguments;
mod attempts;
mod attribute;
mod called;
mod component;
mod condition;
mod diag;
mod duration;
mod group;
mod health_check;
mod item;
mod keys;
mod main_fn;
mod paths;
mod place;
mod plain;
#[cfg(test)]
mod robust;
mod step;
mod test_fn;
#[cfg(test)]
mod testing;
mod tracked;
mod worker;

use proc_macro::TokenStream;

/// Turns `async fn main` into a program that starts, serves and ends in order.
///
/// Its arguments are resources. Keys: `setup`, `grace` (25s), `drain` (15s), `cut` (500ms), `lameduck` (0s), `reserve`
/// (2s), `signals` (`[SIGTERM, SIGINT]`), `exit` (`zero | reraise`), `budget` (`warn | deny`), `report`
/// (`table | json | off`), `ready` (`auto | manual`), `flavor` (`"multi_thread"`, `"current_thread"`),
/// `worker_threads`, `pause` and `resume` (a signal each, such as `SIGUSR1`), `journal` (a path, which
/// `LIFECYCLE_JOURNAL` beats; without either there is none), `crate`.
#[proc_macro_attribute]
pub fn main(keys: TokenStream, item: TokenStream) -> TokenStream {
    main_fn::attribute(keys.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn on_start(keys: TokenStream, item: TokenStream) -> TokenStream {
    step::attribute(keys::START, keys.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn on_shutdown(keys: TokenStream, item: TokenStream) -> TokenStream {
    step::attribute(keys::SHUTDOWN, keys.into(), item.into()).into()
}

/// Counts a function's runs; the shutdown waits for them and refuses new ones.
///
/// Keys: `group` (a `#[lifecycle::group]` struct; default `lifecycle::Requests`), `reject` (the value of a refused call; without it a `Result` whose error is `From<lifecycle::Rejected>`),
/// `admit` (`always`: counted, never refused), `id` (an expression over the arguments: which call it is, for the drain's lines
/// and the report), `span` (each call runs in a `tracing` span, which carries the id), `name` (in the report), `crate`.
#[proc_macro_attribute]
pub fn tracked(keys: TokenStream, item: TokenStream) -> TokenStream {
    tracked::attribute(keys.into(), item.into()).into()
}

/// Makes a unit struct a group of tracked calls, which closes and drains at its own place in the shutdown.
///
/// `#[tracked(group = Jobs)]` puts a function into it. Keys: `order`, `after` and `before` (as of a shutdown step; without
/// any of them the group comes right after `lifecycle::Requests`, before order 0), `timeout` (15s), `crate`.
#[proc_macro_attribute]
pub fn group(keys: TokenStream, item: TokenStream) -> TokenStream {
    group::attribute(keys.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn worker(keys: TokenStream, item: TokenStream) -> TokenStream {
    worker::attribute(keys.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn health_check(keys: TokenStream, item: TokenStream) -> TokenStream {
    health_check::attribute(keys.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn component(keys: TokenStream, item: TokenStream) -> TokenStream {
    component::attribute(keys.into(), item.into()).into()
}

/// Makes an async function a test with a lifecycle of its own: in a process of its own, on a paused clock, with all the
/// steps of the test's binary.
///
/// See the module `testing` of the library. Its arguments are resources. Keys: `setup` (in which `testing::provide` puts
/// fakes in the place of start hooks), `timeout` (60s of real time; then the test is ended and fails), `clock`
/// (`paused | real`), and of `#[lifecycle::main]` `grace`, `drain`, `cut`, `lameduck`, `reserve`, `signals`, `pause`,
/// `resume`, `ready`, `crate`.
#[proc_macro_attribute]
pub fn test(keys: TokenStream, item: TokenStream) -> TokenStream {
    test_fn::attribute(keys.into(), item.into()).into()
}

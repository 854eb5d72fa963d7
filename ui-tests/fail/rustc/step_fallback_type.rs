use std::cell::Cell;
use std::rc::Rc;

use lifecycle::{Report, on_shutdown};

#[on_shutdown(fallback = not_there)]
fn a() {}

struct NoFunction;
#[on_shutdown(fallback = NoFunction)]
fn b() {}

fn not_shared(_: &Cell<u8>) {}
#[on_shutdown(fallback = not_shared)]
fn c() {}

fn a_value() -> u8 {
    1
}
#[on_shutdown(fallback = a_value)]
fn d() {}

async fn not_send() {
    let rc = Rc::new(1);
    std::future::ready(()).await;
    drop(rc);
}
#[on_shutdown(fallback = not_send)]
fn e() {}

fn nine(_: &u8, _: &u8, _: &u8, _: &u8, _: &u8, _: &u8, _: &u8, _: &u8, _: &u8) {}
#[on_shutdown(fallback = nine)]
fn f() {}

fn of_the_report(_: &Report) {}
#[on_shutdown(fallback = of_the_report)]
fn g() {}

unsafe fn promises() {}
#[on_shutdown(fallback = promises)]
fn h() {}

fn main() {
    let _ = (not_shared, a_value, not_send, nine, of_the_report, promises, NoFunction);
}

use lifecycle::{health_check, on_shutdown};

fn of_any<T: Clone>(_: T) {}
#[on_shutdown(fallback = of_any)]
fn a() {}

async fn of_some<T>(_: &T) {}
#[on_shutdown(compensate = of_some)]
fn b() {}

struct Pool<T>(T);
impl<T> Pool<T> {
    fn reconnect(&self) {}
}
#[health_check(recover = Pool::reconnect)]
fn c() {}

#[health_check(recover = not_there)]
fn d() {}

struct NoFunction;
#[health_check(recover = NoFunction)]
fn e() {}

fn a_value() -> u8 {
    1
}
#[health_check(recover = a_value)]
fn f() {}

#[on_shutdown(compensate = a_value)]
fn g() {}

fn said(_: &u8) {}
#[on_shutdown(fallback = of_any::<u8>, compensate = of_some::<u8>)]
fn h() {}
#[health_check(recover = said)]
fn i() {}

fn main() {
    Pool(1_u8).reconnect();
    said(&1);
}

use lifecycle::on_shutdown;

struct Db;
const ORDER: i32 = 1;
mod db {}

fn plain() {}

#[on_shutdown(after = plain)]
fn after_a_function() {}

#[on_shutdown(after = Db)]
fn after_a_type() {}

#[on_shutdown(before = [ORDER, db])]
fn before_a_constant_and_a_module() {}

fn main() {
    plain();
    let _ = (Db, ORDER);
}

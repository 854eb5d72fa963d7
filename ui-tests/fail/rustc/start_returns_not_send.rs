use std::rc::Rc;

use lifecycle::on_start;

#[on_start]
fn name() -> Rc<str> {
    Rc::from("orders")
}

#[on_start]
async fn fallible() -> Result<*const u8, String> {
    Ok(std::ptr::null())
}

fn main() {}

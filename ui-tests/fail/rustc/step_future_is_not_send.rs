use std::rc::Rc;

use lifecycle::on_shutdown;

#[on_shutdown]
async fn close() {
    let name = Rc::new(5);
    lifecycle::stopping().await;
    drop(name);
}

fn main() {}

use std::cell::Cell;
use std::rc::Rc;

use lifecycle::{on_shutdown, on_start};

struct Local(Cell<u8>);

#[lifecycle::component]
impl Local {
    #[on_shutdown]
    fn not_shared(&self) {}
}

struct Pool;

#[lifecycle::component]
impl Pool {
    #[on_start]
    fn counted(self: Rc<Self>) {}

    #[on_shutdown(label = Close)]
    fn close(&self) -> Self {
        Pool
    }

    #[on_shutdown]
    fn nothing_there(&self, _: &NotThere) {}
}

fn main() {
    Local(Cell::new(1)).not_shared();
    Pool.close();
}

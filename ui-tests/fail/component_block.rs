use lifecycle::{on_shutdown, on_start};

#[lifecycle::component]
struct Pool<T>(T);

#[lifecycle::component]
impl<T> Pool<T> {
    #[on_start]
    fn of_any_type() -> Self {
        loop {}
    }
}

trait Close {
    fn close(&self);
}

#[lifecycle::component]
impl Close for Pool<u8> {
    #[on_shutdown]
    fn close(&self) {}
}

#[lifecycle::component(label = Pools)]
impl Pool<u16> {
    #[on_shutdown]
    fn labelled(&self) {}
}

fn main() {
    Pool(1u8).close();
    Pool(1u16).labelled();
}

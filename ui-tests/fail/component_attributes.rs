//! A component finds its steps by the names of their attributes.
use lifecycle::on_shutdown as stop;
use lifecycle::on_start;

struct Pool;

#[lifecycle::component]
impl Pool {
    #[stop]
    async fn close(&self) {}

    #[cfg_attr(unix, on_start(order = 3))]
    fn warm(&self) {}

    #[cfg_attr(all(), doc = "a pool", lifecycle::worker)]
    async fn work(&self) {}

    #[cfg_attr(all(), doc = "not ours")]
    #[on_start]
    fn sound(&self) {}
}

fn main() {
    Pool.sound();
}

use lifecycle::{health_check, on_shutdown, on_start, worker};

struct Pool;

#[lifecycle::component]
impl Pool {
    #[on_start]
    fn changes(&mut self) {}

    #[on_shutdown]
    fn consumes(self) {}

    #[worker(ordr = 1)]
    fn misspelt(&self) {}

    #[health_check]
    const SIZE: u8 = 1;

    #[on_shutdown(label = "Close")]
    fn quoted(&self) {}

    #[worker]
    fn generic<T>(&self, _: T) {}

    #[on_start]
    fn sound(&self) {}

    #[health_check(intervall = "1s")]
    fn misspelt_too(&self) {}
}

impl Pool {
    #[on_shutdown]
    fn outside(&self) {}

    #[on_start]
    fn open() -> Self {
        Pool
    }
}

fn main() {
    Pool.consumes();
    Pool.misspelt();
    Pool.sound();
    Pool.misspelt_too();
    Pool::open().outside();
}

use lifecycle::{on_shutdown, on_start};

struct Db;

impl Db {
    #[on_shutdown]
    async fn close(&self) {}

    #[on_shutdown]
    fn consume(self) {}

    #[on_start]
    fn open() -> Self {
        Db
    }

    #[on_start]
    fn copy(from: &Self) {
        let _ = from;
    }
}

fn main() {
    Db.consume();
    Db::copy(&Db::open());
}

//! Without `self` and `Self`, the attribute cannot see that it stands inside an `impl`.
use lifecycle::on_shutdown;

struct Db;

impl Db {
    #[on_shutdown]
    fn close() {}
}

fn main() {
    Db::close();
}

use lifecycle::on_shutdown;

struct Db;

#[on_shutdown]
fn exclusively(db: &mut Db) {
    let _ = db;
}

#[on_shutdown]
async fn for_ever(db: &'static Db) {
    let _ = db;
}

fn main() {}

#[lifecycle::main]
async fn main<T: Clone>(db: T) {
    drop(db.clone());
}

struct Db;

#[lifecycle::main]
async fn main(db: &mut Db, name: &'static str, other: impl Clone) {
    let _ = (db, name, other);
}

struct NotClone;

#[lifecycle::main]
async fn main(db: NotClone) {
    let _ = db;
}

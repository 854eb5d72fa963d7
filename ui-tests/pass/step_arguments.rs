//! Every form of argument, given what it asks for.
use std::sync::Arc;

use lifecycle::{CancellationToken, Outcome, Report, Take, on_shutdown, on_start};

#[derive(Clone)]
struct Pool(u8);
struct Db(u8);
struct Socket(std::cell::Cell<u8>);

trait Exchange: Send + Sync {
    fn name(&self) -> &'static str;
}

impl Exchange for Db {
    fn name(&self) -> &'static str {
        "exchange"
    }
}

#[on_start]
fn open() -> (Pool, Db) {
    (Pool(1), Db(2))
}

#[on_start]
async fn connect(db: &Db) -> Arc<dyn Exchange> {
    Arc::new(Db(db.0))
}

#[on_start]
fn listen() -> Socket {
    Socket(std::cell::Cell::new(3))
}

#[on_start]
fn name() -> Arc<str> {
    Arc::from("orders")
}

#[on_start]
fn absent() -> Option<u64> {
    None
}

#[on_shutdown]
async fn shared(pool: Pool, db: &Db, again: Arc<Db>, exchange: &dyn Exchange, token: CancellationToken) {
    assert_eq!((pool.0, db.0, again.0, exchange.name()), (1, 2, 2, "exchange"));
    assert!(!token.is_cancelled());
}

#[on_shutdown]
fn shared_with_a_sync_step(mut pool: Pool, &Db(db): &Db, exchange: Arc<dyn Exchange>, name: &str) {
    pool.0 += db;
    assert_eq!((pool.0, exchange.name(), name), (3, "exchange", "orders"));
}

#[on_shutdown]
fn present(pool: Option<Pool>, db: Option<&Db>, again: Option<Arc<Db>>) {
    assert!(pool.is_some() && db.is_some() && again.is_some());
}

#[on_shutdown]
fn not_present(a: Option<u32>, b: Option<&u32>, c: Option<Arc<u32>>, d: Option<Take<i32>>, e: Option<&u64>) {
    assert!(a.is_none() && b.is_none() && c.is_none() && d.is_none() && e.is_none());
}

#[on_shutdown]
async fn taken(Take(pool): Take<Pool>, Take(Socket(socket)): Take<Socket>, name: Option<Take<Arc<str>>>) {
    assert_eq!((pool.0, socket.get(), &*name.expect("it is there").0), (1, 3, "orders"));
}

#[on_shutdown(last)]
fn alert(report: &Report, db: &Db) {
    assert_eq!(db.0, 2);
    let done = report.steps.iter().filter(|step| step.outcome == Outcome::Done).count();
    assert_eq!((done, report.steps.len()), (11, 11), "{report}");
}

#[lifecycle::main]
async fn main(pool: Pool, db: &Db, exchange: Arc<dyn Exchange>, absent: Option<u64>) {
    assert_eq!((pool.0, db.0, exchange.name(), absent), (1, 2, "exchange", None));
}

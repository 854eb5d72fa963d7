//! Every argument form of a step, aliased, fully qualified, and beside a type of the user's own with the same name.
#![allow(dead_code, missing_docs)]

use lifecycle::{CancellationToken, Report, Take, on_shutdown, on_start};
use std::sync::Arc;

#[derive(Clone)]
struct Pool;
struct Db;

#[on_start]
async fn open() -> Result<Pool, String> {
    Ok(Pool)
}

#[on_start(order = -1, timeout = "1m 30s")]
fn both() -> (Db, u8) {
    (Db, 1)
}

#[on_shutdown(timeout = "3s")]
async fn close(
    pool: Pool,
    db: &Db,
    n: Arc<u8>,
    token: CancellationToken,
    Take(x): Take<u16>,
    m: Option<&u32>,
) -> Result<(), std::io::Error> {
    Ok(())
}

#[on_shutdown(last)]
fn alert(r: &Report) {}

#[on_shutdown]
fn cfgd<'a>(#[cfg(windows)] a: &'a Pool, #[cfg(unix)] b: &'a Db, c: Option<Take<Arc<str>>>) {}

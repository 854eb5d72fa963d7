//! A service on a terminal, which writes to it too.

use std::time::Duration;

use lifecycle::{Rejected, on_shutdown, on_start, tracked};
use lifecycle_tests::scene::{plays, told, told_blocking};

/// Who clones it keeps the library's own thread, to the end.
struct Sticky;

impl Clone for Sticky {
    fn clone(&self) -> Self {
        told_blocking("never");
        Sticky
    }
}

#[on_start]
async fn open_db() -> Sticky {
    if plays("slow start") {
        told("open").await;
    }
    Sticky
}

#[on_shutdown(order = -1, when = plays("stuck"))]
async fn let_go(_: Sticky) {}

#[tracked]
async fn create_order() -> Result<(), Rejected> {
    told("fill").await;
    Ok(())
}

#[tracked(id = format_args!("order={order}"))]
async fn checkout(order: u32) -> Result<(), Rejected> {
    told("fill").await;
    Ok(())
}

#[on_shutdown(timeout = "50s")]
async fn close_cache() {
    told("close").await;
}

#[on_shutdown(timeout = "20s")]
async fn close_the_database_of_every_counterparty() {
    told("close").await;
}

#[lifecycle::main(grace = "2m", drain = "40s")]
async fn main() {
    for _ in 0..2 {
        tokio::spawn(create_order());
    }
    tokio::spawn(checkout(42));
    tokio::spawn(async {
        told("chat").await;
        for line in 0..60 {
            println!("service line {line}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    tokio::spawn(async {
        // The calls are inside by then.
        while lifecycle::in_flight() < 3 {
            tokio::task::yield_now().await;
        }
        println!("serving");
    });
    lifecycle::stopping().await;
}

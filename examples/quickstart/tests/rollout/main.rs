//! A rollout: SIGTERM reaches the real service while its clients keep asking, and nothing that was answered is lost.
//!
//! The run is steered by states alone. The test takes the database's write lock, which leaves every client with exactly
//! one admitted request; the signal lands there; the lock goes once the service was seen to refuse.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod service;

use serde_json::json;

use client::{HalfSent, Idle, Tally};
use service::{Ended, Service, Step};

/// Clients that reuse their connection, and as many that open one for each request.
const CLIENTS: usize = 16;

const STEPS: [Step<'static>; 4] = [
    ("start", "open_db", "done"),
    ("group", "Requests", "done"),
    ("shutdown", "close_db", "done"),
    ("shutdown", "back_up", "done"),
];

/// What the clients and the service saw.
struct Rollout {
    tally: Tally,
    /// Requests that the service had begun to read when the signal came.
    half_sent: Tally,
    /// How many of these were finished after one had been refused.
    certainly_refused: u64,
    ended: Ended,
}

async fn roll_out(env: &[(&str, &str)]) -> Rollout {
    let service = Service::start(env).await;
    let idle = Idle::connect(service.address, 4).await;
    let mut half_sent = HalfSent::send(service.address, 8).await;
    let clients = client::keep_asking(service.address, CLIENTS);

    // Some traffic on every kind of connection, then the lock.
    clients.until_answered(20 * CLIENTS as u64).await;
    let mut lock = service.lock_database().await;
    let committed = lock.orders().await;
    clients.until_answered(committed).await;
    service.until_in_flight(2 * CLIENTS as u64).await;

    service.terminate().await;
    service.until_it_accepts_no_connection().await;
    let certainly_refused = half_sent.finish().await;
    assert_eq!(clients.answered(), committed, "an answer came while the database was locked");
    lock.release().await;

    let (mut tally, half_sent) = (clients.join().await, half_sent.join().await);
    tally.wrong.extend(idle.closed_without_reset().await);
    Rollout { tally, half_sent, certainly_refused, ended: service.ended().await }
}

impl Rollout {
    /// Everything that a rollout must not do, in words; empty if it went well.
    fn complaints(&self) -> Vec<String> {
        let Rollout { tally, half_sent, ended, .. } = self;
        let mut complaints: Vec<String> = tally.wrong.iter().chain(&half_sent.wrong).cloned().collect();
        let accepted = tally.accepted + half_sent.accepted;
        if ended.rows_in_main_file != Ok(accepted) {
            complaints.push(format!(
                "lost orders: {accepted} were answered 200, the main file alone has {:?}",
                ended.rows_in_main_file
            ));
        }
        if ended.rows_in_backup != Ok(accepted) {
            complaints.push(format!("poor backup: it has {:?}", ended.rows_in_backup));
        }
        if ended.wal_exists {
            complaints.push("open database: the -wal file is still there".into());
        }
        if let Err(error) = &ended.port_bound_again {
            complaints.push(format!("the port cannot be bound again: {error}"));
        }
        complaints
    }
}

#[tokio::test]
async fn every_answered_order_is_in_the_database_file() {
    let rollout = roll_out(&[]).await;
    assert_eq!(rollout.complaints(), [""; 0], "{}", rollout.ended.stderr);
    assert_eq!(rollout.ended.exit_code, Some(0), "{}", rollout.ended.stderr);
    assert_eq!(rollout.ended.steps(), STEPS);
    assert_eq!(rollout.ended.report["service"], "ended");
    assert_eq!(rollout.ended.report["calls"]["cut_off"], json!([]));
    assert_eq!(rollout.ended.report["calls"]["refused"], rollout.half_sent.refused);
    assert_eq!(rollout.ended.report["calls"]["awaited"], 2 * CLIENTS as u64 + rollout.half_sent.accepted);

    // Each client had one request in the air, was then told that the connection closes, and found no listener.
    assert_eq!(rollout.tally.unreachable, 2 * CLIENTS as u64);
    assert!(rollout.half_sent.refused > rollout.certainly_refused);
    assert_eq!(rollout.half_sent.accepted + rollout.half_sent.refused, 8);
}

/// The control: without the close hook the same checks must fail, or they check nothing.
#[tokio::test]
async fn without_the_close_hook_orders_are_lost() {
    let rollout = roll_out(&[("QUICKSTART_KEEP_OPEN", "1")]).await;
    let complaints = rollout.complaints();
    let starts = ["lost orders: ", "poor backup: ", "open database: "];
    assert_eq!(complaints.len(), starts.len(), "{complaints:?}");
    for (complaint, start) in complaints.iter().zip(starts) {
        assert!(complaint.starts_with(start), "{complaints:?}");
    }
    assert_eq!(rollout.ended.exit_code, Some(0), "{}", rollout.ended.stderr);

    let [opened, drained, (kind, closed, _), copied] = STEPS;
    assert_eq!(rollout.ended.steps(), [opened, drained, copied, (kind, closed, "off")]);
}

//! What the programs before and after a migration have in common: a database to close, and work that the test ends.

use std::io::Write;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use crate::scene::told;

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// To be closed when nobody uses it any more.
#[derive(Clone, Debug)]
pub struct Db;

impl Db {
    /// Opens it.
    pub async fn open() -> Self {
        say("the database is open");
        Db
    }

    /// Writes an order, which takes until the test says so, and then a while: who does not wait for it is seen not to.
    pub async fn write(&self, order: &str) {
        say(&format!("{order} begins"));
        told("go on").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        say(&format!("{order} is written"));
    }

    /// Closes it.
    pub async fn close(self) {
        say("the database is closed");
    }
}

/// Orders that wait to be written.
#[derive(Debug)]
pub struct Queue(
    Mutex<mpsc::Receiver<&'static str>>,
    #[expect(dead_code, reason = "keeps it open")] mpsc::Sender<&'static str>,
);

impl Queue {
    /// With these.
    pub fn of(orders: &[&'static str]) -> Self {
        let (sender, receiver) = mpsc::channel(orders.len());
        for &order in orders {
            sender.try_send(order).unwrap();
        }
        Queue(Mutex::new(receiver), sender)
    }

    /// The next one, once there is one. Cancel safe.
    pub async fn next(&self) -> Option<&'static str> {
        self.0.lock().await.recv().await
    }
}

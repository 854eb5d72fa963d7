//! Buy orders, one below the other, each replaced when it is gone. Good enough to have something to cancel.

use rust_decimal::Decimal;
use tokio::time::{Interval, interval};

use crate::book::{Book, Order, State};
use crate::config::Strategy;

pub(crate) struct Ladder<'a> {
    strategy: &'a Strategy,
    tick: Interval,
    /// No two runs give an order the same name.
    run: i64,
    placed: u32,
}

impl<'a> Ladder<'a> {
    pub(crate) fn new(strategy: &'a Strategy) -> Self {
        let run = chrono::Utc::now().timestamp_micros();
        Ladder { strategy, tick: interval(strategy.interval), run, placed: 0 }
    }

    /// The next order, once a rung is free.
    pub(crate) async fn next(&mut self, book: &Book) -> Order {
        loop {
            self.tick.tick().await;
            let open = book.open_orders();
            let rungs = (1..=self.strategy.orders).map(|rung| self.price(rung));
            let free = rungs.into_iter().find(|price| !open.iter().any(|order| order.price == *price));
            if let Some(price) = free {
                self.placed += 1;
                return Order {
                    client_id: format!("bot{:x}n{}", self.run, self.placed),
                    exchange_id: None,
                    symbol: self.strategy.symbol.clone(),
                    price,
                    size: self.strategy.size,
                    state: State::New,
                };
            }
        }
    }

    fn price(&self, rung: usize) -> Decimal {
        self.strategy.price - self.strategy.step * Decimal::from(rung)
    }
}

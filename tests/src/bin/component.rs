//! One type whose methods are steps of every kind, and a `main` that signals pause.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use lifecycle::{
    CancellationToken, Event, Rejected, State, Take, health_check, on_shutdown, on_start, provide, tracked,
    worker,
};
use lifecycle_tests::scene::told;
use tokio::runtime::Handle;

/// What `main` provides once it serves.
struct Route(&'static str);

struct Venue {
    name: &'static str,
    warmed: AtomicU32,
    connected: AtomicBool,
}

#[lifecycle::component]
impl Venue {
    #[on_start]
    async fn connect() -> Result<Self, String> {
        println!("connected");
        Ok(Venue { name: "the venue", warmed: AtomicU32::new(0), connected: AtomicBool::new(false) })
    }

    #[on_start(retry = 1, backoff = "1ms", label = Warm)]
    fn warm(&self) -> Result<(), String> {
        let run = self.warmed.fetch_add(1, Ordering::SeqCst) + 1;
        println!("warming {} for the {run}. time", self.name);
        if run == 1 { Err("cold".to_owned()) } else { Ok(()) }
    }

    #[worker]
    async fn stream(self: Arc<Self>, route: &Route, token: CancellationToken) {
        println!("{} streams by {}", self.name, route.0);
        token.cancelled().await;
        println!("the stream ends");
    }

    /// Its future is not `Send`.
    #[worker(restart = never)]
    fn poll(&self, token: CancellationToken) {
        Handle::current().block_on(async {
            let polled = Rc::new(self.name);
            println!("{polled} is polled on {}", thread::current().name().unwrap_or_default());
            token.cancelled().await;
            println!("the polling of {polled} ends");
        });
    }

    #[health_check(interval = "5ms", delay = "1ms", recover = Self::reconnect, label = VenueAnswers)]
    async fn answers(&self) -> Result<(), String> {
        if self.connected.load(Ordering::SeqCst) { Ok(()) } else { Err("no answer".to_owned()) }
    }

    async fn reconnect(&self, route: &Route) -> Result<(), String> {
        println!("{} is connected again by {}", self.name, route.0);
        self.connected.store(true, Ordering::SeqCst);
        Ok(())
    }

    #[on_shutdown(label = Cancel, retry = 1, backoff = "1ms", fallback = Self::write_down, when = |venue: &Self| {
        venue.connected.load(Ordering::SeqCst)
    })]
    async fn cancel(&self) -> Result<(), String> {
        println!("cancelling");
        Err("refused".to_owned())
    }

    fn write_down(&self, route: Option<&Route>) {
        println!("{} is written down for {}", self.name, route.map_or("nobody", |route| route.0));
    }

    #[on_shutdown(after = Cancel, when = |venue: &Self| venue.audits())]
    fn audit(&self) {
        println!("audited");
    }

    fn audits(&self) -> Result<(), String> {
        Err(format!("{} is never audited", self.name))
    }

    #[tracked]
    async fn order(&self) -> Result<&'static str, Rejected> {
        Ok(self.name)
    }
}

#[on_shutdown]
fn sell(Take(venue): Take<Venue>) {
    println!("{} is sold", venue.name);
}

#[lifecycle::main(pause = SIGUSR1, resume = SIGUSR2)]
async fn main(venue: Arc<Venue>) {
    let stopping = lifecycle::stopping();
    println!("serving");
    told("provide").await;
    let mut events = lifecycle::events();
    provide(Route("the sea")).unwrap();
    while !matches!(events.recv().await.unwrap(), Event::Recovered { .. }) {}
    println!("recovered");
    for wanted in [State::Paused, State::Running] {
        while lifecycle::state() != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("{wanted:?}: {:?}", venue.order().await.map_err(|rejected| rejected.reason()));
    }
    stopping.await;
}

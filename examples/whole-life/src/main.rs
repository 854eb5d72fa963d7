//! A relay: orders dropped as files into `$RELAY_HOME/inbox` are placed at a venue, the folder `$RELAY_HOME/venue`. An open
//! order is a file there, and the venue is up while it has a file `up`.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, io};

use lifecycle::{CancellationToken, Check, Event, Events, Hook, PreviousRun, Report, Settings, State, Take};
use lifecycle::{admitting, health_check, on_shutdown, on_start, worker};
use tokio::runtime::Handle;

#[cfg(test)]
mod tests;

struct Config {
    home: PathBuf,
    keep_orders: bool,
}

/// Before every thread: the configuration, where the journal is, and an ear for everything that happens.
fn setup(settings: &mut Settings) -> Result<(Config, Events), String> {
    let home = env::var_os("RELAY_HOME").ok_or("RELAY_HOME is not set: name a folder")?;
    let home = PathBuf::from(home);
    for folder in ["inbox", "venue"] {
        fs::create_dir_all(home.join(folder)).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    settings.journal(home.join("journal"));
    Ok((Config { home, keep_orders: env::var_os("RELAY_KEEP_ORDERS").is_some() }, lifecycle::events()))
}

/// First of all, what the run before this one has left undone.
#[on_start(order = -1)]
fn look_back() {
    match lifecycle::previous_run() {
        Some(PreviousRun::First) => println!("previous run: none"),
        Some(PreviousRun::Clean { report }) => println!("previous run: ended by {}", report.reason),
        Some(PreviousRun::Unclean(run)) if run.killed => println!("previous run: killed"),
        Some(PreviousRun::Unclean(_)) => println!("previous run: left something undone"),
        _ => println!("previous run: not known"),
    }
    for letter in lifecycle::dead_letters() {
        println!(
            "owed: {}, tried {} times, needs a person: {}",
            letter.step, letter.attempts, letter.needs_person
        );
    }
}

struct Venue {
    orders: PathBuf,
    connected: AtomicBool,
}

/// The venue may come up after us.
#[on_start(timeout = "20s", retry = 10, backoff = "100ms")]
fn connect(config: &Config) -> io::Result<Venue> {
    println!("connecting");
    let venue = Venue { orders: config.home.join("venue"), connected: AtomicBool::new(false) };
    venue.reconnect()?;
    Ok(venue)
}

#[lifecycle::component]
impl Venue {
    fn reconnect(&self) -> io::Result<()> {
        let up = self.orders.join("up").exists();
        self.connected.store(up, Ordering::Relaxed);
        if up { Ok(()) } else { Err(io::Error::new(io::ErrorKind::NotConnected, "the venue is down")) }
    }

    /// A connection that was lost stays lost until somebody connects again.
    #[health_check(recover = Self::reconnect, interval = "500ms", retry = 50, delay = "200ms", label = VenueAnswers)]
    async fn answers(&self) -> io::Result<()> {
        if self.connected.load(Ordering::Relaxed) {
            self.reconnect()
        } else {
            Err(io::ErrorKind::NotConnected.into())
        }
    }

    /// Called from outside it is counted, and refused once we drain. What a worker calls is let in.
    #[lifecycle::tracked(name = "venue.place")]
    async fn place(&self, order: &Path) -> io::Result<()> {
        self.reconnect()?;
        let name = order.file_name().unwrap_or_default();
        fs::rename(order, self.orders.join(name))?;
        println!("placed {}", name.to_string_lossy());
        Ok(())
    }

    fn open_orders(&self) -> io::Result<Vec<String>> {
        let mut orders = Vec::new();
        for file in fs::read_dir(&self.orders)? {
            orders.push(file?.file_name().to_string_lossy().into_owned());
        }
        orders.retain(|order| order != "up");
        orders.sort();
        Ok(orders)
    }

    /// No order stays open without us. It may be done twice, so it can also make up for a run that was killed.
    #[on_shutdown(label = CancelOrders, after = relay, timeout = "5s", attempt = "2s", retry = 2, backoff = "100ms",
        fallback = Self::write_down, compensate = Self::cancel_orders, when = |config: &Config| !config.keep_orders)]
    async fn cancel_orders(&self) -> io::Result<()> {
        self.reconnect()?;
        let (orders, mut failed) = (self.open_orders()?, Ok(()));
        lifecycle::note("open", orders.len());
        for order in orders {
            // Better to say so than to be cut off: the fallback writes down what is left.
            if lifecycle::time_left().is_some_and(|left| left < Duration::from_millis(50)) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let cancelled = fs::remove_file(self.orders.join(&order));
            println!("cancelled {order}: {}", cancelled.is_ok());
            lifecycle::item(&order, cancelled.as_ref().map(drop));
            failed = failed.and(cancelled);
        }
        failed
    }

    /// What could not be cancelled is for a person.
    async fn write_down(&self, config: &Config) -> io::Result<()> {
        let orders = self.open_orders()?;
        lifecycle::note("left open", orders.join(", "));
        fs::write(config.home.join("left-open"), orders.join("\n") + "\n")
    }
}

struct Inbox(PathBuf);

/// Places what comes in, from when `main` opens the inbox. Takes no order while the relay is paused or the venue is down,
/// and none once it was told to stop.
#[worker(timeout = "3s")]
async fn relay(inbox: &Inbox, venue: &Venue) -> io::Result<()> {
    while let Some(order) = admitting().next(next_order(inbox, venue)).await {
        venue.place(&order?).await?;
    }
    Ok(())
}

async fn next_order(inbox: &Inbox, venue: &Venue) -> io::Result<PathBuf> {
    loop {
        match fs::read_dir(&inbox.0)?.next() {
            Some(file) if venue.connected.load(Ordering::Relaxed) => return Ok(file?.path()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Keeps a file `ready` while the relay is, for whoever sends orders. A sync worker has a thread of its own, where a future
/// need not be `Send`.
#[worker(after = relay, timeout = "1s", restart = always, retry = 3, backoff = "200ms")]
fn beacon(config: &Config, token: CancellationToken) -> io::Result<()> {
    let file = Rc::new(config.home.join("ready"));
    let said = Rc::clone(&file);
    let telling = async move {
        loop {
            if lifecycle::is_ready() {
                fs::write(&*said, lifecycle::health().to_string())?;
            } else if said.exists() {
                fs::remove_file(&*said)?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ended: Option<io::Result<()>> = Handle::current().block_on(token.run_until_cancelled(telling));
    if file.exists() {
        fs::remove_file(&*file)?;
    }
    ended.unwrap_or(Ok(()))
}

/// Somebody should look at a bad end.
#[on_shutdown(last)]
fn alert(config: &Config, report: &Report) -> io::Result<()> {
    if report.is_degraded() { fs::write(config.home.join("alert"), report.to_string()) } else { Ok(()) }
}

#[lifecycle::main(setup = setup, grace = "20s", pause = SIGUSR1, resume = SIGUSR2)]
async fn main(config: &Config, Take(mut events): Take<Events>) -> Result<(), String> {
    let stopping = lifecycle::stop_token();
    let pid_file = config.home.join("pid");
    fs::write(&pid_file, std::process::id().to_string()).map_err(|error| error.to_string())?;
    // A step that is known only now; a `last` one without a `&Report` runs once the report is printed.
    let remove = move || std::future::ready(fs::remove_file(&pid_file));
    lifecycle::register(Hook::on_shutdown("remove_pid_file", remove).last());
    let inbox = config.home.join("inbox");
    let watched = inbox.clone();
    let readable = move || std::future::ready(fs::read_dir(&watched).map(drop));
    lifecycle::register(Check::new("inbox", readable).interval(Duration::from_secs(5)));
    // The last thing that the worker takes: it begins now.
    lifecycle::provide(Inbox(inbox)).map_err(|error| error.to_string())?;

    println!("relaying from {}", config.home.display());
    while let Some(Some(event)) = stopping.run_until_cancelled(events.recv()).await {
        match event {
            Event::Healthy { check } => println!("{check}: healthy"),
            Event::Recovering { check, attempt, of, .. } => {
                println!("{check}: recovering, {attempt} of {of}")
            }
            Event::Recovered { check } => println!("{check}: recovered"),
            // Only a new start helps: one whose supervisor waits between them.
            Event::RecoveryFailed { check, error } => return Err(format!("{check}: {error}")),
            Event::State(State::Paused) => println!("paused"),
            Event::State(State::Running) => println!("running"),
            _ => {}
        }
    }
    Ok(())
}
